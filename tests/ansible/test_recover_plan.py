"""What is decided when a quorum is lost, and what a copy of a datastore must be to count as one."""
import os
import shutil
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
PLUGINS = 'ansible_collections.mko.microk8s.plugins.'


def load(name):
    __import__(PLUGINS + name)
    return sys.modules[PLUGINS + name]


recover_plan, copy_source = load('filter.recover').recover_plan, load('filter.recover').copy_source
backend = load('module_utils.backend')
Broken = load('module_utils.archive').Broken

HOSTS = {'n%d' % number: '10.0.0.%d' % number for number in range(1, 6)}


def member(number, role='voter'):
    return {'id': str(number), 'address': '10.0.0.%d:19001' % number, 'role': role}


def look(number, members, last_index=10, **more):
    own = {'id': str(number), 'address': '10.0.0.%d:19001' % number}
    return dict({'role': 'control_plane', 'own': own, 'members': members, 'has_log': True, 'last_index': last_index, 'leader': False, 'answering': [],
                 'begun': None}, **more)


THREE = [member(1), member(2), member(3)]
FIVE = THREE + [member(4, 'standby'), member(5, 'spare')]


class PlanTest(unittest.TestCase):
    def test_the_one_survivor_of_three_becomes_the_only_member(self):
        plan = recover_plan({'n1': look(1, THREE)}, HOSTS)
        self.assertIsNone(plan['fatal'])
        self.assertEqual((plan['chosen'], plan['receivers'], plan['members']), ('n1', [], [{'id': '1', 'address': '10.0.0.1:19001'}]))
        self.assertEqual([one['name'] for one in plan['lost']], ['n2', 'n3'])
        self.assertIn('n2 (10.0.0.2), n3 (10.0.0.3)', plan['steps'][-1])

    def test_the_longest_log_is_taken_and_the_others_get_it(self):
        looks = {'n3': look(3, FIVE, 90), 'n4': look(4, FIVE, 95), 'n5': look(5, FIVE, 0, has_log=False), 'w1': {'role': 'worker'}}
        plan = recover_plan(looks, HOSTS)
        self.assertEqual((plan['chosen'], plan['receivers'], plan['workers']), ('n4', ['n3', 'n5'], ['w1']))
        self.assertEqual(len(plan['steps']), 6)

    def test_there_is_nothing_to_recover_while_the_datastore_answers_or_could(self):
        for looks, why in (({'n1': look(1, THREE, leader=True)}, 'its quorum is not lost'),
                           ({'n1': look(1, THREE), 'n2': look(2, THREE)}, '2 of 3 voters were reached'),
                           ({'n1': look(1, THREE, answering=['10.0.0.2:19001'])}, 'would divide the cluster'),
                           ({'n5': look(5, FIVE, 0, has_log=False)}, 'has a copy of the data'),
                           ({'w1': {'role': 'worker'}}, 'nothing to recover from'), ({}, 'nothing to recover from')):
            plan = recover_plan(looks, HOSTS)
            self.assertIn(why, plan['fatal'])
            self.assertEqual(plan['steps'], [])

    def test_an_attempt_that_was_cut_off_goes_on_with_the_same_choice(self):
        note = {'members': FIVE}
        looks = {'n3': look(3, [member(3), member(4)], 50, begun=note), 'n4': look(4, FIVE, 95)}
        plan = recover_plan(looks, HOSTS)
        self.assertIsNone(plan['fatal'])
        self.assertEqual((plan['chosen'], [one['name'] for one in plan['lost']]), ('n3', ['n1', 'n2', 'n5']))

    def test_another_situation_has_another_digest_and_a_growing_log_has_not(self):
        first, same = recover_plan({'n1': look(1, THREE)}, HOSTS), recover_plan({'n1': look(1, THREE, 11)}, HOSTS)
        other = recover_plan({'n4': look(4, FIVE)}, HOSTS)
        self.assertEqual(first['digest'], same['digest'])
        self.assertNotEqual(first['digest'], other['digest'])


class SourceTest(unittest.TestCase):
    def source(self, members, leader='10.0.0.1:19001', hosts=('n1', 'n2', 'n3', 'n4')):
        view = {'leader': leader, 'dqlite': [dict(one, alive=one.get('alive', True)) for one in members]}
        return copy_source({host: {'cluster': view} for host in hosts}, HOSTS)

    def test_a_standby_is_copied_before_a_voter_and_the_leader_last(self):
        self.assertEqual(self.source(FIVE), {'host': 'n4', 'alone': False, 'fatal': None})
        self.assertEqual(self.source(THREE), {'host': 'n2', 'alone': False, 'fatal': None})
        self.assertEqual(self.source(THREE, hosts=('n1', 'n5')), {'host': 'n1', 'alone': False, 'fatal': None})

    def test_the_cluster_would_stop_with_the_only_copy_or_the_last_majority(self):
        self.assertEqual(self.source([dict(member(1), address='127.0.0.1:19001')], '127.0.0.1:19001', ('n1',)), {'host': 'n1', 'alone': True, 'fatal': None})
        self.assertTrue(self.source([member(1), member(2), dict(member(3), alive=False)])['alone'])

    def test_a_spare_holds_nothing_and_nobody_guesses(self):
        self.assertIn('No control plane that holds the data', self.source([member(5, 'spare')])['fatal'])
        self.assertIn('nobody knows', copy_source({'n1': {'cluster': None}}, HOSTS)['fatal'])


class CopyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='mko-backend-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = self.make('data', {'0000000000000001-0000000000000042': 'log', 'open-1': 'x', 'metadata1': 'm', 'info.yaml': 'mine',
                                       'cluster.yaml': backend.cluster_yaml([{'id': '7', 'address': '10.0.0.1:19001'}])})
        self.path = self.folder + '/copy.tar.gz'

    def make(self, name, files):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        for file, text in files.items():
            with open(os.path.join(folder, file), 'w', encoding='utf-8') as out:
                out.write(text)
        return folder

    def test_a_copy_is_private_and_says_what_is_in_it(self):
        backend.pack(self.path, self.data)
        proven = backend.prove(self.path)
        self.assertEqual((proven['files'], proven['last_index'], proven['members'][0]['address']), (5, 42, '10.0.0.1:19001'))
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_an_empty_cut_or_foreign_archive_is_none(self):
        backend.pack(self.path, self.data)
        with open(self.path, 'rb') as source:
            whole = source.read()
        for body in (b'', b'not an archive', whole[:-20], whole[:30], whole[:60] + b'\0' + whole[61:]):
            with open(self.path, 'wb') as out:
                out.write(body)
            self.assertRaises(Broken, backend.prove, self.path)
        for files in ({}, {'cluster.yaml': 'nonsense', '0000000000000001-0000000000000042': 'log'}, {'cluster.yaml': '- Address: a:1\n'},
                      {'cluster.yaml': '- Address: a:1\n', '0000000000000001-0000000000000042': ''}):
            path = self.folder + '/%d.tar.gz' % len(os.listdir(self.folder))
            backend.pack(path, self.make(str(len(os.listdir(self.folder))), files))
            self.assertRaises(Broken, backend.prove, path)

    def test_a_survivor_takes_the_log_and_keeps_its_identity(self):
        backend.pack(self.path, self.data, keep=backend.TAKEN)
        other = self.make('other', {'0000000000000001-0000000000000007': 'old', 'open-3': 'old', 'info.yaml': 'theirs', 'cluster.crt': 'c', 'cluster.yaml': 'old'})
        backend.take_log(self.path, other)
        self.assertEqual(backend.names_in(other), ['0000000000000001-0000000000000042', 'cluster.crt', 'cluster.yaml', 'info.yaml', 'metadata1'])
        with open(other + '/info.yaml', encoding='utf-8') as source:
            self.assertEqual(source.read(), 'theirs')

    def test_a_broken_archive_leaves_the_log_as_it_is(self):
        other = self.make('other', {'0000000000000001-0000000000000007': 'old', 'cluster.yaml': 'old'})
        with open(self.path, 'wb') as out:
            out.write(b'x')
        self.assertRaises(Broken, backend.take_log, self.path, other)
        self.assertEqual(backend.names_in(other), ['0000000000000001-0000000000000007', 'cluster.yaml'])


if __name__ == '__main__':
    unittest.main()
