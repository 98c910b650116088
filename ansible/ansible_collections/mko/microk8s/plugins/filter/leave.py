# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Filter that decides how nodes leave a cluster. A pure function of what the nodes reported."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

from ansible_collections.mko.microk8s.plugins.filter.plan import is_clustered_plane, members_of, same_cluster

DOCUMENTATION = '''
name: leave_plan
short_description: Decide how nodes leave a cluster
version_added: 1.0.0
author: The mko team
description:
  - Takes the real state of the nodes that can be asked and says which control plane removes the others, which of them the cluster
    knows, and whether the removal would break it.
positional: _input
options:
  _input:
    description: A mapping of host to the result of M(mko.microk8s.microk8s_info) with C(cluster=true), without lost nodes.
    type: dict
    required: true
  settings:
    description: planes (hosts in order), leaving (hosts), lost (those of them that cannot be asked), addresses (host to IPv4 address), allow_quorum_loss.
    type: dict
    required: true
'''

EXAMPLES = '''
plan: "{{ infos | mko.microk8s.leave_plan(settings) }}"
'''

RETURN = '''
_value:
  description: helper (host or ""), fatal (message or null), leaving{host -> {name, address, known, voters}}.
  type: dict
'''


def leave_plan(infos, settings):
    """See DOCUMENTATION."""
    leaving, lost, addresses = list(settings['leaving']), list(settings.get('lost') or ()), settings['addresses']
    result = {'helper': '', 'fatal': None, 'leaving': {}}
    staying = [host for host in settings['planes'] if host not in leaving]
    silent = [host for host in leaving if host not in infos and host not in lost]
    if silent:
        result['fatal'] = 'The node %s does not answer, so it cannot leave by itself. When it is lost for good, say so; else bring it back first.' % ', '.join(silent)
        return result
    able = [host for host in staying if host in infos and infos[host]['state'].get('nodes') and infos[host]['node']['role'] == 'control_plane']
    if not able:
        result['fatal'] = ('No control plane that stays answers, so nobody can remove the nodes. Asked: %s. When too few voters are left, recover the '
                           'quorum first.' % (', '.join(staying) or 'none is left'))
        return result
    helper = max(able, key=lambda host: len(infos[host]['state']['nodes']))
    result['helper'] = helper
    info = infos[helper]
    names, unused = members_of(info)
    by_address = {one['address']: one['name'] for one in info['state']['nodes'] if one.get('address')}
    datastore = (info.get('cluster') or {}).get('dqlite') or info['state'].get('members') or []
    for host in leaving:
        name = by_address.get(addresses[host]) or ((infos.get(host) or {}).get('node') or {}).get('node_name') or host.lower()
        member = any(ip(one) == addresses[host] for one in datastore)
        theirs = host in infos and is_clustered_plane(infos[host]) and not member and not same_cluster(infos[host], info)
        if theirs and name not in names:
            result['fatal'] = 'The node %s is a member of another cluster, not of the one that %s belongs to.' % (host, helper)
            return result
        result['leaving'][host] = {'name': name if name in names else '', 'address': addresses[host] if member else '',
                                   'known': member or name in names, 'voters': 0}
    gone = {addresses[host] for host in leaving}
    left = [one for one in datastore if ip(one) not in gone]
    problem = quorum_problem(datastore, gone, lost, addresses)
    if problem and not settings.get('allow_quorum_loss'):
        result['fatal'] = problem
    for host in leaving:
        result['leaving'][host]['voters'] = min(3, len([one for one in left if one.get('alive', True)])) if len(left) >= 3 else 0
    return result


def forget_plan(infos, member):
    """{helper, name, address, fatal}: who removes a member that is given by its name in Kubernetes or its address in the datastore."""
    able = [host for host in infos if infos[host]['node']['role'] == 'control_plane' and infos[host]['state'].get('nodes')]
    result = {'helper': '', 'name': '', 'address': '', 'fatal': None}
    if not able:
        result['fatal'] = 'No control plane answers, so nobody can remove the member.'
        return result
    helper = max(able, key=lambda host: len(infos[host]['state']['nodes']))
    info = infos[helper]
    datastore = {ip(one) for one in (info.get('cluster') or {}).get('dqlite') or info['state'].get('members') or []}
    node = next((one for one in info['state']['nodes'] if member in (one['name'], one.get('address'))), None)
    address = (node or {}).get('address') or member
    if node is None and member not in datastore:
        result['fatal'] = 'The cluster knows no %s. It knows: %s.' % (member, ', '.join(sorted({one['name'] for one in info['state']['nodes']} | datastore)))
    result.update(helper=helper, name=(node or {}).get('name') or '', address=address)
    return result


def ip(member):
    return (member.get('address') or '').rpartition(':')[0]


def quorum_problem(datastore, gone, lost, addresses):
    """Why the datastore would not survive the removal, or None."""
    voters = [one for one in datastore if one.get('role') == 'voter']
    staying = [one for one in voters if ip(one) not in gone]
    others = [one for one in datastore if ip(one) not in gone and one.get('role') != 'voter' and one.get('alive', True)]
    if not [one for one in datastore if ip(one) in gone]:
        return None
    dead = sorted(ip(one) for one in staying if not one.get('alive', True))
    alive = len(staying) - len(dead)
    living_leavers = [one for one in voters if ip(one) in gone and one.get('alive', True)]
    if dead and living_leavers and alive + len(others) <= len(dead):
        return ('After the removal the datastore would have %d living and %d dead voters (%s) and would stop. Bring those back or remove them first.'
                % (alive, len(dead), ', '.join(dead)))
    if living_leavers and not staying and others:
        return ('The leaving node is the only one that holds the data (a cluster of two control planes has one voter). Add a third control plane '
                'first.')
    return None


class FilterModule(object):
    """What Ansible loads."""

    def filters(self):
        return {'leave_plan': leave_plan, 'forget_plan': forget_plan}
