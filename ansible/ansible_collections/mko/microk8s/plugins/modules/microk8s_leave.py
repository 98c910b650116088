#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: this node is in no cluster and keeps nothing of one."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_leave
short_description: Let this node leave its cluster and remove what it keeps of it
version_added: 1.0.0
author: The mko team
description:
  - Calls C(microk8s leave) when the node is a member that runs, with a time limit, and then removes MicroK8s with its data.
    The removal is needed, since a node that left keeps the authority's keys of its old cluster, and one that was cut off still
    believes to be a member.
  - What the cluster keeps of the node is not removed here; that is M(mko.microk8s.microk8s_member) on a control plane.
  - Refuses when volumes of users lie on the node, unless O(discard_volumes=true).
options:
  purge:
    description: Remove MicroK8s with its data. Only a worker can do without.
    type: bool
    default: true
  discard_volumes:
    description: Delete volumes in the default storage of the node too.
    type: bool
    default: false
  timeout:
    description: Seconds for C(microk8s leave).
    type: int
    default: 300
  lock_timeout:
    description: Seconds to wait for another task of mko on this node.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Leave
  mko.microk8s.microk8s_leave:
'''

RETURN = '''
steps:
  description: What was done (left, purged).
  type: list
  elements: str
  returned: always
node:
  description: The state of the node afterwards, as M(mko.microk8s.microk8s_info) has it.
  type: dict
  returned: success
log:
  description: Notes.
  type: list
  elements: str
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, run


def leave(params, steps, log):
    """The steps in order. Raises change.Failed."""
    if snapd.microk8s_snap() is None:
        return
    found = mk8s.locks()
    if params['purge'] and change.local_volumes() and not params['discard_volumes']:
        raise change.Failed('volumes', 'Volumes of users lie on this node (%s). Save them and remove them, or allow their end with '
                            'mko_discard_volumes.' % ', '.join(change.local_volumes()[:3]))
    if 'no-cert-reissue' in found and 'stopped.lock' not in found:
        result = run([mk8s.MICROK8S, 'leave'], params['timeout'])
        if 'holds the only copy' in result.out:
            raise change.Failed('only_copy', 'This node holds the only copy of the data of its cluster, so it cannot leave. Add a control plane '
                                'first (three in all), or remove the other nodes before.')
        log('microk8s leave: rc %d: %s' % (result.rc, result.short(400)))
        steps.append('left')
        if result.rc != 0 and not params['purge']:
            raise change.Failed('leave', 'microk8s leave failed: %s' % result.short(400))
    if params['purge']:
        change.purge(log)
        steps.append('purged')
    elif 'clustered.lock' in mk8s.locks():
        raise change.Failed('leave', 'MicroK8s says that it left, but the node still is a worker of the cluster.')


def main():
    module = AnsibleModule(
        argument_spec={
            'purge': {'type': 'bool', 'default': True}, 'discard_volumes': {'type': 'bool', 'default': False},
            'timeout': {'type': 'int', 'default': 300}, 'lock_timeout': {'type': 'int', 'default': 900},
        },
        supports_check_mode=True)
    steps, notes = [], []
    try:
        if module.check_mode:
            there = snapd.microk8s_snap() is not None
            module.exit_json(changed=there, steps=['left', 'purged'] if there else [], node={}, log=notes)
        with NodeLock(module.params['lock_timeout']):
            leave(module.params, steps, notes.append)
        state = mk8s.node_state()
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code, steps=steps, log=notes, changed=bool(steps))
    except (LockBusy, snapd.SnapdError) as error:
        module.fail_json(msg=str(error), code='busy' if isinstance(error, LockBusy) else 'snapd', steps=steps, log=notes, changed=bool(steps))
    module.exit_json(changed=bool(steps), steps=steps, log=notes,
                     node={key: state[key] for key in ('microk8s_status', 'microk8s_version', 'role', 'clustered', 'node_name')})


if __name__ == '__main__':
    main()
