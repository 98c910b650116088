#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module for the controller: a fetched backup is whole, described, and old ones are gone."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: backup_archive
short_description: Prove a fetched backup, describe it, and keep only the newest ones
version_added: 1.0.0
author: The mko team
description:
  - Runs on the controller. Opens the archive, counts its keys, compares its checksum, and writes manifest.json beside it last, so that
    a folder without one is no backup.
  - With O(state=checked), compares an archive with its manifest and changes nothing.
options:
  state:
    description: Describe a fresh archive, or check an old one.
    type: str
    choices: [described, checked]
    default: described
  folder:
    description: >-
      Folder of this backup. It holds datastore.tar.gz: the keys, or with C(kind=physical) in the manifest the folder of the datastore.
    type: path
    required: true
  manifest:
    description: What manifest.json shall say besides keys, size and checksum. Needed with O(state=described).
    type: dict
  sha256:
    description: The checksum that the node had computed.
    type: str
  without_node:
    description: >-
      With O(state=checked), refuse a backup that knows a node of this name, whose pods would run again there, and say which objects the backup
      holds. Only for backups of the kind C(datastore).
    type: str
  keep:
    description: >-
      Which backups of the same kind in the folder above are kept; all three at 0 keep all. A backup that one of them keeps stays.
    type: dict
    default: {}
    suboptions:
      last:
        description: The newest ones.
        type: int
        default: 0
      daily:
        description: The newest one of each of so many days (UTC) that have any.
        type: int
        default: 0
      weekly:
        description: The newest one of each of so many weeks (ISO 8601, UTC) that have any.
        type: int
        default: 0
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Check a backup
  mko.microk8s.backup_archive:
    state: checked
    folder: /var/lib/mko/backups/prod/12
'''

RETURN = '''
manifest:
  description: The description of the backup.
  type: dict
  returned: success
objects:
  description: Names of the objects in the backup by kind.
  type: dict
  returned: with O(without_node)
removed:
  description: Backups that were removed because newer ones are kept.
  type: list
  elements: str
  returned: success
'''

import json
import os
import shutil
from datetime import datetime

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import archive, backend
from ansible_collections.mko.microk8s.plugins.module_utils.proc import read, write_atomic


def content(path, manifest):
    """What is in an archive, by its kind; it is read to its end. Raises Broken."""
    if manifest.get('kind') == 'physical':
        proven = backend.prove(path)
        return {'keys': None, 'files': proven['files'], 'members': len(proven['members']), 'last_index': proven['last_index']}
    return {'keys': len(archive.read(path))}


def describe(params):
    path = params['folder'] + '/datastore.tar.gz'
    found = content(path, params['manifest'] or {})
    digest = archive.sha256(path)
    if params['sha256'] and params['sha256'] != digest:
        raise archive.Broken('it is not what the node sent (its checksum differs)')
    os.chmod(path, 0o600)
    manifest = dict(params['manifest'] or {}, size_bytes=os.path.getsize(path), sha256=digest, verified=True, **found)
    write_atomic(params['folder'] + '/manifest.json', json.dumps(manifest, sort_keys=True) + '\n', 0o600)
    return manifest


def check(params):
    path = params['folder'] + '/datastore.tar.gz'
    try:
        manifest = json.loads(read(params['folder'] + '/manifest.json'))
    except ValueError:
        raise archive.Broken('it has no manifest.json that can be read')
    if not os.path.exists(path):
        raise archive.Broken('its archive is not there')
    if archive.sha256(path) != manifest.get('sha256'):
        raise archive.Broken('its archive is not the one that was made (its checksum differs)')
    if any(manifest.get(key) != value for key, value in content(path, manifest).items()):
        raise archive.Broken('its archive holds something else than its manifest says')
    return manifest


def objects(folder, without_node, manifest):
    """What a drill compares. Raises Broken."""
    if manifest.get('kind') != 'datastore':
        raise archive.Broken('a drill needs the keys, and a physical backup shows them only when it runs; take a logical one')
    keys = archive.read(folder + '/datastore.tar.gz')
    if archive.NODES + without_node in keys:
        raise archive.Broken('it knows a node called %s, whose pods would run there again; take a machine of another name' % without_node)
    return archive.objects(keys)


def manifest_of(folder):
    """Of a whole backup; {} without a manifest that can be read."""
    try:
        manifest = json.loads(read(folder + '/manifest.json'))
    except ValueError:
        return {}
    return manifest if isinstance(manifest, dict) else {}


def drop_cut_off(folder):
    """Remove what backups that were cut off left beside this one: a manifest is written last, and only one backup of a cluster is made at a time."""
    above, own = os.path.dirname(folder), os.path.basename(folder)
    for name in os.listdir(above):
        if name.isdigit() and own.isdigit() and int(name) < int(own) and not os.path.lexists('%s/%s/manifest.json' % (above, name)):
            shutil.rmtree('%s/%s' % (above, name))


def day_of(manifest):
    """The day (UTC) on which a backup was made; None when its manifest does not say so."""
    try:
        return datetime.strptime(str(manifest.get('created_at'))[:10], '%Y-%m-%d').date()
    except ValueError:
        return None


def newest_of_each(backups, period, count):
    """The names of the newest backup of each of the last periods that have any. @backups [(name, day)], the newest first"""
    found = {}
    for name, day in backups:
        if day is not None and period(day) not in found and len(found) < count:
            found[period(day)] = name
    return set(found.values())


def kept(backups, keep):
    """The names that stay. @backups [(name, day)], the newest first; of which no day is told, never goes."""
    last, daily, weekly = (keep.get(word) or 0 for word in ('last', 'daily', 'weekly'))
    if not last and not daily and not weekly:
        return {name for name, day in backups}
    return ({name for name, day in backups[:last]} | {name for name, day in backups if day is None}
            | newest_of_each(backups, lambda day: day, daily) | newest_of_each(backups, lambda day: tuple(day.isocalendar())[:2], weekly))


def retire(folder, keep):
    """Remove the backups of its kind beside this one that nothing keeps."""
    above, kind = os.path.dirname(folder), manifest_of(folder).get('kind')
    manifests = {name: manifest_of('%s/%s' % (above, name)) for name in os.listdir(above) if name.isdigit()}
    backups = [(name, day_of(manifests[name])) for name in sorted(manifests, key=int, reverse=True) if manifests[name] and manifests[name].get('kind') == kind]
    stays = kept(backups, keep)
    removed = [name for name, day in reversed(backups) if name not in stays and name != os.path.basename(folder)]
    for name in removed:
        shutil.rmtree(above + '/' + name)
    return removed


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['described', 'checked'], 'default': 'described'}, 'folder': {'type': 'path', 'required': True},
            'manifest': {'type': 'dict'}, 'sha256': {'type': 'str'}, 'without_node': {'type': 'str'},
            'keep': {'type': 'dict', 'default': {}, 'options': {word: {'type': 'int', 'default': 0} for word in ('last', 'daily', 'weekly')}},
        },
        supports_check_mode=True)
    params = module.params
    if module.check_mode and params['state'] == 'described':
        module.exit_json(changed=True, manifest={}, removed=[])
    try:
        manifest = describe(params) if params['state'] == 'described' else check(params)
        if params['state'] == 'described':
            drop_cut_off(params['folder'])
        removed = retire(params['folder'], params['keep']) if params['state'] == 'described' else []
        told = {'objects': objects(params['folder'], params['without_node'], manifest)} if params['without_node'] else {}
    except (archive.Broken, OSError) as error:
        module.fail_json(msg='The backup in %s cannot be used: %s.' % (params['folder'], str(error).rstrip('.')))
    module.exit_json(changed=params['state'] == 'described', manifest=manifest, removed=removed, **told)


if __name__ == '__main__':
    main()
