"""The callback plugin against a real ansible-playbook: which events come, in which order, and what must never be in them."""
import json
import os
import sys
import tempfile
import unittest

from harness import Run, local_inventory

SECRET = 'hunter2-\u00e9-secret'

BOOK = '''
- name: First play
  hosts: mko_targets
  gather_facts: false
  vars:
    secret: "%s"
  pre_tasks:
    - name: A quiet one
      ansible.builtin.command: {argv: [/bin/true]}
      changed_when: false
  tasks:
    - name: A change
      ansible.builtin.command: {argv: [/bin/echo, hello]}
    - name: Not now
      ansible.builtin.command: {argv: [/bin/false]}
      when: false
    - name: A failure that is ignored
      ansible.builtin.command: {argv: [/bin/sh, -c, "echo out; echo err >&2; exit 3"]}
      ignore_errors: true
    - name: A loop
      ansible.builtin.command: {argv: [/bin/echo, "{{ item }}"]}
      changed_when: item == 'b'
      when: item != 'c'
      loop: [a, b, c]
    - name: A retry
      ansible.builtin.command: {argv: [/bin/false]}
      register: again
      until: again.rc == 0
      retries: 2
      delay: 0
      ignore_errors: true
    - name: Template {{ secret }} in a name
      ansible.builtin.command: {argv: [/bin/echo, "{{ secret }}"]}
      no_log: true
    - name: Secret loop
      ansible.builtin.command: {argv: [/bin/echo, "{{ item }}"]}
      loop: ["{{ secret }}", "{{ secret }}2"]
      no_log: true
    - name: Secret failure
      ansible.builtin.command: {argv: [/bin/sh, -c, "echo {{ secret }}; exit 1"]}
      no_log: true
      ignore_errors: true
    - name: A block
      block:
        - name: Fails in a block
          ansible.builtin.fail: {msg: broken}
      rescue:
        - name: Rescue
          ansible.builtin.debug: {msg: saved}
      always:
        - name: Always
          ansible.builtin.debug: {msg: last}
    - name: A file
      ansible.builtin.copy: {content: "new text\\n", dest: "{{ playbook_dir }}/out-{{ inventory_hostname }}", mode: "0600"}
      notify: A handler
    - name: Result
      ansible.builtin.set_stats:
        per_host: true
        data: {mko_result: {answer: 42, who: "{{ inventory_hostname }}", big: "{{ 'x' * 9000 }}"}}
    - name: Secret result
      ansible.builtin.set_stats:
        per_host: true
        data: {mko_secret: {kubeconfig: "{{ secret }}-config"}}
      no_log: true
  handlers:
    - name: A handler
      ansible.builtin.debug: {msg: handled}
- name: Second play
  hosts: mko_targets
  gather_facts: false
  tasks:
    - name: The end of b
      ansible.builtin.command: {argv: [/bin/sh, -c, "printf 'no \\\\377 utf8'; exit 7"]}
      when: inventory_hostname == 'b'
''' % SECRET


class EventsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_ = Run(BOOK, local_inventory('a', 'b'), args=['--diff'])

    def test_order_and_frame(self):
        run = self.run_
        self.assertEqual(run.rc, 2, run.stdout)
        self.assertEqual(run.events[0], {'event': 'playbook_start', 'playbook': 'book', 'tasks_total': 15})
        self.assertEqual(run.events[1], {'event': 'play_start', 'play': 'First play', 'hosts': ['a', 'b']})
        self.assertEqual(run.events[-1]['event'], 'stats')
        self.assertEqual([e['play'] for e in run.of('play_start')], ['First play', 'Second play'])
        self.assertEqual(run.of('warning'), [])

    def test_every_line_is_small_and_has_event_first(self):
        for line in self.run_.raw.splitlines(True):
            self.assertLess(len(line), 32768)
            self.assertTrue(line.startswith(b'{"event":"'), line[:40])
            self.assertTrue(line.endswith(b'}\n'))

    def test_statuses(self):
        self.assertEqual(self.run_.statuses('a'), {
            'A quiet one': 'ok', 'A change': 'changed', 'Not now': 'skipped', 'A failure that is ignored': 'ignored', 'A loop': 'changed',
            'A retry': 'ignored', 'Template {{ secret }} in a name': 'changed', 'Secret loop': 'changed', 'Secret failure': 'ignored',
            'Fails in a block': 'ignored', 'Rescue': 'ok', 'Always': 'ok', 'A file': 'changed', 'Result': 'ok', 'Secret result': 'ok',
            'A handler': 'ok', 'The end of b': 'skipped'})
        self.assertEqual(self.run_.statuses('b')['The end of b'], 'failed')

    def test_keys_of_a_host_task_and_order(self):
        ok = self.run_.of('host_task', host='a', task='A change')[0]
        self.assertEqual(list(ok), ['event', 'host', 'task', 'task_id', 'status', 'duration_ms'])
        failed = self.run_.of('host_task', host='a', task='A failure that is ignored')[0]
        self.assertEqual(list(failed), ['event', 'host', 'task', 'task_id', 'status', 'duration_ms', 'message', 'rc', 'stdout', 'stderr'])
        self.assertEqual((failed['rc'], failed['stdout'], failed['stderr']), (3, 'out', 'err'))
        self.assertEqual(failed['message'], 'non-zero return code')
        self.assertGreaterEqual(ok['duration_ms'], 1)

    def test_tasks_have_start_and_host_start(self):
        started = {e['task_id'] for e in self.run_.of('task_start')}
        for one in self.run_.of('host_task'):
            self.assertIn(one['task_id'], started)
            self.assertEqual(len(self.run_.of('host_task_start', host=one['host'], task_id=one['task_id'])), 1)
        self.assertEqual(self.run_.of('task_start', task='A change')[0]['action'], 'ansible.builtin.command')

    def test_loop(self):
        task = self.run_.of('task_start', task='A loop')[0]['task_id']
        items = [(e['item'], e['status']) for e in self.run_.of('host_item', host='a', task_id=task)]
        self.assertEqual(items, [('a', 'ok'), ('b', 'changed'), ('c', 'skipped')])

    def test_retry(self):
        task = self.run_.of('task_start', task='A retry')[0]['task_id']
        self.assertEqual([e['attempt'] for e in self.run_.of('host_retry', host='b', task_id=task)][:2], [1, 2])

    def test_secrets_are_nowhere_but_in_the_secret_event(self):
        needle = json.dumps(SECRET)[1:-1].encode('ascii')
        lines = [line for line in self.run_.raw.splitlines() if needle in line or SECRET.encode() in line]
        self.assertEqual([json.loads(line)['event'] for line in lines], ['secret', 'secret'])
        self.assertNotIn(SECRET, self.run_.stdout.replace('TASK [Template %s in a name]' % SECRET, ''))
        self.assertEqual(self.run_.of('secret', host='a')[0]['data'], {'kubeconfig': SECRET + '-config'})
        self.assertEqual(self.run_.of('host_task', host='a', task='Secret failure')[0]['message'], 'Hidden: the task has no_log.')
        task = self.run_.of('task_start', task='Secret loop')[0]['task_id']
        self.assertEqual({e['item'] for e in self.run_.of('host_item', task_id=task)}, {''})

    def test_diff(self):
        diff = self.run_.of('diff', host='a')
        self.assertEqual(len(diff), 1)
        self.assertIn('+new text', diff[0]['diff'])

    def test_data_comes_at_once_and_whole(self):
        data = self.run_.of('data', host='b')
        self.assertEqual(data[0]['data'], {'answer': 42, 'who': 'b', 'big': 'x' * 9000})
        names = [e['event'] for e in self.run_.events]
        self.assertLess(names.index('data'), len(names) - 10)

    def test_not_utf8_output(self):
        failed = self.run_.of('host_task', host='b', task='The end of b')[0]
        self.assertEqual(failed.get('rc', 7), 7)       # ansible-core 2.19 refuses the output before it sees the code
        self.assertTrue(failed.get('stdout', 'no ').startswith('no ') or failed['message'])

    def test_stats(self):
        stats = self.run_.of('stats')[0]['hosts']
        self.assertEqual(stats['a']['failed'], 0)
        self.assertEqual(stats['b']['failed'], 1)
        self.assertEqual((stats['a']['rescued'], stats['a']['ignored']), (1, 3))
        self.assertEqual(list(stats['a']), ['ok', 'changed', 'failed', 'skipped', 'unreachable', 'rescued', 'ignored'])


class OtherRunsTest(unittest.TestCase):
    def test_unreachable(self):
        inventory = {'all': {'hosts': {'x': {'ansible_host': '127.0.0.1', 'ansible_port': 1, 'ansible_ssh_common_args': '-oConnectTimeout=2'}}}}
        run = Run('- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Go\n      ansible.builtin.ping:\n', inventory)
        one = run.of('host_task', host='x')[0]
        self.assertEqual(one['status'], 'unreachable')
        self.assertTrue(one['message'])
        self.assertEqual(run.of('stats')[0]['hosts']['x']['unreachable'], 1)
        self.assertEqual(run.rc, 4)

    def run_with_ssh(self, script, **play):
        """A ping of a host whose ssh is this shell script."""
        with tempfile.NamedTemporaryFile('w', suffix='.sh') as ssh:
            ssh.write(script)
            ssh.flush()
            inventory = {'all': {'hosts': {'x': {'ansible_host': '127.0.0.1', 'ansible_ssh_executable': '/usr/bin/env', 'ansible_ssh_timeout': 1,
                                                 'ansible_ssh_args': 'sh %s' % ssh.name, 'ansible_pipelining': True,
                                                 'ansible_python_interpreter': '/usr/bin/python3'}}}}
            play = dict({'hosts': 'all', 'gather_facts': False, 'tasks': [{'name': 'Go', 'ansible.builtin.ping': {}}]}, **play)
            return Run(json.dumps([play], indent=1), inventory)

    def test_a_node_that_stops_answering_is_told_in_plain_words(self):
        run = self.run_with_ssh('exec sleep 20\n', become=True)
        self.assertIn('stopped answering', run.of('host_task', host='x')[0]['message'])
        self.assertNotIn('escalation', run.raw.decode())

    def test_a_connection_that_ends_without_a_word_is_told_in_plain_words(self):
        run = self.run_with_ssh('exit 255\n')
        self.assertIn('ended without a reason', run.of('host_task', host='x')[0]['message'])
        self.assertNotIn('Data could not be sent', run.raw.decode())

    def test_a_host_without_which_the_run_goes_on_is_told_as_lost(self):
        gone = {'ansible_host': '127.0.0.1', 'ansible_port': 1, 'ansible_ssh_common_args': '-oConnectTimeout=2'}
        here = {'ansible_connection': 'local', 'ansible_python_interpreter': sys.executable}
        book = ('- hosts: all\n  gather_facts: false\n  ignore_unreachable: true\n  tasks:\n    - ansible.builtin.ping:\n'
                '    - ansible.builtin.set_fact: {x: 1}\n'
                '    - ansible.builtin.ping:\n      delegate_to: localhost\n'
                '- hosts: back\n  gather_facts: false\n  vars: {ansible_connection: local}\n  tasks:\n    - ansible.builtin.ping:\n')
        run = Run(book, {'all': {'hosts': {'gone': gone, 'here': here, 'back': dict(gone, ansible_python_interpreter=sys.executable)}}})
        stats = run.of('stats')[0]['hosts']
        self.assertEqual({name: stats[name].get('lost') for name in ('gone', 'here', 'back')}, {'gone': 1, 'here': None, 'back': None})
        self.assertEqual(run.rc, 0)

    def test_no_hosts(self):
        run = Run('- hosts: nobody\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n', local_inventory('a'))
        self.assertEqual([e['event'] for e in run.events], ['playbook_start', 'play_start', 'no_hosts', 'stats'])

    def test_large_data_is_split_and_large_text_cut(self):
        book = ('- hosts: all\n  gather_facts: false\n  tasks:\n    - name: S\n      ansible.builtin.set_stats:\n        per_host: true\n'
                '        data: {mko_result: {a: "{{ \'a\' * 20000 }}", b: "{{ \'b\' * 20000 }}"}}\n'
                '    - name: F\n      ansible.builtin.fail: {msg: "{{ \'m\' * 100000 }}"}\n')
        run = Run(book, local_inventory('a'))
        self.assertEqual([list(e['data']) for e in run.of('data')], [['a'], ['b']])
        self.assertEqual(len(run.of('data')[1]['data']['b']), 20000)
        message = run.of('host_task', task='F')[0]['message']
        self.assertEqual(len(message), 4000)
        self.assertTrue(message.endswith('more]'))

    def test_without_a_descriptor_it_only_warns(self):
        book = '- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n'
        for fd in (None, '77', 'x', '-1'):
            with self.subTest(fd=fd):
                run = Run(book, local_inventory('a'), events_fd=False, env={} if fd is None else {'MKO_EVENTS_FD': fd})
                self.assertEqual(run.rc, 0)
                self.assertIn('No events are written', run.stdout)
                self.assertEqual(run.events, [])
                if fd is None:
                    self.assertIn('MKO_EVENTS_FD', run.stdout)

    def test_broken_hook_becomes_a_warning(self):
        # A play whose inventory manager is missing is the cheapest way to break one hook.
        plugin = ('from ansible_collections.mko.microk8s.plugins.callback.events import CallbackModule as Base, guarded\n'
                  'DOCUMENTATION = """\nname: broken\ntype: notification\nshort_description: x\ndescription: x\n"""\n'
                  'class CallbackModule(Base):\n    CALLBACK_NAME = "broken"\n'
                  '    @guarded\n    def v2_runner_on_ok(self, result):\n        raise KeyError("topsecret")\n')
        book = '- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n'
        run = Run(book, local_inventory('a'), env={'ANSIBLE_CALLBACK_PLUGINS': '.', 'ANSIBLE_CALLBACKS_ENABLED': 'broken'},
                  files={'broken.py': plugin})
        self.assertEqual(run.of('warning')[0]['message'], 'The events plugin failed in v2_runner_on_ok (KeyError).')
        self.assertNotIn('topsecret', run.stdout)
        self.assertEqual(run.events[-1]['event'], 'stats')


if __name__ == '__main__':
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    unittest.main()
