"""What is read for checks and the doctor: bounded, never waiting long, and garbage of one tool hides nothing of the others."""
import os
import socket
import stat
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
PLUGINS = 'ansible_collections.mko.microk8s.plugins.'


def load(name):
    __import__(PLUGINS + name)
    return sys.modules[PLUGINS + name]


collect, diagnose, proc = [load('module_utils.' + name) for name in ('collect', 'diagnose', 'proc')]


class CollectTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def tool(self, body):
        path = os.path.join(self.folder, 'tool')
        with open(path, 'w', encoding='utf-8') as handle:
            handle.write('#!/bin/sh\n' + body)
        os.chmod(path, stat.S_IRWXU)
        return path

    def test_a_tool_that_prints_without_end_is_cut_and_killed(self):
        result = proc.run_short([self.tool('while :; do echo %s; done' % ('x' * 500))], 60, 10000)
        self.assertEqual(len(result.out), 10000)
        self.assertNotEqual(result.rc, 0)

    def test_a_tool_that_hangs_is_killed_with_its_children(self):
        begun = time.monotonic()
        result = proc.run_short([self.tool('echo begun; sleep 1000 & wait')], 1)
        self.assertEqual((result.rc, result.out, result.timed_out), (124, 'begun\n', True))
        self.assertLess(time.monotonic() - begun, 20)

    def test_a_tool_that_fails_or_does_not_exist_says_nothing(self):
        self.assertIsNone(collect.output([self.tool('echo no; exit 3')]))
        self.assertIsNone(collect.output([os.path.join(self.folder, 'absent')]))
        self.assertEqual(collect.output([self.tool("printf 'a\\377\\000b'")]), 'a\ufffd b')

    def test_texts_are_cut(self):
        self.assertEqual(len(collect.clip('x' * 5000)), collect.TEXT_MAX)
        self.assertIsNone(collect.clip(None))
        self.assertEqual(collect.lines('MemTotal: 1\nother\n', '^Mem'), 'MemTotal: 1\n')

    def test_every_fact_is_read_or_none_on_this_machine(self):
        facts = collect.facts('127.0.0.1')
        self.assertEqual(set(facts), set(collect.READERS) | {'address_local'})
        self.assertIs(facts['address_local'], True)
        self.assertGreater(facts['disk']['size'], 0)
        with open('/proc/mounts', encoding='utf-8') as mounts:
            named = any(line.split()[1] == '/' for line in mounts)  # not so in a chroot
        self.assertTrue(facts['mount']['type'] if named else facts['mount'] is None, facts['mount'])

    def test_a_reader_that_raises_is_none(self):
        self.assertIsNone(collect.attempt(lambda: 1 / 0))

    def test_ports_are_told_apart(self):
        with socket.socket() as server:
            server.bind(('127.0.0.1', 0))
            server.listen(1)
            port = server.getsockname()[1]
            old, collect.host.PORTS = collect.host.PORTS, {port: 'test', 1: 'nobody'}
            try:
                self.assertEqual(collect.reach([('a', '127.0.0.1')]), {'a': {str(port): 'open', '1': 'refused'}})
                self.assertEqual(collect.reach([('b', '255.255.255.255')])['b']['1'], 'unreachable')
            finally:
                collect.host.PORTS = old
        self.assertEqual(collect.reach([]), {})

    def test_units_of_systemctl_and_garbage(self):
        text = ('Id=snap.microk8s.daemon-kubelite.service\nActiveState=active\nSubState=running\nNRestarts=4\nActiveEnterTimestampMonotonic=9000000\n\n'
                'Id=ssh.service\nActiveState=active\n\nId=snap.microk8s.daemon-etcd.service\nActiveState=inactive\nSubState=dead\nNRestarts=many\n')
        self.assertEqual(diagnose.parse_units(text, 30.5), {'kubelite': {'active': 'active', 'sub': 'running', 'restarts': 4, 'age_s': 21},
                                                      'etcd': {'active': 'inactive', 'sub': 'dead', 'restarts': None, 'age_s': None}})
        for junk in (None, '', '=\n=\n\n=', 'Id=snap.microk8s.daemon-\x1b[2J.service', '\0' * 1000):
            self.assertEqual(diagnose.parse_units(junk, 1.0), {})

    def test_what_a_log_said_before_a_start_by_hand_is_over(self):
        for unit, seconds in (({'restarts': 0, 'age_s': 20}, 21), ({'restarts': 0, 'age_s': 5000}, 900), ({'restarts': 7, 'age_s': 2}, 900),
                              ({'restarts': None, 'age_s': 2}, 900), (None, 900)):
            self.assertEqual(diagnose.log_age(unit), seconds)

    def test_members_that_are_known_by_a_name(self):
        text = '- Address: 10.0.0.1:19001\n  ID: 1\n- Address: "pi3.lan:19001"\n- Address: \'[fd00::1]:19001\'\n'
        self.assertEqual(diagnose.named_members(text), ['pi3.lan'])
        for junk in (None, '', 'Address:', '\0' * 100):
            self.assertEqual(diagnose.named_members(junk), [])

    def test_names_that_do_not_lead_to_their_node(self):
        self.assertEqual(diagnose.unresolved([('localhost', '127.0.0.1'), ('localhost', '192.0.2.7'), ('no-such-host.invalid', '192.0.2.8')]),
                         ['localhost', 'no-such-host.invalid'])


if __name__ == '__main__':
    unittest.main()
