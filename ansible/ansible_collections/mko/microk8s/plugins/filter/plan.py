# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Filters that decide who joins what. Pure functions of what the nodes reported; they know nothing of Ansible's objects."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import ipaddress

DOCUMENTATION = '''
name: plan
short_description: Decide who founds, joins or belongs to a cluster
version_added: 1.0.0
author: The mko team
description:
  - Takes the real state of all nodes and says which control plane is the seed, who is a member, who must join, and who
    cannot and why.
positional: _input
options:
  _input:
    description: A mapping of host to the result of M(mko.microk8s.microk8s_info) with C(cluster=true).
    type: dict
    required: true
  settings:
    description: >-
      control_planes and workers (host names in order), addresses (host to IPv4 address), all (every host of the inventory group, also those
      that failed before), network_cidr, service_cidr, allow_unknown_members, check (check mode).
    type: dict
    required: true
'''

EXAMPLES = '''
plan: "{{ infos | mko.microk8s.plan(settings) }}"
'''

RETURN = '''
_value:
  description: >-
    seed, errors{host: message}, join{host: role}, forget[host] (known to the cluster without being a member), expected[{host, name, address, role}], fatal (message or null).
  type: dict
'''


def members_of(info):
    """(names, addresses) of the cluster that a control plane sees; a node that runs alone sees only itself."""
    state = info['state']
    names = {one['name'] for one in state.get('nodes') or ()}
    addresses = {(one.get('address') or '').rpartition(':')[0] for one in state.get('members') or ()}
    addresses |= {one['address'] for one in state.get('nodes') or () if one.get('address')}
    return names, addresses - {'127.0.0.1', ''}


def is_clustered_plane(info):
    """A control plane of a cluster of more than one node."""
    node, state = info['node'], info['state']
    if node['role'] != 'control_plane' or state.get('half_joined'):
        return False
    return len(state.get('nodes') or ()) > 1 or len(state.get('members') or ()) > 1


def duplicates(infos, addresses):
    """{host: message} for host names, machine IDs and addresses that two nodes share."""
    errors = {}
    for what, value_of in (('host name', lambda host: infos[host]['node'].get('node_name')), ('machine ID', lambda host: infos[host]['state'].get('machine_id')),
                           ('address', addresses.get)):
        seen = {}
        for host in sorted(infos):
            value = value_of(host)
            if value:
                seen.setdefault(value, []).append(host)
        for value, hosts in seen.items():
            for host in hosts if len(hosts) > 1 else ():
                errors.setdefault(host, 'The nodes %s have the same %s (%s). Each node needs its own.' % (', '.join(hosts), what, value))
    return errors


def same_cluster(one, other):
    """Whether two control planes see the same cluster."""
    names_a, addresses_a = members_of(one)
    names_b, addresses_b = members_of(other)
    if not addresses_a & addresses_b or one['state'].get('ca') != other['state'].get('ca'):
        return False
    return bool(names_a & names_b) or not names_a or not names_b    # without names its API does not answer


def choose_seed(infos, planes):
    """(seed, grouped): the control plane that others join, and the clustered planes of its cluster."""
    clustered = [host for host in planes if host in infos and is_clustered_plane(infos[host])]
    if not clustered:
        return (planes[0] if planes and planes[0] in infos else None), []
    groups = []
    for host in clustered:
        for group in groups:
            if same_cluster(infos[group[0]], infos[host]):
                group.append(host)
                break
        else:
            groups.append([host])
    # The cluster of the first control plane; else the one with most of our nodes.
    best = next((group for group in groups if planes[0] in group), None) or max(groups, key=len)
    answering = [host for host in best if infos[host]['state'].get('nodes') and infos[host]['node']['microk8s_status'] == 'running']
    return (answering or best)[0], best


def plan(infos, settings):
    """See DOCUMENTATION."""
    planes, workers, addresses = list(settings['control_planes']), list(settings['workers']), dict(settings['addresses'])
    everybody = list(settings.get('all') or planes + workers)
    errors = duplicates(infos, addresses)
    result = {'seed': None, 'errors': errors, 'join': {}, 'forget': [], 'expected': [], 'fatal': None}
    seed, group = choose_seed(infos, planes)
    if seed is None or seed in errors:
        result['fatal'] = errors.get(seed) or ('The first control plane (%s) is not available, and no other one is a member of a cluster: there is nobody to join.'
                                               % (planes[0] if planes else 'none is given'))
        return result
    result['seed'] = seed
    if settings.get('ha') and len(planes) < 3:
        result['fatal'] = 'High availability needs three control planes, but there are %d.' % len(planes)
        return result
    result['fatal'] = seed_problem(infos[seed], seed, group, everybody, addresses, settings)
    if result['fatal']:
        return result
    seed_names, seed_addresses = members_of(infos[seed])
    seed_addresses |= {addresses[seed]}
    for host in planes + workers:
        if host not in infos or host in errors:
            continue
        role = 'control_plane' if host in planes else 'worker'
        name = infos[host]['node'].get('node_name')
        result['expected'].append({'host': host, 'name': name, 'address': addresses[host], 'role': role})
        if host == seed:
            continue
        verdict = judge(infos[host], role, host, addresses[host], infos[seed], seed_addresses)
        if verdict == 'join':
            result['join'][host] = role
            stale = name in seed_names or addresses[host] in seed_addresses
            if stale and name != infos[seed]['node'].get('node_name'):
                result['forget'].append(host)
        elif verdict != 'member':
            errors[host] = verdict
    result['expected'] = [one for one in result['expected'] if one['host'] not in errors]
    return result


def seed_problem(info, seed, group, everybody, addresses, settings):
    """Why nobody can join through this node, or None."""
    node, state = info['node'], info['state']
    if node['role'] == 'worker':
        return 'The first control plane %s is a worker of a cluster (%s). Let it leave that cluster first.' % (seed, ', '.join(state.get('proxy_servers') or ()) or 'unknown')
    if node['microk8s_status'] == 'not_installed' and settings.get('check'):
        return None     # check mode: it would be installed by now
    if node['microk8s_status'] != 'running':
        return 'MicroK8s on %s does not run: %s' % (seed, node.get('microk8s_message') or node['microk8s_status'])
    if group and not settings.get('allow_unknown_members'):
        ours = {addresses[host] for host in everybody if addresses.get(host)} | {'127.0.0.1'}
        strangers = sorted('%s (%s)' % (one['name'], one['address']) for one in state.get('nodes') or () if one.get('address') and one['address'] not in ours)
        if strangers:
            return ('The node %s already belongs to a cluster with members that are not in this inventory: %s. Add them, remove them from that '
                    'cluster, or allow it with mko_allow_unknown_members.' % (seed, ', '.join(strangers)))
    for what, key in (('pod', 'network_cidr'), ('service', 'service_cidr')):
        if settings.get(key) and state.get(key) and settings[key] != state[key]:
            return ('The %s network of %s is %s, but %s was asked for. It can be chosen only when MicroK8s is installed: use %s, or remove MicroK8s '
                    'first (this deletes its data).' % (what, seed, state[key], settings[key], state[key]))
    return None


def judge(info, role, host, address, seed_info, seed_addresses):
    """"member", "join", or why the node can do neither."""
    node, state = info['node'], info['state']
    seen = {one['name']: one for one in seed_info['state'].get('nodes') or ()}
    members = {(one.get('address') or '').rpartition(':')[0] for one in seed_info['state'].get('members') or ()}
    name = node.get('node_name')
    if node['microk8s_status'] in ('not_installed', 'installed') and not state.get('locks'):
        return 'join'
    if node['role'] == 'worker':
        ours = (state.get('ca') and state['ca'] == seed_info['state'].get('ca')) or bool(set(state.get('proxy_servers') or ()) & seed_addresses)
        if not ours and not state.get('half_joined'):
            return ('The node %s is a worker of another cluster (control planes: %s). Let it leave that cluster first.'
                    % (host, ', '.join(state.get('proxy_servers') or ()) or 'unknown'))
        if name in seen and not state.get('half_joined'):
            return 'member' if role == 'worker' else ('The node %s is a worker of this cluster and cannot become a control plane in place: let it leave, '
                                                      'then set up again.' % host)
        return 'join'
    if state.get('half_joined'):
        return 'join'
    if is_clustered_plane(info) and not same_cluster(info, seed_info):
        names, others = members_of(info)
        return 'The node %s already belongs to another cluster (members: %s). Let it leave that cluster first.' % (host, ', '.join(sorted(names or others)))
    if is_clustered_plane(info) and name in seen and address in members:
        return 'member' if role == 'control_plane' else ('The node %s is a control plane of this cluster and cannot become a worker in place: let it leave, '
                                                         'then set up again.' % host)
    return 'join'


def wanted_addons(wanted, present):
    """The wanted addons [{name, args}] that are not enabled in present [{name, repository, status}]. "storage" is the old name of hostpath-storage."""
    enabled = {one['name'] for one in present or () if one.get('status') == 'enabled'}
    return [one for one in wanted or () if {'storage': 'hostpath-storage'}.get(short_name(one), short_name(one)) not in enabled]


# What others build on comes first: rbac restarts all API servers, dns all kubelets, the registry wants storage.
ADDON_ORDER = ('ha-cluster', 'rbac', 'dns', 'hostpath-storage', 'storage', 'ingress', 'metallb', 'metrics-server')


def addon_order(addons, state='enabled'):
    """The addons in the order in which they are enabled; the other way round for disabling."""
    ranked = sorted(addons or (), key=lambda one: ADDON_ORDER.index(short_name(one)) if short_name(one) in ADDON_ORDER else
                    len(ADDON_ORDER) + (short_name(one) == 'registry'))
    return ranked if state == 'enabled' else ranked[::-1]


def short_name(addon):
    return str(addon['name']).rpartition('/')[2]


def launch_config(config, network_cidr=None, service_cidr=None):
    """The launch configuration for the nodes of a cluster: the user's, else one without addons, with the two networks."""
    result = dict(config or {'version': '0.1.0'})
    services = ipaddress.ip_network(str(service_cidr or '10.152.183.0/24'))
    if not config:
        result['extraKubeletArgs'] = {'--cluster-dns': str(services[10]), '--cluster-domain': 'cluster.local'}
    if network_cidr or service_cidr:
        environment = dict(result.get('extraCNIEnv') or {}, IPv4_SUPPORT='true')
        if network_cidr:
            environment['IPv4_CLUSTER_CIDR'] = str(ipaddress.ip_network(str(network_cidr)))
        if service_cidr:
            environment['IPv4_SERVICE_CIDR'] = str(services)
            names = list(result.get('extraSANs') or [])
            result['extraSANs'] = names + [str(services[1])] if str(services[1]) not in names else names
        result['extraCNIEnv'] = environment
    return result


def blocking(findings):
    """The blocking ones among findings, as one text."""
    return ' '.join('[%s] %s %s' % (one['code'], one['message'], ('Fix: %s.' % one['fix'].rstrip('.')) if one['fix'] else '')
                    for one in findings if one['severity'] == 'blocking').strip()


def blocking_by_host(results):
    """The blocking findings of several hosts as one text that names each host. results: {host: result with findings}."""
    said = ((host, blocking(results[host]['findings'])) for host in results)
    return ' '.join('%s: %s' % (host, text) for host, text in said if text)


def address(variables):
    """The IPv4 address of a host out of its variables."""
    return str(variables.get('mko_address') or variables.get('ansible_host') or variables.get('inventory_hostname'))


def scan(infos):
    """Who reports the cluster: {reporter: host or '', complete: its addons are known, findings: of the nodes and of views that differ}.

    infos: {host: result of microk8s_info}. A running control plane with the largest view comes first, so that one that was left
    behind alone does not speak for the rest.
    """
    able = [host for host in infos if infos[host]['node']['role'] == 'control_plane' and infos[host]['state'].get('nodes')]
    able.sort(key=lambda host: (infos[host]['node']['microk8s_status'] != 'running', -len(infos[host]['state']['nodes'])))
    found = [one for host in infos for one in infos[host].get('findings') or ()]
    reporter = able[0] if able else ''
    if reporter:
        seen = {one['name'] for one in infos[reporter]['state']['nodes']}
        for host in infos:
            node = infos[host]['node']
            if node['microk8s_status'] != 'not_installed' and node.get('node_name') not in seen:
                found.append({'code': 'MKO-SCAN-013', 'severity': 'warning', 'fix': 'Set up the cluster again.',
                              'message': 'The node %s is no member of the cluster that %s reports.' % (host, reporter)})
    view = (infos.get(reporter) or {}).get('cluster') or {}
    return {'reporter': reporter, 'complete': bool(view.get('addons')), 'findings': found}


def twins(infos, others):
    """{host: message} for nodes that are, or call themselves, the same as another one.

    infos: {host: node of node_facts} of this run; others: [{hostname, machine_id}] of the nodes that are known besides.
    """
    known = {one['hostname']: one.get('machine_id') for one in others}
    errors = {}
    for host in sorted(infos):
        name, machine = (infos[host] or {}).get('hostname'), (infos[host] or {}).get('machine_id')
        rest = [(other, infos[other] or {}) for other in sorted(infos) if other != host]
        same_id = [other for other, node in rest if machine and node.get('machine_id') == machine]
        same_id += sorted(other for other in known if machine and known[other] == machine)
        same_name = [other for other, node in rest if name and name in (other, node.get('hostname'))]
        same_name += sorted(other for other in known if other == name)
        if same_name:
            errors[host] = ('The nodes %s and %s have the same host name (%s)%s. Each needs its own. On one of them: hostnamectl set-hostname NAME%s' % (
                host, ', '.join(same_name), name, ' and the same machine ID' if set(same_id) & set(same_name) else '',
                ', rm /etc/machine-id, systemd-machine-id-setup' if set(same_id) & set(same_name) else ''))
        elif same_id:
            errors[host] = ('The nodes %s and %s have the same machine ID (%s): one is a copy of the other, or one machine was added twice. '
                            'On a copy: rm /etc/machine-id, systemd-machine-id-setup. Else: mko node remove NAME' % (host, ', '.join(same_id), machine))
    return errors


class FilterModule(object):
    """What Ansible loads."""

    def filters(self):
        return {'plan': plan, 'wanted_addons': wanted_addons, 'addon_order': addon_order, 'launch_config': launch_config, 'blocking': blocking,
                'blocking_by_host': blocking_by_host, 'address': address, 'scan': scan, 'twins': twins}
