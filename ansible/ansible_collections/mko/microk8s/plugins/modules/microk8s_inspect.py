#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: run microk8s inspect and find the archive that it made."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_inspect
short_description: Run microk8s inspect
version_added: 1.0.0
author: The mko team
description:
  - Runs C(microk8s inspect) and tells where its archive lies, which the caller removes. That a service does not run is no failure.
options:
  timeout:
    description: How long it may take, in seconds.
    type: int
    default: 600
  size_max:
    description: A larger archive is removed at once, in bytes; the module fails.
    type: int
    default: 67108864
attributes:
  check_mode:
    support: partial
    description: In check mode it is not run.
'''

EXAMPLES = '''
- name: Inspect
  mko.microk8s.microk8s_inspect:
  register: report
'''

RETURN = '''
path:
  description: The archive.
  type: str
  returned: success, not in check mode
size:
  description: Its size in bytes; 0 in check mode.
  type: int
  returned: success
'''

import os
import re
import stat

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run


def find_archive(text):
    """The path that the last lines name, or None."""
    found = re.findall(r'(?m)^\s*Report tarball is at (/var/snap/microk8s/[\w.-]+/inspection-report-[\w.-]+\.tar\.gz)\s*$', text or '')
    return found[-1] if found else None


def size_of(path):
    """The size of a regular file, or None."""
    try:
        state = os.lstat(path)
    except OSError:
        return None
    return state.st_size if stat.S_ISREG(state.st_mode) else None


def main():
    module = AnsibleModule(
        argument_spec={'timeout': {'type': 'int', 'default': 600}, 'size_max': {'type': 'int', 'default': 67108864}}, supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=False, size=0)
    result = run([mk8s.MICROK8S, 'inspect'], module.params['timeout'])
    path = find_archive(result.out)
    size = size_of(path) if path else None
    if size is None:
        module.fail_json(msg='microk8s inspect made no archive (exit code %d): %s' % (result.rc, result.short(400) or 'it said nothing'))
    if size > module.params['size_max']:
        os.unlink(path)
        module.fail_json(msg='The report is too large to be fetched: %d bytes, at most %d.' % (size, module.params['size_max']))
    module.exit_json(changed=True, path=path, size=size)


if __name__ == '__main__':
    main()
