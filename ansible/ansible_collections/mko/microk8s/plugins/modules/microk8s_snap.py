#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: MicroK8s is installed from a channel, held, running and ready."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_snap
short_description: Install MicroK8s, hold it, start it and wait until it is ready
version_added: 1.0.0
author: The mko team
description:
  - Writes the launch configuration, installs the snap, holds its updates, adds a user to its group, starts a stopped
    MicroK8s and waits until Kubernetes calls the node Ready and the first configuration is over.
  - Does not trust exit codes. The tracked channel is compared, since installing twice "succeeds" with any channel.
  - Failures that may pass (network, another change of snapd) are tried again; others end at once with the text of snap.
  - An installed MicroK8s of another track is never changed here; that is an upgrade.
options:
  channel:
    description: Channel of the snap store, such as V(1.32/stable).
    type: str
    required: true
  launch_config:
    description:
      - Launch configuration of MicroK8s as a mapping, used at the installation only. Without it MicroK8s uses its built-in
        one, which enables the addon dns.
    type: dict
  hold_refreshes:
    description: Keep snapd from updating MicroK8s by itself.
    type: bool
    default: true
  user:
    description: User to add to the group of MicroK8s.
    type: str
  start:
    description: Start MicroK8s when it is stopped, and wait until it is ready.
    type: bool
    default: true
  allow_half_joined:
    description: Let a node whose join was cut off pass, instead of failing. What repairs the node comes after.
    type: bool
    default: false
  member_timeout:
    description:
      - Seconds to wait until a node is ready that bears the marks of a member of a cluster. With O(allow_half_joined=true) such a node
        passes then, since a cluster that removed it leaves it without a datastore for ever. Default is O(ready_timeout).
    type: int
  seed_timeout:
    description: Seconds to wait for snapd to finish the first start of a fresh system.
    type: int
    default: 600
  install_timeout:
    description: Seconds for the installation with all its repetitions.
    type: int
    default: 1800
  ready_timeout:
    description: Seconds to wait until the node is Ready.
    type: int
    default: 600
  launch_timeout:
    description: Seconds to wait until the launch configuration is worked off.
    type: int
    default: 300
  lock_timeout:
    description: Seconds to wait for another task of mko on this node.
    type: int
    default: 900
  download_attempts:
    description: How often to try in all when the download fails.
    type: int
    default: 6
  retry_delay:
    description: Seconds before the first repetition; doubled each time, at most 30.
    type: float
    default: 2
attributes:
  check_mode:
    support: full
    description: Says whether it would change something.
'''

EXAMPLES = '''
- name: Install MicroK8s
  mko.microk8s.microk8s_snap:
    channel: 1.32/stable
'''

RETURN = '''
steps:
  description: What was changed (installed, held, group, started).
  type: list
  elements: str
  returned: always
half_joined:
  description: Why the node looks like one whose join was cut off, or null.
  type: str
  returned: always
log:
  description: Notes about repetitions.
  type: list
  elements: str
  returned: always
code:
  description: A stable word for the failure.
  type: str
  returned: failure
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock


def ensure(params, check_mode, steps, log):
    """All steps in order; fills steps. Returns why the node is half joined, or None."""
    problem = snapd.wait_seeded(params['seed_timeout']) if not check_mode else None
    if problem:
        raise change.Failed('snapd', problem)
    if change.install(params, log, check_mode):
        steps.append('installed')
        if check_mode and snapd.microk8s_snap() is None:
            return None
    if params['hold_refreshes'] and change.hold(check_mode):
        steps.append('held')
    if change.join_group(params['user'], check_mode):
        steps.append('group')
    half = mk8s.half_joined(mk8s.locks())
    if half and not params['allow_half_joined']:
        raise change.Failed('half_joined', 'A join was cut off on this node: %s. Set up the cluster again, which repairs the node, or remove '
                            'MicroK8s with "snap remove --purge microk8s".' % half)
    if params['start'] and not half:
        if change.start(check_mode):
            steps.append('started')
        if not check_mode:
            half = wait_ready(params)
            change.wait_install_done(params['launch_timeout'])
    return half


def wait_ready(params):
    """Until the node is ready. Returns why it may be one that a cluster removed, or None."""
    marked = params['allow_half_joined'] and 'no-cert-reissue' in mk8s.locks()
    try:
        change.wait_ready(params['member_timeout'] if marked and params['member_timeout'] is not None else params['ready_timeout'])
    except change.Failed:
        if not marked:
            raise
        return 'it was a member of a cluster that does not answer it'
    return None


def main():
    module = AnsibleModule(
        argument_spec={
            'channel': {'type': 'str', 'required': True}, 'launch_config': {'type': 'dict'}, 'hold_refreshes': {'type': 'bool', 'default': True},
            'user': {'type': 'str'}, 'start': {'type': 'bool', 'default': True}, 'allow_half_joined': {'type': 'bool', 'default': False},
            'seed_timeout': {'type': 'int', 'default': 600}, 'install_timeout': {'type': 'int', 'default': 1800},
            'ready_timeout': {'type': 'int', 'default': 600}, 'launch_timeout': {'type': 'int', 'default': 300}, 'member_timeout': {'type': 'int'},
            'lock_timeout': {'type': 'int', 'default': 900}, 'download_attempts': {'type': 'int', 'default': 6},
            'retry_delay': {'type': 'float', 'default': 2},
        },
        supports_check_mode=True)
    steps, notes = [], []
    try:
        with NodeLock(module.params['lock_timeout']):
            half = ensure(module.params, module.check_mode, steps, notes.append)
    except change.Failed as error:
        module.fail_json(msg=error.message, code=error.code, steps=steps, log=notes, changed=bool(steps))
    except (LockBusy, snapd.SnapdError) as error:
        module.fail_json(msg=str(error), code='busy' if isinstance(error, LockBusy) else 'snapd', steps=steps, log=notes, changed=bool(steps))
    module.exit_json(changed=bool(steps), steps=steps, half_joined=half, log=notes)


if __name__ == '__main__':
    main()
