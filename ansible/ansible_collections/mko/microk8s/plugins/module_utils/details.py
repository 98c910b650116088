# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""What changes on a machine over the months: network cards, disks, packages, certificates. Pure reading, bounded; what is unknown is left out."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import os
import re
import sys

from ansible_collections.mko.microk8s.plugins.module_utils import host
from ansible_collections.mko.microk8s.plugins.module_utils.proc import read, run

ITEMS = 64      # most cards, disks, packages, each
# Cards that pods and container engines bring and take away, and disks that are no hardware.
PASSING_CARDS = re.compile(r'^(cali|veth|vxlan|flannel|cni|docker|br-|tunl|kube-|nodelocaldns)')
PASSING_DISKS = re.compile(r'^(loop|ram|zram|dm-|md|sr|fd|nbd)')
# Packages whose version matters to MicroK8s, storage and power; a trailing * stands for the rest of the name.
PACKAGES = ('snapd', 'systemd', 'sudo', 'python3', 'openssh-server', 'linux-image-*', 'linux-firmware', 'iptables', 'nftables', 'containerd',
            'docker.io', 'docker-ce', 'open-iscsi', 'nfs-common', 'lvm2', 'multipath-tools', 'chrony', 'systemd-timesyncd', 'nut-client',
            'apparmor', 'ca-certificates', 'openssl')


def cards(found):
    """MAC by name, of cards that stay. @found as host.interfaces() gives it"""
    lasting = [(name, mac) for name, unused, mac in found if mac and mac != '00:00:00:00:00:00' and not PASSING_CARDS.match(name)]
    return dict(sorted(lasting)[:ITEMS])


def disks(folder='/sys/block'):
    """Size in bytes by name."""
    try:
        names = sorted(name for name in os.listdir(folder) if not PASSING_DISKS.match(name))
    except OSError:
        return {}
    sizes = {name: read('%s/%s/size' % (folder, name)).strip() for name in names[:ITEMS]}
    return {name: int(size) * 512 for name, size in sizes.items() if size.isdigit()}


def parse_packages(text):
    """Version by name out of lines "STATUS NAME VERSION" of dpkg-query; only what is installed."""
    parts = [line.split(' ', 2) for line in text.splitlines()]
    return dict(sorted((part[1][:100], part[2][:100]) for part in parts if len(part) == 3 and part[0] == 'ii')[:ITEMS])


def packages():
    return parse_packages(run(['/usr/bin/dpkg-query', '-W', '-f', '${db:Status-Abbrev}${binary:Package} ${Version}\n'] + list(PACKAGES), 30).out)


def read_details(certs):
    """@certs as certs.read_certs() gives them"""
    return {
        'interfaces': cards(host.interfaces()), 'disks': disks(), 'packages': packages(), 'python': '%d.%d.%d' % sys.version_info[:3],
        'certificates': {cert['name']: cert['not_after'] for cert in certs[:ITEMS] if cert['not_after']},
    }
