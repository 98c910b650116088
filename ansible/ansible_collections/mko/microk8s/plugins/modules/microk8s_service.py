#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: stop MicroK8s on a node so that it comes back with the machine, or start it."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_service
short_description: Stop or start the services of MicroK8s on a node
version_added: 1.0.0
author: The mko team
description:
  - Stopping does not disable, so the node comes back by itself when its machine does; C(microk8s stop) would disable.
  - What containers are left after the stop are killed, since a machine that is powered off would wait 90 s for them. Drain first.
  - Starting also mends a node that somebody stopped with C(microk8s stop).
options:
  state:
    description: stopped or started.
    type: str
    choices: [stopped, started]
    required: true
  timeout:
    description: Seconds for the services to reach the state.
    type: int
    default: 180
  control_planes:
    description: With O(state=started), IPv4 addresses of the control planes. A worker whose own list is empty gets them; it never fills itself again.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Says whether something would be stopped or started.
'''

EXAMPLES = '''
- name: Stop the node
  mko.microk8s.microk8s_service:
    state: stopped
'''

RETURN = '''
services:
  description: A mapping of service to its state afterwards.
  type: dict
  returned: always
'''

import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import LockBusy, NodeLock, read, run, wait_until

LOCK_WAIT_S = 120
ALIVE = ('active', 'activating', 'deactivating', 'reloading')
ADDRESS = re.compile(r'\d+\.\d+\.\d+\.\d+$')
CONTAINERD = 'snap.microk8s.daemon-containerd.service'


def alive():
    """Services that run, or are about to."""
    return sorted(name for name, state in mk8s.units_active().items() if state in ALIVE)


def stop(module):
    """Until nothing runs any more."""
    last = run(['/usr/bin/snap', 'stop', 'microk8s'], module.params['timeout'])
    left = wait_until(lambda: None if alive() else ['nothing'], module.params['timeout'], 1.0)
    # containerd leaves its containers running (KillMode=process); nobody would manage them, and the machine would wait for them
    run(['/usr/bin/systemctl', 'kill', '--signal=SIGKILL', CONTAINERD], 30)
    if not left:
        module.fail_json(msg='MicroK8s could not be stopped: still running: %s. %s' % (', '.join(alive()), last.short(300)), services=mk8s.units_active())


def missing_mounts():
    """Mount points of /etc/fstab that are not mounted: a datastore on an empty folder would begin anew."""
    mounted = {line.split()[1] for line in read('/proc/self/mounts').splitlines() if len(line.split()) > 1}
    rows = [line.split() for line in read('/etc/fstab').splitlines() if line.strip() and not line.lstrip().startswith('#')]
    return sorted(row[1] for row in rows if len(row) > 3 and row[1].startswith('/') and row[2] != 'swap'
                  and not {'noauto', 'nofail'} & set(row[3].split(',')) and row[1] not in mounted)


PROVIDER = mk8s.DATA + '/args/traefik/provider.yaml'
PROVIDER_TEXT = """tcp:
  routers:
    Router-1:
      rule: HostSNI(`*`)
      service: kube-apiserver
      tls:
        passthrough: true
  services:
    kube-apiserver:
      loadBalancer:
        servers:
%s"""


def forlorn(control_planes):
    """Whether this is a worker that knows no control plane, although there are some."""
    return bool(control_planes) and mk8s.role() == 'worker' and os.path.exists(PROVIDER) and not mk8s.parse_provider(read(PROVIDER))


def tell(control_planes):
    """Write the control planes into the worker's list, in its place, so that its owner and mode stay."""
    with open(PROVIDER, 'w', encoding='ascii') as out:
        out.write(PROVIDER_TEXT % ''.join('        - address: %s:16443\n' % address for address in control_planes))


def start(module, wanted):
    """Until what this role needs runs."""
    if not wait_until(lambda: not missing_mounts(), module.params['timeout'], 1.0):
        module.fail_json(msg='Disks are missing: %s. MicroK8s was not started, since it would begin without its data.' % ', '.join(missing_mounts()),
                         services=mk8s.units_active())
    stopped = 'stopped.lock' in mk8s.locks()
    if forlorn(module.params['control_planes']):
        tell(module.params['control_planes'])
    last = run(['/usr/bin/snap', 'start', '--enable', 'microk8s'], module.params['timeout'])
    if stopped:
        os.unlink(mk8s.LOCKS + '/stopped.lock')
    if not wait_until(lambda: set(wanted) <= set(alive()), module.params['timeout'], 1.0):
        module.fail_json(msg='MicroK8s could not be started: not running: %s. %s' % (', '.join(sorted(set(wanted) - set(alive()))), last.short(300)),
                         services=mk8s.units_active())


def main():
    module = AnsibleModule(
        argument_spec={'state': {'type': 'str', 'choices': ['stopped', 'started'], 'required': True}, 'timeout': {'type': 'int', 'default': 180},
                       'control_planes': {'type': 'list', 'elements': 'str', 'default': []}},
        supports_check_mode=True)
    if any(not ADDRESS.match(one) for one in module.params['control_planes']):
        module.fail_json(msg='control_planes must be IPv4 addresses', services={})
    if not os.path.isdir(mk8s.SNAP_DIR):
        module.fail_json(msg='MicroK8s is not installed on this node, or its snap is disabled.', services={})
    wanted = ['kubelite', 'containerd', 'cluster-agent'] + ([] if mk8s.role() == 'worker' else ['k8s-dqlite'])
    stopping = module.params['state'] == 'stopped'
    try:
        with NodeLock(LOCK_WAIT_S):
            changes = bool(alive()) if stopping else (not set(wanted) <= set(alive()) or 'stopped.lock' in mk8s.locks())
            if changes and not module.check_mode:
                if stopping:
                    stop(module)
                else:
                    start(module, wanted)
    except LockBusy as error:
        module.fail_json(msg=str(error), services=mk8s.units_active())
    module.exit_json(changed=changes, services=mk8s.units_active())


if __name__ == '__main__':
    main()
