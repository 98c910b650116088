#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: the two steps of a restore drill that are its own."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_drill
short_description: Keep a restored cluster from running anything, and read it back
version_added: 1.0.0
author: The mko team
description:
  - With O(state=quiet), switches off the controllers that make pods, and cordons the only node. A backup that is restored then runs
    nothing, so it cannot speak to anybody in the name of its cluster.
  - With O(state=read), asks the API for every object and compares it with what the backup holds.
options:
  state:
    description: The step.
    type: str
    choices: [quiet, read]
    required: true
  objects:
    description: For O(state=read), the names of the objects that the backup holds, by the name that kubectl has for their kind.
    type: dict
    default: {}
  ready_timeout:
    description: Seconds until the node must be Ready again.
    type: int
    default: 600
  lock_timeout:
    description: Seconds to wait for another task of mko on this node.
    type: int
    default: 900
attributes:
  check_mode:
    support: none
'''

EXAMPLES = '''
- name: Let nothing of the backup run here
  mko.microk8s.microk8s_drill:
    state: quiet
'''

RETURN = '''
kinds:
  description: How many objects of each kind the backup holds and the API reads.
  type: dict
  returned: with O(state=read)
objects:
  description: How many objects were read back.
  type: int
  returned: with O(state=read)
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, read, write_atomic

ARGS = mk8s.DATA + '/args/kube-controller-manager'
# Everything that makes pods. The short names are understood by all versions.
OFF = ('cronjob', 'daemonset', 'deployment', 'job', 'replicaset', 'replicationcontroller', 'statefulset')


def without_controllers(text):
    """The argument file with the controllers of pods switched off."""
    kept = [line for line in text.splitlines() if line.strip().partition('=')[0].partition(' ')[0] != '--controllers']
    return '\n'.join(kept + ['--controllers=*,' + ','.join('-' + name for name in OFF)]) + '\n'


def quiet(params):
    write_atomic(ARGS, without_controllers(read(ARGS)), 0o660)
    result = snapd.snap(['restart', 'microk8s.daemon-kubelite'], 180)
    if result.rc != 0:
        raise change.Failed('restart', 'kubelite could not be restarted: %s' % result.short())
    change.wait_ready(params['ready_timeout'])
    result = mk8s.kubectl(['cordon', mk8s.node_name()], 60)
    if result.rc != 0:
        raise change.Failed('cordon', 'The node could not be cordoned: %s' % result.short())
    return {}


def full_names(items):
    """{NAMESPACE/NAME or NAME} of objects of the API."""
    return {'/'.join(filter(None, (one['metadata'].get('namespace'), one['metadata']['name']))) for one in items}


def compare(wanted):
    """What there is to tell of a restored cluster. @wanted {kind: [names]}"""
    kinds, missing = {}, []
    for kind in sorted(wanted):
        found = mk8s.kubectl_json(['get', kind, '--all-namespaces'], 120)
        if found is None:
            raise change.Failed('api', 'The API of the restored cluster does not list %s.' % kind)
        there = full_names(found['items'])
        kinds[kind] = {'backup': len(wanted[kind]), 'read': len(there.intersection(wanted[kind]))}
        missing += ['%s %s' % (kind, name) for name in sorted(set(wanted[kind]) - there)]
    if missing:
        raise change.Failed('not_read', '%d objects of the backup cannot be read after the restore: %s' % (len(missing), ', '.join(missing[:5])))
    return {'kinds': kinds, 'objects': sum(one['read'] for one in kinds.values())}


def main():
    module = AnsibleModule(argument_spec={
        'state': {'type': 'str', 'choices': ['quiet', 'read'], 'required': True}, 'objects': {'type': 'dict', 'default': {}},
        'ready_timeout': {'type': 'int', 'default': 600}, 'lock_timeout': {'type': 'int', 'default': 900}})
    params = module.params
    try:
        with NodeLock(params['lock_timeout']):
            told = quiet(params) if params['state'] == 'quiet' else compare(params['objects'])
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code)
    except (LockBusy, OSError) as error:
        module.fail_json(msg=str(error), code='busy')
    module.exit_json(changed=params['state'] == 'quiet', **told)


if __name__ == '__main__':
    main()
