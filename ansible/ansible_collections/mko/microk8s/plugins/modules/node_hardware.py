#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: read the hardware of a node with a shell script. Its action plugin of the same name does all of it."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: node_hardware
short_description: Read the hardware of a node
version_added: 1.0.0
author: The mko team
description:
  - Runs a POSIX shell script on the node, in one connection and without Python there, and keeps what it prints in a file on the controller.
  - Changes nothing on the node and leaves nothing there.
options:
  script:
    description: File of the script, looked for in the folder files of the role.
    type: str
    required: true
  folder:
    description: Folder on the controller. It is made when it is not there; the file in it has the name of the host.
    type: str
    required: true
  timeout:
    description: Seconds after which the script is ended.
    type: int
    default: 120
  sections:
    description: Sections of the script that are wanted; all when there are none.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: It changes nothing in any case.
'''

EXAMPLES = '''
- name: Read the hardware
  mko.microk8s.node_hardware:
    script: collect.sh
    folder: /var/lib/mko/operations/12/hardware
'''

RETURN = '''
size:
  description: Bytes that the script printed.
  type: int
  returned: success
'''

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={'script': {'type': 'str', 'required': True}, 'folder': {'type': 'str', 'required': True},
                                          'timeout': {'type': 'int', 'default': 120}}, supports_check_mode=True)
    module.fail_json(msg='The action plugin of this module was not found: the collection is not installed as a whole.')


if __name__ == '__main__':
    main()
