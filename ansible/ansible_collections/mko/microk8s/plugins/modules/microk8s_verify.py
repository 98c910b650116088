#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: wait until a cluster is what it should be, seen from one control plane."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_verify
short_description: Wait until a cluster has the expected nodes, roles and high availability
version_added: 1.0.0
author: The mko team
description:
  - Reads nodes and datastore members on a control plane until all expected nodes are Ready with their roles, the control
    planes are members of the datastore, and three or more of them give high availability.
  - Changes nothing.
options:
  expected:
    description: Nodes with C(name) (in Kubernetes), C(address) and C(role) (control_plane or worker).
    type: list
    elements: dict
    required: true
  timeout:
    description: Seconds to wait.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: In check mode it looks once and reports, without failing.
'''

EXAMPLES = '''
- name: Verify the cluster
  mko.microk8s.microk8s_verify:
    expected:
      - {name: n1, address: 192.0.2.11, role: control_plane}
'''

RETURN = '''
problems:
  description: What is not as it should be. Empty when the task does not fail.
  type: list
  elements: str
  returned: always
addons:
  description: The addons that MicroK8s has (name, repository, status, version).
  type: list
  elements: dict
  returned: success
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run, wait_until


def problems(expected, nodes, members):
    """What differs, in sentences. nodes None: the API does not answer; members None: the datastore has no leader."""
    if nodes is None:
        return ['The Kubernetes API does not answer.']
    found = []
    by_name = {one['name']: one for one in nodes}
    planes = [one for one in expected if one['role'] == 'control_plane']
    for want in expected:
        node = by_name.get(want['name'])
        if node is None:
            found.append('The node %s is not in the cluster.' % want['name'])
        elif not node['ready']:
            found.append('The node %s is not Ready.' % want['name'])
        elif node['role'] != want['role']:
            found.append('The node %s is a %s instead of a %s.' % tuple([want['name']] + [text.replace('_', ' ') for text in (node['role'], want['role'])]))
    if members is None:
        return found + ['The datastore has no leader.']
    ips = {mk8s.ip_of(one['address']) for one in members}
    for want in planes:
        if len(planes) > 1 and want['address'] not in ips:
            found.append('The control plane %s (%s) is no member of the datastore.' % (want['name'], want['address']))
    if len(planes) >= 3 and sum(1 for one in members if one['role'] == 'voter') < 3:
        found.append('There is no high availability yet: the datastore has fewer than three voters.')
    return found


def main():
    module = AnsibleModule(
        argument_spec={'expected': {'type': 'list', 'elements': 'dict', 'required': True}, 'timeout': {'type': 'int', 'default': 300}},
        supports_check_mode=True)
    last = []

    def satisfied():
        last[:] = problems(module.params['expected'], mk8s.api_nodes(), mk8s.dqlite_members())
        return not last

    wait_until(satisfied, 0 if module.check_mode else module.params['timeout'], 1.0)
    if last and not module.check_mode:
        module.fail_json(msg='The cluster is not complete after %d s. %s' % (module.params['timeout'], ' '.join(last)), problems=last)
    status = mk8s.parse_status_yaml(run([mk8s.MICROK8S, 'status', '--format', 'yaml'], 120).out)
    module.exit_json(changed=False, problems=last, addons=status['addons'])


if __name__ == '__main__':
    main()
