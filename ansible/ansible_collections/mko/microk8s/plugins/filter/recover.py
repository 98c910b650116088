# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Filter that decides how a lost quorum is recovered, and says each step with its effect. A pure function of what the survivors reported."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import hashlib
import json

DOCUMENTATION = '''
name: recover_plan
short_description: Decide how a lost quorum is recovered
version_added: 1.0.0
author: The mko team
description:
  - Takes what the reached nodes have (M(mko.microk8s.microk8s_recover) with C(state=looked)) and says which of them survive, whose log is
    taken, who is lost, and what each step does. Refuses while the datastore answers, or could by starting what is there.
positional: _input
options:
  _input:
    description: A mapping of reached host to its look.
    type: dict
    required: true
  addresses:
    description: A mapping of every host of the inventory to its IPv4 address.
    type: dict
    required: true
'''

EXAMPLES = '''
plan: "{{ looks | mko.microk8s.recover_plan(addresses) }}"
'''

RETURN = '''
_value:
  description: >-
    fatal (message or null), chosen, survivors[host], receivers[host], workers[host], members[{id, address}], lost[{name, address}], steps[text],
    digest (of all that decides).
  type: dict
'''


def ip_of(address):
    return (address or '').rpartition(':')[0]


def fatal_of(survivors, members, lost, looks):
    """Why there is nothing to recover, or no way to, or None."""
    voters = [one for one in members if one['role'] == 'voter']
    here = [one for one in voters if one['address'] in [looks[host]['own']['address'] for host in survivors]]
    answering = sorted({address for host in survivors for address in looks[host]['answering']} & {one['address'] for one in lost})
    if not survivors:
        return 'No control plane with a datastore was reached, so there is nothing to recover from. Restore a backup onto a fresh node instead.'
    if any(looks[host]['leader'] for host in survivors):
        return 'The datastore answers: its quorum is not lost. To remove a node that is lost for good: mko cluster leave CLUSTER NODE --lost.'
    if any(looks[host]['begun'] for host in survivors):
        return None     # an earlier attempt was cut off after it had changed the members
    if len(here) > len(voters) // 2:
        return ('%d of %d voters were reached, which is enough: start MicroK8s on them (mko cluster startup) instead of recovering.'
                % (len(here), len(voters)))
    if answering:
        return ('Members that are not reached over SSH still answer: %s. They are not lost; a recovery would divide the cluster.'
                % ', '.join(answering))
    if not any(looks[host]['has_log'] for host in survivors):
        return 'None of the control planes that were reached has a copy of the data (they were spares). Restore a backup onto a fresh node instead.'
    return None


def steps_of(plan):
    """Each step with its effect, as a person reads it."""
    survivors, lost = ', '.join(plan['survivors']), ', '.join('%s (%s)' % (one['name'] or 'unknown', ip_of(one['address'])) for one in plan['lost'])
    steps = [
        'Stop MicroK8s on %s. Containers there end; what still ran without the API stops.' % ', '.join(plan['survivors'] + plan['workers']),
        'Save the folder of the datastore on each of %s to /var/snap/microk8s/common/mko-recover, and open the archive. Nothing is lost by it.' % survivors,
        'Make %s the only member%s of the datastore, on %s, whose log goes farthest (%d). Writes that only the lost nodes had are gone.'
        % (survivors, 's' if len(plan['survivors']) > 1 else '', plan['chosen'], plan['last_index']),
    ]
    if plan['receivers']:
        steps.append('Replace the log on %s by that of %s. Their own log stays only in the saved archive.' % (', '.join(plan['receivers']), plan['chosen']))
    steps.append('Start MicroK8s, %s first, and wait for the API.' % plan['chosen'])
    if lost:
        steps.append('Remove %s from Kubernetes. They must never come back with their data: purge MicroK8s there before they get network.' % lost)
    return steps


def recover_plan(looks, addresses):
    """See DOCUMENTATION."""
    planes = sorted(host for host, one in looks.items() if one.get('role') == 'control_plane' and one.get('own'))
    notes = [looks[host]['begun'] for host in planes if looks[host]['begun']]
    listed = (notes[0].get('members') if notes else None) or max((looks[host]['members'] for host in planes), key=len, default=[])
    survivors = [host for host in planes if looks[host]['own']['address'] in [one['address'] for one in listed]]
    hosts = {address: host for host, address in addresses.items()}
    kept = [looks[host]['own'] for host in survivors]
    lost = [{'name': hosts.get(ip_of(one['address']), ''), 'address': one['address']} for one in listed
            if one['address'] not in [own['address'] for own in kept]]
    plan = {'fatal': fatal_of(survivors, listed, lost, looks), 'chosen': '', 'survivors': survivors, 'receivers': [], 'members': kept, 'lost': lost,
            'workers': sorted(host for host, one in looks.items() if one.get('role') == 'worker'), 'steps': [], 'last_index': 0, 'digest': ''}
    if plan['fatal']:
        return plan
    # What an earlier attempt has changed already goes on; else the longest log. Equal ones: the first by name.
    plan['chosen'] = max(reversed(survivors), key=lambda host: (bool(looks[host]['begun']), looks[host]['has_log'], looks[host]['last_index']))
    plan['last_index'] = looks[plan['chosen']]['last_index']
    plan['receivers'] = [host for host in survivors if host != plan['chosen']]
    plan['steps'] = steps_of(plan)
    decides = [plan[key] for key in ('chosen', 'survivors', 'workers', 'members', 'lost')]
    plan['digest'] = hashlib.sha256(json.dumps(decides, sort_keys=True).encode('utf-8')).hexdigest()[:16]
    return plan


def copy_source(infos, addresses):
    """The host whose datastore is copied while MicroK8s is stopped there: one that holds the data and is missed least. {host, fatal, alone}"""
    view = next((info['cluster'] for info in infos.values() if info.get('cluster')), None)
    if view is None:
        return {'host': '', 'alone': False, 'fatal': 'No control plane answers, so nobody knows whose copy is the newest.'}
    hosts = {address: host for host, address in addresses.items()}
    members = [dict(one, host=hosts.get(ip_of(one['address']), '')) for one in view['dqlite']]
    if len(members) == 1:
        members[0]['host'] = members[0]['host'] or sorted(infos)[0]     # alone it listens on loopback
    voters = [one for one in members if one['role'] == 'voter']
    alive = [one for one in voters if one['alive']]
    spare = (len(alive) - 1) * 2 > len(voters)
    rank = {'standby': 0, 'voter': 1}
    able = sorted((rank[one['role']], one['address'] == view['leader'], one['host']) for one in members
                  if one['role'] in rank and one['alive'] and one['host'] in infos)
    if not able:
        return {'host': '', 'alone': False, 'fatal': 'No control plane that holds the data was reached.'}
    return {'host': able[0][2], 'alone': able[0][0] == 1 and not spare, 'fatal': None}


class FilterModule(object):
    """Registers the filter."""

    def filters(self):
        return {'recover_plan': recover_plan, 'copy_source': copy_source}
