"""The playbooks against simulated nodes with real SSH: single node, growing, killed in the middle, faults, nothing to do.

One lab of its own for all cases, which run in the order of their names, each on what the one before left.
Skipped where a lab cannot be made (it needs root and network namespaces).
"""
import json
import os
import subprocess
import sys
import time
import unittest

from harness import COLLECTIONS, PLAYBOOK, ROOT, Run

LAB = 'test-ansible'
NODES = ('n1', 'n2', 'n3', 'n4')


def lab(*args):
    return subprocess.run([sys.executable, os.path.join(ROOT, 'lab', 'lab.py'), '--lab', LAB] + list(args), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, check=False)


@unittest.skipIf(os.geteuid() != 0, 'a lab needs root')
class LabTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        lab('down')
        done = lab('up', '--nodes', '4', '--workers', '1')
        if done.returncode:
            raise unittest.SkipTest('no lab: ' + done.stdout.decode('utf-8', 'replace')[-300:])
        with open(os.path.join(ROOT, 'build', 'lab-' + LAB, 'lab.json'), encoding='utf-8') as handle:
            cls.nodes = {node['hostname']: node for node in json.load(handle)['nodes']}

    @classmethod
    def tearDownClass(cls):
        lab('down')

    def inventory(self, planes, workers):
        def variables(name):
            node = self.nodes[name]
            return {'ansible_host': node['ip'], 'ansible_port': node['port'], 'ansible_user': node['user'], 'mko_address': node['ip'],
                    'ansible_ssh_private_key_file': node['key_path'], 'mko_hostname': name, 'mko_node_id': 'id-' + name,
                    'mko_role': 'control_plane' if name in planes else 'worker'}
        return {'all': {'children': {
            'mko_targets': {'hosts': {name: variables(name) for name in list(planes) + list(workers)}},
            'mko_control_planes': {'hosts': {name: {} for name in planes}}, 'mko_workers': {'hosts': {name: {} for name in workers}}}}}

    @staticmethod
    def environment():
        return {'ANSIBLE_PIPELINING': '1', 'ANSIBLE_FORKS': '10', 'ANSIBLE_SSH_ARGS': '-o ControlMaster=auto -o ControlPersist=30s -o UserKnownHostsFile=/dev/null'}

    def variables(self):
        # As mko writes them: every text is marked unsafe, so that nothing in it is a template.
        return {'mko_channel': {'__ansible_unsafe': '1.32/stable'}, 'mko_cluster_name': {'__ansible_unsafe': '{{ 1/0 }}'}, 'mko_ha': False,
                'mko_addons': [{'name': {'__ansible_unsafe': 'dns'}, 'args': []}], 'mko_hosts_entries': [
                    {'address': {'__ansible_unsafe': self.nodes[name]['ip']}, 'hostname': {'__ansible_unsafe': name}} for name in NODES]}

    def play(self, name, planes=NODES[:3], workers=NODES[3:], args=(), **extra):
        return Run('mko.microk8s.' + name, self.inventory(planes, workers), args=args, env=self.environment(), extra=dict(self.variables(), **extra), timeout=600)

    def data(self, run, host):
        merged = {}
        for event in run.of('data', host=host):
            merged.update(event['data'])
        return merged

    def assert_clean(self, run, changed=None):
        self.assertEqual(run.rc, 0, '\n'.join('%s %s: %s' % (e['host'], e['task'], e.get('message')) for e in run.of('host_task')
                                              if e['status'] in ('failed', 'unreachable')) + run.stdout[-2000:])
        self.assertEqual(run.of('warning'), [])
        for host, counts in run.of('stats')[0]['hosts'].items():
            self.assertEqual((counts['failed'], counts['unreachable']), (0, 0), host)
            if changed is not None:
                self.assertEqual(counts['changed'], changed, host)

    def test_01_test_node(self):
        run = self.play('test_node')
        self.assert_clean(run, 0)
        facts = self.data(run, 'n1')
        self.assertEqual((facts['reachable'], facts['sudo'], facts['tty'], facts['hostname'], facts['mac_address']), (True, True, False, 'n1', self.nodes['n1']['mac']))
        self.assertLess(abs(facts['clock_skew_ms']), 1000)
        for key in ('kernel_version', 'architecture', 'machine_id', 'cpu_cores', 'memory_bytes', 'disk_bytes', 'clock_ms', 'python', 'os'):
            self.assertTrue(facts[key], key)

    def test_02_test_node_names_the_reason(self):
        for fault, word in (('sudo_missing', 'not installed'), ('sudo_password', 'password')):
            lab('fault', 'n2', fault)
            run = self.play('test_node', ['n2'], [])
            lab('fault', 'n2', fault, '--clear')
            self.assertEqual(run.rc, 2)
            self.assertIs(self.data(run, 'n2')['sudo'], False)
            self.assertIn(word, run.of('host_task', host='n2', status='failed')[0]['message'])

    def test_03_check_mode_changes_nothing(self):
        run = self.play('setup_cluster', args=['--check'])
        self.assert_clean(run)
        self.assertEqual(self.data(self.play('node_status'), 'n1')['microk8s_status'], 'not_installed')

    def test_04_single(self):
        run = self.play('setup_cluster', ['n1'], [])
        self.assert_clean(run)
        state = self.data(run, 'n1')
        self.assertEqual((state['microk8s_status'], state['role'], state['clustered'], state['held'], state['node_ready']), ('running', 'control_plane', False, True, True))
        self.assertEqual([node['name'] for node in state['cluster']['nodes']], ['n1'])
        self.assert_clean(self.play('setup_cluster', ['n1'], []), 0)

    def test_05_killed_in_the_middle_then_finished_then_nothing_to_do(self):
        self.killed_while('Join the cluster')
        run = self.play('setup_cluster')
        self.assert_clean(run)
        cluster = self.data(run, 'n1')['cluster']
        self.assertTrue(cluster['high_availability'])
        self.assertEqual({node['name']: (node['role'], node['ready']) for node in cluster['nodes']},
                         {'n1': ('control_plane', True), 'n2': ('control_plane', True), 'n3': ('control_plane', True), 'n4': ('worker', True)})
        self.assertEqual(sorted(member['address'] for member in cluster['dqlite']), sorted(self.nodes[name]['ip'] + ':19001' for name in NODES[:3]))
        self.assertIn('dns', [addon['name'] for addon in cluster['addons'] if addon['status'] == 'enabled'])
        config = run.of('secret', host='n1')[0]['data']['kubeconfig']
        self.assertIn('https://%s:16443' % self.nodes['n1']['ip'], config)
        self.assertEqual(run.raw.count(b'client-key-data'), 1)
        self.assertNotIn('client-key-data', run.stdout)
        self.assert_clean(self.play('setup_cluster'), 0)

    def killed_while(self, task):
        """Start a setup and kill -9 it with all its processes while it does a task on n2."""
        log = os.path.join(ROOT, 'build', 'lab-' + LAB, 'killed')
        for name, body in (('inventory.json', self.inventory(NODES[:3], NODES[3:])), ('vars.json', self.variables())):
            with open(log + '-' + name, 'w', encoding='utf-8') as handle:
                json.dump(body, handle)
        with open(log, 'wb') as events:
            child = subprocess.Popen(
                [PLAYBOOK, '-i', log + '-inventory.json', '-e', '@' + log + '-vars.json', 'mko.microk8s.setup_cluster'], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, pass_fds=(events.fileno(),),
                env=dict(self.environment(), PATH='/usr/sbin:/usr/bin:/sbin:/bin', HOME='/root', LC_ALL='C.UTF-8', ANSIBLE_COLLECTIONS_PATH=COLLECTIONS,
                         ANSIBLE_CALLBACKS_ENABLED='mko.microk8s.events', ANSIBLE_HOST_KEY_CHECKING='0', MKO_EVENTS_FD=str(events.fileno())))
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and child.poll() is None and not self.began(log, task):
            time.sleep(0.2)
        time.sleep(1.5)
        os.killpg(child.pid, 9)
        child.wait()
        self.assertTrue(self.began(log, task))

    @staticmethod
    def began(log, task):
        with open(log, 'rb') as handle:
            events = [json.loads(line) for line in handle.read().splitlines(True) if line.endswith(b'\n')]
        ids = {event['task_id'] for event in events if event['event'] == 'task_start' and event['task'] == task}
        return any(event['event'] == 'host_task_start' and event['host'] == 'n2' and event['task_id'] in ids for event in events)

    def test_06_scan_and_kubeconfig(self):
        run = self.play('scan_cluster')
        self.assert_clean(run, 0)
        reporters = [name for name in NODES if 'cluster' in self.data(run, name)]
        self.assertEqual(reporters, ['n1'])
        self.assertEqual([one for one in self.data(run, 'n1')['cluster']['findings'] if one['severity'] != 'info'], [])
        self.assertTrue(all(self.data(run, name)['microk8s_status'] == 'running' for name in NODES))
        run = self.play('fetch_kubeconfig')
        self.assert_clean(run, 0)
        self.assertEqual(len(run.of('secret')), 1)

    def test_07_stopped_node_is_seen_and_started(self):
        lab('exec', 'n2', '--', '/snap/bin/microk8s', 'stop')
        run = self.play('scan_cluster')
        self.assertEqual(self.data(run, 'n2')['microk8s_status'], 'stopped')
        self.assert_clean(self.play('setup_cluster'))
        self.assertEqual(self.data(self.play('node_status'), 'n2')['microk8s_status'], 'running')

    def test_08_other_track_is_refused(self):
        run = self.play('install_microk8s', mko_channel='1.33/stable')
        self.assertEqual(run.rc, 2)
        self.assertIn('1.32/stable', run.of('host_task', host='n1', status='failed')[0]['message'])

    def test_09_strangers_are_named(self):
        run = self.play('setup_cluster', ['n2', 'n3'], [])
        self.assertEqual(run.rc, 2)
        self.assertIn('n1 (%s)' % self.nodes['n1']['ip'], run.of('host_task', host='n2', status='failed')[0]['message'])

    def test_10_faults_of_a_join_are_repaired(self):
        for fault, host, args in (('join_crash', 'n4', ['after_post']), ('known_to_dqlite', 'n1', [])):
            with self.subTest(fault=fault):
                lab('exec', 'n4', '--', '/usr/bin/snap', 'remove', '--purge', 'microk8s')
                lab('fault', host, fault, *args, '--once')
                run = self.play('setup_cluster')
                self.assert_clean(run)
                self.assertEqual(self.data(run, 'n4')['role'], 'worker')

    def test_11_prepare_lists_all_that_blocks(self):
        lab('fault', 'n4', 'memory_low')
        lab('fault', 'n4', 'cgroup_memory_off')
        run = self.play('prepare_node')
        for fault in ('memory_low', 'cgroup_memory_off'):
            lab('fault', 'n4', fault, '--clear')
        result = self.data(run, 'n4')
        self.assertEqual(sorted(one['code'] for one in result['findings'] if one['severity'] == 'blocking'), ['MKO-PRE-007', 'MKO-PRE-011'])
        message = run.of('host_task', host='n4', status='failed')[0]['message']
        self.assertIn('MKO-PRE-011', message)
        self.assertIn('MKO-PRE-007', message)
        self.assertTrue(self.data(run, 'n1')['prepared'])


if __name__ == '__main__':
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    unittest.main()
