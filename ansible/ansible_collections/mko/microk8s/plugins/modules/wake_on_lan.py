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
  - With O(timeout) it sends them again every ten seconds to the machines whose port does not answer.
options:
  machines:
    description: "What to wake: mac (like 52:54:00:12:34:56), address and port (of SSH)."
    type: list
    elements: dict
    required: true
  timeout:
    description: Seconds to wait for the ports. 0 sends once and does not wait.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: Nothing is sent.
'''

EXAMPLES = '''
- name: Wake two machines
  mko.microk8s.wake_on_lan:
    machines:
      - {mac: "52:54:00:12:34:56", address: 10.0.0.12, port: 22}
    timeout: 300
'''

RETURN = '''
sent:
  description: Number of packets that left.
  type: int
  returned: always
waited_s:
  description: Seconds that it waited.
  type: int
  returned: always
'''

import re
import socket
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run

PACKETS = 3
PORT = 9
EVERY_S = 10


def packet(mac):
    """The magic packet, or None for what is no address."""
    if not re.match(r'^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$', mac):
        return None
    return b'\xff' * 6 + bytes.fromhex(mac.replace(':', '')) * 16


def broadcasts():
    """The broadcast address of each interface, and the one of the whole segment."""
    shown = run(['/usr/bin/env', 'ip', '-o', '-4', 'addr'], 10).out
    return sorted(set(re.findall(r' brd (\d+\.\d+\.\d+\.\d+)', shown)) | {'255.255.255.255'})


def answers(machine):
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((machine['address'], int(machine['port'])), 1):
            return True
    except OSError:
        return False


def send(macs):
    """(number of packets that left, what went wrong with the last one that did not)."""
    sent, problem = 0, ''
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for address in broadcasts():
            for mac in macs * PACKETS:
                try:
                    sock.sendto(packet(mac), (address, PORT))
                    sent += 1
                except OSError as error:
                    problem = str(error)
    return sent, problem


def send_until_they_answer(machines, timeout):
    """Send, and again while one does not answer; (packets that left, problem)."""
    end = time.monotonic() + timeout
    total, problem = send([one['mac'] for one in machines])
    due = time.monotonic() + EVERY_S
    asleep = machines if timeout > 0 else []
    while asleep and time.monotonic() < end:
        asleep = [one for one in asleep if not answers(one)]
        if asleep and time.monotonic() >= due:
            total += send([one['mac'] for one in asleep])[0]
            due += EVERY_S
        time.sleep(1 if asleep else 0)
    return total, problem


def main():
    module = AnsibleModule(
        argument_spec={'machines': {'type': 'list', 'elements': 'dict', 'required': True}, 'timeout': {'type': 'int', 'default': 0}},
        supports_check_mode=True)
    machines, started = module.params['machines'], time.monotonic()
    wrong = [str(one.get('mac')) for one in machines if packet(str(one.get('mac'))) is None or not one.get('address') or not one.get('port')]
    if wrong:
        module.fail_json(msg='These are no machines to wake: %s. Each needs mac, address and port.' % ', '.join(wrong), sent=0)
    sent = 0
    if machines and not module.check_mode:
        sent, problem = send_until_they_answer(machines, module.params['timeout'])
        if not sent:
            module.fail_json(msg='No interface of this node took a magic packet: %s.' % problem, sent=0)
    module.exit_json(changed=sent > 0, sent=sent, waited_s=int(time.monotonic() - started))


if __name__ == '__main__':
    main()
