# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""What a doctor wants to know of MicroK8s on this node: state, members, certificates, ends of logs. Read only and bounded; judges nothing.

Every part has a time limit of its own, for the API of a sick cluster does not answer; the parts are read side by side.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import concurrent.futures
import datetime
import re
import time

from ansible_collections.mko.microk8s.plugins.module_utils import certs, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.collect import attempt, clip
from ansible_collections.mko.microk8s.plugins.module_utils.proc import read_short, run_short

LOGS = ('kubelite', 'k8s-dqlite', 'containerd')
LOG_LINES, LOG_CHARS, LOG_S = 60, 3000, 900
LIST_MAX = 100
KEPT = ('role', 'held', 'node_ready', 'node_name', 'locks', 'half_joined', 'proxy_servers', 'revision')


def parse_units(text):
    """{name: {active, result, restarts}} from `systemctl show` of several units: blocks of KEY=VALUE with an empty line between."""
    units = {}
    for block in re.split(r'\n\s*\n', text or ''):
        values = dict(line.split('=', 1) for line in block.splitlines() if '=' in line)
        name = re.match(r'snap\.microk8s\.daemon-([a-z0-9-]+)\.service$', values.get('Id', ''))
        if name:
            restarts = values.get('NRestarts', '')
            units[name.group(1)] = {'active': clip(values.get('ActiveState'), 30), 'sub': clip(values.get('SubState'), 30),
                                    'restarts': int(restarts) if restarts.isdigit() and len(restarts) < 10 else None}
    return units


def units():
    argv = ['/usr/bin/systemctl', 'show', '-p', 'Id', '-p', 'ActiveState', '-p', 'SubState', '-p', 'NRestarts']
    return parse_units(run_short(argv + ['snap.microk8s.daemon-%s.service' % unit for unit in mk8s.UNITS], 15).out)


def log(unit, recent=True):
    """The end of a service's log: of the last LOG_S seconds, or whenever it was written."""
    argv = ['/usr/bin/journalctl', '-u', 'snap.microk8s.daemon-%s.service' % unit, '-n', str(LOG_LINES), '--no-pager', '-o', 'cat']
    if recent:
        argv.append('--since=' + time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(time.time() - LOG_S)))
    result = run_short(argv, 15, 262144)
    return clip(result.out[-LOG_CHARS:], LOG_CHARS) if result.rc == 0 else None


def datastore():
    """The members, which of them listen, and whether a leader answers."""
    live = mk8s.dqlite_members()
    members = (live if live is not None else mk8s.file_members())[:LIST_MAX]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        alive = list(pool.map(lambda one: mk8s.can_connect(one['address'], 2.0), members))
    return {'live': live is not None, 'members': [dict(one, alive=answers) for one, answers in zip(members, alive)]}


def own_address():
    """The address under which the datastore of this node takes part."""
    found = re.search(r'(?m)^Address:\s*["\']?([0-9.]+):\d+', read_short(mk8s.BACKEND + '/info.yaml') or '')
    return found.group(1) if found else None


def changes():
    """The last changes of the snap, without the heading."""
    result = run_short(['/usr/bin/snap', 'changes', 'microk8s'], 15)
    return clip('\n'.join(result.out.strip().splitlines()[1:][-5:])) if result.rc == 0 else None


def nodes(state):
    """The nodes of the API with the age of their heartbeats, or None."""
    if state['nodes'] is None:
        return None
    ages = attempt(mk8s.lease_ages) or {}
    return [dict(one, lease_age_s=int(ages[one['name']]) if one['name'] in ages else None) for one in state['nodes'][:LIST_MAX]]


def cert_days():
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return [{'name': one['name'], 'days_left': one['days_left']} for one in certs.read_certs(now)][:LIST_MAX]


def look(address=None):
    """{key: value} of one node, each value small enough for one event."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        state = pool.submit(attempt, lambda: mk8s.node_state(address))
        parts = {name: pool.submit(attempt, reader) for name, reader in (('units', units), ('datastore', datastore), ('certs', cert_days),
                                                                           ('address', own_address), ('changes', changes))}
        logs = {unit: pool.submit(attempt, lambda unit=unit: log(unit)) for unit in LOGS}
        logs['k8s-dqlite-end'] = pool.submit(attempt, lambda: log('k8s-dqlite', False))   # a datastore that gave up says no more
        state = state.result()
        found = {name: part.result() for name, part in parts.items()}
        found['logs'] = {name: part.result() for name, part in logs.items()}
    if state is None:
        return {'microk8s': None}
    if state['microk8s_status'] == 'not_installed':
        return {'microk8s': {'status': 'not_installed'}, 'microk8s_status': 'not_installed'}
    summary = {key: state[key] for key in KEPT}
    summary.update({'status': state['microk8s_status'], 'message': clip(state['microk8s_message'], 500), 'units': found['units'],
                    'address': found['address'], 'changes': found['changes']})
    return {
        'microk8s': summary, 'kube_nodes': attempt(lambda: nodes(state)), 'logs': found['logs'], 'certs': found['certs'],
        'datastore': found['datastore'] if state['role'] == 'control_plane' else None,
        'microk8s_status': state['microk8s_status'], 'microk8s_version': state['microk8s_version'], 'channel': state['channel'],
    }
