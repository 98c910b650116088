#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: the certificates of MicroK8s on this node, and their renewal."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_certs
short_description: Read how long the certificates of a node are good, and renew what ends soon
version_added: 1.0.0
author: The mko team
description:
  - Reads every certificate file of MicroK8s on the node with C(openssl). MicroK8s itself names only three of them.
  - With O(renew=true), renews server.crt and front-proxy-client.crt of a control plane when they end within O(below_days), and
    waits until the node is ready again. Others cannot be renewed in place; they are reported.
options:
  renew:
    description: Renew what ends soon.
    type: bool
    default: false
  below_days:
    description: How many days count as soon.
    type: int
    default: 30
  ready_timeout:
    description: Seconds to wait until the node is Ready after each renewal.
    type: int
    default: 600
  lock_timeout:
    description: Seconds to wait for another task of mko on this node.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Read the certificates
  mko.microk8s.microk8s_certs:
  register: certs
'''

RETURN = '''
certs:
  description: name, path, not_after (UTC), days_left, renewable.
  type: list
  elements: dict
  returned: always
renewed:
  description: Names of what was renewed.
  type: list
  elements: str
  returned: always
'''

import datetime

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.certs import read_certs
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, run

def renew(params, certs, check_mode, renewed):
    """Renew what ends soon, one after another; each must be followed by a ready node and a later end."""
    for cert in certs:
        if not cert['renewable'] or cert['days_left'] is None or cert['days_left'] >= params['below_days']:
            continue
        renewed.append(cert['name'])
        if check_mode:
            continue
        result = run([mk8s.MICROK8S, 'refresh-certs', '-e', cert['name']], 300)
        change.wait_ready(params['ready_timeout'])
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        after = next((one for one in read_certs(now) if one['path'] == cert['path']), None)
        if after is None or after['days_left'] is None or after['days_left'] <= cert['days_left']:
            raise change.Failed('not_renewed', 'microk8s refresh-certs ran (exit code %d), but %s still ends on %s. It said: %s'
                                % (result.rc, cert['name'], cert['not_after'], result.short(400)))


def main():
    module = AnsibleModule(
        argument_spec={'renew': {'type': 'bool', 'default': False}, 'below_days': {'type': 'int', 'default': 30},
                       'ready_timeout': {'type': 'int', 'default': 600}, 'lock_timeout': {'type': 'int', 'default': 900}},
        supports_check_mode=True)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    certs, renewed = read_certs(now), []
    try:
        if module.params['renew'] and snapd.microk8s_snap() is not None:
            with NodeLock(module.params['lock_timeout']):
                renew(module.params, certs, module.check_mode, renewed)
            certs = read_certs(now)
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code, certs=read_certs(now), renewed=renewed, changed=bool(renewed))
    except (LockBusy, snapd.SnapdError) as error:
        module.fail_json(msg=str(error), certs=certs, renewed=renewed, changed=bool(renewed))
    module.exit_json(changed=bool(renewed), certs=certs, renewed=renewed)


if __name__ == '__main__':
    main()
