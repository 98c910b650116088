#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: power off this machine, a moment after the answer."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_poweroff
short_description: Power off a machine
version_added: 1.0.0
author: The mko team
description:
  - Asks the system to power off in order, after O(delay) seconds, so that the answer still gets out.
options:
  delay:
    description: Seconds until the system is asked.
    type: int
    default: 2
attributes:
  check_mode:
    support: full
    description: The machine stays on.
'''

EXAMPLES = '''
- name: Power off
  mko.microk8s.microk8s_poweroff:
'''

RETURN = '''#'''

import os
import subprocess

from ansible.module_utils.basic import AnsibleModule

SCRIPT = 'sleep "$1"; exec /usr/bin/systemctl poweroff'


def main():
    module = AnsibleModule(argument_spec={'delay': {'type': 'int', 'default': 2}}, supports_check_mode=True)
    if not os.access('/usr/bin/systemctl', os.X_OK):
        module.fail_json(msg='The machine has no systemctl; power it off by hand.')
    if not module.check_mode:
        with open(os.devnull, 'r+b') as nothing:
            subprocess.Popen(['/bin/sh', '-c', SCRIPT, 'sh', str(module.params['delay'])], stdin=nothing, stdout=nothing, stderr=nothing,  # pylint: disable=consider-using-with
                             start_new_session=True, cwd='/')
    module.exit_json(changed=True)


if __name__ == '__main__':
    main()
