#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: MicroK8s on this node follows another channel, and runs."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_upgrade
short_description: Refresh MicroK8s on a node to another channel, and bring back what a failed refresh left
version_added: 1.0.0
author: The mko team
description:
  - With O(state=upgraded), refreshes the snap within a time limit. A refresh that hangs is aborted. After a refresh that failed, a
    disabled snap is enabled and its services are started, and the task fails with what snapd said and what the node runs now.
  - With O(state=running), only brings back what an earlier refresh left - a change that hangs, a disabled snap, stopped services.
  - It never reverts. A control plane that goes back would bring an old copy of the datastore's log.
options:
  state:
    description: What is wanted.
    type: str
    choices: [upgraded, running]
    default: upgraded
  channel:
    description: Channel of the snap store, such as V(1.33/stable). Needed with O(state=upgraded).
    type: str
  refresh_timeout:
    description: Seconds for the refresh.
    type: int
    default: 1800
  ready_timeout:
    description: Seconds until the node is Ready with the new version.
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
- name: Upgrade
  mko.microk8s.microk8s_upgrade:
    channel: 1.33/stable
'''

RETURN = '''
steps:
  description: What was done (aborted, refreshed, enabled, started, held).
  type: list
  elements: str
  returned: always
version:
  description: What the node runs afterwards.
  type: str
  returned: always
channel:
  description: The channel that it follows afterwards.
  type: str
  returned: always
log:
  description: Notes.
  type: list
  elements: str
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, wait_until


def abort_pending(steps, log):
    """End what hangs; snapd then undoes it."""
    for number in snapd.pending_changes():
        log('snap abort %s: %s' % (number, snapd.snap(['abort', number], 60).short(200)))
        steps.append('aborted')
    if not wait_until(lambda: not snapd.pending_changes(), 300, 1.0):
        raise change.Failed('pending', 'snapd does not end its change %s of MicroK8s. See: snap tasks %s' % (', '.join(snapd.pending_changes()), snapd.pending_changes()[0]))


def bring_back(params, steps, log):
    """The snap is enabled, its services run, the node is Ready."""
    abort_pending(steps, log)
    snap = snapd.microk8s_snap()
    if snap is None:
        raise change.Failed('not_installed', 'MicroK8s is not installed on this node any more.')
    if not snap['active']:
        result = snapd.snap(['enable', 'microk8s'], 300)
        if not (snapd.microk8s_snap() or {}).get('active'):
            raise change.Failed('disabled', 'The snap is disabled, and "snap enable microk8s" did not help: %s' % result.short(400))
        steps.append('enabled')
    if change.start():
        steps.append('started')
    change.wait_ready(params['ready_timeout'])


def refresh(params, steps, log):
    """One refresh, and when it fails, the way back to what ran before."""
    argv = ['refresh', 'microk8s', '--channel=' + params['channel']]
    result, unused = snapd.changing(argv, params['refresh_timeout'], 3, 5, log)
    snap = snapd.microk8s_snap() or {}
    track = snapd.split_channel(params['channel'])
    if result.rc == 0 and not result.timed_out and snap.get('active') and snapd.split_channel(snap.get('channel')) == track:
        steps.append('refreshed')
        return
    why = 'did not end within %d s' % params['refresh_timeout'] if result.timed_out else 'failed: %s' % result.short(500)
    try:
        bring_back(params, steps, log)
    except change.Failed as error:
        raise change.Failed('refresh_failed', 'The refresh to %s %s The node could not be brought back: %s' % (params['channel'], why, error.message))
    raise change.Failed('refresh_failed', 'The refresh to %s %s The node runs %s again.' % (params['channel'], why, (snapd.microk8s_snap() or {}).get('version')))


def upgrade(params, steps, log):
    snap = snapd.microk8s_snap()
    if snap is None:
        raise change.Failed('not_installed', 'MicroK8s is not installed on this node.')
    if snapd.pending_changes() or not snap['active']:
        bring_back(params, steps, log)
    if snapd.split_channel(snap['channel']) != snapd.split_channel(params['channel']):
        refresh(params, steps, log)
    if change.start():
        steps.append('started')
    change.wait_ready(params['ready_timeout'])
    want = mk8s.minor((snapd.microk8s_snap() or {}).get('version'))

    def follows():
        own = next((one for one in mk8s.api_nodes() or () if one['name'] == mk8s.node_name()), None)
        return own and own['ready'] and mk8s.minor(own['version']) == want

    if not wait_until(follows, params['ready_timeout'], 1.0):
        raise change.Failed('old_kubelet', 'The snap is %s, but Kubernetes does not show this node Ready with that version. %s'
                            % ((snapd.microk8s_snap() or {}).get('version'), change.why_not_ready()))
    if change.hold():
        steps.append('held')


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['upgraded', 'running'], 'default': 'upgraded'}, 'channel': {'type': 'str'},
            'refresh_timeout': {'type': 'int', 'default': 1800}, 'ready_timeout': {'type': 'int', 'default': 600},
            'lock_timeout': {'type': 'int', 'default': 900},
        },
        required_if=[('state', 'upgraded', ['channel'])], supports_check_mode=True)
    params, steps, notes = module.params, [], []
    failure = None
    try:
        snap = snapd.microk8s_snap() or {}
        if module.check_mode:
            other = params['state'] == 'upgraded' and snapd.split_channel(snap.get('channel')) != snapd.split_channel(params['channel'])
            module.exit_json(changed=other or not snap.get('active'), steps=[], version=snap.get('version'), channel=snap.get('channel'), log=notes)
        with NodeLock(params['lock_timeout']):
            (upgrade if params['state'] == 'upgraded' else bring_back)(params, steps, notes.append)
        snap = snapd.microk8s_snap() or {}
    except change.Failed as error:
        failure = {'msg': error.message, 'code': error.code}
    except (LockBusy, snapd.SnapdError) as error:
        failure = {'msg': str(error), 'code': 'snapd'}
    if failure:
        module.fail_json(changed=bool(steps), steps=steps, log=notes, **failure)
    module.exit_json(changed=bool(steps), steps=steps, version=snap.get('version'), channel=snap.get('channel'), log=notes)


if __name__ == '__main__':
    main()
