# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Members of a cluster, seen and changed from one of its control planes: what is still known of a node, forgetting it, emptying it.

Exit codes are not believed: remove-node ends with 1 when it worked and with 0 when something is left. What counts is what the
datastore, the file that joins read, and the API say afterwards.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

from ansible_collections.mko.microk8s.plugins.module_utils import mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.change import Failed
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run, wait_until

ANNOTATION = 'mko.microk8s/cordoned'     # on nodes that mko cordoned: only these are uncordoned
POLL_S = 1.0


def known(address, name):
    """What the cluster still has of a node: a set of "datastore", "file", "node"."""
    found = set()
    if address and any(mk8s.ip_of(one['address']) == address for one in mk8s.dqlite_members(3) or ()):
        found.add('datastore')
    if address and any(mk8s.ip_of(one['address']) == address for one in mk8s.file_members()):
        found.add('file')
    if name and any(one['name'] == name for one in mk8s.api_nodes() or ()):
        found.add('node')
    return found


def forget(address, name, timeout, check_mode=False):
    """Remove one node from the cluster and wait until nothing is left of it. Returns what was removed."""
    found = known(address, name)
    if check_mode:
        return ['%s (%s)' % (address or name, one) for one in sorted(found)]
    done = []
    if 'node' in found:
        run([mk8s.MICROK8S, 'remove-node', name, '--force'], 120)
        done.append(name)
    if found & {'datastore', 'file'}:
        run([mk8s.MICROK8S, 'remove-node', address, '--force'], 120)
        done.append(address)
    if done and not wait_until(lambda: not known(address, name), timeout, POLL_S):
        raise Failed('still_known', 'The cluster still knows %s (%s) as %s %d s after its removal. Remove it by hand: microk8s remove-node %s --force'
                     % (name or 'the node', address, ', '.join(sorted(known(address, name))), timeout, address or name))
    return done


def voters():
    """How many voters the datastore has, None without a leader."""
    members = mk8s.dqlite_members(3)
    return None if members is None else sum(1 for one in members if one['role'] == 'voter')


def answers(address):
    """The ports of MicroK8s that something listens on at an address."""
    return [port for port in (25000, 16443, 10250) if mk8s.can_connect('%s:%d' % (address, port), 2.0)]


def node_object(name):
    """The Node object, {} when the API knows none with this name, None when it does not answer."""
    reply = mk8s.kubectl_json(['get', 'nodes'])
    if reply is None:
        return None
    return next((item for item in reply.get('items') or () if item['metadata'].get('name') == name), {})


def cordon(name):
    """Keep new pods away. Returns True when it was not so before; then it is marked as ours."""
    node = node_object(name)
    if node is None:
        raise Failed('api', 'The Kubernetes API does not answer.')
    if not node or (node.get('spec') or {}).get('unschedulable'):
        return False
    for argv in (['annotate', 'node', name, '--overwrite', ANNOTATION + '=true'], ['cordon', name]):
        result = mk8s.kubectl(argv, 60)
        if result.rc != 0:
            raise Failed('cordon', 'The node %s could not be cordoned: %s' % (name, result.short(400)))
    return True


def uncordon(name):
    """Let pods come again, if it was us who kept them away. Returns True when something changed."""
    node = node_object(name)
    if node is None:
        raise Failed('api', 'The Kubernetes API does not answer.')
    if ANNOTATION not in (node.get('metadata') or {}).get('annotations', {}):
        return False
    for argv in (['uncordon', name], ['annotate', 'node', name, ANNOTATION + '-']):
        result = mk8s.kubectl(argv, 60)
        if result.rc != 0:
            raise Failed('uncordon', 'The node %s could not be uncordoned: %s' % (name, result.short(400)))
    return True


def pods_on(name):
    """Names of the pods that a drain must move: not of DaemonSets, not static, not at their end."""
    reply = mk8s.kubectl_json(['get', 'pods', '-A', '--field-selector', 'spec.nodeName=' + name], 30)
    left = []
    for item in (reply or {}).get('items') or ():
        metadata = item.get('metadata') or {}
        owners = [one.get('kind') for one in metadata.get('ownerReferences') or ()]
        if 'DaemonSet' in owners or 'kubernetes.io/config.mirror' in (metadata.get('annotations') or {}):
            continue
        if (item.get('status') or {}).get('phase') not in ('Succeeded', 'Failed'):
            left.append('%s/%s' % (metadata.get('namespace'), metadata.get('name')))
    return sorted(left)


def drain(name, timeout, grace, log):
    """Move the pods away within timeout seconds. Returns the pods that would not go."""
    argv = ['drain', name, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=%ds' % timeout]
    if grace is not None and grace >= 0:
        argv.append('--grace-period=%d' % grace)
    result = run([mk8s.MICROK8S, 'kubectl'] + argv, timeout + 30)
    left = pods_on(name)
    if result.rc == 0 and not left:
        return []
    log('kubectl drain %s: rc %d: %s' % (name, result.rc, result.short(600)))
    return left or ['(kubectl drain: %s)' % result.short(200)]
