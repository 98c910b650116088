#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: an addon of MicroK8s is enabled."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_addon
short_description: Enable an addon of MicroK8s
version_added: 1.0.0
author: The mko team
description:
  - Enables an addon that is not enabled, with a time limit, and verifies it. C(microk8s enable) may end with 0 and have
    done nothing, or wait for ever.
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
  timeout:
    description: Seconds for enabling.
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


def main():
    module = AnsibleModule(
        argument_spec={
            'name': {'type': 'str', 'required': True}, 'args': {'type': 'list', 'elements': 'str', 'default': []},
            'timeout': {'type': 'int', 'default': 600}, 'ready_timeout': {'type': 'int', 'default': 300},
        },
        supports_check_mode=True)
    name = module.params['name']
    addons = wait_until(read_addons, 0 if module.check_mode else 60, 2.0)
    addon = find(addons, name)
    if module.check_mode and not addons:
        module.exit_json(changed=True, addon={'name': name})
    if addon is None:
        module.fail_json(msg='MicroK8s has no addon "%s". It has: %s. More come with "microk8s enable community".'
                         % (name, ', '.join(sorted(one['name'] for one in addons)) or 'none, as its API does not answer'))
    if addon['status'] == 'enabled':
        module.exit_json(changed=False, addon=addon)
    if module.check_mode:
        module.exit_json(changed=True, addon=addon)
    words = command(addon['repository'] + '/' + addon['name'] if '/' in name else addon['name'], module.params['args'])
    result = run([mk8s.MICROK8S, 'enable'] + words, module.params['timeout'])
    if result.timed_out:
        module.fail_json(msg='The addon %s was not enabled within %d s. Last output: %s' % (name, module.params['timeout'], result.short(500)),
                         changed=True, addon=addon)
    if result.rc != 0:
        module.fail_json(msg='The addon %s could not be enabled: %s' % (name, result.short(800)), rc=result.rc, changed=True, addon=addon)
    try:
        change.wait_ready(module.params['ready_timeout'])
    except change.Failed as error:
        module.fail_json(msg='After enabling the addon %s: %s' % (name, error.message), changed=True, addon=addon)
    addon = wait_until(lambda: next((one for one in [find(read_addons(), name)] if one and one['status'] == 'enabled'), None), 60, 2.0)
    if not addon:
        module.fail_json(msg='MicroK8s says that it enabled the addon %s, but it is not enabled: %s' % (name, result.short(500)), changed=True)
    module.exit_json(changed=True, addon=addon)


if __name__ == '__main__':
    main()
