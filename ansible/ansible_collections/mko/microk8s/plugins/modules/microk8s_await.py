#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: wait on a control plane for the API, for nodes, or for workloads."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_await
short_description: Wait for the quorum, for nodes, or for workloads
version_added: 1.0.0
author: The mko team
description:
  - Runs on a control plane. C(quorum) fails when the time is over; the others report what is missing.
options:
  what:
    description: >-
      quorum (the datastore has a leader and the API answers), ready (all O(nodes) are Ready), not_ready (none of them is),
      system (all workloads of kube-system have their pods), workloads (all workloads have), spare (the datastore keeps its quorum
      without the member at O(address)).
    type: str
    choices: [quorum, ready, not_ready, system, workloads, spare]
    required: true
  nodes:
    description: Names in Kubernetes.
    type: list
    elements: str
    default: []
  address:
    description: With O(what=spare), the IPv4 address of the node that shall go down.
    type: str
  timeout:
    description: Seconds to wait.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: In check mode it looks once.
'''

EXAMPLES = '''
- name: Wait for the quorum
  mko.microk8s.microk8s_await:
    what: quorum
'''

RETURN = '''
missing:
  description: Names of nodes, or workloads as kind, name, ready and wanted, that are not there.
  type: list
  elements: raw
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import life, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import wait_until


def lost_pods():
    """Delete pods of controllers whose end nobody saw: their node came back without them, and they hold names and volumes."""
    for pod in life.items(['pods', '-A'], 1):
        status = pod.get('status') or {}
        if life.owner_kind(pod) and (status.get('phase') == 'Unknown' or status.get('reason') in ('NodeLost', 'ContainerStatusUnknown')):
            mk8s.kubectl(['delete', 'pod', pod['metadata']['name'], '-n', pod['metadata']['namespace'], '--wait=false'], 30)


def voters_down(address):
    """Voters that are down or would be, when the others are too few; [] when they are enough."""
    voters = [one['address'] for one in mk8s.dqlite_members() or () if one['role'] == 'voter']
    down = [one for one in voters if mk8s.ip_of(one) == address or not mk8s.can_connect(one)]
    goes = any(mk8s.ip_of(one) == address for one in voters) or (len(voters) == 1 and mk8s.ip_of(voters[0]) == '127.0.0.1')
    return down or ['no voters are known'] if goes and len(voters) - len(down) < len(voters) // 2 + 1 else []


def look(what, names, address):
    """What is missing; None when nobody can say."""
    if what == 'spare':
        return voters_down(address)
    if what == 'quorum':
        return [] if mk8s.dqlite_members() and mk8s.api_nodes() is not None else ['quorum']
    if what in ('ready', 'not_ready'):
        nodes = mk8s.api_nodes()
        if nodes is None:
            return None
        ready = {one['name'] for one in nodes if one['ready']}
        return sorted(name for name in names if (name in ready) != (what == 'ready'))
    try:
        lost_pods()
        return life.not_back(system_only=what == 'system')
    except life.ApiDown:
        return None


def main():
    module = AnsibleModule(
        argument_spec={
            'what': {'type': 'str', 'choices': ['quorum', 'ready', 'not_ready', 'system', 'workloads', 'spare'], 'required': True},
            'nodes': {'type': 'list', 'elements': 'str', 'default': []}, 'timeout': {'type': 'int', 'default': 300}, 'address': {'type': 'str'},
        },
        supports_check_mode=True)
    what, timeout = module.params['what'], module.params['timeout']
    last = [None]

    def complete():
        last[0] = look(what, module.params['nodes'], module.params['address'])
        return last[0] == []

    wait_until(complete, 0 if module.check_mode else timeout, 1.0)
    missing = last[0]
    if what == 'quorum' and missing and not module.check_mode:
        silent = [one['address'] for one in mk8s.file_members() if one['role'] == 'voter' and not mk8s.can_connect(one['address'])]
        module.fail_json(msg='The datastore has no quorum, or the Kubernetes API does not answer, after %d s. Voters that do not answer: %s.'
                         % (timeout, ', '.join(silent) or 'none'), missing=missing)
    if what == 'spare' and missing and not module.check_mode:
        module.fail_json(msg='The datastore would lose its quorum: these voters are down or would be: %s.' % ', '.join(missing), missing=missing)
    if missing is None and not module.check_mode:
        module.fail_json(msg='The Kubernetes API does not answer any more.', missing=[])
    module.exit_json(changed=False, missing=missing or [])


if __name__ == '__main__':
    main()
