# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""What a doctor wants to know of MicroK8s on this node: state, members, certificates, ends of logs. Read only and bounded; judges nothing.

Every part has a time limit of its own, for the API of a sick cluster does not answer; the parts are read side by side.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import concurrent.futures
import datetime
import os
import re
import time

from ansible_collections.mko.microk8s.plugins.module_utils import certs, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.collect import attempt, clip
from ansible_collections.mko.microk8s.plugins.module_utils.proc import read_short, run_short

LOGS = ('kubelite', 'k8s-dqlite', 'containerd')
LOG_LINES, LOG_CHARS, LOG_S = 60, 3000, 900
LIST_MAX = 100
KEPT = ('role', 'held', 'node_ready', 'node_name', 'locks', 'half_joined', 'proxy_servers', 'revision')


def parse_units(text, now_s):
    """{name: {active, sub, restarts, age_s}} from `systemctl show` of several units: blocks of KEY=VALUE with an empty line between.

    now_s: the monotonic clock; age_s: since when the unit is active, in seconds, None while it is not.
    """
    units = {}
    for block in re.split(r'\n\s*\n', text or ''):
        values = dict(line.split('=', 1) for line in block.splitlines() if '=' in line)
        name = re.match(r'snap\.microk8s\.daemon-([a-z0-9-]+)\.service$', values.get('Id', ''))
        if name:
            restarts, entered = values.get('NRestarts', ''), values.get('ActiveEnterTimestampMonotonic', '')
            started = int(entered) / 1000000.0 if values.get('ActiveState') == 'active' and re.match(r'[1-9][0-9]{0,17}$', entered) else None
            units[name.group(1)] = {'active': clip(values.get('ActiveState'), 30), 'sub': clip(values.get('SubState'), 30),
                                    'restarts': int(restarts) if restarts.isdigit() and len(restarts) < 10 else None,
                                    'age_s': None if started is None else max(0, int(now_s - started))}
    return units


def units():
    argv = ['/usr/bin/systemctl', 'show', '-p', 'Id', '-p', 'ActiveState', '-p', 'SubState', '-p', 'NRestarts', '-p', 'ActiveEnterTimestampMonotonic']
    text = run_short(argv + ['snap.microk8s.daemon-%s.service' % unit for unit in mk8s.UNITS], 15).out
    return parse_units(text, time.clock_gettime(time.CLOCK_MONOTONIC))


def log_age(unit):
    """How much of a unit's log concerns it as it runs now, in seconds: what was before a start by hand is over."""
    if unit and unit['restarts'] == 0 and unit['age_s'] is not None:
        return min(LOG_S, unit['age_s'] + 1)
    return LOG_S


def log(unit, age_s=None):
    """The end of a service's log: of the last seconds, or whenever it was written."""
    argv = ['/usr/bin/journalctl', '-u', 'snap.microk8s.daemon-%s.service' % unit, '-n', str(LOG_LINES), '--no-pager', '-o', 'cat']
    if age_s is not None:
        argv.append('--since=' + time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(time.time() - age_s)))
    result = run_short(argv, 15, 262144)
    return clip(result.out[-LOG_CHARS:], LOG_CHARS) if result.rc == 0 else None


def datastore():
    """The members, which of them listen, and whether a leader answers."""
    live = mk8s.dqlite_members()
    members = (live if live is not None else mk8s.file_members())[:LIST_MAX]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        alive = list(pool.map(lambda one: mk8s.can_connect(one['address'], 2.0), members))
    return {'live': live is not None, 'members': [dict(one, alive=answers) for one, answers in zip(members, alive)],
            'named': named_members(read_short(mk8s.BACKEND + '/cluster.yaml', 65536))}


def named_members(text):
    """The members in cluster.yaml whose address is no IP address."""
    found = re.findall(r'(?m)^[\s-]*Address:\s*["\']?([^"\'\s]+):\d+', text or '')
    return [clip(name, 100) for name in found if not re.match(r'\d+\.\d+\.\d+\.\d+$|\[?[0-9a-fA-F:]*:[0-9a-fA-F:.]*\]?$', name)][:LIST_MAX]


def prefers_addresses():
    """Whether the API server calls nodes by address before it calls them by name."""
    words = mk8s.parse_args_file(read_short(mk8s.DATA + '/args/kube-apiserver') or '', 'kubelet-preferred-address-types')
    return (words or 'Hostname').split(',')[0] == 'InternalIP'


def unresolved(peers):
    """Those of [(name, address)] whose name does not stand for their address here."""
    def right(peer):
        result = run_short(['/usr/bin/getent', 'ahostsv4', peer[0]], 5)
        return any(line.split()[0] == peer[1] for line in result.out.splitlines() if line.strip())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return [name for (name, unused), fine in zip(peers, pool.map(right, peers)) if not fine][:LIST_MAX]


def shims():
    """How many containerd-shim processes there are."""
    found = 0
    for pid in os.listdir('/proc'):
        if pid.isdigit() and re.match(r'(\S*/)?containerd-shim', read_short('/proc/%s/cmdline' % pid, 4096) or ''):
            found += 1
    return found


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


def look(address=None, peers=()):
    """{key: value} of one node, each value small enough for one event. peers: [(name, address)] of the other nodes."""
    running = attempt(units)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        state = pool.submit(attempt, lambda: mk8s.node_state(address))
        parts = {name: pool.submit(attempt, reader) for name, reader in (
            ('datastore', datastore), ('certs', cert_days), ('address', own_address), ('changes', changes), ('shims', shims),
            ('unresolved', lambda: [] if prefers_addresses() else unresolved(peers)))}
        logs = {unit: pool.submit(attempt, lambda unit=unit: log(unit, log_age((running or {}).get(unit)))) for unit in LOGS}
        logs['k8s-dqlite-end'] = pool.submit(attempt, lambda: log('k8s-dqlite'))   # a datastore that gave up says no more
        state = state.result()
        found = {name: part.result() for name, part in parts.items()}
        found['logs'] = {name: part.result() for name, part in logs.items()}
    if state is None:
        return {'microk8s': None}
    if state['microk8s_status'] == 'not_installed':
        return {'microk8s': {'status': 'not_installed'}, 'microk8s_status': 'not_installed'}
    summary = {key: state[key] for key in KEPT}
    summary.update({'status': state['microk8s_status'], 'message': clip(state['microk8s_message'], 500), 'units': running,
                    'address': found['address'], 'changes': found['changes'], 'shims': found['shims'],
                    'unresolved': found['unresolved'] if state['role'] == 'control_plane' else None})
    return {
        'microk8s': summary, 'kube_nodes': attempt(lambda: nodes(state)), 'logs': found['logs'], 'certs': found['certs'],
        'datastore': found['datastore'] if state['role'] == 'control_plane' else None,
        'microk8s_status': state['microk8s_status'], 'microk8s_version': state['microk8s_version'], 'channel': state['channel'],
    }
