"""A play that takes nodes down one after another stops at the first that does not come back, also when it is only not reached."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Run  # noqa: E402

# Nobody listens there: whatever would be done to these hosts ends as "unreachable".
NOWHERE = {'ansible_host': '127.0.0.1', 'ansible_port': 1, 'ansible_ssh_common_args': '-o ConnectTimeout=2'}
INVENTORY = {'all': {'children': {'mko_targets': {'hosts': {name: NOWHERE for name in ('n1', 'n2', 'n3')}}}}}
BOOK = '''
- hosts: mko_targets
  gather_facts: false
  vars:
    mko_infos: {}
    mko_info: {node: {microk8s_status: not_installed}}
    mko_node_name: "{{ inventory_hostname }}"
  tasks:
    - ansible.builtin.include_role:
        name: mko.microk8s.reboot_node
        tasks_from: turn
      loop: "{{ groups['mko_targets'] }}"
      loop_control:
        loop_var: mko_turn
        index_var: mko_turn_index
'''


class HaltTest(unittest.TestCase):
    def test_no_node_reboots_after_one_that_was_not_reached(self):
        run = Run(BOOK, INVENTORY)
        ends = {}
        for event in run.events:
            if event['event'] == 'host_task' and event['status'] in ('failed', 'unreachable'):
                ends.setdefault(event['host'], (event['status'], event.get('message') or ''))
        self.assertEqual(ends['n1'][0], 'unreachable', run.stdout)
        for name in ('n2', 'n3'):
            self.assertEqual(ends[name][0], 'failed', run.stdout)
            self.assertIn('Not touched, since this was not reached: n1', ends[name][1])


if __name__ == '__main__':
    unittest.main()
