# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Cordons, evictions and replica counts of a cluster, seen from one of its control planes. Every change is written down in an
annotation beside the change itself, in one request, so that whoever comes later can undo exactly that.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import json
import threading
import time

from ansible_collections.mko.microk8s.plugins.module_utils import mk8s

CORDONED = 'mko/cordoned-by'        # on a node: why we cordoned it; a node without it was cordoned by somebody else
REPLICAS = 'mko/replicas'           # on a workload: how many it had
SUSPENDED = 'mko/suspended-by'      # on a workload or CronJob: why we stopped it
TRIES = 3
ENDED = ('Succeeded', 'Failed')
KINDS = {'Deployment': 'deployments.apps', 'StatefulSet': 'statefulsets.apps', 'CronJob': 'cronjobs.batch'}


class ApiDown(Exception):
    """The Kubernetes API does not answer."""


# -- reading -----------------------------------------------------------------------------------------------------------------

def items(argv, tries=TRIES):
    """The items of a list, ApiDown when nobody answers."""
    for attempt in range(tries):
        reply = mk8s.kubectl_json(['get'] + list(argv), 30)
        if reply is not None:
            return reply.get('items') or []
        if attempt + 1 < tries:
            time.sleep(2)
    raise ApiDown('The Kubernetes API does not answer on this node.')


def patch(kind, name, namespace, body):
    """Merge body into an object; "" when it worked, else what was said."""
    argv = ['patch', kind, name] + (['-n', namespace] if namespace else []) + ['--type=merge', '-p', json.dumps(body)]
    result = None
    for attempt in range(TRIES):
        result = mk8s.kubectl(argv, 30)
        if result.rc == 0:
            return ''
        if 'NotFound' in result.err:
            break
        time.sleep(1 if attempt + 1 < TRIES else 0)
    return result.short(300)


def annotations(obj):
    return (obj.get('metadata') or {}).get('annotations') or {}


def owner_kind(obj):
    """The kind of the controller that owns an object, or ''."""
    return next((one.get('kind', '') for one in (obj['metadata'].get('ownerReferences') or ()) if one.get('controller')), '')


def movable(pod):
    """Whether a drain has to end this pod: not one of a DaemonSet, not a file of the kubelet, not ended."""
    return (owner_kind(pod) != 'DaemonSet' and 'kubernetes.io/config.mirror' not in annotations(pod)
            and (pod.get('status') or {}).get('phase') not in ENDED)


def full_name(obj):
    return '%s/%s' % (obj['metadata'].get('namespace', 'default'), obj['metadata']['name'])


def matches(selector, labels):
    """matchLabels and matchExpressions of a budget."""
    selector = selector or {}
    for key, value in (selector.get('matchLabels') or {}).items():
        if labels.get(key) != value:
            return False
    for one in selector.get('matchExpressions') or ():
        value, values = labels.get(one.get('key')), one.get('values') or ()
        if {'In': value not in values, 'NotIn': value in values, 'Exists': value is None, 'DoesNotExist': value is not None}.get(one.get('operator'), True):
            return False
    return True


def budget_of(pod, budgets):
    """The name of a budget that allows no eviction of this pod now, or ''."""
    for one in budgets:
        if (one['metadata'].get('namespace') == pod['metadata'].get('namespace') and (one.get('status') or {}).get('disruptionsAllowed', 0) <= 0
                and matches((one.get('spec') or {}).get('selector'), pod['metadata'].get('labels') or {})):
            return one['metadata']['name']
    return ''


def controller(pod):
    """What tells the pods of one controller from those of others, or ''."""
    return next((one.get('uid') or '%s/%s' % (one.get('kind'), one.get('name')) for one in pod['metadata'].get('ownerReferences') or () if one.get('controller')), '')


def why_stays(pod, budgets, claims, alone=False):
    """Why this pod cannot move without loss, or ''. claims: {namespace/name of a claim: name of the only node that has its data};
    alone: no other pod of its controller runs."""
    if not owner_kind(pod):
        return 'no controller brings it back'
    budget = budget_of(pod, budgets)
    if budget:
        return 'the disruption budget %s allows no eviction now' % budget
    for volume in (pod.get('spec') or {}).get('volumes') or ():
        claim = (volume.get('persistentVolumeClaim') or {}).get('claimName')
        if claim and claims.get('%s/%s' % (pod['metadata'].get('namespace', 'default'), claim)):
            return 'its volume %s is only on this node' % claim
        path = (volume.get('hostPath') or {}).get('path')
        if path:
            return 'it uses the directory %s of this node' % path
    return 'it is the only replica: it is away until it runs elsewhere' if alone and owner_kind(pod) != 'Job' else ''


def local_claims(volumes):
    """{namespace/claim: node} of the persistent volumes that only one node has."""
    found = {}
    for one in volumes:
        spec = one.get('spec') or {}
        claim = spec.get('claimRef') or {}
        terms = ((spec.get('nodeAffinity') or {}).get('required') or {}).get('nodeSelectorTerms') or ()
        names = {value for term in terms for match in term.get('matchExpressions') or () if match.get('key') == 'kubernetes.io/hostname' for value in match.get('values') or ()}
        if claim.get('name') and (len(names) == 1 or 'hostPath' in spec or 'local' in spec):
            found['%s/%s' % (claim.get('namespace', 'default'), claim['name'])] = sorted(names)[0] if names else '?'
    return found


IMPACT_BYTES = 12 * 1024  # of the lists of one node: they travel in one event, with all that the node reports besides
NO_IMPACT = {'pods': 0, 'emptydir': 0, 'stay_count': 0, 'stay': [], 'volume_count': 0, 'volumes': []}


def impact(pods, budgets, volumes, limit=IMPACT_BYTES):
    """{node: {pods, emptydir, stay_count, stay: [{pod, why}], volume_count, volumes: [claim]}}: what ends when a node goes.

    emptydir: pods that lose scratch data. The counts are whole; the lists of a node end at about `limit` bytes of JSON.
    """
    claims = local_claims(volumes)
    going = [pod for pod in pods if (pod.get('spec') or {}).get('nodeName') and movable(pod)]
    replicas = {}
    for pod in going:
        replicas[controller(pod)] = replicas.get(controller(pod), 0) + 1
    view, seen, room = {}, set(), {}

    def note(node, name, count, value):
        room[node] = room.get(node, limit) - len(json.dumps(value)) - 2
        view[node][count] += 1
        if room[node] >= 0:
            view[node][name].append(value)

    for pod in going:
        node = pod['spec']['nodeName']
        row = view.setdefault(node, dict(NO_IMPACT, stay=[], volumes=[]))
        row['pods'] += 1
        row['emptydir'] += any('emptyDir' in volume for volume in pod['spec'].get('volumes') or ())
        why = why_stays(pod, budgets, claims, replicas[controller(pod)] == 1)
        if why:
            note(node, 'stay', 'stay_count', {'pod': full_name(pod), 'why': why[:300]})
        for volume in pod['spec'].get('volumes') or ():
            claim = '%s/%s' % (pod['metadata'].get('namespace', 'default'), (volume.get('persistentVolumeClaim') or {}).get('claimName'))
            if claim in claims and (node, claim) not in seen:
                seen.add((node, claim))
                note(node, 'volumes', 'volume_count', claim)
    return view


def cluster_impact():
    """impact() of this cluster, or None when the API does not say."""
    replies = [mk8s.kubectl_json(['get', what] + flags) for what, flags in (('pods', ['-A']), ('poddisruptionbudgets', ['-A']), ('persistentvolumes', []))]
    if None in replies:
        return None  # a part of it would be taken for all of it
    return impact(*[reply.get('items') or [] for reply in replies])


# -- cordons -----------------------------------------------------------------------------------------------------------------

def cordon(nodes, names, reason, notes, check):
    """Cordon nodes that nobody cordoned; notes: {name: {annotation: value}} for each, also for those. ({name: done}, problems)."""
    done, problems = {}, []
    for node in nodes:
        name = node['metadata']['name']
        if name not in names:
            continue
        extra = {key: str(value) for key, value in (notes.get(name) or {}).items()}
        closed = bool((node.get('spec') or {}).get('unschedulable'))
        body = {'metadata': {'annotations': dict(extra)}}
        if not closed:
            body['metadata']['annotations'][CORDONED] = reason
            body['spec'] = {'unschedulable': True}
        have = annotations(node)
        changes = not closed or any(have.get(key) != value for key, value in extra.items())
        said = '' if check or not changes else patch('node', name, '', body)
        if said:
            problems.append('%s: %s' % (name, said))
        done[name] = {'changed': changes and not said, 'ours': not closed or have.get(CORDONED) == reason, 'closed': closed or not said}
    return done, problems


def uncordon(nodes, names, reason, check):
    """Open nodes again. reason None: whoever cordoned them; else only those that we cordoned for it. ({name: done}, problems)."""
    done, problems = {}, []
    for node in nodes:
        name = node['metadata']['name']
        have = annotations(node)
        if name not in names:
            continue
        ours = reason is None or have.get(CORDONED) == reason
        gone = [key for key in have if key.startswith('mko/') and (key != CORDONED or ours) and (reason is not None or key == CORDONED)]
        closed = bool((node.get('spec') or {}).get('unschedulable'))
        body = {'metadata': {'annotations': {key: None for key in gone}}}
        if ours and closed:
            body['spec'] = {'unschedulable': None}
        changes = bool(gone) or (ours and closed)
        said = '' if check or not changes else patch('node', name, '', body)
        if said:
            problems.append('%s: %s' % (name, said))
        done[name] = {'changed': changes and not said, 'ours': ours, 'closed': closed and (not ours or bool(said))}
    return done, problems


# -- draining ----------------------------------------------------------------------------------------------------------------

def label(nodes, wanted, check):
    """Set labels of nodes; wanted: {name: {key: value, or None to remove it}}. ({name: {changed, labels}}, problems)."""
    done, problems = {}, []
    for node in nodes:
        name = node['metadata']['name']
        have = node['metadata'].get('labels') or {}
        body = {key: value for key, value in (wanted.get(name) or {}).items() if have.get(key) != value}
        if name not in wanted:
            continue
        said = patch('node', name, '', {'metadata': {'labels': body}}) if body and not check else ''
        if said:
            problems.append('%s: %s' % (name, said))
        done[name] = {'changed': bool(body) and not said, 'labels': body}
    return done, problems


def drain(names, selector, timeout, options):
    """kubectl drain of several nodes at once; {name: what it said, '' when it is done}. options: further arguments."""
    said = {}

    def one(name):
        argv = ['drain', name, '--ignore-daemonsets', '--timeout=%ds' % timeout] + list(options) + (['--pod-selector=' + selector] if selector else [])
        result = mk8s.kubectl(argv, timeout + 30)
        said[name] = '' if result.rc == 0 else result.short(1500) or 'drain ended with %d' % result.rc

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def left_on(names, selector_check=None):
    """{name: [{pod, why}]}: pods that a drain should have ended and did not."""
    pods = [pod for pod in items(['pods', '-A']) if (pod.get('spec') or {}).get('nodeName') in names and movable(pod)]
    budgets = items(['poddisruptionbudgets', '-A']) if pods else []
    left = {}
    for pod in pods:
        if selector_check is not None and not selector_check(pod):
            continue
        budget = budget_of(pod, budgets)
        why = ('the disruption budget %s allows no eviction' % budget if budget
               else 'it does not end' if pod['metadata'].get('deletionTimestamp') else 'no controller brings it back' if not owner_kind(pod) else 'it was not evicted')
        left.setdefault(pod['spec']['nodeName'], []).append({'pod': full_name(pod), 'why': why})
    return left


# -- replicas ----------------------------------------------------------------------------------------------------------------

def workloads(kinds, selector, namespaces):
    """(kind, object) of the users' workloads that match."""
    found = []
    for kind in kinds:
        flags = ['-l', selector] if selector else []
        for obj in items([KINDS[kind], '-A'] + flags):
            namespace = obj['metadata'].get('namespace', 'default')
            if (namespace in namespaces) if namespaces else (namespace not in mk8s.SYSTEM_NAMESPACES):
                found.append((kind, obj))
    return found


def suspend_body(kind, obj, reason):
    """The patch that stops a workload and notes what it was; None when there is nothing to stop."""
    spec = obj.get('spec') or {}
    if SUSPENDED in annotations(obj):
        return None
    if kind == 'CronJob':
        return None if spec.get('suspend') else {'metadata': {'annotations': {SUSPENDED: reason}}, 'spec': {'suspend': True}}
    replicas = spec.get('replicas', 1)
    return None if replicas == 0 else {'metadata': {'annotations': {SUSPENDED: reason, REPLICAS: str(replicas)}}, 'spec': {'replicas': 0}}


def resume_body(kind, obj, reason):
    """The patch that brings back exactly what suspend_body() stopped for this reason; None when it stopped nothing.

    Somebody who gave it replicas meanwhile knew better: then only the notes go.
    """
    have = annotations(obj)
    if have.get(SUSPENDED) != reason:
        return None
    body = {'metadata': {'annotations': {SUSPENDED: None, REPLICAS: None}}}
    spec = obj.get('spec') or {}
    if kind == 'CronJob':
        body['spec'] = {'suspend': False}
    elif spec.get('replicas', 1) == 0 and have.get(REPLICAS, '').isdigit():
        body['spec'] = {'replicas': int(have[REPLICAS])}
    return body


def not_back(kinds=('Deployment', 'StatefulSet', 'DaemonSet'), system_only=False):
    """Workloads that do not have all their pods ready: [{kind, name, ready, wanted}]."""
    found = []
    for kind in kinds:
        for obj in items(['%ss.apps' % kind.lower(), '-A'], 1):
            if system_only and obj['metadata'].get('namespace') != 'kube-system':
                continue
            status = obj.get('status') or {}
            wanted = status.get('desiredNumberScheduled', 0) if kind == 'DaemonSet' else (obj.get('spec') or {}).get('replicas', 1)
            ready = status.get('numberReady' if kind == 'DaemonSet' else 'readyReplicas', 0)
            if ready < wanted:
                found.append({'kind': kind, 'name': full_name(obj), 'ready': ready, 'wanted': wanted})
    return found
