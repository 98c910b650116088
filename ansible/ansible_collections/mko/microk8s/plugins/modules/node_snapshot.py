#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: raw facts for the checks and the doctor of the controller."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: node_snapshot
short_description: Read everything that checks of a node look at
version_added: 1.0.0
author: The mko team
description:
  - Reads files, asks tools and tries ports. Changes nothing, judges nothing, waits for nothing long; what cannot be read is null.
  - Works without root rights too; then more is null.
options:
  address:
    description: The IPv4 address that the node should have.
    type: str
  peers:
    description: Nodes whose ports are tried, each with C(address) and C(hostname).
    type: list
    elements: dict
    default: []
  microk8s:
    description: Read the state of MicroK8s too. Takes up to a minute on a node whose API does not answer.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: It changes nothing in any case.
'''

EXAMPLES = '''
- name: Read the node
  mko.microk8s.node_snapshot:
    peers:
      - {address: 192.0.2.12, hostname: n2}
'''

RETURN = '''
facts:
  description: What the node is like, by name; texts are as the system gives them, cut at 2000 characters.
  type: dict
  returned: always
matrix:
  description: For each peer and port C(open), C(refused) (reached, nobody listens), C(timeout) or C(unreachable).
  type: dict
  returned: always
microk8s:
  description: State of MicroK8s - microk8s, kube_nodes, datastore, logs, certs and the keys of the node's record.
  type: dict
  returned: with O(microk8s=true)
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import collect, diagnose


def main():
    module = AnsibleModule(
        argument_spec={'address': {'type': 'str'}, 'peers': {'type': 'list', 'elements': 'dict', 'default': []}, 'microk8s': {'type': 'bool', 'default': False}},
        supports_check_mode=True)
    peers = [(str(one['hostname']), str(one['address'])) for one in module.params['peers'] if one['address'] != module.params['address']]
    result = {'facts': collect.facts(module.params['address']), 'matrix': collect.attempt(lambda: collect.reach(peers))}
    if module.params['microk8s']:
        result['microk8s'] = diagnose.look(module.params['address'], peers)
    module.exit_json(changed=False, **result)


if __name__ == '__main__':
    main()
