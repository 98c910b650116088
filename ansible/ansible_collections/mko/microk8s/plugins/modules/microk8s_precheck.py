#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: what speaks against an upgrade of MicroK8s on this node."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_precheck
short_description: Find what speaks against an upgrade on a node
version_added: 1.0.0
author: The mko team
description:
  - Changes of snapd that are not over, space for the copy of the data, certificates that end soon, the state of the snap.
  - Changes nothing and does not fail; it reports.
options:
  cert_days:
    description: Certificates must be good for so many days.
    type: int
    default: 30
  change_timeout:
    description: Seconds to wait for the end of a change that snapd has begun, as when it goes on with one after the node was dead. 0 does not wait.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: It changes nothing in any case.
'''

EXAMPLES = '''
- name: Look
  mko.microk8s.microk8s_precheck:
'''

RETURN = '''
findings:
  description: What was found.
  type: list
  elements: dict
  returned: always
'''

import datetime
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import certs, host, mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import finding, wait_until

GIB = 1 << 30


def size_of(folder):
    """Bytes of all files below a folder, also when it is a link."""
    total = 0
    for where, unused, names in os.walk(os.path.realpath(folder)):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:
                pass
    return total


def look(cert_days, change_timeout):
    snap = snapd.microk8s_snap()
    if snap is None:
        return [finding('MKO-UPG-001', 'blocking', 'MicroK8s is not installed on this node.', 'Install it, or remove the node from the cluster')]
    found = []
    if not snap['active']:
        found.append(finding('MKO-UPG-002', 'warning', 'The snap is disabled, perhaps by an earlier refresh that failed.', 'The upgrade enables it'))
    wait_until(lambda: not snapd.pending_changes(), change_timeout)
    changes = snapd.pending_changes()
    if changes:
        found.append(finding('MKO-UPG-003', 'blocking', 'snapd is changing MicroK8s already (change %s).' % ', '.join(changes),
                             'Wait for its end (snap changes microk8s), or snap abort %s' % changes[0]))
    need, free = 3 * size_of(mk8s.DATA) + GIB, host.disk_free_bytes(mk8s.DATA) or 0
    if free < need:
        found.append(finding('MKO-UPG-004', 'blocking', 'The refresh copies the data of MicroK8s and needs %.1f GiB, but %.1f GiB are free.'
                             % (need / GIB, free / GIB), 'Make room in /var/snap'))
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    for one in certs.read_certs(now):
        if one['days_left'] is None or one['days_left'] < cert_days:
            found.append(finding('MKO-UPG-005', 'blocking', 'The certificate %s ends in %s days.' % (one['name'], one['days_left']),
                                 'mko cluster certs renew'))
    return found


def main():
    module = AnsibleModule(argument_spec={'cert_days': {'type': 'int', 'default': 30}, 'change_timeout': {'type': 'int', 'default': 0}},
                           supports_check_mode=True)
    try:
        found = look(module.params['cert_days'], module.params['change_timeout'])
    except snapd.SnapdError as error:
        found = [finding('MKO-UPG-006', 'blocking', str(error), 'Start snapd')]
    module.exit_json(changed=False, findings=found)


if __name__ == '__main__':
    main()
