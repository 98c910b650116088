# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Filters that decide in which order a cluster goes down. Pure functions of what the nodes reported."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
name: shutdown_plan
short_description: Decide who goes down when
version_added: 1.0.0
author: The mko team
description:
  - Workers go first, those of higher tiers before the others. Of the control planes those without a vote go before the voters, and
    the leader goes last, so that no vote wanders to a node that goes down later; among equals those of higher tiers go first.
positional: _input
options:
  _input:
    description: A mapping of host to the result of M(mko.microk8s.microk8s_info) with C(cluster=true); hosts that were not reached have no C(node).
    type: dict
    required: true
  settings:
    description: control_planes, workers, leave_running (lists of hosts), addresses (host to IPv4 address), tiers (host to its tier).
    type: dict
    required: true
'''

EXAMPLES = '''
plan: "{{ infos | mko.microk8s.shutdown_plan(settings) }}"
'''

RETURN = '''
_value:
  description: >-
    reporter (a control plane whose API answers, or ''), workers and planes (hosts in the order in which they stop), groups (lists of those that
    stop together), names (host to
    name in Kubernetes), notes (name in Kubernetes to annotations), record (what the state was), unreached (hosts).
  type: dict
'''

RANKS = {'spare': 0, 'standby': 1, 'voter': 2}


def ip_of(address):
    return (address or '').rpartition(':')[0]


def shutdown_plan(infos, settings):
    """See DOCUMENTATION."""
    staying, addresses, tiers = set(settings.get('leave_running') or ()), settings['addresses'], settings.get('tiers') or {}
    reached = {host: info for host, info in infos.items() if info.get('node')}
    reporter = reporter_of(reached)
    members, leader = datastore(reached, reporter)
    going = [host for host in infos if host not in staying]
    planes = [host for host in settings['control_planes'] if host in going]
    roles = {host: members.get(addresses.get(host), 'voter' if len(settings['control_planes']) == 1 else 'unknown') for host in planes}
    order = sorted(planes, key=lambda host: (addresses.get(host) == leader, RANKS.get(roles[host], 2), -tiers.get(host, 0), planes.index(host)))
    groups = by_tier([host for host in going if host not in planes], tiers)[::-1]
    workers = [host for group in groups for host in group]
    names = {host: (reached.get(host, {}).get('node') or {}).get('node_name') or host for host in infos}
    sequence = workers + order
    closed = [one['name'] for one in (reached[reporter]['state']['nodes'] if reporter else ()) if one['unschedulable']]
    return {
        'reporter': reporter, 'workers': workers, 'groups': groups + [[host] for host in order], 'planes': order, 'names': names,
        'unreached': sorted(set(infos) - set(reached)),
        'notes': {names[host]: {'mko/stop-order': sequence.index(host) + 1, 'mko/dqlite-role': 'leader' if addresses.get(host) == leader else roles.get(host, 'none')}
                  for host in going},
        'record': {'order': sequence, 'roles': roles, 'leader': next((host for host in planes if addresses.get(host) == leader), None),
                   'cordoned': closed, 'left_running': sorted(staying & set(infos)), 'api': bool(reporter)},
    }


def by_tier(hosts, tiers):
    """Lists of the hosts of each tier, the lowest tier first."""
    return [[host for host in hosts if tiers.get(host, 0) == tier] for tier in sorted({tiers.get(host, 0) for host in hosts})]


def reporter_of(reached):
    """A control plane that can change the cluster: its API answers. One that stops late is best."""
    able = [host for host, info in reached.items() if info['node']['role'] == 'control_plane' and info['state'].get('nodes')]
    able.sort(key=lambda host: (info_rank(reached[host]), host))
    return able[0] if able else ''


def info_rank(info):
    return (info['node']['microk8s_status'] != 'running', not (info.get('cluster') or {}).get('leader'))


def datastore(reached, reporter):
    """({address: role}, address of the leader) as the cluster says, or as a control plane last wrote it down."""
    view = (reached.get(reporter) or {}).get('cluster') or {}
    rows = view.get('dqlite') or next((info['state']['members'] for info in reached.values() if info['state'].get('members')), [])
    return {ip_of(one['address']): one['role'] for one in rows}, ip_of(view.get('leader'))


def reporter(infos):
    """A control plane whose API answers, or ''."""
    return reporter_of({host: info for host, info in infos.items() if info.get('node')})


class FilterModule(object):
    """What Ansible loads."""

    def filters(self):
        return {'shutdown_plan': shutdown_plan, 'reporter': reporter, 'by_tier': by_tier}
