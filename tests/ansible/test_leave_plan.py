"""How nodes leave a cluster: what the filters decide from what the nodes said."""
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
from ansible_collections.mko.microk8s.plugins.filter import leave  # noqa: E402

ADDRESSES = {'n%d' % number: '10.0.0.1%d' % number for number in range(1, 7)}


def member(host, role='voter', alive=True):
    return {'address': ADDRESSES[host] + ':19001', 'role': role, 'alive': alive}


def info(host, planes, workers=(), members=None, role='control_plane'):
    nodes = [{'name': name, 'address': ADDRESSES[name], 'ready': True, 'role': 'control_plane' if name in planes else 'worker'}
             for name in list(planes) + list(workers)]
    members = [member(name) for name in planes] if members is None else members
    return {'node': {'role': role, 'node_name': host, 'microk8s_status': 'running'}, 'state': {'nodes': nodes, 'members': members, 'ca': 'one'},
            'cluster': {'dqlite': members}}


def plan(infos, leaving, planes=('n1', 'n2', 'n3'), lost=(), allow=False):
    return leave.leave_plan(infos, {'planes': list(planes), 'leaving': list(leaving), 'lost': list(lost), 'addresses': ADDRESSES, 'allow_quorum_loss': allow})


class LeavePlanTest(unittest.TestCase):
    def test_a_worker_leaves_through_a_control_plane_that_stays(self):
        infos = {host: info(host, ('n1', 'n2', 'n3'), ('n4',)) for host in ('n1', 'n2', 'n3')}
        infos['n4'] = info('n4', (), (), [], 'worker')
        found = plan(infos, ['n4'])
        self.assertIsNone(found['fatal'])
        self.assertEqual(found['helper'], 'n1')
        self.assertEqual(found['leaving']['n4'], {'name': 'n4', 'address': '', 'known': True, 'voters': 3})

    def test_the_helper_is_never_a_node_that_leaves(self):
        infos = {host: info(host, ('n1', 'n2', 'n3')) for host in ('n1', 'n2', 'n3')}
        self.assertEqual(plan(infos, ['n1'])['helper'], 'n2')
        self.assertIn('nobody can remove', plan({'n1': infos['n1']}, ['n1'])['fatal'])

    def test_a_silent_node_must_be_said_to_be_lost(self):
        infos = {host: info(host, ('n1', 'n2', 'n3')) for host in ('n1', 'n2')}
        self.assertIn('does not answer', plan(infos, ['n3'])['fatal'])
        self.assertIsNone(plan(infos, ['n3'], lost=['n3'])['fatal'])

    def test_a_living_voter_stays_while_another_one_is_dead(self):
        members = [member('n1'), member('n2'), member('n3', alive=False)]
        infos = {host: info(host, ('n1', 'n2', 'n3'), (), members) for host in ('n1', 'n2')}
        self.assertIn('would stop', plan(infos, ['n2'])['fatal'])
        self.assertIsNone(plan(infos, ['n2'], allow=True)['fatal'])
        self.assertIsNone(plan(infos, ['n3'], lost=['n3'])['fatal'])

    def test_the_only_voter_of_two_control_planes_stays(self):
        members = [member('n1'), member('n2', 'spare')]
        infos = {host: info(host, ('n1', 'n2'), (), members) for host in ('n1', 'n2')}
        self.assertIn('only one that holds the data', plan(infos, ['n1'], ('n1', 'n2'))['fatal'])
        self.assertIsNone(plan(infos, ['n2'], ('n1', 'n2'))['fatal'])

    def test_a_node_of_another_cluster_is_left_alone(self):
        infos = {host: info(host, ('n1', 'n2', 'n3')) for host in ('n1', 'n2', 'n3')}
        infos['n4'] = info('n4', ('n4', 'n5', 'n6'))
        infos['n4']['state']['ca'] = 'other'
        self.assertIn('another cluster', plan(infos, ['n4'])['fatal'])

    def test_a_node_that_the_cluster_does_not_know_is_only_purged(self):
        infos = {host: info(host, ('n1', 'n2', 'n3')) for host in ('n1', 'n2', 'n3')}
        infos['n4'] = info('n4', ('n4',))
        infos['n4']['state'].update(nodes=[], members=[])
        self.assertIs(plan(infos, ['n4'])['leaving']['n4']['known'], False)

    def test_a_stale_member_is_found_by_its_address_and_an_unknown_one_is_refused(self):
        infos = {'n1': info('n1', ('n1', 'n2'), (), [member('n1'), member('n2'), member('n5', 'spare', False)])}
        found = leave.forget_plan(infos, ADDRESSES['n5'])
        self.assertEqual((found['fatal'], found['name'], found['address'], found['helper']), (None, '', ADDRESSES['n5'], 'n1'))
        self.assertEqual(leave.forget_plan(infos, 'n2')['address'], ADDRESSES['n2'])
        self.assertIn('It knows: ', leave.forget_plan(infos, 'n9')['fatal'])


if __name__ == '__main__':
    unittest.main()
