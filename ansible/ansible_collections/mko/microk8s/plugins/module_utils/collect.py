# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""What checks and the doctor look at: raw facts of a machine, read only and bounded. Judges nothing: that is the controller's business.

Invariants: every text is cut at TEXT_MAX, every tool has a time limit, what cannot be read is None and stops nothing else.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import concurrent.futures
import errno
import os
import re
import selectors
import socket
import time

from ansible_collections.mko.microk8s.plugins.module_utils import host, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import read_short, run_short

TEXT_MAX = 2000
MODULES = ('vxlan', 'br_netfilter', 'nf_conntrack', 'overlay', 'ip_set')
TOOLS = {'snap': ('/usr/bin/snap',), 'sudo': ('/usr/bin/sudo',), 'systemctl': ('/usr/bin/systemctl', '/bin/systemctl'), 'openssl': ('/usr/bin/openssl',)}
DATA_PLACE = '/var/snap'
PORTS = tuple(sorted(host.PORTS)) + (10257, 10259)
STORE = 'api.snapcraft.io'
CONNECT_S = 3.0
PEERS_AT_ONCE = 100


def clip(text, limit=TEXT_MAX):
    """The begin of a text without NUL; None stays None."""
    return None if text is None else text.replace('\0', ' ')[:limit]


def output(argv, timeout=10):
    """What a tool says, or None when it does not run or fails."""
    result = run_short(argv, timeout)
    return clip(result.out) if result.rc == 0 else None


def lines(text, pattern):
    """The lines of a text that match, or None."""
    return None if text is None else clip(''.join(line + '\n' for line in text.splitlines() if re.search(pattern, line)))


def disk():
    place = DATA_PLACE
    while not os.path.exists(place) and place != '/':
        place = os.path.dirname(place)
    stat = os.statvfs(place)
    return {'free': stat.f_bavail * stat.f_frsize, 'size': stat.f_blocks * stat.f_frsize, 'inodes': stat.f_files, 'inodes_free': stat.f_favail}


def mount():
    """The file system that holds the data of MicroK8s."""
    best = None
    for line in (read_short('/proc/mounts', 262144) or '').splitlines():
        part = line.split(' ')
        if len(part) < 4:
            continue
        place = part[1].rstrip('/') or '/'
        if place == '/' or DATA_PLACE == place or DATA_PLACE.startswith(place + '/'):
            if best is None or len(place) >= len(best['place']):
                best = {'place': place, 'device': clip(part[0], 200), 'type': clip(part[2], 50), 'options': clip(part[3], 300)}
    return best


def modules():
    loaded = {line.split()[0] for line in (read_short('/proc/modules', 262144) or '').splitlines() if line.strip()}
    return {name: name in loaded or os.path.isdir('/sys/module/' + name) or run_short(['/sbin/modprobe', '-n', name], 10).rc == 0 for name in MODULES}


def own_hosts_lines():
    name = re.escape(socket.gethostname())
    return lines(read_short('/etc/hosts'), r'^[^#]*\s%s(\s|$)' % name)


def environment_has(name):
    return re.search(r'(?im)^\s*(export\s+)?%s=' % name, read_short('/etc/environment') or '') is not None


def rules(tool):
    """How many rules this backend of iptables has, or None."""
    result = run_short([tool, '-S'], 10)
    return sum(1 for line in result.out.splitlines() if line.startswith('-A ')) if result.rc == 0 else None


def forward():
    return output(['/usr/sbin/iptables', '-S', 'FORWARD'])


def container():
    found = re.search(r'(?:^|\0)container=([a-z-]+)', read_short('/proc/1/environ') or '')
    return found.group(1) if found else ''


def snapd_problem():
    return clip(snapd.wait_seeded(8) or '', 300) if os.path.exists(snapd.SNAP) else None


def resolves():
    return run_short(['/usr/bin/getent', 'ahosts', STORE], 5).rc == 0


def docker():
    return clip(run_short(['/usr/bin/systemctl', 'is-active', 'docker.service'], 10).out, 100)


def ufw():
    return output(['/usr/sbin/ufw', 'status'], 20) if os.path.exists('/usr/sbin/ufw') else 'Status: inactive'


def ports_taken():
    return sorted(host.listeners((read_short('/proc/net/tcp', 1048576) or '') + (read_short('/proc/net/tcp6', 1048576) or '')) & set(PORTS))


READERS = {
    'installed': lambda: os.path.isdir('/snap/microk8s/current'),
    'addresses': lambda: [[name, address] for name, address, unused in host.interfaces()][:40],
    'hosts': own_hosts_lines,
    'disk': disk,
    'mount': mount,
    'swaps': lambda: clip(read_short('/proc/swaps')),
    'cgroup_controllers': lambda: clip(read_short('/sys/fs/cgroup/cgroup.controllers')),
    'cgroups': lambda: lines(read_short('/proc/cgroups'), r'^memory\b'),
    'modules': modules,
    'inotify_instances': lambda: clip(read_short('/proc/sys/fs/inotify/max_user_instances'), 50),
    'inotify_watches': lambda: clip(read_short('/proc/sys/fs/inotify/max_user_watches'), 50),
    'aio_max_nr': lambda: clip(read_short('/proc/sys/fs/aio-max-nr'), 50),
    'timedatectl': lambda: output(['/usr/bin/timedatectl', 'show', '-p', 'NTPSynchronized', '--value']),
    'route': lambda: clip(read_short('/proc/net/route')),
    'ufw': ufw,
    'forward': forward,
    'iptables_legacy': lambda: rules('/usr/sbin/iptables-legacy'),
    'iptables_nft': lambda: rules('/usr/sbin/iptables-nft'),
    'tools': lambda: {name: any(os.path.exists(path) for path in paths) for name, paths in TOOLS.items()},
    'container': container,
    'kmsg': lambda: os.path.exists('/dev/kmsg'),
    'proxy': lambda: environment_has('https?_proxy'),
    'no_proxy': lambda: environment_has('no_proxy'),
    'ports_taken': ports_taken,
    'launch_file': lambda: os.path.exists('/etc/microk8s.yaml'),
    'foreign': lambda: ['%s (%s)' % (name, path) for path, name in host.foreign_kubernetes()],
    'docker': docker,
    'snapd_problem': snapd_problem,
    'snap_version': lambda: output(['/usr/bin/snap', 'version'], 15),
    'dns': resolves,
}


def facts(address=None):
    """Everything that checks ask for, by name; None for what this node or this user cannot read."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:      # most of the time is waiting for tools
        found = dict(zip(READERS, pool.map(attempt, READERS.values())))
    found['address_local'] = attempt(lambda: host.address_is_local(address)) if address else None
    return found


def attempt(reader):
    """The value, or None: one broken tool must not hide the others."""
    try:
        return reader()
    except Exception:  # pylint: disable=broad-except
        return None


def reach(peers):
    """{name: {port: open|refused|timeout|unreachable}} for [(name, address)]."""
    state = reach_all(peers)
    state.update(reach_all([peer for peer in peers if 'timeout' in state[peer[0]].values()]))   # a moment of loss is no broken network
    return state


def reach_all(peers):
    """As reach(), each peer once."""
    state = {}
    for at in range(0, len(peers), PEERS_AT_ONCE):
        state.update(reach_some(peers[at:at + PEERS_AT_ONCE]))
    return state


def reach_some(peers):
    """As reach(), all at once within CONNECT_S."""
    state, waiting = {name: {} for name, unused in peers}, {}
    deadline = time.monotonic() + CONNECT_S
    with selectors.DefaultSelector() as selector:
        for name, address in peers:
            for port in sorted(host.PORTS):
                handle = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                handle.setblocking(False)
                code = handle.connect_ex((address, port))
                state[name][str(port)] = 'timeout' if code == errno.EINPROGRESS else answer(code)
                if code == errno.EINPROGRESS:
                    waiting[handle] = (name, str(port))
                    selector.register(handle, selectors.EVENT_WRITE)
                else:
                    handle.close()
        while waiting:
            ready = selector.select(max(0, deadline - time.monotonic()))
            if not ready:
                break
            for key, unused in ready:
                name, port = waiting.pop(key.fileobj)
                state[name][port] = answer(key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                selector.unregister(key.fileobj)
                key.fileobj.close()
        for handle in waiting:
            handle.close()
    return state


def answer(code):
    if code == 0:
        return 'open'
    return {errno.ECONNREFUSED: 'refused', errno.ETIMEDOUT: 'timeout'}.get(code, 'unreachable')
