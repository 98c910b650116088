#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: an addon of MicroK8s is enabled, or disabled."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_addon
short_description: Enable or disable an addon of MicroK8s
version_added: 1.0.0
author: The mko team
description:
  - Enables an addon that is not enabled, or disables one that is, with a time limit, and verifies it. C(microk8s enable) may
    end with 0 and have done nothing, or wait for ever.
  - Nothing is ever answered to a question of an addon. What it asks for must be among the arguments.
options:
  name:
    description: Name of the addon, V(dns) or V(community/argocd). The old name V(storage) means V(hostpath-storage).
    type: str
    required: true
  args:
    description: Arguments. Those that begin with a dash are passed as options, the others behind a colon, joined by commas.
    type: list
    elements: str
    default: []
  state:
    description: Whether the addon shall be enabled or disabled.
    type: str
    choices: [enabled, disabled]
    default: enabled
  timeout:
    description: Seconds for enabling or disabling.
    type: int
    default: 600
  ready_timeout:
    description: Seconds to wait afterwards until this node is Ready again, since many addons restart Kubernetes.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Enable MetalLB
  mko.microk8s.microk8s_addon:
    name: metallb
    args: [192.0.2.240-192.0.2.250]
'''

RETURN = '''
addon:
  description: name, repository, status, version.
  type: dict
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run, wait_until

ALIASES = {'storage': 'hostpath-storage'}


def command(name, args):
    """The words after `microk8s enable`."""
    plain = [one for one in args if not one.startswith('-')]
    options = [one for one in args if one.startswith('-')]
    return [name + (':' + ','.join(plain) if plain else '')] + options


def find(addons, name):
    """The addon called "name" or "repository/name" in the list of `microk8s status`, or None."""
    repository, slash, short = name.rpartition('/')
    short = ALIASES.get(short, short)
    for one in addons:
        if one['name'] == short and (not slash or one['repository'] == repository):
            return one
    return None


def read_addons():
    return mk8s.parse_status_yaml(run([mk8s.MICROK8S, 'status', '--format', 'yaml'], 120).out)['addons']


def refuse(module, addons, name):
    module.fail_json(msg='MicroK8s has no addon "%s". It has: %s. More come with "microk8s enable community".'
                     % (name, ', '.join(sorted(one['name'] for one in addons)) or 'none, as its API does not answer'))


def explain(result):
    """What the addon said, and what it means where that is known."""
    text = result.short(800)
    if 'Failed to reach node' in result.text:
        return text + ' This addon changes all nodes of the cluster, and one of them did not answer on port 25000: bring it back, or remove it.'
    if 'Remove PVC storage' in result.text:
        return text + ' Give it the argument destroy-storage when the volumes may go.'
    return text


def switch(module, addon, words, state):
    """Run the addon's script and verify what it says."""
    verb, name = state[:-1], module.params['name']
    result = run([mk8s.MICROK8S, verb] + words, module.params['timeout'])
    if result.timed_out:
        module.fail_json(msg='The addon %s was not %s within %d s. Last output: %s' % (name, state, module.params['timeout'], result.short(500)),
                         changed=True, addon=addon)
    if result.rc != 0:
        module.fail_json(msg='The addon %s could not be %s: %s' % (name, state, explain(result)), rc=result.rc, changed=True, addon=addon)
    try:
        change.wait_ready(module.params['ready_timeout'])
    except change.Failed as error:
        module.fail_json(msg='After the addon %s was %s: %s' % (name, state, error.message), changed=True, addon=addon)
    addon = wait_until(lambda: next((one for one in [find(read_addons(), name)] if one and one['status'] == state), None), 60, 2.0)
    if not addon:
        module.fail_json(msg='MicroK8s says that the addon %s was %s, but it is not: %s' % (name, state, result.short(500)), changed=True)
    return addon


def main():
    module = AnsibleModule(
        argument_spec={
            'name': {'type': 'str', 'required': True}, 'args': {'type': 'list', 'elements': 'str', 'default': []},
            'state': {'type': 'str', 'choices': ['enabled', 'disabled'], 'default': 'enabled'},
            'timeout': {'type': 'int', 'default': 600}, 'ready_timeout': {'type': 'int', 'default': 300},
        },
        supports_check_mode=True)
    name, state = module.params['name'], module.params['state']
    addons = wait_until(read_addons, 0 if module.check_mode else 60, 2.0)
    addon = find(addons, name)
    if module.check_mode and not addons:
        module.exit_json(changed=True, addon={'name': name})
    if addon is None:
        refuse(module, addons, name)
    if addon['status'] == state:
        module.exit_json(changed=False, addon=addon)
    if not module.check_mode:
        words = command(addon['repository'] + '/' + addon['name'] if '/' in name else addon['name'], module.params['args'])
        addon = switch(module, addon, words, state)
    module.exit_json(changed=True, addon=addon)


if __name__ == '__main__':
    main()
