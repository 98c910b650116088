#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: move the pods away from nodes, or say which ones stay and why."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_drain
short_description: Drain nodes
version_added: 1.0.0
author: The mko team
description:
  - Runs on a control plane. Evicts the pods of all given nodes at once, which respects disruption budgets.
  - With O(force_timeout) pods that are still there are then deleted with their grace, whatever a budget says.
  - Does not fail when pods stay; the result says which and why.
options:
  nodes:
    description: Names in Kubernetes.
    type: list
    elements: str
    required: true
  tiers:
    description: Label selectors. The pods of the first go first; then those of the next; then all others.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for the evictions of each tier.
    type: int
    default: 300
  force_timeout:
    description: Seconds for the deletions after that. 0 deletes nothing.
    type: int
    default: 0
  delete_emptydir_data:
    description: End pods with scratch data too.
    type: bool
    default: false
  force:
    description: End pods that no controller brings back too.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Says which pods would be moved.
'''

EXAMPLES = '''
- name: Empty a node
  mko.microk8s.microk8s_drain:
    nodes: [n1]
'''

RETURN = '''
left:
  description: A mapping of node to the pods that stay, each with the reason.
  type: dict
  returned: always
said:
  description: What kubectl said about nodes whose drain failed.
  type: dict
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import life


def drain_all(args, names):
    """Tier by tier, then the rest; what kubectl said last about each node."""
    flags = (['--delete-emptydir-data'] if args['delete_emptydir_data'] else []) + (['--force'] if args['force'] else [])
    said = {}
    for selector in list(args['tiers']) + ['']:
        said = life.drain(names, selector, args['timeout'], flags)
        failed = [name for name in names if said[name]]
        if failed and args['force_timeout'] > 0:
            said.update(life.drain(failed, selector, args['force_timeout'], flags + ['--disable-eviction']))
    return {name: text for name, text in said.items() if text}


def main():
    module = AnsibleModule(
        argument_spec={
            'nodes': {'type': 'list', 'elements': 'str', 'required': True}, 'tiers': {'type': 'list', 'elements': 'str', 'default': []},
            'timeout': {'type': 'int', 'default': 300}, 'force_timeout': {'type': 'int', 'default': 0},
            'delete_emptydir_data': {'type': 'bool', 'default': False}, 'force': {'type': 'bool', 'default': False},
        },
        supports_check_mode=True)
    args = module.params
    try:
        before = life.left_on(args['nodes'])
        if module.check_mode:
            module.exit_json(changed=bool(before), left=before, said={})
        known = {node['metadata']['name'] for node in life.items(['nodes'])}
        names = [name for name in args['nodes'] if name in known]
        said = drain_all(args, names) if names else {}
        left = life.left_on(list(said)) if said else {}
    except life.ApiDown as error:
        module.fail_json(msg='%s How far the drain came is unknown.' % error)
    module.exit_json(changed=bool(before) and before != left, left=left, said={name: text for name, text in said.items() if left.get(name)})


if __name__ == '__main__':
    main()
