"""Upgrades of a cluster: what the filters decide from what the nodes said."""
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
from ansible_collections.mko.microk8s.plugins.filter import plan as plans, upgrade  # noqa: E402


def info(host, version='v1.32.9', channel='1.32/stable', ready=True, status='running', alive=True):
    nodes = [{'name': name, 'ready': ready if name == host else True} for name in ('n1', 'n2', 'n3', 'n4')]
    members = [{'address': '10.0.0.1%d:19001' % number, 'role': 'voter', 'alive': alive or number != 3} for number in (1, 2, 3)]
    return {'node': {'microk8s_version': version, 'channel': channel, 'microk8s_status': status, 'held': True},
            'cluster': {'nodes': nodes, 'dqlite': members} if host != 'n4' else None}


def plan(infos, channel='1.33/stable', **more):
    settings = {'channel': channel, 'planes': ['n1', 'n2', 'n3'], 'workers': ['n4'], 'silent': [], 'nodes': {host: host for host in infos}, 'resume': False}
    return upgrade.upgrade_plan(infos, dict(settings, **more))


def codes(found):
    return sorted(one['code'] for one in found['findings'] if one['severity'] == 'blocking')


class UpgradePlanTest(unittest.TestCase):
    def setUp(self):
        self.infos = {host: info(host) for host in ('n1', 'n2', 'n3', 'n4')}

    def test_a_healthy_cluster_is_upgraded_control_planes_first(self):
        found = plan(self.infos)
        self.assertEqual((found['fatal'], found['planes'], found['workers']), (None, ['n1', 'n2', 'n3'], ['n4']))

    def test_versions_are_neither_skipped_nor_taken_back(self):
        self.assertEqual(codes(plan(self.infos, '1.34/stable')), ['MKO-UPG-012'] * 4)
        self.assertEqual(codes(plan(self.infos, '1.31/stable')), ['MKO-UPG-011'] * 4)
        self.assertEqual(codes(plan(self.infos, 'latest/stable')), ['MKO-UPG-010'])

    def test_open_bugs_of_the_datastore_are_told_and_block_nothing(self):
        infos = {host: info(host, 'v1.33.5', '1.33/stable') for host in self.infos}
        found = plan(infos, '1.34/stable')
        self.assertIn('MKO-UPG-013', [one['code'] for one in found['findings']])
        self.assertIsNone(found['fatal'])

    def test_an_unhealthy_cluster_is_not_upgraded(self):
        self.assertEqual(codes(plan(dict(self.infos, n1=info('n1', ready=False)))), ['MKO-UPG-021'])
        self.assertEqual(codes(plan(dict(self.infos, n1=info('n1', alive=False)))), ['MKO-UPG-023'])
        self.assertEqual(codes(plan(self.infos, silent=['n5'])), ['MKO-UPG-020'])
        self.assertEqual(codes(plan({'n4': self.infos['n4']})), ['MKO-UPG-025'])

    def test_what_blocks_is_told_with_the_node_that_it_was_found_on(self):
        found = {'code': 'MKO-UPG-003', 'severity': 'blocking', 'message': 'snapd is busy.', 'fix': 'Wait'}
        results = {'n1': {'findings': [dict(found, severity='warning')]}, 'n2': {'findings': [found]}, 'n3': {'findings': []}}
        self.assertEqual(plans.blocking_by_host(results), 'n2: [MKO-UPG-003] snapd is busy. Fix: Wait.')

    def test_a_halted_upgrade_goes_on_with_the_nodes_that_are_left(self):
        self.infos['n1'] = info('n1', 'v1.33.5', '1.33/stable')
        self.infos['n2'] = info('n2', status='installed')
        self.infos['n1']['cluster']['nodes'][1]['ready'] = False
        self.assertEqual(codes(plan(self.infos)), ['MKO-UPG-021'])
        found = plan(self.infos, resume=True)
        self.assertEqual((found['fatal'], found['planes'], found['workers']), (None, ['n2', 'n3'], ['n4']))

    def test_a_node_that_snapd_refreshed_by_itself_is_given_back_by_the_resume(self):
        infos = {host: info(host, 'v1.33.5', '1.33/stable') for host in self.infos}
        infos['n1']['cluster']['nodes'][1]['unschedulable'] = True
        self.assertEqual(plan(infos)['planes'], [], 'a cordon that a person made is no reason to upgrade')
        found = plan(infos, resume=True)
        self.assertEqual((found['fatal'], found['planes'], found['workers']), (None, ['n2'], []))

    def test_nobody_goes_on_when_one_before_did_not_come_through(self):
        done = {'n1': {'mko_node_done': True}, 'n2': {}, 'n3': {}}
        order = ['n1', 'n2', 'n3']
        self.assertEqual(upgrade.missed(order, 'n1', ['n1'], {name: {} for name in order}), [])
        self.assertEqual(upgrade.missed(order, 'n2', ['n2'], done), [])
        self.assertEqual(upgrade.missed(order, 'n3', ['n3'], done), ['n2'])
        self.assertEqual(upgrade.missed(order, 'n3', ['n2', 'n3'], done), [])
        self.assertEqual(upgrade.missed(order, '', [], done), ['n2', 'n3'])


if __name__ == '__main__':
    unittest.main()
