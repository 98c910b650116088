"""The pure functions of the collection: parsing what MicroK8s, snap and Linux print, and deciding who joins what."""
import os
import sys
import unittest
from datetime import date, timedelta

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
PLUGINS = 'ansible_collections.mko.microk8s.plugins.'


def load(name):
    __import__(PLUGINS + name)
    return sys.modules[PLUGINS + name]


host, snapd, mk8s, change, proc = [load('module_utils.' + name) for name in ('host', 'snapd', 'mk8s', 'change', 'proc')]
backup_archive, node_prepare, microk8s_seed, microk8s_addon, microk8s_verify, microk8s_config = [
    load('modules.' + name) for name in ('backup_archive', 'node_prepare', 'microk8s_seed', 'microk8s_addon', 'microk8s_verify', 'microk8s_config')]
plan = load('filter.plan')
node_facts = load('action.node_facts')

STATUS = '''microk8s:
  running: True
high-availability:
  enabled: True
  nodes:
    - address: 10.10.0.11:19001
      role: voter
    - address: 10.10.0.17:19001
      role: spare
addons:
  - name: dns
    repository: core
    description: CoreDNS: the name server
    version: 1.10.1
    status: enabled
  - name: rbac
    repository: core
    description: Role-Based Access Control
    version: 1.32
    status: disabled
'''


class Microk8sTest(unittest.TestCase):
    def test_status_yaml(self):
        status = mk8s.parse_status_yaml(STATUS)
        self.assertEqual((status['running'], status['high_availability']), (True, True))
        self.assertEqual(status['nodes'], [{'address': '10.10.0.11:19001', 'role': 'voter'}, {'address': '10.10.0.17:19001', 'role': 'spare'}])
        self.assertEqual([(one['name'], one['repository'], one['status'], one['version']) for one in status['addons']],
                         [('dns', 'core', 'enabled', '1.10.1'), ('rbac', 'core', 'disabled', '1.32')])

    def test_status_yaml_not_running(self):
        status = mk8s.parse_status_yaml('microk8s:\n  running: False\nhigh-availability:\n  enabled: False\n  nodes:\n'
                                        '  message: microk8s is not running. Use microk8s inspect for a deeper inspection.\n')
        self.assertEqual((status['running'], status['high_availability'], status['nodes'], status['addons']), (False, False, [], []))
        self.assertIn('microk8s inspect', status['message'])
        self.assertIsNone(mk8s.parse_status_yaml('microk8s is not running, try microk8s start\n')['running'])

    def test_members(self):
        text = '- Address: 10.10.0.11:19001\n  ID: 3297041220608546238\n  Role: 0\n- Address: 10.10.0.12:19001\n  ID: 7\n  Role: 2\n'
        self.assertEqual(mk8s.parse_members(text), [{'id': '3297041220608546238', 'address': '10.10.0.11:19001', 'role': 'voter'},
                                                    {'id': '7', 'address': '10.10.0.12:19001', 'role': 'spare'}])
        self.assertEqual(mk8s.parse_members(''), [])
        self.assertEqual(mk8s.parse_dqlite_json('[{"ID":3297041220608546238,"Address":"10.10.0.11:19001","Role":0}]')[0]['role'], 'voter')
        self.assertIsNone(mk8s.parse_dqlite_json('Error: no leader'))

    def test_files(self):
        self.assertEqual(mk8s.parse_args_file('--a=1\n--cluster-cidr=10.1.0.0/16\n', 'cluster-cidr'), '10.1.0.0/16')
        self.assertIsNone(mk8s.parse_args_file('--a=1', 'b'))
        self.assertEqual(mk8s.parse_env('A=1\nIPv4_CLUSTER_CIDR="10.3.0.0/16"\n', 'IPv4_CLUSTER_CIDR'), '10.3.0.0/16')
        self.assertEqual(mk8s.parse_provider('servers:\n - address: "10.0.0.1:16443"\n - address: 10.0.0.2:16443\n'), ['10.0.0.1', '10.0.0.2'])
        self.assertEqual(mk8s.fingerprint('-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n')[:12], 'ae4b3280e56e')
        self.assertIsNone(mk8s.fingerprint(''))

    def test_node(self):
        node = mk8s.parse_node({'metadata': {'name': 'n1', 'labels': {mk8s.LABEL_CONTROL: 'x', 'kubernetes.io/os': 'linux', 'disk': 'ssd'}}, 'spec': {'unschedulable': True}, 'status': {
            'conditions': [{'type': 'Ready', 'status': 'Unknown'}], 'addresses': [{'type': 'InternalIP', 'address': '1.2.3.4'}], 'nodeInfo': {'kubeletVersion': 'v1.32.9'}}})
        self.assertEqual(node, {'name': 'n1', 'ready': False, 'role': 'control_plane', 'address': '1.2.3.4', 'version': 'v1.32.9', 'unschedulable': True,
                                'labels': {'disk': 'ssd'}})

    def test_classify(self):
        for want, arguments in (('not_installed', (False, False, [], False, False, False)), ('installed', (True, False, [], False, False, False)),
                                ('stopped', (True, True, ['stopped.lock'], True, True, True)), ('stopped', (True, True, [], False, False, False)),
                                ('running', (True, True, [], True, True, True)), ('error', (True, True, [], True, False, False)),
                                ('error', (True, True, [], True, True, False))):
            self.assertEqual(mk8s.classify(*arguments), want)

    def test_join_outputs(self):
        refused = 'Traceback ...\nConnectionRefusedError: [Errno 111] Connection refused'
        for out, err, rc, code, remedy in (
                ('Connection failed. Invalid token (500).', '', 6, 'invalid_token', 'seed'),
                ('Contacting cluster at 1.2.3.4\nConnection failed. Failed to retrieve dqlite cluster nodes: the joining node (1.2.3.5) is already known to dqlite (500).',
                 '', 6, 'known_to_dqlite', 'seed'),
                ('Connection failed. The hostname (n2) of the joining node does not resolve to the IP "1.2.3.5". Refusing join (400).', '', 6, 'hostname_unresolved', 'seed'),
                ("Joining cluster failed. Could not verify the identity of 1.2.3.4. Use '--skip-verify' to skip server certificate check.", '', 4, 'fingerprint', 'seed'),
                ('Failed to sign proxy certificate (500). Invalid token', '', 1, 'invalid_token', 'seed'),
                ('Connection failed. Not possible to join. This is not an HA MicroK8s cluster (501).', '', 6, 'not_ha', 'never'),
                ('Connection failed. The joining node has the same IP (1.2.3.4) as the node we contact (503).', '', 6, 'same_ip', 'never'),
                ('Contacting cluster at 1.2.3.4', refused, 1, 'refused', 'retry'),
                ('', 'Killed', 137, 'join_failed', 'seed'),
                ('Waiting for this node to finish joining the cluster. .. .. ..  \nSuccessfully joined the cluster.', '', 0, 'done', '')):
            with self.subTest(code=code, out=out):
                found = change.classify_join(out, err, rc, False)
                self.assertEqual((found[0], found[2]), (code, remedy))
        self.assertEqual(change.classify_join('Contacting', '', 124, True)[0], 'timeout')

    def test_findings(self):
        nodes = [{'name': 'n1', 'ready': True, 'role': 'control_plane', 'address': '1.1.1.1', 'version': 'v1.32.9'},
                 {'name': 'n2', 'ready': False, 'role': 'control_plane', 'address': '1.1.1.2', 'version': 'v1.31.1'}]
        members = [{'address': '1.1.1.1:19001', 'role': 'voter', 'alive': True}, {'address': '1.1.1.9:19001', 'role': 'spare', 'alive': False}]
        codes = [one['code'] for one in mk8s.cluster_findings({'nodes': nodes, 'dqlite': members}, {'n1': 300}, True)]
        self.assertEqual(codes, ['MKO-SCAN-002', 'MKO-SCAN-003', 'MKO-SCAN-004', 'MKO-SCAN-006', 'MKO-SCAN-005', 'MKO-SCAN-007', 'MKO-SCAN-008'])
        single = {'nodes': nodes[:1], 'dqlite': [{'address': '127.0.0.1:19001', 'role': 'voter', 'alive': True}]}
        self.assertEqual(mk8s.cluster_findings(single, {'n1': 3}, True), [])

    def test_tokens(self):
        text = 'a|100\nb\nc|5000\nmine|9000\n'
        self.assertEqual(microk8s_seed.keep_tokens(text, 'mine', 1000), 'b\nc|5000\n')
        self.assertEqual(microk8s_seed.valid_until(text, 'mine'), 9000)
        self.assertEqual(microk8s_seed.valid_until(text, 'b'), 0)

    def test_addons(self):
        self.assertEqual(microk8s_addon.command('metallb', ['10.0.0.1-10.0.0.9']), ['metallb:10.0.0.1-10.0.0.9'])
        self.assertEqual(microk8s_addon.command('core/registry', ['--size', '20Gi'][:1]), ['core/registry', '--size'])
        addons = mk8s.parse_status_yaml(STATUS)['addons'] + [{'name': 'hostpath-storage', 'repository': 'core', 'status': 'disabled'}]
        self.assertEqual(microk8s_addon.find(addons, 'core/dns')['name'], 'dns')
        self.assertIsNone(microk8s_addon.find(addons, 'community/dns'))
        self.assertEqual(microk8s_addon.find(addons, 'storage')['name'], 'hostpath-storage')
        self.assertEqual(plan.wanted_addons([{'name': 'dns'}, {'name': 'storage'}], addons), [{'name': 'storage'}])

    def test_kubeconfig(self):
        self.assertEqual(microk8s_config.with_server('a:\n    server: https://10.0.0.1:16443\n', '192.0.2.7'), 'a:\n    server: https://192.0.2.7:16443\n')

    def test_verify(self):
        expected = [{'name': 'n1', 'address': '1.1.1.1', 'role': 'control_plane'}, {'name': 'w', 'address': '1.1.1.4', 'role': 'worker'}]
        nodes = [{'name': 'n1', 'ready': True, 'role': 'control_plane'}, {'name': 'w', 'ready': True, 'role': 'worker'}]
        self.assertEqual(microk8s_verify.problems(expected, nodes, [{'address': '127.0.0.1:19001', 'role': 'voter'}]), [])
        self.assertIn('not Ready', microk8s_verify.problems(expected, [dict(nodes[0]), dict(nodes[1], ready=False)], [])[0])
        self.assertEqual(len(microk8s_verify.problems(expected, None, None)), 1)
        self.assertIn('has no leader', microk8s_verify.problems(expected, nodes, None)[0])


class KeepTest(unittest.TestCase):
    """Three backups a day from a Monday on, number 1 the oldest; the newest is of a Wednesday."""
    BACKUPS = [(str(number), date(2026, 11, 2) + timedelta(days=(number - 1) // 3)) for number in range(72, 0, -1)][3:]

    def kept(self, **keep):
        return sorted(backup_archive.kept(self.BACKUPS, keep), key=int)

    def test_nothing_said_keeps_all(self):
        self.assertEqual(len(self.kept()), 69)
        self.assertEqual(len(self.kept(last=0, daily=None)), 69)

    def test_the_newest_ones_of_days_and_of_weeks(self):
        self.assertEqual(self.kept(last=2), ['68', '69'])
        self.assertEqual(self.kept(daily=3), ['63', '66', '69'])
        self.assertEqual(self.kept(weekly=3), ['42', '63', '69'])  # the Sundays, and the newest of this week
        self.assertEqual(self.kept(last=2, daily=2, weekly=2), ['63', '66', '68', '69'])
        self.assertEqual(self.kept(weekly=100), ['21', '42', '63', '69'])

    def test_days_without_a_backup_count_for_none_and_a_manifest_without_a_day_is_never_removed(self):
        gaps = [('9', date(2026, 11, 9)), ('8', None), ('7', date(2026, 3, 1)), ('6', date(2026, 3, 1))]
        self.assertEqual(sorted(backup_archive.kept(gaps, {'daily': 2})), ['7', '8', '9'])


class SnapTest(unittest.TestCase):
    def verdict(self, rc, text):
        return snapd.verdict(proc.Result(rc, '', text))

    def test_what_may_be_tried_again(self):
        self.assertEqual(self.verdict(10, 'error: snap "microk8s" has "auto-refresh" change in progress'), 'retry')
        self.assertEqual(self.verdict(1, 'error: unable to contact snap store'), 'retry')
        self.assertEqual(self.verdict(1, 'error: cannot perform the following tasks:\n- Download snap "microk8s" (8511) from channel "1.32/stable" '
                                         '(received an unexpected http response code (503) when trying to download URL)'), 'retry')
        self.assertEqual(self.verdict(1, 'error: cannot install "microk8s" due to low disk space'), 'final')
        self.assertEqual(self.verdict(1, 'error: cannot perform the following tasks:\n- Run install hook of "microk8s" snap if present (run hook "install": x)'), 'final')
        self.assertEqual(self.verdict(1, 'error: snap "microk8s" not found'), 'final')

    def test_channels(self):
        self.assertEqual(snapd.split_channel('1.32'), ('1.32', 'stable'))
        self.assertEqual(snapd.split_channel('1.32/stable'), ('1.32', 'stable'))
        self.assertEqual(snapd.split_channel('edge'), ('latest', 'edge'))
        self.assertEqual(snapd.split_channel('1.32-strict/candidate'), ('1.32-strict', 'candidate'))

    def test_hold(self):
        self.assertTrue(snapd.is_held('2315-08-06T12:00:00.123456789Z'))
        self.assertFalse(snapd.is_held('2015-08-06T12:00:00Z'))
        self.assertFalse(snapd.is_held(None))

    def test_snap(self):
        found = snapd.parse_snap({'version': 'v1.32.9', 'revision': '8511', 'channel': '1.32/stable', 'tracking-channel': '1.32/stable', 'status': 'active',
                                  'apps': [{'name': 'daemon-kubelite', 'daemon': 'simple', 'enabled': True, 'active': True}, {'name': 'status'}]})
        self.assertEqual(found['services'], {'kubelite': {'active': True, 'enabled': True}})
        self.assertEqual((found['channel'], found['active'], found['held']), ('1.32/stable', True, False))


class PrepareTest(unittest.TestCase):
    def test_hosts(self):
        first = node_prepare.hosts_with_block('127.0.0.1 localhost\n127.0.1.1 n1', [('10.0.0.1', 'n1'), ('10.0.0.2', 'n2')])
        self.assertEqual(first, '127.0.0.1 localhost\n127.0.1.1 n1\n# BEGIN mko managed block\n10.0.0.1 n1\n10.0.0.2 n2\n# END mko managed block\n')
        self.assertEqual(node_prepare.hosts_with_block(first, [('10.0.0.1', 'n1'), ('10.0.0.2', 'n2')]), first)
        self.assertNotIn('n2', node_prepare.hosts_with_block(first, [('10.0.0.1', 'n1')]))
        self.assertEqual(node_prepare.resolved(first, 'n1'), ['127.0.1.1', '10.0.0.1'])

    def test_hostname(self):
        for name, severity in (('n1', None), ('N1', 'blocking'), ('a_b', 'blocking'), ('localhost', 'blocking'), ('raspberrypi', 'warning'), ('a' * 64, 'blocking')):
            found = node_prepare.hostname_finding(name)
            self.assertEqual(found and found['severity'], severity, name)

    def test_cgroup(self):
        self.assertTrue(node_prepare.memory_cgroup_on('cpuset cpu io memory pids', ''))
        self.assertFalse(node_prepare.memory_cgroup_on('cpuset cpu io pids', ''))
        self.assertTrue(node_prepare.memory_cgroup_on(None, '#subsys\nmemory\t5\t1\t1\n'))
        self.assertFalse(node_prepare.memory_cgroup_on(None, 'memory\t5\t1\t0\n'))
        self.assertEqual(node_prepare.with_cgroup('a=1 root=x\n'), 'a=1 root=x cgroup_enable=memory cgroup_memory=1\n')
        self.assertEqual(node_prepare.with_cgroup('a=1 cgroup_enable=memory cgroup_memory=1\n'), 'a=1 cgroup_enable=memory cgroup_memory=1\n')

    def test_listeners(self):
        self.assertEqual(host.listeners('  0: 00000000:403B 00000000:0000 0A 00\n 1: 0100007F:0016 0:0 01 0\n'), {16443})

    def test_host_files(self):
        self.assertEqual(host.parse_default_interface('h\neth1\t00000000\t0100000A\t0003\t0\t0\t200\t00000000\neth0\t00000000\t01\t0003\t0\t0\t100\t00000000\n'), 'eth0')
        self.assertEqual(host.parse_meminfo('MemTotal:  2048 kB\n'), 2097152)
        self.assertEqual(host.parse_os_release('ID=debian\nNAME="Debian GNU/Linux"\n# x\n'), {'ID': 'debian', 'NAME': 'Debian GNU/Linux'})

    def test_sudo_texts(self):
        for probe, text, code in (({'sudo': 'no'}, '', 'sudo_missing'), ({'sudo': 'yes', 'try': 'sudo: a password is required'}, 'Missing sudo password', 'sudo_password'),
                                  ({'sudo': 'yes', 'try': 'sudo: sorry, you must have a tty to run sudo'}, '', 'sudo_tty'), ({'sudo': 'yes'}, 'Incorrect sudo password', 'sudo_wrong_password'),
                                  ({'sudo': 'yes'}, 'ubuntu is not in the sudoers file', 'sudo_denied'), ({'sudo': 'yes'}, 'boom', 'become_failed')):
            self.assertEqual(node_facts.sudo_problem(probe, text), code)


def info(name, address, nodes=None, members=None, role='control_plane', status='running', **state):
    """What microk8s_info says of a node; without nodes it runs alone."""
    return {'node': {'role': role, 'microk8s_status': status, 'node_name': name, 'hostname': name}, 'findings': [],
            'state': dict({'nodes': [{'name': one, 'address': where, 'role': 'control_plane'} for one, where in nodes or [(name, address)]],
                           'members': [{'address': one + ':19001', 'role': 'voter'} for one in members or ['127.0.0.1']],
                           'ca': 'ca-' + name, 'machine_id': 'id-' + name, 'locks': ['ha-cluster'], 'half_joined': None, 'proxy_servers': []}, **state)}


IPS = {'n1': '10.0.0.1', 'n2': '10.0.0.2', 'n3': '10.0.0.3', 'w1': '10.0.0.9'}


def decide(infos, planes=('n1', 'n2', 'n3'), workers=('w1',), **more):
    return plan.plan(infos, dict({'control_planes': planes, 'workers': workers, 'addresses': IPS, 'all': list(IPS)}, **more))


class TwinsTest(unittest.TestCase):
    A, B, C = ({'hostname': name, 'machine_id': 'id-' + name} for name in ('a', 'b', 'c'))

    def test_different_nodes(self):
        self.assertEqual(plan.twins({'a': self.A, 'b': self.B, 'x': None}, [{'hostname': 'c', 'machine_id': 'id-c'}, {'hostname': 'new'}]), {})
        self.assertEqual(plan.twins({'other-name': self.A}, [{'hostname': 'other', 'machine_id': None}]), {})

    def test_a_clone_in_the_same_run(self):
        found = plan.twins({'a': self.A, 'b': self.A, 'c': self.C}, [])
        self.assertEqual(sorted(found), ['a', 'b'])
        self.assertIn('a and b have the same host name (a) and the same machine ID', found['a'])
        self.assertIn('b and a have', found['b'])

    def test_the_name_of_another_node(self):
        for infos, others in (({'b': dict(self.B, hostname='a')}, [{'hostname': 'a'}]), ({'a': dict(self.A, hostname='x'), 'b': dict(self.B, hostname='a')}, [])):
            found = plan.twins(infos, others)
            self.assertEqual(list(found), ['b'])
            self.assertIn('b and a have the same host name (a). Each', found['b'])

    def test_a_machine_that_was_added_twice(self):
        found = plan.twins({'b': dict(self.B, machine_id='id-a')}, [{'hostname': 'c', 'machine_id': 'id-c'}, {'hostname': 'a', 'machine_id': 'id-a'}])
        self.assertIn('b and a have the same machine ID (id-a)', found['b'])


class PlanTest(unittest.TestCase):
    def setUp(self):
        self.fresh = {name: info(name, IPS[name]) for name in IPS}
        self.trio = [('n1', IPS['n1']), ('n2', IPS['n2']), ('n3', IPS['n3']), ('w1', IPS['w1'])]
        self.full = {name: info(name, IPS[name], self.trio, [IPS[one] for one in ('n1', 'n2', 'n3')], ca='C') for name in ('n1', 'n2', 'n3')}
        self.full['w1'] = info('w1', IPS['w1'], [('w1', IPS['w1'])], role='worker', ca='C', proxy_servers=[IPS['n1']])

    def test_fresh(self):
        got = decide(self.fresh)
        self.assertEqual((got['seed'], got['join'], got['errors'], got['fatal'], got['forget']),
                         ('n1', {'n2': 'control_plane', 'n3': 'control_plane', 'w1': 'worker'}, {}, None, []))
        self.assertEqual([one['host'] for one in got['expected']], ['n1', 'n2', 'n3', 'w1'])

    def test_complete(self):
        got = decide(self.full)
        self.assertEqual((got['seed'], got['join'], got['errors'], got['fatal']), ('n1', {}, {}, None))

    def test_interrupted(self):
        pair = [('n1', IPS['n1']), ('n2', IPS['n2'])]
        infos = dict(self.fresh, n1=info('n1', IPS['n1'], pair, [IPS['n1'], IPS['n2']], ca='C'), n2=info('n2', IPS['n2'], pair, [IPS['n1'], IPS['n2']], ca='C'),
                     n3=info('n3', IPS['n3'], half_joined='lock'))
        self.assertEqual(decide(infos)['join'], {'n3': 'control_plane', 'w1': 'worker'})

    def test_first_plane_is_new(self):
        infos = dict(self.full, n1=info('n1', IPS['n1']))
        for name in ('n2', 'n3'):
            infos[name]['state']['members'] = [{'address': IPS[one] + ':19001', 'role': 'voter'} for one in ('n2', 'n3')]
        got = decide(infos)
        self.assertEqual((got['seed'], got['join'], got['forget']), ('n2', {'n1': 'control_plane'}, ['n1']))

    def test_other_cluster(self):
        strangers = [('n3', IPS['n3']), ('x', '10.9.9.9')]
        infos = dict(self.fresh, n1=self.full['n1'], n2=self.full['n2'], n3=info('n3', IPS['n3'], strangers, [IPS['n3'], '10.9.9.9'], ca='X'),
                     w1=info('w1', IPS['w1'], [('w1', IPS['w1'])], role='worker', ca='Y', proxy_servers=['10.8.8.8']))
        got = decide(infos)
        self.assertIn('another cluster (members: n3, x)', got['errors']['n3'])
        self.assertIn('worker of another cluster (control planes: 10.8.8.8)', got['errors']['w1'])
        self.assertNotIn('n3', [one['host'] for one in got['expected']])

    def test_unknown_members(self):
        infos = {'n1': info('n1', IPS['n1'], [('n1', IPS['n1']), ('x', '10.9.9.9')], [IPS['n1'], '10.9.9.9'])}
        self.assertIn('x (10.9.9.9)', decide(infos, ('n1',), ())['fatal'])
        self.assertIsNone(decide(infos, ('n1',), (), allow_unknown_members=True)['fatal'])

    def test_wrong_role(self):
        infos = dict(self.full)
        got = decide(infos, planes=('n1', 'n2', 'n3', 'w1'), workers=())
        self.assertIn('cannot become a control plane', got['errors']['w1'])
        got = decide(infos, planes=('n1', 'n2'), workers=('n3', 'w1'))
        self.assertIn('cannot become a worker', got['errors']['n3'])

    def test_duplicates_missing_seed_and_networks(self):
        twins = dict(self.fresh, n2=info('n1', IPS['n2']))
        self.assertIn('same host name', decide(twins)['fatal'])
        self.assertIn('not available', decide({name: self.fresh[name] for name in ('n2', 'n3')})['fatal'])
        self.fresh['n1']['state']['network_cidr'] = '10.1.0.0/16'
        self.assertIn('10.1.0.0/16', decide(self.fresh, network_cidr='10.5.0.0/16')['fatal'])
        self.assertIn('needs three control planes', decide(self.fresh, planes=('n1',), workers=(), ha=True)['fatal'])

    def test_launch_config(self):
        got = plan.launch_config({}, '10.5.0.0/16', '10.99.0.0/24')
        self.assertEqual(got['extraCNIEnv'], {'IPv4_SUPPORT': 'true', 'IPv4_CLUSTER_CIDR': '10.5.0.0/16', 'IPv4_SERVICE_CIDR': '10.99.0.0/24'})
        self.assertEqual((got['extraSANs'], got['extraKubeletArgs']['--cluster-dns']), (['10.99.0.1'], '10.99.0.10'))
        self.assertNotIn('addons', got)
        self.assertEqual(plan.launch_config({'version': '0.2.0', 'addons': [{'name': 'dns'}]}), {'version': '0.2.0', 'addons': [{'name': 'dns'}]})

    def test_scan(self):
        got = plan.scan(self.full)
        self.assertEqual((got['reporter'], got['findings']), ('n1', []))
        alone = dict(self.full, n1=info('n1', IPS['n1']))
        got = plan.scan(alone)
        self.assertEqual(got['reporter'], 'n2')
        self.full['n1']['node']['microk8s_status'] = 'stopped'
        self.full['n1']['state']['nodes'] = None
        self.assertEqual(plan.scan(self.full)['reporter'], 'n2')
        self.assertEqual(plan.scan({'w1': self.full['w1']})['reporter'], '')


if __name__ == '__main__':
    unittest.main()
