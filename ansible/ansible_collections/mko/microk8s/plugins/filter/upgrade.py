# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Filter that decides whether and in what order a cluster is upgraded. A pure function of what the nodes reported."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

from ansible_collections.mko.microk8s.plugins.module_utils.mk8s import minor
from ansible_collections.mko.microk8s.plugins.module_utils.proc import finding
from ansible_collections.mko.microk8s.plugins.module_utils.snapd import split_channel

DOCUMENTATION = '''
name: upgrade_plan
short_description: Decide whether and in what order a cluster is upgraded
version_added: 1.0.0
author: The mko team
description:
  - One minor version at a time, never down, only a healthy cluster, control planes first. Nodes that follow the channel already are
    left alone, so that an upgrade that was halted can be taken up again.
positional: _input
options:
  _input:
    description: A mapping of host to the result of M(mko.microk8s.microk8s_info) with C(cluster=true).
    type: dict
    required: true
  settings:
    description: channel, planes and workers (hosts in order), silent (hosts that did not answer), resume (an upgrade was halted before), nodes (name in Kubernetes by host).
    type: dict
    required: true
'''

EXAMPLES = '''
plan: "{{ infos | mko.microk8s.upgrade_plan(settings) }}"
'''

RETURN = '''
_value:
  description: helper, findings [{code, severity, message, fix}], planes and workers to upgrade, fatal (text of the blocking findings, or null).
  type: dict
'''

OPEN_BUGS = (1, 34)     # from here on k8s-dqlite 1.8 with open regressions (canonical/microk8s 5386, 5352)


def version_findings(infos, channel):
    """What speaks against the step from the versions that run to the channel's."""
    track = split_channel(channel)[0]
    want = minor(track)
    if want is None:
        return [finding('MKO-UPG-010', 'blocking', 'The channel %s names no version, so nobody knows where the upgrade leads.' % channel,
                        'Choose a channel such as 1.33/stable')]
    found = []
    have = {host: minor(infos[host]['node'].get('microk8s_version')) for host in infos}
    for host in sorted(have):
        if have[host] is None:
            continue
        if have[host] > want:
            found.append(finding('MKO-UPG-011', 'blocking', 'The node %s runs 1.%d already: an upgrade to 1.%d would go back.' % (host, have[host][1], want[1]),
                                 'Kubernetes cannot go back. Choose 1.%d or newer' % have[host][1]))
        elif want[1] - have[host][1] > 1:
            found.append(finding('MKO-UPG-012', 'blocking', 'The node %s runs 1.%d: an upgrade to 1.%d would skip a version.' % (host, have[host][1], want[1]),
                                 'Upgrade to 1.%d first' % (have[host][1] + 1)))
    if want >= OPEN_BUGS:
        found.append(finding('MKO-UPG-013', 'warning', 'MicroK8s 1.%d has open bugs of its datastore (nodes stay Ready after they died, or NotReady after '
                             'they came back).' % want[1], 'Stay at 1.33 unless you need it'))
    return found


def health_findings(infos, view, settings):
    """Only a healthy cluster is upgraded; a node that an earlier attempt broke may be upgraded again."""
    found = []
    names = settings['nodes']
    target = split_channel(settings['channel'])
    for host in settings.get('silent') or ():
        found.append(finding('MKO-UPG-020', 'blocking', 'The node %s does not answer.' % host, 'Bring it back, or remove it from the cluster'))
    ready = {one['name']: one['ready'] for one in view.get('nodes') or ()}
    for host in infos:
        behind = split_channel(infos[host]['node'].get('channel')) != target or infos[host]['node']['microk8s_status'] == 'installed'
        if not ready.get(names.get(host)) and not (settings.get('resume') and behind):
            found.append(finding('MKO-UPG-021', 'blocking', 'The node %s is not Ready.' % host, 'Repair it first: mko node status %s' % host))
    strangers = sorted(set(ready) - {names.get(host) for host in infos} - set(settings.get('silent') or ()))
    if strangers:
        found.append(finding('MKO-UPG-022', 'warning', 'The cluster has nodes that are not in this inventory and will not be upgraded: %s.' % ', '.join(strangers),
                             'Adopt them'))
    for one in view.get('dqlite') or ():
        if one.get('role') == 'voter' and not one.get('alive', True):
            found.append(finding('MKO-UPG-023', 'warning' if settings.get('resume') else 'blocking', 'The voter %s does not answer.' % one['address'],
                                 'Start MicroK8s there'))
    for host in infos:
        if infos[host]['node'].get('held') is False:
            found.append(finding('MKO-UPG-024', 'info', 'On %s the snap is not held; it will be after the upgrade.' % host, ''))
    return found


def closed_hosts(view, settings):
    """The hosts that a halted upgrade may have left closed for pods; whose cordon it is, is looked up when the node is given back."""
    closed = [one['name'] for one in (view or {}).get('nodes') or () if one.get('unschedulable')] if settings['resume'] else []
    return [host for host, name in settings['nodes'].items() if name in closed]


def upgrade_plan(infos, settings):
    """See DOCUMENTATION."""
    able = [host for host in settings['planes'] if host in infos and infos[host].get('cluster')]
    result = {'helper': able[0] if able else '', 'findings': [], 'planes': [], 'workers': [], 'fatal': None}
    target = split_channel(settings['channel'])
    found = version_findings(infos, settings['channel'])
    if able:
        found += health_findings(infos, infos[able[0]]['cluster'], settings)
    else:
        found.append(finding('MKO-UPG-025', 'blocking', 'No control plane answers.', 'Repair the cluster first: mko cluster scan'))
    closed = closed_hosts(infos[able[0]]['cluster'] if able else None, settings)
    for kind in ('planes', 'workers'):
        result[kind] = [host for host in settings[kind] if host in infos and (
            split_channel(infos[host]['node'].get('channel')) != target or infos[host]['node']['microk8s_status'] != 'running' or host in closed)]
    result['findings'] = found
    blocking = [one for one in found if one['severity'] == 'blocking']
    if blocking:
        result['fatal'] = ' '.join('[%s] %s %s' % (one['code'], one['message'], ('%s.' % one['fix'].rstrip('.')) if one['fix'] else '') for one in blocking)
    return result


def expected_node(variables):
    """What microk8s_verify wants to know of a host, out of its variables."""
    return {'host': variables.get('inventory_hostname'), 'name': variables['mko_before']['node']['node_name'], 'role': variables.get('mko_role'),
            'address': str(variables.get('mko_address') or variables.get('ansible_host'))}


def missed(order, host, batch, hostvars):
    """The hosts of order that come before host ('' = all), are not in its batch, and did not come through (mko_node_done)."""
    before = list(order)[:list(order).index(host)] if host in order else list(order) if host == '' else []
    return [one for one in before if one not in batch and not hostvars[one].get('mko_node_done')]


class FilterModule(object):
    """What Ansible loads."""

    def filters(self):
        return {'upgrade_plan': upgrade_plan, 'expected_node': expected_node, 'missed': missed}
