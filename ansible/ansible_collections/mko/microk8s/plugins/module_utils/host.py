# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Facts about a machine: system, hardware, clock. Pure reading, standard library only; an unknown value is None, never 0."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import fcntl
import os
import re
import socket
import struct
import sys
import time

from ansible_collections.mko.microk8s.plugins.module_utils.proc import read

ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64', 'armv7l': 'armhf', 'armv6l': 'armhf', 'ppc64le': 'ppc64el'}
PORTS = {16443: 'Kubernetes API', 25000: 'cluster agent', 19001: 'datastore', 10250: 'kubelet'}
FOREIGN = (('/usr/local/bin/k3s', 'k3s'), ('/etc/rancher/k3s', 'k3s'), ('/etc/rancher/rke2', 'rke2'), ('/var/lib/k0s', 'k0s'),
           ('/etc/kubernetes/admin.conf', 'kubeadm'), ('/etc/kubernetes/kubelet.conf', 'kubeadm'), ('/var/lib/kubelet/config.yaml', 'kubelet'))


def parse_os_release(text):
    """The values of /etc/os-release as a mapping."""
    values = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition('=')
        if equals and not key.startswith('#'):
            values[key] = value.strip().strip('"\'')
    return values


def parse_meminfo(text, key='MemTotal'):
    """A line of /proc/meminfo in bytes."""
    match = re.search(r'^%s:\s+(\d+) kB' % re.escape(key), text, re.M)
    return int(match.group(1)) * 1024 if match else None


def parse_default_interface(text):
    """The interface of the default route with the lowest metric in /proc/net/route, or None."""
    best = None
    for line in text.splitlines()[1:]:
        part = line.split()
        if len(part) >= 8 and part[1] == '00000000' and part[7] == '00000000' and int(part[3], 16) & 1:
            if best is None or int(part[6]) < best[0]:
                best = (int(part[6]), part[0])
    return best[1] if best else None


def _ioctl(name, request):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            return fcntl.ioctl(handle.fileno(), request, struct.pack('256s', name.encode()[:15]))
        except (OSError, IOError):
            return None


def interfaces():
    """[(name, IPv4 address or None, MAC)] of all interfaces but lo, the first address of each."""
    found = []
    for unused, name in socket.if_nameindex():
        if name == 'lo':
            continue
        address, mac = _ioctl(name, 0x8915), _ioctl(name, 0x8927)
        found.append((name, socket.inet_ntoa(address[20:24]) if address else None,
                      ':'.join('%02x' % byte for byte in bytearray(mac[18:24])) if mac else None))
    return found


def mac_address(address=None):
    """The MAC of the interface that has the address, else of the default route, else of the first one with an address."""
    cards = interfaces()
    default = parse_default_interface(read('/proc/net/route'))
    for wanted in (lambda card: address and card[1] == address, lambda card: card[0] == default, lambda card: card[1]):
        for card in cards:
            if wanted(card) and card[2] and card[2] != '00:00:00:00:00:00':
                return card[2]
    return None


def disk_bytes(path='/'):
    """Size of the file system that holds path."""
    try:
        stat = os.statvfs(path)
        return stat.f_blocks * stat.f_frsize
    except OSError:
        return None


def disk_free_bytes(path='/'):
    """What root may still write there; the nearest existing parent is asked."""
    while not os.path.exists(path) and path != '/':
        path = os.path.dirname(path)
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def listeners(text):
    """{port} that listen, from /proc/net/tcp and tcp6."""
    ports = set()
    for line in text.splitlines():
        part = line.split()
        if len(part) > 3 and part[3] == '0A' and ':' in part[1]:
            ports.add(int(part[1].rpartition(':')[2], 16))
    return ports


def address_is_local(address):
    """Whether the kernel takes the address for its own: binding to it works."""
    try:
        struct.unpack('!I', socket.inet_aton(address))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
            handle.bind((address, 0))
        return True
    except OSError:
        return False


def foreign_kubernetes():
    """[(path, name)] that tell of another Kubernetes on this machine."""
    return [(path, name) for path, name in FOREIGN if os.path.exists(path) and not os.path.islink('/var/lib/kubelet')]


def architecture():
    machine = os.uname()[4]
    return ARCHITECTURES.get(machine, machine)


def hardware(address=None):
    """What node_status and test_node both report."""
    release = parse_os_release(read('/etc/os-release'))
    return {
        'os_version': release.get('PRETTY_NAME') or None,
        'kernel_version': os.uname()[2],
        'architecture': architecture(),
        'cpu_cores': os.cpu_count(),
        'memory_bytes': parse_meminfo(read('/proc/meminfo')),
        'disk_bytes': disk_bytes('/'),
        'mac_address': mac_address(address),
    }


def node_facts(address=None):
    """Everything that the test of a node reports, but what only the controller can know."""
    release = parse_os_release(read('/etc/os-release'))
    facts = hardware(address)
    del facts['os_version']
    facts.update({
        'os': {'id': release.get('ID'), 'version': release.get('VERSION_ID'), 'name': release.get('PRETTY_NAME') or release.get('NAME')},
        'hostname': socket.gethostname(),
        'machine_id': read('/etc/machine-id').strip() or None,
        'python': '%d.%d.%d' % sys.version_info[:3],
        'clock_ms': int(time.time() * 1000),
    })
    return facts
