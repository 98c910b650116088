"""What ends when a node goes, who goes down when, what rests and comes back: the pure functions of the collection for the life of a cluster."""
import json
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
PLUGINS = 'ansible_collections.mko.microk8s.plugins.'


def load(name):
    __import__(PLUGINS + name)
    return sys.modules[PLUGINS + name]


life, order, wake = load('module_utils.life'), load('filter.life'), load('modules.wake_on_lan')


def pod(name, node, owner='ReplicaSet', uid=None, volumes=(), labels=None, **status):
    owners = [{'kind': owner, 'name': 'o', 'uid': uid or name, 'controller': True}] if owner else []
    return {'metadata': {'namespace': 'default', 'name': name, 'ownerReferences': owners, 'labels': labels or {}},
            'spec': {'nodeName': node, 'volumes': list(volumes)}, 'status': dict({'phase': 'Running'}, **status)}


def local_volume(claim, node):
    return {'spec': {'claimRef': {'namespace': 'default', 'name': claim}, 'local': {'path': '/x'}, 'nodeAffinity': {'required': {'nodeSelectorTerms': [
        {'matchExpressions': [{'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': [node]}]}]}}}}


BUDGET = {'metadata': {'namespace': 'default', 'name': 'web'}, 'spec': {'selector': {'matchLabels': {'app': 'web'}}}, 'status': {'disruptionsAllowed': 0}}


class ImpactTest(unittest.TestCase):
    def reasons(self, pods, budgets=(), volumes=(), node='n1'):
        return {one['pod']: one['why'] for one in life.impact(pods, budgets, volumes)[node]['stay']}

    def test_a_pod_of_several_moves(self):
        view = life.impact([pod('a', 'n1', uid='rs'), pod('b', 'n2', uid='rs')], [], [])
        self.assertEqual(view['n1'], {'pods': 1, 'emptydir': 0, 'stay_count': 0, 'stay': [], 'volume_count': 0, 'volumes': []})

    def test_each_reason_to_stay_is_told(self):
        claim = {'persistentVolumeClaim': {'claimName': 'data'}}
        pods = [pod('alone', 'n1', owner=''), pod('web', 'n1', uid='w', labels={'app': 'web'}), pod('web2', 'n2', uid='w', labels={'app': 'web'}),
                pod('db', 'n1', uid='d', volumes=[claim]), pod('db2', 'n2', uid='d'), pod('only', 'n1'),
                pod('files', 'n1', uid='f', volumes=[{'hostPath': {'path': '/srv'}}]), pod('files2', 'n2', uid='f')]
        self.assertEqual(self.reasons(pods, [BUDGET], [local_volume('data', 'n1')]), {
            'default/alone': 'no controller brings it back', 'default/web': 'the disruption budget web allows no eviction now',
            'default/db': 'its volume data is only on this node', 'default/files': 'it uses the directory /srv of this node',
            'default/only': 'it is the only replica: it is away until it runs elsewhere'})

    def test_a_job_and_a_budget_with_room_are_no_reason(self):
        room = dict(BUDGET, status={'disruptionsAllowed': 1})
        pods = [pod('job', 'n1', owner='Job'), pod('web', 'n1', uid='w', labels={'app': 'web'}), pod('web2', 'n1', uid='w', labels={'app': 'web'})]
        self.assertEqual(self.reasons(pods, [room]), {})

    def test_what_a_drain_leaves_alone_is_not_counted(self):
        mirror = pod('static', 'n1')
        mirror['metadata']['annotations'] = {'kubernetes.io/config.mirror': 'x'}
        self.assertEqual(life.impact([pod('ds', 'n1', owner='DaemonSet'), pod('done', 'n1', phase='Succeeded'), pod('new', None), mirror], [], []), {})

    def test_volumes_that_stay_are_named_once(self):
        claim = {'persistentVolumeClaim': {'claimName': 'data'}}
        away = {'persistentVolumeClaim': {'claimName': 'nfs'}}
        view = life.impact([pod('a', 'n1', uid='x', volumes=[claim, away, {'emptyDir': {}}]), pod('b', 'n1', uid='x', volumes=[claim])], [],
                           [local_volume('data', 'n1'), {'spec': {'claimRef': {'namespace': 'default', 'name': 'nfs'}, 'nfs': {}}}])
        self.assertEqual((view['n1']['volumes'], view['n1']['volume_count'], view['n1']['emptydir']), (['default/data'], 1, 1))

    def test_lists_are_bounded_and_counts_are_whole(self):
        view = life.impact([pod('p' * 200 + str(i), 'n1', owner='') for i in range(3000)] + [pod('x', 'n2', owner='')], [], [])
        self.assertLess(len(json.dumps(view['n1'])), life.IMPACT_BYTES + 200)
        self.assertEqual((view['n1']['pods'], view['n1']['stay_count']), (3000, 3000))
        self.assertGreater(len(view['n1']['stay']), 20)
        self.assertEqual(len(view['n2']['stay']), 1)

    def test_half_an_answer_is_no_answer(self):
        answers = {'pods': {'items': [pod('a', 'n1', owner='')]}, 'poddisruptionbudgets': None, 'persistentvolumes': {'items': []}}
        real = life.mk8s.kubectl_json
        self.addCleanup(setattr, life.mk8s, 'kubectl_json', real)
        life.mk8s.kubectl_json = lambda argv: answers[argv[1]]
        self.assertIsNone(life.cluster_impact())
        answers['poddisruptionbudgets'] = {'items': []}
        self.assertEqual(life.cluster_impact()['n1']['stay_count'], 1)


class SelectorTest(unittest.TestCase):
    def test_selectors_of_budgets(self):
        def says(operator, values, labels):
            return life.matches({'matchExpressions': [{'key': 'a', 'operator': operator, 'values': values}]}, labels)
        self.assertTrue(says('In', ['1', '2'], {'a': '1'}) and says('NotIn', ['1'], {'a': '2'}) and says('Exists', None, {'a': ''})
                        and says('DoesNotExist', None, {}))
        self.assertFalse(says('In', ['1'], {}) or says('NotIn', ['1'], {'a': '1'}) or says('Exists', None, {}) or says('DoesNotExist', None, {'a': '1'})
                         or says('Like', ['1'], {'a': '1'}))
        self.assertTrue(life.matches({}, {'x': 'y'}))


class RestTest(unittest.TestCase):
    def test_what_rests_comes_back_exactly(self):
        before = {'metadata': {'name': 'web'}, 'spec': {'replicas': 4}}
        body = life.suspend_body('Deployment', before, 'scale-down')
        self.assertEqual(body['spec'], {'replicas': 0})
        rest = {'metadata': {'annotations': body['metadata']['annotations']}, 'spec': body['spec']}
        self.assertIsNone(life.suspend_body('Deployment', rest, 'scale-down'))
        self.assertIsNone(life.resume_body('Deployment', rest, 'pause'))
        self.assertEqual(life.resume_body('Deployment', rest, 'scale-down')['spec'], {'replicas': 4})
        rest['spec'] = {'replicas': 2}  # somebody knew better
        self.assertNotIn('spec', life.resume_body('Deployment', rest, 'scale-down'))

    def test_what_rested_before_is_left_alone(self):
        self.assertIsNone(life.suspend_body('Deployment', {'metadata': {}, 'spec': {'replicas': 0}}, 'x'))
        self.assertIsNone(life.suspend_body('CronJob', {'metadata': {}, 'spec': {'suspend': True}}, 'x'))


def info(role, leader='', members=(), nodes=({'name': 'n1', 'unschedulable': False},), name=None):
    return {'node': {'role': role, 'node_name': name, 'microk8s_status': 'running'}, 'state': {'nodes': list(nodes), 'members': list(members)},
            'cluster': {'leader': leader, 'dqlite': list(members)} if role == 'control_plane' and nodes else None}


class OrderTest(unittest.TestCase):
    ADDRESSES = {'n%d' % i: '10.0.0.%d' % i for i in range(1, 6)}
    MEMBERS = [{'address': '10.0.0.1:19001', 'role': 'voter'}, {'address': '10.0.0.2:19001', 'role': 'voter'}, {'address': '10.0.0.3:19001', 'role': 'voter'},
               {'address': '10.0.0.4:19001', 'role': 'spare'}]

    def plan(self, infos, **settings):
        return order.shutdown_plan(infos, dict({'control_planes': ['n1', 'n2', 'n3', 'n4'], 'workers': ['n5'], 'addresses': self.ADDRESSES}, **settings))

    def infos(self):
        found = {'n%d' % i: info('control_plane', '10.0.0.1:19001', self.MEMBERS, name='n%d' % i) for i in range(1, 5)}
        found['n5'] = info('worker', name='n5')
        return found

    def test_workers_then_planes_without_a_vote_then_voters_then_the_leader(self):
        plan = self.plan(self.infos())
        self.assertEqual((plan['workers'], plan['planes'], plan['record']['leader']), (['n5'], ['n4', 'n2', 'n3', 'n1'], 'n1'))
        self.assertEqual((plan['notes']['n1'], plan['notes']['n5']), ({'mko/stop-order': 5, 'mko/dqlite-role': 'leader'}, {'mko/stop-order': 1, 'mko/dqlite-role': 'none'}))

    def test_higher_tiers_go_first_but_never_before_who_has_less_to_say(self):
        infos = dict(self.infos(), n6=info('worker', name='n6'), n7=info('worker', name='n7'))
        plan = self.plan(infos, tiers={'n1': 9, 'n3': 1, 'n4': 0, 'n5': 1, 'n6': 3, 'n7': 1})
        self.assertEqual(plan['groups'], [['n6'], ['n5', 'n7'], ['n4'], ['n3'], ['n2'], ['n1']])
        self.assertEqual((plan['workers'], plan['notes']['n6']['mko/stop-order']), (['n6', 'n5', 'n7'], 1))
        self.assertEqual(order.by_tier(['n7', 'n6', 'n5'], {'n6': 3}), [['n7', 'n5'], ['n6']])

    def test_nodes_left_running_are_in_no_list(self):
        plan = self.plan(self.infos(), leave_running=['n5', 'n1'])
        self.assertEqual((plan['workers'], plan['planes'], plan['record']['left_running']), ([], ['n4', 'n2', 'n3'], ['n1', 'n5']))

    def test_unreached_nodes_are_named_and_an_api_that_is_gone_is_told(self):
        infos = {name: {} for name in self.ADDRESSES}
        infos['n2'] = info('control_plane', members=self.MEMBERS, nodes=(), name='n2')
        plan = self.plan(infos)
        self.assertEqual((plan['reporter'], plan['unreached'], plan['record']['api']), ('', ['n1', 'n3', 'n4', 'n5'], False))
        self.assertEqual(plan['planes'][0], 'n4')  # as the member that answers last wrote it down

    def test_cordons_of_others_are_written_down(self):
        infos = self.infos()
        for one in infos.values():
            one['state']['nodes'] = [{'name': 'n5', 'unschedulable': True}, {'name': 'n1', 'unschedulable': False}]
        self.assertEqual(self.plan(infos)['record']['cordoned'], ['n5'])
        self.assertEqual(order.reporter(infos), 'n1')


class WakeTest(unittest.TestCase):
    def test_a_magic_packet_holds_the_address_sixteen_times(self):
        self.assertEqual(wake.packet('52:54:00:12:34:56'), b'\xff' * 6 + bytes.fromhex('525400123456') * 16)
        self.assertEqual([wake.packet(text) for text in ('', '52:54:00:12:34', '52:54:00:12:34:5g', '52:54:00:12:34:56\n-')], [None] * 4)

    def test_packets_are_sent_again_to_those_that_do_not_answer(self):
        now, sent, awake = [0.0], [], {'n1': 0, 'n2': 25}
        for name, fake in (('send', lambda macs: (sent.append((now[0], macs)), (len(macs), ''))[1]), ('answers', lambda one: now[0] >= awake[one['address']])):
            self.addCleanup(setattr, wake, name, getattr(wake, name))
            setattr(wake, name, fake)
        self.addCleanup(setattr, wake, 'time', wake.time)
        wake.time = type('Clock', (), {'monotonic': staticmethod(lambda: now[0]), 'sleep': staticmethod(lambda s: now.__setitem__(0, now[0] + s))})
        machines = [{'mac': 'a', 'address': 'n1'}, {'mac': 'b', 'address': 'n2'}]
        self.assertEqual(wake.send_until_they_answer(machines, 600), (4, ''))
        self.assertEqual(sent, [(0, ['a', 'b']), (10, ['b']), (20, ['b'])])
        self.assertEqual(now[0], 25)
        awake['n2'] = 10**6
        wake.send_until_they_answer(machines, 60)
        self.assertEqual(now[0], 85)  # gives up in time


if __name__ == '__main__':
    unittest.main()
