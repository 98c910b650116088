#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: a node of the cluster holds no pods that could run elsewhere, or takes pods again."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_evacuate
short_description: Cordon and drain a node of the cluster, or give it back
version_added: 1.0.0
author: The mko team
description:
  - Runs on a control plane and acts on another node, or on itself, through the API.
  - A node that it cordons gets an annotation; O(state=back) uncordons only nodes with that annotation, so that what a person
    cordoned stays cordoned.
  - When pods do not go in time, the node is given back and the task fails with their names, unless O(insist=true).
options:
  node:
    description: Name of the node in Kubernetes.
    type: str
    required: true
  state:
    description: Drained (away), or taking pods again (back).
    type: str
    choices: [away, back]
    default: away
  timeout:
    description: Seconds for moving the pods.
    type: int
    default: 300
  grace:
    description: Seconds that each pod gets for its end. -1 is what the pod itself says.
    type: int
    default: -1
  insist:
    description: Go on although pods stayed.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Empty a node
  mko.microk8s.microk8s_evacuate:
    node: n3
'''

RETURN = '''
cordoned:
  description: Whether this run cordoned or uncordoned the node.
  type: bool
  returned: success
stayed:
  description: Pods that did not go.
  type: list
  elements: str
  returned: always
log:
  description: Notes.
  type: list
  elements: str
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, member


def away(params, notes):
    """Returns (changed, cordoned by us, pods that stayed)."""
    before = member.pods_on(params['node'])
    cordoned = member.cordon(params['node'])
    stayed = member.drain(params['node'], params['timeout'], params['grace'], notes.append)
    if stayed and not params['insist']:
        if cordoned:
            member.uncordon(params['node'])
        raise change.Failed('drain', '%d pods did not leave the node %s within %d s: %s. Look at their disruption budgets (kubectl get pdb -A). The node '
                            'takes pods as before.' % (len(stayed), params['node'], params['timeout'], ', '.join(stayed[:5])), stayed=stayed)
    return cordoned or bool(before), cordoned, stayed


def main():
    module = AnsibleModule(
        argument_spec={
            'node': {'type': 'str', 'required': True}, 'state': {'type': 'str', 'choices': ['away', 'back'], 'default': 'away'},
            'timeout': {'type': 'int', 'default': 300}, 'grace': {'type': 'int', 'default': -1}, 'insist': {'type': 'bool', 'default': False},
        },
        supports_check_mode=True)
    params, notes = module.params, []
    try:
        node = member.node_object(params['node'])
        if node is None:
            raise change.Failed('api', 'The Kubernetes API does not answer.')
        marked = member.ANNOTATION in (node.get('metadata') or {}).get('annotations', {})
        if not node or module.check_mode:
            changed = bool(node) and (params['state'] == 'away' or marked)
            module.exit_json(changed=changed, cordoned=False, stayed=[], log=notes)
        if params['state'] == 'back':
            done = member.uncordon(params['node'])
            module.exit_json(changed=done, cordoned=done, stayed=[], log=notes)
        changed, cordoned, stayed = away(params, notes)
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code, stayed=error.more.get('stayed', []), log=notes)
    module.exit_json(changed=changed, cordoned=cordoned, stayed=stayed, log=notes)


if __name__ == '__main__':
    main()
