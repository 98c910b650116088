#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: what MicroK8s on this node, and its cluster, are really like."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_info
short_description: Read the state of MicroK8s on a node and of its cluster
version_added: 1.0.0
author: The mko team
description:
  - Reads snapd, the lock files, the services, the Kubernetes API and the datastore. Changes nothing.
  - Exit codes and texts of C(microk8s status) are not believed; a node is C(running) when Kubernetes calls it Ready.
options:
  address:
    description: The IPv4 address of the node. Used to choose the network card whose MAC address is reported.
    type: str
  cluster:
    description: Read the cluster too, when this node is a control plane whose API answers.
    type: bool
    default: false
  addons:
    description: With O(cluster=true), read the addons too, and what ends when a node goes. Takes some seconds.
    type: bool
    default: true
  wait_lock:
    description: Wait so many seconds for another task of mko on this node to end before reading. 0 reads at once.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: It changes nothing in any case.
'''

EXAMPLES = '''
- name: Read the node
  mko.microk8s.microk8s_info:
  register: info
'''

RETURN = '''
node:
  description: >-
    microk8s_status (not_installed, installed, running, stopped, error), microk8s_message, microk8s_version, channel, revision, held, role
    (control_plane, worker, none), clustered, services, node_ready, os_version, kernel_version, architecture, cpu_cores, memory_bytes,
    disk_bytes, mac_address, hostname, node_name.
  type: dict
  returned: always
state:
  description: What decisions need, beyond that. Locks, members, nodes as this node sees them, fingerprint of the CA.
  type: dict
  returned: always
findings:
  description: What is wrong with this node.
  type: list
  elements: dict
  returned: always
cluster:
  description: high_availability, nodes, dqlite, leader, addons, network_cidr, service_cidr, findings.
  type: dict
  returned: with O(cluster=true) on a control plane whose API answers, else null
impact:
  description: >-
    For each node in Kubernetes what ends when it goes down: pods, emptydir (pods that lose scratch data), stay (pods that cannot move
    without loss, and why), volumes (claims whose data only this node has); stay_count and volume_count where the lists are cut.
    A node without such pods is not in it.
  type: dict
  returned: where C(cluster) is, with O(addons=true); null when the API does not say
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import life, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock

INTERNAL = ('locks', 'half_joined', 'members', 'nodes', 'ca', 'proxy_servers', 'installed_ok', 'machine_id')


def report(state):
    """The public part of a state, and the rest."""
    return {key: value for key, value in state.items() if key not in INTERNAL}, {key: state[key] for key in INTERNAL}


def main():
    module = AnsibleModule(
        argument_spec={
            'address': {'type': 'str'}, 'cluster': {'type': 'bool', 'default': False}, 'addons': {'type': 'bool', 'default': True},
            'wait_lock': {'type': 'int', 'default': 0},
        },
        supports_check_mode=True)
    try:
        if module.params['wait_lock'] > 0 and not module.check_mode:
            with NodeLock(module.params['wait_lock']):
                state = mk8s.node_state(module.params['address'])
        else:
            state = mk8s.node_state(module.params['address'])
    except LockBusy as error:
        module.fail_json(msg=str(error))
    view = mk8s.cluster_view(state, module.params['addons']) if module.params['cluster'] else None
    node, internal = report(state)
    internal['network_cidr'], internal['service_cidr'] = mk8s.network_cidr(), mk8s.service_cidr()
    module.exit_json(changed=False, node=node, state=internal, findings=mk8s.node_findings(state), cluster=view,
                     impact=life.cluster_impact() if view is not None and module.params['addons'] else None)


if __name__ == '__main__':
    main()
