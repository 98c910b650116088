#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: a node has what MicroK8s needs; what it cannot mend it reports, all at once."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: node_prepare
short_description: Prepare a node for MicroK8s and check what cannot be prepared
version_added: 1.0.0
author: The mko team
description:
  - Writes a managed block into /etc/hosts, installs missing packages, loads kernel modules, raises kernel limits, opens an
    active ufw, waits for snapd.
  - Checks host name, memory, disk, memory cgroup, swap, clock, route, ports, other Kubernetes systems and more.
  - Each remark has a stable code C(MKO-PRE-0xx), a severity (info, warning, blocking), a message and a fix. The codes are
    listed in the README of the collection. The task itself does not fail on blocking remarks; the role does.
options:
  hosts_entries:
    description: Lines for /etc/hosts, each with C(address) and C(hostname). An empty list leaves the file alone.
    type: list
    elements: dict
    default: []
  hostname:
    description: The host name that the node should have. A difference is a warning.
    type: str
  address:
    description: The IPv4 address of the node. A blocking remark when no interface has it.
    type: str
  role:
    description: What the node becomes.
    type: str
    choices: [control_plane, worker, none]
    default: none
  min_memory_bytes:
    description: Less memory is blocking. 0 means 1 GiB for a worker, else 2 GiB (minus what firmware keeps, 15 percent).
    type: int
    default: 0
  min_disk_bytes:
    description: Less free disk space is blocking, when MicroK8s is not installed yet. Below 20 GiB there is a warning.
    type: int
    default: 5368709120
  change_boot:
    description: Add the missing memory cgroup to the kernel command line of a Raspberry Pi. Takes effect at the next boot.
    type: bool
    default: false
  peers:
    description: Network addresses (CIDR or single) that an active ufw lets in. Empty means the addresses in O(hosts_entries).
    type: list
    elements: str
    default: []
  package_timeout:
    description: Seconds for installing packages.
    type: int
    default: 900
  seed_timeout:
    description: Seconds to wait for snapd to finish the first start of a fresh system.
    type: int
    default: 600
  lock_timeout:
    description: Seconds to wait for another task of mko on this node.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
    description: Checks, and says what it would change.
  diff_mode:
    support: full
    description: For /etc/hosts.
'''

EXAMPLES = '''
- name: Prepare
  mko.microk8s.node_prepare:
    hosts_entries:
      - {address: 192.0.2.11, hostname: n1}
'''

RETURN = '''
findings:
  description: code, severity, message, fix.
  type: list
  elements: dict
  returned: always
reboot_required:
  description: Whether a change takes effect only after a reboot.
  type: bool
  returned: always
steps:
  description: What was changed.
  type: list
  elements: str
  returned: always
'''

import os
import re
import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import host, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, finding, read, run, write_atomic

HOSTS = '/etc/hosts'
BEGIN, END = '# BEGIN mko managed block', '# END mko managed block'
MODULES_FILE = '/etc/modules-load.d/mko-microk8s.conf'
SYSCTL_FILE = '/etc/sysctl.d/60-mko-microk8s.conf'
SYSCTLS = (('fs.inotify.max_user_instances', 1024), ('fs.inotify.max_user_watches', 1048576), ('fs.aio-max-nr', 1048576))
MODULES = (('vxlan', True), ('br_netfilter', True), ('nf_conntrack', True), ('overlay', True), ('ip_set', False))
PACKAGES = (('/usr/bin/snap', 'snapd'), ('/usr/bin/sudo', 'sudo'), ('/usr/bin/openssl', 'openssl'))
GIB = 1024 ** 3


# -- pure functions ----------------------------------------------------------------------------------------------------------

def hosts_with_block(text, entries):
    """The text of /etc/hosts with our block of [(address, hostname)] at its end, in order, and nothing else changed."""
    block = [BEGIN] + ['%s %s' % one for one in entries] + [END]
    kept = re.sub(r'(?ms)^%s$.*?^%s$\n?' % (re.escape(BEGIN), re.escape(END)), '', text)
    if kept and not kept.endswith('\n'):
        kept += '\n'
    return kept + '\n'.join(block) + '\n'


def resolved(text, hostname):
    """The addresses that /etc/hosts gives a name."""
    found = []
    for line in text.splitlines():
        words = line.partition('#')[0].split()
        if hostname in words[1:]:
            found.append(words[0])
    return found


def hostname_finding(hostname):
    """What is wrong with a host name, or None."""
    if hostname.lower() in ('localhost', 'localhost.localdomain', ''):
        return finding('MKO-PRE-001', 'blocking', 'The host name is "%s".' % hostname, 'Give the node a name of its own: hostnamectl set-hostname NAME')
    if not re.match(r'^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$', hostname) or max(len(part) for part in hostname.split('.')) > 63:
        return finding('MKO-PRE-001', 'blocking', 'Kubernetes does not accept the host name "%s": only small letters, digits and "-".' % hostname,
                       'hostnamectl set-hostname NAME, before MicroK8s is installed')
    if hostname in ('ubuntu', 'raspberrypi', 'debian', 'raspberry'):
        return finding('MKO-PRE-002', 'warning', 'The host name "%s" is the one of a fresh image; each node needs its own.' % hostname,
                       'hostnamectl set-hostname NAME, before MicroK8s is installed')
    return None


def memory_cgroup_on(controllers, cgroups):
    """From /sys/fs/cgroup/cgroup.controllers (version 2; None when absent) and /proc/cgroups (version 1)."""
    if controllers is not None and controllers.split():
        return 'memory' in controllers.split()
    for line in cgroups.splitlines():
        part = line.split()
        if len(part) >= 4 and part[0] == 'memory':
            return part[3] == '1'
    return False


def with_cgroup(cmdline):
    """The kernel command line (one line!) with the memory cgroup switched on."""
    words = cmdline.split()
    wanted = ['cgroup_enable=memory', 'cgroup_memory=1']
    return ' '.join([word for word in words if word not in ('cgroup_disable=memory',)] + [word for word in wanted if word not in words]) + '\n'


def minimum_memory(wanted, role):
    return wanted if wanted > 0 else int((1 if role == 'worker' else 2) * GIB * 0.85)


# -- checks ------------------------------------------------------------------------------------------------------------------

class Prepare:
    """One run: what was found, what was changed."""

    def __init__(self, module):
        self.module = module
        self.params = module.params
        self.check = module.check_mode
        self.findings = []
        self.steps = []
        self.diffs = []
        self.reboot = False
        self.installed = os.path.isdir('/snap/microk8s/current')

    def add(self, *args):
        self.findings.append(finding(*args))

    def run(self):
        for step in (self.names, self.packages, self.hardware, self.cgroup, self.modules, self.sysctl, self.clock, self.network, self.firewall,
                     self.others, self.snapd):
            step()

    def names(self):
        name = socket.gethostname()
        bad = hostname_finding(name)
        if bad:
            self.findings.append(bad)
        wanted = self.params['hostname']
        if wanted and wanted.lower() not in (name, name.split('.')[0]):
            self.add('MKO-PRE-003', 'warning', 'The node calls itself "%s", not "%s"; Kubernetes will use its own name.' % (name, wanted),
                     'hostnamectl set-hostname %s, before MicroK8s is installed' % wanted)
        if not read('/etc/machine-id').strip():
            self.add('MKO-PRE-004', 'warning', 'The node has no machine ID.', 'systemd-machine-id-setup')
        address = self.params['address']
        if address and address not in [card[1] for card in host.interfaces()] and not host.address_is_local(address):
            self.add('MKO-PRE-005', 'blocking', 'No interface of the node has the address %s.' % address,
                     'Use the address of the node itself, not one that a router translates.')
        entries = [(str(one['address']), str(one['hostname'])) for one in self.params['hosts_entries']]
        text = read(HOSTS)
        if entries:
            new = hosts_with_block(text, entries)
            if new != text:
                if not self.check:
                    write_atomic(HOSTS, new, 0o644)
                self.steps.append('hosts')
                self.diffs.append({'before': text, 'after': new, 'before_header': HOSTS, 'after_header': HOSTS})
                text = new
        addresses = resolved(text, name)
        if addresses and all(one.startswith('127.') for one in addresses):
            self.add('MKO-PRE-006', 'warning', 'The host name stands only for %s in /etc/hosts.' % ', '.join(addresses),
                     'Give all nodes in mko_hosts_entries.')

    def packages(self):
        missing = [package for path, package in PACKAGES if not os.path.exists(path)]
        if not missing:
            return
        if not os.path.exists('/usr/bin/apt-get'):
            self.add('MKO-PRE-018', 'blocking', 'These programs are missing: %s.' % ', '.join(missing), 'Install them with the package manager of the system.')
            return
        self.steps.append('packages: ' + ', '.join(missing))
        if self.check:
            return
        options = ['/usr/bin/apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300']
        environment = {'DEBIAN_FRONTEND': 'noninteractive'}
        limit = self.params['package_timeout']
        result = run(options + ['install', '--no-install-recommends'] + missing, limit, env=environment)
        if result.rc != 0:
            run(options + ['update'], limit, env=environment)
            result = run(options + ['install', '--no-install-recommends'] + missing, limit, env=environment)
        left = [package for path, package in PACKAGES if package in missing and not os.path.exists(path)]
        if left:
            self.add('MKO-PRE-018', 'blocking', 'These packages could not be installed: %s. %s' % (', '.join(left), result.short(300)),
                     'sudo apt-get update && sudo apt-get install -y ' + ' '.join(left))

    def hardware(self):
        kind = host.architecture()
        if kind not in ('amd64', 'arm64', 'ppc64el', 's390x'):
            self.add('MKO-PRE-023', 'blocking', 'There is no MicroK8s for the architecture %s.' % kind, 'Use a 64-bit system.')
        memory = read('/proc/meminfo')
        total, least = host.parse_meminfo(memory), minimum_memory(self.params['min_memory_bytes'], self.params['role'])
        if total is not None and total < least:
            self.add('MKO-PRE-007', 'blocking', 'The node has %.1f GiB of memory, less than %.1f GiB.' % (total / GIB, least / GIB),
                     'Use a bigger node, or lower mko_min_memory_bytes.')
        elif total is not None and self.params['role'] != 'worker' and total < 3.4 * GIB:
            self.add('MKO-PRE-008', 'warning', 'The node has %.1f GiB of memory; 4 GiB are recommended for a control plane.' % (total / GIB), '')
        if (host.parse_meminfo(memory, 'SwapTotal') or 0) > 0 and not re.search(r'^/dev/zram', read('/proc/swaps'), re.M):
            self.add('MKO-PRE-010', 'warning', 'Swap is on: Kubernetes gets slow when it is used.', 'swapoff -a, and remove it from /etc/fstab')
        free = host.disk_free_bytes('/var/snap')
        if not self.installed and free < self.params['min_disk_bytes']:
            self.add('MKO-PRE-009', 'blocking', 'Only %.1f GiB of the disk are free, %.1f GiB are needed.' % (free / GIB, self.params['min_disk_bytes'] / GIB),
                     'Free disk space, or lower mko_min_disk_bytes.')
        elif free < (2 if self.installed else 20) * GIB:
            self.add('MKO-PRE-024', 'warning', 'Only %.1f GiB of the disk are free; images and logs need about 20 GiB.' % (free / GIB), '')
        if 'container=lxc' in read('/proc/1/environ').replace('\0', '\n') and not os.path.exists('/dev/kmsg'):
            self.add('MKO-PRE-019', 'blocking', 'In this LXC container /dev/kmsg is missing.', 'Use the LXC profile that MicroK8s documents.')

    def cgroup(self):
        path = '/sys/fs/cgroup/cgroup.controllers'
        if memory_cgroup_on(read(path) if os.path.exists(path) else None, read('/proc/cgroups')):
            return
        boot = next((one for one in ('/boot/firmware/cmdline.txt', '/boot/cmdline.txt') if os.path.exists(one)), None)
        fix = ('Add "cgroup_enable=memory cgroup_memory=1" to the line in %s and reboot%s.'
               % (boot, ', or allow it with mko_allow_reboot') if boot else 'Boot the kernel with its memory cgroup.')
        if boot and self.params['change_boot']:
            self.reboot = True
            old = read(boot)
            if with_cgroup(old) != old:
                self.steps.append('boot')
                self.diffs.append({'before': old, 'after': with_cgroup(old), 'before_header': boot, 'after_header': boot})
                if not self.check:
                    write_atomic(boot, with_cgroup(old), 0o755)
        self.add('MKO-PRE-011', 'blocking', 'The memory cgroup of the kernel is off: the kubelet cannot start.', fix)

    def modules(self):
        loaded = {line.split()[0] for line in read('/proc/modules').splitlines() if line.strip()}
        available = []
        for name, needed in MODULES:
            if name in loaded or os.path.isdir('/sys/module/' + name):
                available.append(name)
                continue
            result = run(['/sbin/modprobe'] + (['-n'] if self.check else []) + [name], 30)
            if result.rc == 0:
                available.append(name)
            elif needed:
                pi = 'raspi' in os.uname()[2]
                self.add('MKO-PRE-012', 'blocking' if name == 'vxlan' else 'warning', 'The kernel module %s is missing: %s' % (name, result.short(150)),
                         'sudo apt-get install -y linux-modules-extra-raspi' if pi else 'Install the modules of the running kernel, or reboot after an update.')
        self.keep(MODULES_FILE, ''.join('%s\n' % name for name in available), 'modules')

    def sysctl(self):
        for key, least in SYSCTLS:
            if self.setting(key) >= least or self.check:
                continue
            run(['/sbin/sysctl', '-w', '%s=%d' % (key, least)], 10)
            if self.setting(key) < least:
                self.add('MKO-PRE-013', 'warning', 'The kernel setting %s could not be raised to %d (it is %d).' % (key, least, self.setting(key)), '')
        self.keep(SYSCTL_FILE, ''.join('%s = %d\n' % one for one in SYSCTLS), 'sysctl')

    @staticmethod
    def setting(key):
        value = read('/proc/sys/' + key.replace('.', '/')).strip()
        return int(value) if value.isdigit() else 0

    def keep(self, path, body, step):
        """A file of ours under /etc."""
        if read(path) != body:
            self.steps.append(step)
            if not self.check:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                write_atomic(path, body, 0o644)

    def clock(self):
        result = run(['/usr/bin/timedatectl', 'show', '-p', 'NTPSynchronized', '--value'], 10)
        if result.rc == 0 and result.out.strip() == 'no':
            self.add('MKO-PRE-014', 'warning', 'The clock of the node is not synchronized: certificates and tokens depend on it.', 'sudo timedatectl set-ntp true')

    def network(self):
        if host.parse_default_interface(read('/proc/net/route')) is None:
            self.add('MKO-PRE-015', 'warning', 'The node has no default route; MicroK8s looks for its address there.', 'Set a default route, even to nowhere.')
        proxy = [line for line in read('/etc/environment').splitlines() if re.match(r'(?i)^\s*(export\s+)?https?_proxy=', line)]
        if proxy and not re.search(r'(?im)^\s*(export\s+)?no_proxy=', read('/etc/environment')):
            self.add('MKO-PRE-020', 'warning', 'A proxy is set in /etc/environment without NO_PROXY.',
                     'NO_PROXY=10.1.0.0/16,10.152.183.0/24,127.0.0.1,.svc,.cluster.local and the network of the nodes')
        if os.path.exists('/etc/microk8s.yaml'):
            self.add('MKO-PRE-022', 'warning', '/etc/microk8s.yaml exists: MicroK8s uses it instead of our launch configuration.', 'Remove it.')

    def firewall(self):
        ufw = '/usr/sbin/ufw'
        if os.path.exists(ufw):
            status = run([ufw, 'status'], 20).out
            if re.search(r'^Status:\s+active', status, re.M):
                self.open_ufw(ufw, status)
        rules = run(['/usr/sbin/iptables', '-S', 'FORWARD'], 10)
        if rules.rc == 0 and '-P FORWARD DROP' in rules.out and '--comment "generated for MicroK8s pods"' not in rules.out and '10.1.0.0/16' not in rules.out:
            self.add('MKO-PRE-017', 'warning', 'The firewall drops forwarded packets (Docker does that): pods could not reach each other.',
                     'iptables -P FORWARD ACCEPT, and make it last')

    def open_ufw(self, ufw, status):
        wanted = [(['allow', 'in', 'on', 'vxlan.calico'], r'on vxlan\.calico'), (['allow', 'out', 'on', 'vxlan.calico'], r'ALLOW OUT.*on vxlan|on vxlan\.calico.*ALLOW OUT'),
                  (['allow', 'in', 'on', 'cali+'], r'on cali\+'), (['allow', 'out', 'on', 'cali+'], r'ALLOW OUT.*on cali|on cali\+.*ALLOW OUT')]
        peers = self.params['peers'] or [str(one['address']) for one in self.params['hosts_entries']]
        for peer in peers:
            for port, proto in (('16443', 'tcp'), ('25000', 'tcp'), ('10250', 'tcp'), ('19001', 'tcp'), ('4789', 'udp')):
                wanted.append((['allow', 'proto', proto, 'from', peer, 'to', 'any', 'port', port],
                               r'(?m)^%s/%s\s+ALLOW.*\s%s\s*$' % (port, proto, re.escape(peer))))
        missing = [words for words, pattern in wanted if not re.search(pattern, status)]
        if missing:
            self.steps.append('ufw')
        for words in missing if not self.check else ():
            result = run([ufw] + words, 30)
            if result.rc != 0:
                self.add('MKO-PRE-016', 'warning', 'ufw is active and did not take the rule "%s": %s' % (' '.join(words), result.short(150)), '')
                return

    def others(self):
        if self.installed:
            return
        ports = host.listeners(read('/proc/net/tcp') + read('/proc/net/tcp6'))
        for port in sorted(ports & set(host.PORTS)):
            self.add('MKO-PRE-021', 'blocking', 'Another program listens on port %d, which MicroK8s needs for its %s.' % (port, host.PORTS[port]),
                     'Find it with: ss -ltnp sport = :%d' % port)
        signs = host.foreign_kubernetes()
        if signs:
            self.add('MKO-PRE-025', 'blocking', 'Another Kubernetes is on this node: %s (%s).' % (signs[0][1], signs[0][0]), 'Remove it first.')

    def snapd(self):
        if not os.path.exists(snapd.SNAP):
            return
        if not self.check:
            problem = snapd.wait_seeded(self.params['seed_timeout'])
            if problem:
                self.add('MKO-PRE-026', 'blocking', problem, 'sudo systemctl start snapd.socket snapd.service; snap changes')
                return
        found = snapd.version(snapd.snap(['version'], 15).out)
        if (0, 0) < found < (2, 58):
            self.add('MKO-PRE-027', 'warning', 'snapd %d.%d is older than 2.58: updates of MicroK8s can be put off for 60 days only.' % found,
                     'sudo snap refresh snapd')


def main():
    module = AnsibleModule(
        argument_spec={
            'hosts_entries': {'type': 'list', 'elements': 'dict', 'default': []}, 'hostname': {'type': 'str'}, 'address': {'type': 'str'},
            'role': {'type': 'str', 'choices': ['control_plane', 'worker', 'none'], 'default': 'none'},
            'min_memory_bytes': {'type': 'int', 'default': 0}, 'min_disk_bytes': {'type': 'int', 'default': 5 * GIB},
            'change_boot': {'type': 'bool', 'default': False}, 'peers': {'type': 'list', 'elements': 'str', 'default': []},
            'package_timeout': {'type': 'int', 'default': 900}, 'seed_timeout': {'type': 'int', 'default': 600},
            'lock_timeout': {'type': 'int', 'default': 900},
        },
        supports_check_mode=True)
    work = Prepare(module)
    try:
        with NodeLock(module.params['lock_timeout']):
            work.run()
    except LockBusy as error:
        module.fail_json(msg=str(error))
    result = {'changed': bool(work.steps), 'findings': work.findings, 'reboot_required': work.reboot, 'steps': work.steps}
    if work.diffs and module._diff:
        result['diff'] = work.diffs
    module.exit_json(**result)


if __name__ == '__main__':
    main()
