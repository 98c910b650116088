#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: the administrator's kubeconfig of a cluster."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_config
short_description: Read the administrator's kubeconfig from a control plane
version_added: 1.0.0
author: The mko team
description:
  - Returns the kubeconfig with the address of this node as the server. It opens the whole cluster, so run the task with
    C(no_log=true).
options:
  address:
    description: The IPv4 address to write as the server. MicroK8s itself would take the one of the default route.
    type: str
    required: true
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Read the kubeconfig
  mko.microk8s.microk8s_config:
    address: "{{ ansible_host }}"
  no_log: true
  register: config
'''

RETURN = '''
kubeconfig:
  description: The text of the kubeconfig.
  type: str
  returned: always
'''

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run


def with_server(text, address):
    """The kubeconfig with another server, the port kept."""
    return re.sub(r'(?m)^(\s*server:\s*https://)[^:/\s]+(:\d+)', lambda match: match.group(1) + address + match.group(2), text)


def main():
    module = AnsibleModule(argument_spec={'address': {'type': 'str', 'required': True}}, supports_check_mode=True)
    result = run([mk8s.MICROK8S, 'config'], 60)
    if result.rc != 0 or 'clusters:' not in result.out or 'server:' not in result.out:
        module.fail_json(msg='There is no kubeconfig on this node. microk8s config says: %s' % (result.short(300) if 'key' not in result.out else '?'))
    module.exit_json(changed=False, kubeconfig=with_server(result.out, module.params['address']))


if __name__ == '__main__':
    main()
