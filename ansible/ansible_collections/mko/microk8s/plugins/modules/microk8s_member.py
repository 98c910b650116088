#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: a node is no member of the cluster any more."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_member
short_description: Let the cluster forget a node
version_added: 1.0.0
author: The mko team
description:
  - Runs on a control plane. Removes the node from Kubernetes and from the datastore, and waits until both, and the file that joins
    read, have forgotten it. Then waits until the datastore has the voters that it should have.
  - The exit code of C(microk8s remove-node) is not believed.
options:
  name:
    description: Name of the node in Kubernetes. Empty when it has none there.
    type: str
    default: ''
  address:
    description: IPv4 address of the member in the datastore. Empty for a worker.
    type: str
    default: ''
  dead:
    description: The node is lost for good. Refused when MicroK8s still answers at its address, since a living member must leave itself.
    type: bool
    default: false
  timeout:
    description: Seconds until nothing may be left of the node.
    type: int
    default: 120
  voters:
    description: How many voters the datastore shall have afterwards. 0 does not wait.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Forget a lost node
  mko.microk8s.microk8s_member:
    name: n3
    address: 192.0.2.13
    dead: true
'''

RETURN = '''
forgotten:
  description: Names and addresses that were removed.
  type: list
  elements: str
  returned: success
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, member, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import wait_until


def remove(params, check_mode):
    """Returns what was removed. Raises change.Failed."""
    if params['dead'] and params['address']:
        ports = member.answers(params['address'])
        if ports:
            raise change.Failed('alive', 'The node %s is said to be lost, but it answers at %s (port %s). Let it leave the cluster properly, or switch it off.'
                                % (params['name'] or params['address'], params['address'], ', '.join(str(one) for one in ports)))
    if check_mode and not params['name']:
        return []
    if mk8s.api_nodes() is None:
        raise change.Failed('api', 'The Kubernetes API does not answer on this control plane: nothing can be removed without it. %s' % change.why_not_ready())
    done = member.forget(params['address'], params['name'], params['timeout'], check_mode)
    if done and params['voters'] > 0 and not check_mode:
        if not wait_until(lambda: (member.voters() or 0) >= params['voters'], params['timeout'], 1.0):
            raise change.Failed('voters', 'The node was removed, but the datastore has %s voters instead of %d after %d s.'
                                % (member.voters(), params['voters'], params['timeout']))
    return done


def main():
    module = AnsibleModule(
        argument_spec={
            'name': {'type': 'str', 'default': ''}, 'address': {'type': 'str', 'default': ''}, 'dead': {'type': 'bool', 'default': False},
            'timeout': {'type': 'int', 'default': 120}, 'voters': {'type': 'int', 'default': 0},
        },
        supports_check_mode=True)
    try:
        done = remove(module.params, module.check_mode)
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code)
    module.exit_json(changed=bool(done), forgotten=done)


if __name__ == '__main__':
    main()
