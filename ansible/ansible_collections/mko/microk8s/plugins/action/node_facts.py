# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""The controller's part of mko.microk8s.node_facts: look without root first, then with; name the reason when that fails."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import re
import time

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

# Plain POSIX sh: runs on a node without Python and without root. Each line is "key=value".
PROBE = r'''
echo probe=1
echo uid=$(id -u)
echo hostname=$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)
echo machine=$(uname -m); echo kernel=$(uname -r)
p=$(command -v python3) && echo python=$("$p" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
if command -v sudo >/dev/null; then echo sudo=yes; echo try=$(LC_ALL=C sudo -n true 2>&1 </dev/null | tr '\n' ' '); else echo sudo=no; fi
. /etc/os-release 2>/dev/null; echo os_id=$ID; echo os_version=$VERSION_ID; echo os_name=$PRETTY_NAME
'''

PROBLEMS = {
    'python_missing': 'The node has no Python 3, which Ansible needs. Install it there: sudo apt-get install -y python3',
    'python_old': 'Python on the node is older than 3.8: install a newer system.',
    'sudo_missing': 'sudo is not installed on the node, and the user is not root. MicroK8s needs sudo too. As root: apt-get install -y sudo',
    'sudo_password': 'sudo on the node asks for a password that was not given. Give the password, or allow the user sudo without one.',
    'sudo_wrong_password': 'sudo on the node does not accept the password that was given.',
    'sudo_denied': 'The user may not use sudo on the node. As root: usermod -aG sudo USER',
    'sudo_tty': 'sudo on the node insists on a terminal (requiretty in sudoers). Remove that setting for this user.',
    'become_failed': 'Becoming root on the node failed.',
}
ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64', 'armv7l': 'armhf', 'armv6l': 'armhf', 'ppc64le': 'ppc64el'}


def parse_probe(text):
    """The key=value lines of the probe."""
    return dict(line.split('=', 1) for line in text.splitlines() if re.match(r'^[a-z_]+=', line))


def sudo_problem(probe, text):
    """A code of PROBLEMS out of the probe and the message of a failed attempt."""
    text = text.lower()
    if 'incorrect sudo password' in text or 'incorrect password' in text:
        return 'sudo_wrong_password'
    text += ' ' + probe.get('try', '').lower()
    if probe.get('sudo') == 'no' or 'sudo: not found' in text or 'sudo: command not found' in text:
        return 'sudo_missing'
    if 'must have a tty' in text:
        return 'sudo_tty'
    if 'not in the sudoers' in text or 'may not run sudo' in text or 'not allowed to execute' in text:
        return 'sudo_denied'
    if 'password is required' in text or 'missing sudo password' in text or 'timeout' in text and 'privilege' in text:
        return 'sudo_password'
    return 'become_failed'


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        before = self._low_level_execute_command(PROBE, sudoable=False, executable='/bin/sh')
        probe = parse_probe(before.get('stdout', ''))
        if 'probe' not in probe:
            raise AnsibleError('The shell of the node does not answer as expected: %s' % (before.get('stderr') or before.get('stdout') or '')[:300])
        node = {key: None for key in ('cpu_cores', 'memory_bytes', 'disk_bytes', 'mac_address', 'machine_id', 'clock_ms', 'clock_skew_ms')}
        node.update({
            'reachable': True, 'sudo': probe.get('uid') == '0' or (probe.get('sudo') == 'yes' and not probe.get('try', '').strip()), 'tty': 'must have a tty' in probe.get('try', ''), 'python': probe.get('python') or None,
            'os': {'id': probe.get('os_id') or None, 'version': probe.get('os_version') or None, 'name': probe.get('os_name') or None},
            'kernel_version': probe.get('kernel'), 'architecture': ARCHITECTURES.get(probe.get('machine'), probe.get('machine')),
            'hostname': probe.get('hostname')})
        if not node['python']:
            return self._end(result, node, 'python_missing')
        if [int(part) for part in node['python'].split('.')[:2]] < [3, 8]:
            return self._end(result, node, 'python_old')
        return self._with_root(result, node, probe, task_vars)

    def _with_root(self, result, node, probe, task_vars):
        args = {'address': self._task.args.get('address')}
        text = ''
        try:
            begun = time.time()
            answer = self._execute_module(module_name='mko.microk8s.node_facts', module_args=args, task_vars=task_vars)
            ended = time.time()
            if not answer.get('failed') and answer.get('node'):
                node.update(answer['node'])
                node.update({'sudo': True, 'clock_skew_ms': self._skew(node['clock_ms'], begun, ended)})
                return self._end(result, node, 'ok')
            text = ' '.join(str(answer.get(key) or '') for key in ('msg', 'module_stderr', 'module_stdout'))
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            text = str(error)
        code = sudo_problem(probe, text)
        node['sudo'] = False
        self._without_root(node, args, task_vars)
        return self._end(result, node, code, text)

    def _without_root(self, node, args, task_vars):
        """What can be known all the same."""
        become, self._connection.become = self._connection.become, None
        try:
            begun = time.time()
            answer = self._execute_module(module_name='mko.microk8s.node_facts', module_args=args, task_vars=task_vars)
            if answer.get('node'):
                node.update(answer['node'])
                node['clock_skew_ms'] = self._skew(node['clock_ms'], begun, time.time())
        except AnsibleConnectionFailure:
            raise
        except AnsibleError:
            pass
        finally:
            self._connection.become = become

    @staticmethod
    def _skew(clock_ms, begun, ended):
        """The node read its clock late in the round trip: after Python had started, shortly before the answer."""
        if clock_ms is None:
            return None
        low, high = clock_ms - ended * 1000, clock_ms - begun * 1000
        return 0 if low <= 0 <= high else int(low)

    @staticmethod
    def _end(result, node, code, text=''):
        problem = PROBLEMS.get(code, '')
        if code == 'become_failed' and text.strip():
            problem += ' The node says: ' + text.strip()[:300]
        result.update({'changed': False, 'node': node, 'code': code, 'problem': problem})
        return result
