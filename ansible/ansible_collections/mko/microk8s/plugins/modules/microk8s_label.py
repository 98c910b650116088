#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: labels of nodes in Kubernetes."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_label
short_description: Set and remove labels of nodes
version_added: 1.0.0
author: The mko team
description:
  - Runs on a control plane. Labels that are not named stay as they are.
options:
  labels:
    description: A mapping of the node's name in Kubernetes to a mapping of label to its value, or to null to remove it.
    type: dict
    required: true
attributes:
  check_mode:
    support: full
    description: Says what would be changed.
'''

EXAMPLES = '''
- name: Label a node
  mko.microk8s.microk8s_label:
    labels:
      n1: {disk: ssd, zone: null}
'''

RETURN = '''
nodes:
  description: A mapping of node to changed and labels (those that were not so).
  type: dict
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import life


def main():
    module = AnsibleModule(argument_spec={'labels': {'type': 'dict', 'required': True}}, supports_check_mode=True)
    wanted = module.params['labels']
    try:
        nodes = life.items(['nodes'])
    except life.ApiDown as error:
        module.fail_json(msg=str(error))
    unknown = sorted(set(wanted) - {node['metadata']['name'] for node in nodes})
    if unknown:
        module.fail_json(msg='Kubernetes does not know: %s. Nothing was changed.' % ', '.join(unknown))
    done, problems = life.label(nodes, wanted, module.check_mode)
    if problems:
        module.fail_json(msg='Not all nodes could be labelled. %s' % ' '.join(problems), nodes=done, changed=any(one['changed'] for one in done.values()))
    module.exit_json(changed=any(one['changed'] for one in done.values()), nodes=done)


if __name__ == '__main__':
    main()
