#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: stop workloads and note what they were, or bring back exactly that."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_suspend
short_description: Suspend workloads, or bring them back
version_added: 1.0.0
author: The mko team
description:
  - Runs on a control plane. Deployments and StatefulSets get no replicas, CronJobs are suspended; what they had is noted in annotations in
    the same request. What was at rest before is not touched, and not started later.
options:
  state:
    description: suspended or resumed.
    type: str
    choices: [suspended, resumed]
    default: suspended
  reason:
    description: Why. Only what was suspended for this reason is resumed.
    type: str
    required: true
  kinds:
    description: Kinds of workloads.
    type: list
    elements: str
    choices: [Deployment, StatefulSet, CronJob]
    default: [Deployment, StatefulSet]
  tiers:
    description: Label selectors, one after the other (the other way round when they are resumed). Empty means all workloads.
    type: list
    elements: str
    default: []
  namespaces:
    description: Only these. Empty means all but those of the system.
    type: list
    elements: str
    default: []
  known:
    description: What is known from elsewhere to have been suspended, a mapping of kind/namespace/name to replicas; used where an annotation was lost.
    type: dict
    default: {}
  timeout:
    description: Seconds for the pods of each tier to end or to be ready.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: Says what would be suspended or resumed.
'''

EXAMPLES = '''
- name: Suspend what is not needed at night
  mko.microk8s.microk8s_suspend:
    reason: scale
    tiers: ["tier=front", "tier=back"]
'''

RETURN = '''
workloads:
  description: A mapping of kind/namespace/name to the replicas before (suspended) or now (resumed); 1 for a CronJob.
  type: dict
  returned: always
late:
  description: Workloads whose pods did not end, or are not ready, in time.
  type: list
  elements: str
  returned: always
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import life
from ansible_collections.mko.microk8s.plugins.module_utils.proc import wait_until


def key_of(kind, obj):
    return '%s/%s' % (kind, life.full_name(obj))


def lost_note(kind, obj, args):
    """The object as it would be had nobody removed its annotations."""
    key = key_of(kind, obj)
    if args['state'] == 'suspended' or key not in args['known'] or life.SUSPENDED in life.annotations(obj):
        return obj
    notes = dict(life.annotations(obj), **{life.SUSPENDED: args['reason'], life.REPLICAS: str(args['known'][key])})
    return dict(obj, metadata=dict(obj['metadata'], annotations=notes))


def tier(module, selector, done, problems):
    """Suspend or resume what a selector finds; the keys of what changed."""
    args, touched = module.params, []
    change = life.suspend_body if args['state'] == 'suspended' else life.resume_body
    for kind, obj in life.workloads(args['kinds'], selector, args['namespaces']):
        obj = lost_note(kind, obj, args)
        body = change(kind, obj, args['reason'])
        if body is None:
            continue
        said = '' if module.check_mode else life.patch(life.KINDS[kind], obj['metadata']['name'], obj['metadata'].get('namespace', 'default'), body)
        if said:
            problems.append('%s: %s' % (key_of(kind, obj), said))
            continue
        before = (obj.get('spec') or {}).get('replicas', 1)
        done[key_of(kind, obj)] = 1 if kind == 'CronJob' else before if args['state'] == 'suspended' else (body.get('spec') or {}).get('replicas', before)
        touched.append(key_of(kind, obj))
    return touched


def unsettled(args, touched):
    """Those of touched whose pods have not ended, or are not all ready."""
    found = []
    for kind, obj in life.workloads([one for one in args['kinds'] if one != 'CronJob'], '', args['namespaces']):
        status = obj.get('status') or {}
        settled = (not status.get('replicas') if args['state'] == 'suspended' else status.get('readyReplicas', 0) >= (obj.get('spec') or {}).get('replicas', 1))
        if key_of(kind, obj) in touched and not settled:
            found.append(key_of(kind, obj))
    return found


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['suspended', 'resumed'], 'default': 'suspended'}, 'reason': {'type': 'str', 'required': True},
            'kinds': {'type': 'list', 'elements': 'str', 'choices': ['Deployment', 'StatefulSet', 'CronJob'], 'default': ['Deployment', 'StatefulSet']},
            'tiers': {'type': 'list', 'elements': 'str', 'default': []}, 'namespaces': {'type': 'list', 'elements': 'str', 'default': []},
            'known': {'type': 'dict', 'default': {}}, 'timeout': {'type': 'int', 'default': 300},
        },
        supports_check_mode=True)
    args, done, problems, late = module.params, {}, [], []
    tiers = args['tiers'] or ['']
    try:
        for selector in tiers if args['state'] == 'suspended' else reversed(tiers):
            touched = tier(module, selector, done, problems)
            if touched and not module.check_mode:
                wait_until(lambda keys=tuple(touched): not unsettled(args, keys), args['timeout'], 1.0)
                late += unsettled(args, touched)
    except life.ApiDown as error:
        module.fail_json(msg='%s Done so far: %s.' % (error, ', '.join(sorted(done)) or 'nothing'), workloads=done, late=late)
    if problems:
        module.fail_json(msg='Not all workloads could be %s. %s' % (args['state'], ' '.join(problems)), workloads=done, late=late)
    module.exit_json(changed=bool(done), workloads=done, late=late)


if __name__ == '__main__':
    main()
