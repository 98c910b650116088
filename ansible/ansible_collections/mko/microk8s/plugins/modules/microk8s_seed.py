#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: a control plane is open for joins, without remains of nodes that are no members any more."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: microk8s_seed
short_description: Open a control plane for joins, or close it again
version_added: 1.0.0
author: The mko team
description:
  - Stores a join token of our own with a time to live. Such a token may be used several times; the one-use tokens of
    MicroK8s are lost by any refused join.
  - Removes nodes from the cluster that are no members but are still known to it, since they could not join again. The exit
    code of C(remove-node) is not believed; the module waits until the datastore and its file on disk have forgotten them.
options:
  state:
    description: V(present) stores the token, V(absent) removes it and all expired ones.
    type: str
    choices: [present, absent]
    default: present
  token:
    description: 32 or more hexadecimal digits.
    type: str
    required: true
  ttl:
    description: Seconds that the token is good for.
    type: int
    default: 3600
  forget:
    description: Nodes to remove from the cluster when it knows them, each with C(address) and C(name).
    type: list
    elements: dict
    default: []
  forget_timeout:
    description: Seconds to wait until they are forgotten. MicroK8s writes its list each 30 s.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
'''

EXAMPLES = '''
- name: Open the control plane
  mko.microk8s.microk8s_seed:
    token: "{{ token }}"
  register: seed
'''

RETURN = '''
check:
  description: Beginning of the fingerprint of the server's certificate, the last part of a join URL.
  type: str
  returned: with O(state=present)
ca:
  description: SHA-256 of the CA of the cluster.
  type: str
  returned: with O(state=present)
forgotten:
  description: Addresses and names that were removed.
  type: list
  elements: str
  returned: always
'''

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils import change, member, mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import read, run, write_atomic

TOKENS = mk8s.DATA + '/credentials/cluster-tokens.txt'
SPARE_S = 300       # a token that ends sooner is stored anew


def keep_tokens(text, drop, now):
    """The lines of cluster-tokens.txt without one token and without the expired ones."""
    kept = []
    for line in text.splitlines():
        token, unused, expiry = line.strip().partition('|')
        if token and token != drop and not (expiry.isdigit() and int(expiry) < now):
            kept.append(line.strip())
    return ''.join(line + '\n' for line in kept)


def valid_until(text, token):
    """When the stored token ends, or 0."""
    for line in text.splitlines():
        stored, unused, expiry = line.strip().partition('|')
        if stored == token and expiry.isdigit():
            return int(expiry)
    return 0


def store(module, token):
    if valid_until(read(TOKENS), token) > time.time() + SPARE_S:
        return False, None
    if module.check_mode:
        return True, None
    result = run([mk8s.MICROK8S, 'add-node', '--token', token, '--token-ttl', str(module.params['ttl']), '--format', 'json'], 60)
    try:
        return True, json.loads(result.out)['token'].partition('/')[2]
    except (ValueError, KeyError, TypeError, AttributeError):
        module.fail_json(msg='This control plane cannot take a join token: %s' % result.short(500).replace(token, '***'), rc=result.rc)


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
            'token': {'type': 'str', 'required': True, 'no_log': True}, 'ttl': {'type': 'int', 'default': 3600},
            'forget': {'type': 'list', 'elements': 'dict', 'default': []}, 'forget_timeout': {'type': 'int', 'default': 120},
        },
        supports_check_mode=True)
    token = module.params['token']
    if module.params['state'] == 'absent':
        text = read(TOKENS)
        kept = keep_tokens(text, token, time.time())
        if kept != text and not module.check_mode:
            before = os.stat(TOKENS)
            write_atomic(TOKENS, kept, before.st_mode & 0o777)
            os.chown(TOKENS, before.st_uid, before.st_gid)
        module.exit_json(changed=kept != text, forgotten=[])
    if mk8s.role() == 'none' and module.check_mode:
        module.exit_json(changed=True, forgotten=[], check='', ca=None)
    if mk8s.role() != 'control_plane':
        module.fail_json(msg='This node is no control plane: nobody can join through it.')
    forgotten = []
    for one in module.params['forget']:
        try:
            forgotten += member.forget(str(one.get('address') or ''), str(one.get('name') or ''), module.params['forget_timeout'], module.check_mode)
        except change.Failed as error:
            module.fail_json(msg=error.message, code=error.code)
    stored, check = store(module, token)
    module.exit_json(changed=bool(forgotten) or stored, forgotten=forgotten,
                     check=check or (mk8s.fingerprint(read(mk8s.DATA + '/certs/server.crt')) or '')[:12],
                     ca=mk8s.fingerprint(read(mk8s.DATA + '/certs/ca.crt')))


if __name__ == '__main__':
    main()
