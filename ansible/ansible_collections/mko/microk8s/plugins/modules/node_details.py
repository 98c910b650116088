#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: cards, disks, packages and certificates of a node."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: node_details
short_description: Read what changes on a machine over the months
version_added: 1.0.0
author: The mko team
description:
  - Reads network cards, disks, versions of packages that matter to MicroK8s, and when its certificates end. Changes nothing.
attributes:
  check_mode:
    support: full
    description: It changes nothing in any case.
'''

EXAMPLES = '''
- name: Read the details
  mko.microk8s.node_details:
  register: details
'''

RETURN = '''
details:
  description: >-
    interfaces (MAC by name), disks (bytes by name), packages (version by name), certificates (end by name), python. Cards of pods and disks
    that are no hardware are left out.
  type: dict
  returned: always
'''

import datetime

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils.certs import read_certs
from ansible_collections.mko.microk8s.plugins.module_utils.details import read_details


def main():
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    module.exit_json(changed=False, details=read_details(read_certs(now)))


if __name__ == '__main__':
    main()
