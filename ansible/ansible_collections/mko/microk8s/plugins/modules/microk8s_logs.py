#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: the newest lines of the journals of MicroK8s."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_logs
short_description: Read the journal of the MicroK8s services
version_added: 1.0.0
author: The mko team
description:
  - Asks journald for the newest lines of one service or of all. Changes nothing.
  - Control characters are shown as \\xNN. Of what is longer than O(bytes), the newest whole lines are given.
options:
  unit:
    description: A service without the prefix of the snap, for example C(kubelite); C(all) for all.
    type: str
    choices: [all, kubelite, k8s-dqlite, containerd, cluster-agent, apiserver-kicker, apiserver-proxy, etcd, flanneld]
    default: all
  since:
    description: Only the last so many seconds; 0 for all that the journal has.
    type: int
    default: 0
  lines:
    description: How many lines at most.
    type: int
    default: 200
  bytes:
    description: How many bytes at most.
    type: int
    default: 1048576
attributes:
  check_mode:
    support: full
    description: It changes nothing in any case.
'''

EXAMPLES = '''
- name: Read the journal
  mko.microk8s.microk8s_logs:
    unit: kubelite
    lines: 50
  register: journal
'''

RETURN = '''
text:
  description: The lines, oldest first, each with its end; empty when there are none.
  type: str
  returned: always
lines:
  description: How many lines.
  type: int
  returned: always
cut:
  description: Whether older lines were left out for O(bytes).
  type: bool
  returned: always
'''

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run

SERVICES = ('kubelite', 'k8s-dqlite', 'containerd', 'cluster-agent', 'apiserver-kicker', 'apiserver-proxy', 'etcd', 'flanneld')
CONTROL = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f]')


def command(unit, since, lines):
    """The command line that asks journald."""
    names = SERVICES if unit == 'all' else (unit,)
    argv = ['/usr/bin/journalctl', '--no-pager', '-q', '-o', 'short-iso', '-n', str(lines)]
    for name in names:
        argv += ['-u', 'snap.microk8s.daemon-%s.service' % name]
    return argv + (['--since', '-%dsec' % since] if since > 0 else [])


def tidy(text, limit):
    """Whole lines that a terminal may show, of the newest `limit` bytes; and whether some were left out."""
    kept = [CONTROL.sub(lambda match: '\\x%02x' % ord(match.group()), line) for line in text.split('\n') if line and line != '-- No entries --']
    size, begin = 0, len(kept)
    while begin > 0 and size + len(kept[begin - 1].encode('utf-8', 'replace')) + 1 <= limit:
        begin -= 1
        size += len(kept[begin].encode('utf-8', 'replace')) + 1
    return kept[begin:], begin > 0


def main():
    module = AnsibleModule(
        argument_spec={'unit': {'type': 'str', 'default': 'all', 'choices': ['all'] + list(SERVICES)}, 'since': {'type': 'int', 'default': 0},
                       'lines': {'type': 'int', 'default': 200}, 'bytes': {'type': 'int', 'default': 1048576}},
        supports_check_mode=True)
    result = run(command(module.params['unit'], module.params['since'], module.params['lines']), 60)
    if result.rc != 0:
        module.fail_json(msg='journalctl failed (exit code %d): %s' % (result.rc, result.short(400) or 'it said nothing'))
    lines, cut = tidy(result.out, module.params['bytes'])
    module.exit_json(changed=False, text=''.join(line + '\n' for line in lines), lines=len(lines), cut=cut)


if __name__ == '__main__':
    main()
