#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: the steps on one node that bring a datastore back whose quorum is lost."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_recover
short_description: Recover the datastore of MicroK8s after more than half of its voters were lost
version_added: 1.0.0
author: The mko team
description:
  - C(looked) says what this node has, without changing anything. The others want MicroK8s stopped.
  - C(saved) makes a private archive of the whole folder of the datastore, opens it to its end, and counts. An archive of the same
    O(name) that is there already and whole is kept, so that what was before the first attempt is never overwritten.
  - C(reconfigured) writes the members that are left, all of them voters, and lets the datastore rewrite the membership in its log.
  - C(packed) makes an archive of the log at O(path); C(received) replaces the log of this node by that of the archive at O(path), which
    is opened to its end and compared with O(sha256) first.
  - C(done) removes the note of C(reconfigured) that a recovery has begun.
options:
  state:
    description: The step.
    type: str
    choices: [looked, saved, reconfigured, packed, received, done]
    required: true
  name:
    description: Name of the copy that C(saved) makes below the common folder of MicroK8s.
    type: str
    default: recover
  path:
    description: The archive of C(packed) and C(received).
    type: path
  sha256:
    description: Its checksum, for C(received).
    type: str
  members:
    description: What is left, each with id and address, for C(reconfigured). With C(received), the archive must be of these; empty takes any.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Look at the datastore
  mko.microk8s.microk8s_recover:
    state: looked
'''

RETURN = '''
look:
  description: role, own{id, address}, members, has_log, last_index, leader (whether the datastore answers), answering (addresses of other members whose port is open), begun.
  type: dict
  returned: with O(state=looked)
saved:
  description: The archive that was made, and what is in it.
  type: dict
  returned: with O(state=saved), O(state=packed)
'''

import json
import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import archive, backend, change, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, read, run, write_atomic

NOTE = mk8s.BACKEND + '/mko-recover.json'
COPIES = mk8s.COMMON + '/mko-recover'
ALIVE = ('active', 'activating', 'deactivating', 'reloading')


def own_info():
    """{id, address} out of info.yaml, or None."""
    found = mk8s.parse_members('- ' + read(mk8s.BACKEND + '/info.yaml').replace('\n', '\n  '))
    return {'id': found[0]['id'], 'address': found[0]['address']} if len(found) == 1 and found[0]['id'] else None


def begun():
    try:
        note = json.loads(read(NOTE))
    except ValueError:
        return None
    return note if isinstance(note, dict) else None


def look():
    role = mk8s.role() if os.path.isdir(mk8s.SNAP_DIR) else 'none'
    if role != 'control_plane':
        return {'role': role, 'own': None, 'members': [], 'has_log': False, 'last_index': 0, 'leader': False, 'answering': [], 'begun': None}
    members, own, names = mk8s.file_members(), own_info(), backend.names_in(mk8s.BACKEND)
    others = [one['address'] for one in members if not own or one['address'] != own['address']]
    return {'role': role, 'own': own, 'members': members, 'has_log': backend.has_log(names), 'last_index': backend.last_index(names),
            'leader': bool(mk8s.dqlite_members()), 'answering': [address for address in others if mk8s.can_connect(address)], 'begun': begun()}


def need_stopped():
    running = sorted(name for name, state in mk8s.units_active().items() if state in ALIVE)
    if running:
        raise change.Failed('running', 'MicroK8s still runs on this node (%s); its datastore was not touched.' % ', '.join(running))


def drop_cut_off(path):
    """Remove the copies that backups left here which were cut off. Those of a recovery stay: they are its way back."""
    for name in os.listdir(COPIES):
        if name.startswith('backup-') and COPIES + '/' + name != path:
            os.unlink(COPIES + '/' + name)


def save(name):
    os.makedirs(COPIES, mode=0o700, exist_ok=True)
    path = '%s/%s.tar.gz' % (COPIES, name)
    drop_cut_off(path)
    if not os.path.exists(path):
        try:
            backend.pack(path + '.part', mk8s.BACKEND, extra=(mk8s.DATA + '/certs', mk8s.DATA + '/credentials', mk8s.DATA + '/args'))
            os.rename(path + '.part', path)
        finally:
            if os.path.exists(path + '.part'):
                os.unlink(path + '.part')
    return dict(backend.prove(path), path=path, size_bytes=os.path.getsize(path), sha256=archive.sha256(path))


def reconfigure(members):
    """The chosen survivor: only these members, in cluster.yaml and in the log."""
    if not members:
        raise change.Failed('no_members', 'No members were given that are left.')
    if begun() is None:
        write_atomic(NOTE, json.dumps({'members': mk8s.file_members()}), 0o600)
    backend.write_members(mk8s.BACKEND, members)
    result = run([mk8s.SNAP_DIR + '/bin/dqlite', '-s', '127.0.0.1:%d' % mk8s.DQLITE_PORT, '-c', mk8s.BACKEND + '/cluster.crt', '-k',
                  mk8s.BACKEND + '/cluster.key', 'k8s', '.reconfigure %s/ %s/cluster.yaml' % (mk8s.BACKEND, mk8s.BACKEND)], 120)
    if result.rc != 0 or 'OK' not in result.out.split():
        raise change.Failed('reconfigure', 'The datastore did not take the new members (exit code %d): %s' % (result.rc, result.short(400)))


def pack(path):
    backend.pack(path, mk8s.BACKEND, keep=backend.TAKEN)
    return dict(backend.prove(path), path=path, size_bytes=os.path.getsize(path), sha256=archive.sha256(path))


def receive(path, sha256, members):
    if archive.sha256(path) != sha256:
        raise archive.Broken('it is not what the chosen node sent (its checksum differs)')
    got = sorted(one['address'] for one in backend.prove(path)['members'])
    if members and got != sorted(one['address'] for one in members):
        raise archive.Broken('it is of a datastore with the members %s' % ', '.join(got))
    backend.take_log(path, mk8s.BACKEND)


def act(params):
    """What there is to tell."""
    state = params['state']
    if state == 'done':
        if os.path.exists(NOTE):
            os.unlink(NOTE)
        return {}
    need_stopped()
    if state == 'saved':
        if not re.match(r'^[a-z0-9-]{1,60}$', params['name']):
            raise change.Failed('name', 'The name of the copy must be of letters, digits and "-".')
        return {'saved': save(params['name'])}
    if state == 'packed':
        return {'saved': pack(params['path'])}
    if state == 'reconfigured':
        reconfigure(params['members'])
    else:
        receive(params['path'], params['sha256'], params['members'])
    return {}


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['looked', 'saved', 'reconfigured', 'packed', 'received', 'done'], 'required': True},
            'name': {'type': 'str', 'default': 'recover'}, 'path': {'type': 'path'}, 'sha256': {'type': 'str'},
            'members': {'type': 'list', 'elements': 'dict', 'default': []},
        },
        required_if=[('state', 'packed', ('path',)), ('state', 'received', ('path', 'sha256'))], supports_check_mode=True)
    if module.params['state'] == 'looked':
        module.exit_json(changed=False, look=look())
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        with NodeLock(120):
            told = act(module.params)
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code)
    except archive.Broken as error:
        module.fail_json(msg='The archive is no log of a datastore: %s. Nothing was replaced.' % error, code='broken')
    except (LockBusy, OSError) as error:
        module.fail_json(msg=str(error), code='io')
    module.exit_json(changed=True, **told)


if __name__ == '__main__':
    main()
