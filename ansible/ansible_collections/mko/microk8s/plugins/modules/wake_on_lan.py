#!/usr/bin/python
# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Ansible module: send magic packets from this node."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
module: wake_on_lan
short_description: Wake other machines of this node's networks
version_added: 1.0.0
author: The mko team
description:
  - Sends magic packets as UDP broadcasts (port 9) on each interface of this node that has an IPv4 address.
options:
  macs:
    description: MAC addresses like 52:54:00:12:34:56.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
    description: Nothing is sent.
'''

EXAMPLES = '''
- name: Wake two machines
  mko.microk8s.wake_on_lan:
    macs: ["52:54:00:12:34:56", "52:54:00:12:34:57"]
'''

RETURN = '''
sent:
  description: Number of packets that left.
  type: int
  returned: always
'''

import re
import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run

PACKETS = 3
PORT = 9


def packet(mac):
    """The magic packet, or None for what is no address."""
    if not re.match(r'^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$', mac):
        return None
    return b'\xff' * 6 + bytes.fromhex(mac.replace(':', '')) * 16


def broadcasts():
    """The broadcast address of each interface, and the one of the whole segment."""
    shown = run(['/usr/bin/env', 'ip', '-o', '-4', 'addr'], 10).out
    return sorted(set(re.findall(r' brd (\d+\.\d+\.\d+\.\d+)', shown)) | {'255.255.255.255'})


def main():
    module = AnsibleModule(argument_spec={'macs': {'type': 'list', 'elements': 'str', 'required': True}}, supports_check_mode=True)
    wrong = [mac for mac in module.params['macs'] if packet(mac) is None]
    if wrong:
        module.fail_json(msg='These are no MAC addresses: %s.' % ', '.join(wrong), sent=0)
    sent, problem = 0, ''
    if not module.check_mode:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            for address in broadcasts():
                for mac in module.params['macs'] * PACKETS:
                    try:
                        sock.sendto(packet(mac), (address, PORT))
                        sent += 1
                    except OSError as error:
                        problem = str(error)
        if module.params['macs'] and not sent:
            module.fail_json(msg='No interface of this node took a magic packet: %s.' % problem, sent=0)
    module.exit_json(changed=sent > 0, sent=sent)


if __name__ == '__main__':
    main()
