#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: close nodes for new pods, or open those again that were closed for a reason."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_cordon
short_description: Cordon or uncordon nodes and note why
version_added: 1.0.0
author: The mko team
description:
  - Runs on a control plane. Cordon and note are one request, so that later only what was cordoned for a reason is opened again.
options:
  nodes:
    description: Names in Kubernetes.
    type: list
    elements: str
    required: true
  state:
    description: cordoned or uncordoned.
    type: str
    choices: [cordoned, uncordoned]
    default: cordoned
  reason:
    description: >-
      Why they are cordoned. With O(state=uncordoned) only nodes cordoned for this reason are opened; without it, all.
    type: str
  notes:
    description: A mapping of node to annotations to write on it, also when somebody else cordoned it.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: Says what would be cordoned.
'''

EXAMPLES = '''
- name: Close a node
  mko.microk8s.microk8s_cordon:
    nodes: [n1]
    reason: reboot
'''

RETURN = '''
nodes:
  description: A mapping of node to changed, ours (cordoned for this reason) and closed.
  type: dict
  returned: always
unknown:
  description: Names that Kubernetes does not know.
  type: list
  elements: str
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import life


def main():
    module = AnsibleModule(
        argument_spec={
            'nodes': {'type': 'list', 'elements': 'str', 'required': True}, 'reason': {'type': 'str'}, 'notes': {'type': 'dict', 'default': {}},
            'state': {'type': 'str', 'choices': ['cordoned', 'uncordoned'], 'default': 'cordoned'},
        },
        required_if=[('state', 'cordoned', ('reason',))], supports_check_mode=True)
    args = module.params
    try:
        nodes = life.items(['nodes'])
    except life.ApiDown as error:
        module.fail_json(msg=str(error))
    if args['state'] == 'cordoned':
        done, problems = life.cordon(nodes, args['nodes'], args['reason'], args['notes'], module.check_mode)
    else:
        done, problems = life.uncordon(nodes, args['nodes'], args['reason'], module.check_mode)
    if problems:
        module.fail_json(msg='Not all nodes could be %s. %s' % (args['state'], ' '.join(problems)), nodes=done)
    module.exit_json(changed=any(one['changed'] for one in done.values()), nodes=done, unknown=[name for name in args['nodes'] if name not in done])


if __name__ == '__main__':
    main()
