#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: a backup of the datastore is made, or put back, and proven."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_dbctl
short_description: Back up the datastore of MicroK8s, or restore it
version_added: 1.0.0
author: The mko team
description:
  - With O(state=saved), calls C(microk8s dbctl backup), opens the archive and counts its keys. It fails for an empty or cut archive,
    whatever the exit code said.
  - With O(state=restored), opens the archive first, calls C(microk8s dbctl restore), waits until the node is ready, makes a backup
    of what is there then, and compares. Every key of the archive must be there. Keys that are newer than the archive stay.
options:
  state:
    description: What is wanted.
    type: str
    choices: [saved, restored]
    required: true
  path:
    description: The archive, ending in .tar.gz.
    type: path
    required: true
  timeout:
    description: Seconds for dbctl.
    type: int
    default: 600
  ready_timeout:
    description: Seconds until the node is Ready after a restore.
    type: int
    default: 600
  lock_timeout:
    description: Seconds to wait for another task of mko on this node.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Back up
  mko.microk8s.microk8s_dbctl:
    state: saved
    path: /var/tmp/backup/datastore.tar.gz
'''

RETURN = '''
keys:
  description: How many keys the archive holds.
  type: int
  returned: success
size_bytes:
  description: Its size.
  type: int
  returned: success
sha256:
  description: Its checksum.
  type: str
  returned: success
'''

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import archive, change, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, run

# What Kubernetes rewrites by itself while a restore runs: their absence afterwards says nothing.
PASSING = ('leases', 'events', 'masterleases', 'endpointslices', 'pods')
ENDPOINTS = '/registry/services/endpoints/'


def passing(key):
    """Whether a key such as /registry/leases/kube-node-lease/n1 is of a kind that comes and goes by itself."""
    parts = key.split('/')
    return key.startswith(ENDPOINTS) or len(parts) > 2 and parts[2] in PASSING


def save(path, timeout):
    """Returns the keys. Raises change.Failed."""
    result = run([mk8s.MICROK8S, 'dbctl', 'backup', '-o', path[:-len('.tar.gz')]], timeout, cwd=os.path.dirname(path))
    if not os.path.exists(path):
        raise change.Failed('no_archive', 'microk8s dbctl made no archive (exit code %d): %s' % (result.rc, result.short(400)))
    os.chmod(path, 0o600)
    try:
        keys = archive.read(path)
    except archive.Broken as error:
        raise change.Failed('broken', 'microk8s dbctl made an archive that is no backup: %s.' % error)
    if result.rc != 0:
        raise change.Failed('dbctl', 'microk8s dbctl backup failed (exit code %d): %s' % (result.rc, result.short(400)))
    return keys


def restore(params):
    """Returns the keys of the archive. Raises change.Failed."""
    try:
        keys = archive.read(params['path'])
    except archive.Broken as error:
        raise change.Failed('broken', 'The archive is no backup of a datastore: %s. Nothing was changed.' % error)
    result = run([mk8s.MICROK8S, 'dbctl', 'restore', params['path']], params['timeout'], cwd=os.path.dirname(params['path']))
    if result.rc != 0:
        raise change.Failed('dbctl', 'microk8s dbctl restore failed (exit code %d): %s' % (result.rc, result.short(400)))
    change.wait_ready(params['ready_timeout'])
    with tempfile.TemporaryDirectory(dir=os.path.dirname(params['path'])) as folder:
        there = save(folder + '/after.tar.gz', params['timeout'])
    missing = sorted(key for key in keys if key not in there and not passing(key))
    if missing:
        raise change.Failed('not_restored', '%d of %d keys are not there after the restore: %s' % (len(missing), len(keys), ', '.join(missing[:5])))
    return keys


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['saved', 'restored'], 'required': True}, 'path': {'type': 'path', 'required': True},
            'timeout': {'type': 'int', 'default': 600}, 'ready_timeout': {'type': 'int', 'default': 600}, 'lock_timeout': {'type': 'int', 'default': 900},
        },
        supports_check_mode=True)
    params = module.params
    if module.check_mode:
        module.exit_json(changed=True, keys=0, size_bytes=0, sha256='')
    try:
        with NodeLock(params['lock_timeout']):
            keys = save(params['path'], params['timeout']) if params['state'] == 'saved' else restore(params)
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code)
    except LockBusy as error:
        module.fail_json(msg=str(error), code='busy')
    module.exit_json(changed=True, keys=len(keys), size_bytes=os.path.getsize(params['path']), sha256=archive.sha256(params['path']))


if __name__ == '__main__':
    main()
