#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: what kind of machine this is. Its action plugin of the same name adds what only the controller sees."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: node_facts
short_description: Test a node and read its hardware and system
version_added: 1.0.0
author: The mko team
description:
  - Finds out whether a node can be managed (reachable, Python, root rights) and what it is.
  - Part of it runs on the controller, so that "no Python", "no sudo" and "sudo wants a password" are told apart instead of
    ending in an error about something else, and so that the difference of the clocks can be measured.
  - Run it with C(become=true); it does not fail when that does not work.
options:
  address:
    description: The IPv4 address of the node. Chooses the network card whose MAC address is reported.
    type: str
attributes:
  check_mode:
    support: full
    description: It changes nothing in any case.
'''

EXAMPLES = '''
- name: Test the node
  mko.microk8s.node_facts:
  become: true
  register: node
'''

RETURN = '''
node:
  description: >-
    reachable, sudo (root rights work), tty (sudo insists on a terminal), python (version or null), os{id, version, name}, kernel_version,
    architecture (amd64, arm64, ...), hostname, machine_id, cpu_cores, memory_bytes, disk_bytes (size of the root file system), mac_address,
    clock_ms, clock_skew_ms (positive: the node is ahead; 0 when the difference is within the round trip). What is unknown is null.
  type: dict
  returned: always
problem:
  description: Why the node cannot be managed, and what to do; empty when it can.
  type: str
  returned: always
code:
  description: ok, python_missing, python_old, sudo_missing, sudo_password, sudo_denied, sudo_tty, become_failed.
  type: str
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import host


def main():
    module = AnsibleModule(argument_spec={'address': {'type': 'str'}}, supports_check_mode=True)
    module.exit_json(changed=False, node=host.node_facts(module.params['address']))


if __name__ == '__main__':
    main()
