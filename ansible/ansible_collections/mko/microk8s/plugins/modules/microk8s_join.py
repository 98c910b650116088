#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: this node is a member of a cluster."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_join
short_description: Make this node a member of a MicroK8s cluster
version_added: 1.0.0
author: The mko team
description:
  - Joins when the node is not a member yet, judged by the datastore and the API and never by what C(microk8s join) says.
  - Repairs a node whose earlier join was cut off. When removing the left-over lock is not enough, MicroK8s is purged,
    installed again and joined.
  - Returns only when the member has come to rest, so that the next one may join.
  - A failure that the control plane can help with (it still knows the address, the token has expired) does not fail the
    task unless O(final=true); RV(code) tells it.
options:
  role:
    description: What the node becomes.
    type: str
    choices: [control_plane, worker]
    required: true
  address:
    description: The IPv4 address of this node.
    type: str
    required: true
  seed_address:
    description: The IPv4 address of the control plane to join.
    type: str
    required: true
  token:
    description: The token, from M(mko.microk8s.microk8s_seed).
    type: str
    required: true
  check:
    description: Beginning of the fingerprint of the control plane's certificate, from M(mko.microk8s.microk8s_seed).
    type: str
    required: true
  cluster_ca:
    description: SHA-256 of the CA of the cluster, to recognise a worker of this cluster.
    type: str
  final:
    description: Fail when the node could not be joined.
    type: bool
    default: true
  discard_workloads:
    description: A join deletes what runs on the node's own single-node cluster. Do it although users have pods there.
    type: bool
    default: false
  repair:
    description: Purge and reinstall MicroK8s on a node that is stuck half joined.
    type: bool
    default: true
  install:
    description: Parameters of M(mko.microk8s.microk8s_snap) for the case that MicroK8s must be installed again.
    type: dict
    required: true
  attempts:
    description: How often to try while the control plane does not answer.
    type: int
    default: 5
  join_timeout:
    description: Seconds for one call of C(microk8s join).
    type: int
    default: 600
  verify_timeout:
    description: Seconds until a join that claims success must show in the datastore and the API.
    type: int
    default: 240
  datastore_timeout:
    description: Seconds after which such a join is given up when not even the datastore knows the new control plane.
    type: int
    default: 60
  settle_timeout:
    description: Seconds for the new member to come to rest.
    type: int
    default: 300
  settle_least:
    description: Seconds that a control plane must stay Ready when all evidence says that it is at rest.
    type: int
    default: 2
  settle_most:
    description: Seconds that the node must stay Ready when there is no such evidence.
    type: int
    default: 30
  lock_timeout:
    description: Seconds to wait for another task of mko on this node.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
    description: Says whether it would join.
'''

EXAMPLES = '''
- name: Join
  mko.microk8s.microk8s_join:
    role: worker
    address: 192.0.2.12
    seed_address: 192.0.2.11
    token: "{{ token }}"
    check: "{{ seed.check }}"
    install: {channel: 1.32/stable}
'''

RETURN = '''
joined:
  description: Whether the node is a member now.
  type: bool
  returned: always
code:
  description: ok, or a stable word for what went wrong (refused, known_to_dqlite, invalid_token, silent_failure, ...).
  type: str
  returned: always
retry:
  description: Whether cleaning up on the control plane and trying again may help.
  type: bool
  returned: always
repaired:
  description: What had to be repaired.
  type: list
  elements: str
  returned: always
log:
  description: Notes.
  type: list
  elements: str
  returned: always
'''

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, run, wait_until

INSTALL_DEFAULTS = {'launch_config': None, 'hold_refreshes': True, 'user': None, 'install_timeout': 1800, 'ready_timeout': 600,
                    'launch_timeout': 300, 'download_attempts': 6, 'retry_delay': 2}


class Join:
    """One run: params, what was repaired, notes."""

    def __init__(self, params):
        self.params = params
        self.install = dict(INSTALL_DEFAULTS, **{key: value for key, value in params['install'].items() if value is not None})
        self.repaired = []
        self.notes = []
        self.changed = False

    def member(self):
        return change.is_member(self.params['role'], self.params['address'], self.params['seed_address'], self.params['cluster_ca'])

    def settle(self):
        change.wait_settled(self.params['role'], self.params['address'], self.params['settle_timeout'], self.params['settle_least'],
                            self.params['settle_most'])
        if drop_lock():
            self.repaired.append('lock')

    def run(self):
        """Returns (code, message, help)."""
        if self.member():
            if drop_lock():
                self.changed = True
                self.repaired.append('lock')
            return 'ok', '', ''
        self.make_joinable()
        code, message, remedy = self.attempt()
        if code == 'ok':
            self.settle()
        return code, message, remedy

    def make_joinable(self):
        """A node that runs alone, with nothing left of an earlier join."""
        found = mk8s.locks()
        half = mk8s.half_joined(found)
        own = next((one for one in mk8s.api_nodes(15) or () if one['name'] == mk8s.node_name()), None)
        alone = bool(own and own['ready']) and mk8s.role(found) == 'control_plane'
        if alone and not self.params['discard_workloads']:
            pods = change.workloads()
            if pods:
                raise change.Failed('workloads', 'MicroK8s on this node runs %d pods of users (%s...). Joining a cluster deletes them. Move them '
                                    'away, or allow it with mko_discard_workloads.' % (len(pods), ', '.join(pods[:3])))
        if half and alone and 'no-cert-reissue' not in found:
            self.notes.append('Removed what an earlier join left: %s.' % half)
            if drop_lock():
                self.repaired.append('lock')
                self.changed = True
        elif half or 'no-cert-reissue' in found or 'clustered.lock' in found or not alone:
            self.rebuild(half or ('it belonged to a cluster before' if 'no-cert-reissue' in found or 'clustered.lock' in found
                                  else 'it is not ready'))

    def rebuild(self, why):
        """Purge and install again: the only way to be rid of the certificates and the datastore of another cluster."""
        if not self.params['repair']:
            raise change.Failed('needs_purge', 'MicroK8s on this node cannot join as it is (%s). Remove it with "snap remove --purge microk8s" and '
                                'set up again, or allow the repair.' % why)
        volumes = change.local_volumes()
        if volumes and not self.params['discard_workloads']:
            raise change.Failed('volumes', 'MicroK8s on this node must be installed again (%s), but that deletes the volumes in '
                                '%s/default-storage. Save them and remove them, or allow it with mko_discard_workloads.' % (why, mk8s.COMMON))
        self.changed = True
        self.repaired.append('reinstalled: ' + why)
        change.purge(self.notes.append)
        change.install(self.install, self.notes.append)
        if self.install['hold_refreshes']:
            change.hold()
        change.join_group(self.install['user'])
        change.start()
        change.wait_ready(self.install['ready_timeout'])
        change.wait_install_done(self.install['launch_timeout'])

    def appears(self, patience):
        """Wait for the membership; not long when not even the datastore knows this node, as then nothing will come any more."""
        begun = time.monotonic()

        def look():
            if self.member():
                return 'member'
            lost = self.params['role'] == 'control_plane' and time.monotonic() - begun > self.params['datastore_timeout']
            return 'lost' if lost and not change.in_datastore(self.params['address'], self.params['seed_address']) else ''

        return wait_until(look, patience, change.POLL_S) == 'member'

    def attempt(self):
        """Call join until it worked or trying here does not help. Returns (code, message, help)."""
        argv = [mk8s.MICROK8S, 'join', '%s:25000/%s/%s' % (self.params['seed_address'], self.params['token'], self.params['check'])]
        if self.params['role'] == 'worker':
            argv.append('--worker')
        delay = 2
        for number in range(1, self.params['attempts'] + 1):
            self.changed = True
            result = run(argv, self.params['join_timeout'], proxies=False)
            code, message, remedy = change.classify_join(result.out, result.err, result.rc, result.timed_out)
            self.notes.append('join, try %d: rc %d, %s: %s' % (number, result.rc, code, result.short(400)))
            patience = {'done': self.params['verify_timeout'], 'timeout': 60}.get(code, 0)
            if code in ('done', 'timeout', 'join_failed') and self.appears(patience):
                return 'ok', '', ''
            if code == 'done':
                return ('silent_failure', 'MicroK8s says that the join worked, but the node never appeared in the cluster. Check that ports '
                        '16443, 25000 and 19001/tcp are open between the nodes in both directions. %s' % change.why_not_ready(), 'seed')
            if remedy != 'retry':
                break
            drop_lock()
            if number < self.params['attempts']:
                time.sleep(delay)
                delay = min(delay * 2, 20)
        return code, '%s microk8s join says: %s' % (message, last_line(result)), remedy


def last_line(result):
    lines = [line.strip() for line in (result.out + '\n' + result.err).splitlines() if line.strip()]
    return lines[-1][:400] if lines else 'nothing (exit code %d)' % result.rc


def drop_lock():
    """Remove the lock that a failed join leaves behind; it would keep the services from being restarted."""
    try:
        os.unlink(mk8s.LOCKS + '/join-in-progress')
        return True
    except OSError:
        return False


def main():
    module = AnsibleModule(
        argument_spec={
            'role': {'type': 'str', 'choices': ['control_plane', 'worker'], 'required': True}, 'address': {'type': 'str', 'required': True},
            'seed_address': {'type': 'str', 'required': True}, 'token': {'type': 'str', 'required': True, 'no_log': True},
            'check': {'type': 'str', 'required': True}, 'cluster_ca': {'type': 'str'}, 'final': {'type': 'bool', 'default': True},
            'discard_workloads': {'type': 'bool', 'default': False}, 'repair': {'type': 'bool', 'default': True},
            'install': {'type': 'dict', 'required': True}, 'attempts': {'type': 'int', 'default': 5},
            'join_timeout': {'type': 'int', 'default': 600}, 'verify_timeout': {'type': 'int', 'default': 240},
            'datastore_timeout': {'type': 'int', 'default': 60},
            'settle_timeout': {'type': 'int', 'default': 300}, 'settle_least': {'type': 'int', 'default': 2},
            'settle_most': {'type': 'int', 'default': 30}, 'lock_timeout': {'type': 'int', 'default': 900},
        },
        supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=True, joined=True, code='ok', retry=False, repaired=[], log=['Would join.'])
    work = Join(module.params)
    try:
        with NodeLock(module.params['lock_timeout']):
            code, message, remedy = work.run()
    except change.Failed as error:
        code, message, remedy = error.code, error.message, 'seed' if error.code in ('not_ready', 'not_settled') else 'never'
    except (LockBusy, snapd.SnapdError) as error:
        code, message, remedy = 'busy', str(error), 'never'
    outcome = {'changed': work.changed, 'joined': code == 'ok', 'code': code, 'retry': code != 'ok' and remedy != 'never',
               'repaired': work.repaired, 'log': work.notes}
    if code != 'ok' and (module.params['final'] or remedy == 'never'):
        module.fail_json(msg='Joining failed: ' + message, **outcome)
    module.exit_json(msg=message, **outcome)


if __name__ == '__main__':
    main()
