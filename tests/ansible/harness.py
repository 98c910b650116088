"""Runs real ansible-playbook on localhost and reads the events; shared by the tests of this folder."""
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COLLECTIONS = os.path.join(ROOT, 'ansible')
PLAYBOOK = os.environ.get('MKO_TEST_ANSIBLE_PLAYBOOK', '/usr/bin/ansible-playbook')   # another version can be tried


class Run:
    """The outcome: rc, stdout (with stderr), events (list of dict), raw (bytes of the pipe)."""

    def __init__(self, book, inventory, args=(), events_fd=True, env=None, extra=None, files=None, timeout=120):
        self.folder = tempfile.mkdtemp(prefix='mko-ansible-')
        try:
            self._run(book, inventory, list(args), events_fd, env or {}, extra, files or {}, timeout)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name, body):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as out:
            out.write(body if isinstance(body, str) else json.dumps(body))
        return path

    def _run(self, book, inventory, args, events_fd, env, extra, files, timeout):
        for name, body in files.items():
            self._path(name, body)
        argv = [PLAYBOOK, '-i', self._path('inventory.json', inventory)]
        if extra is not None:
            argv += ['-e', '@' + self._path('vars.json', extra)]
        argv += args + [book if '.' in book and '\n' not in book else self._path('book.yml', book)]
        read, write = os.pipe()
        environment = {
            'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': self.folder, 'LC_ALL': 'C.UTF-8', 'TMPDIR': self.folder,
            'ANSIBLE_COLLECTIONS_PATH': COLLECTIONS, 'ANSIBLE_COLLECTIONS_PATHS': COLLECTIONS,
            'ANSIBLE_CALLBACKS_ENABLED': 'mko.microk8s.events', 'ANSIBLE_NOCOLOR': '1',
            'ANSIBLE_RETRY_FILES_ENABLED': '0', 'ANSIBLE_HOST_KEY_CHECKING': '0', 'ANSIBLE_LOCALHOST_WARNING': '0',
        }
        if events_fd:
            environment['MKO_EVENTS_FD'] = str(write)
        environment.update(env)
        chunks = []

        def drain():
            with os.fdopen(read, 'rb') as pipe:
                for chunk in iter(lambda: pipe.read1(65536), b''):
                    chunks.append(chunk)

        reader = threading.Thread(target=drain, daemon=True)
        reader.start()
        fcntl.fcntl(write, fcntl.F_SETFD, 0)
        done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              pass_fds=(write,), timeout=timeout, cwd=self.folder, check=False)
        os.close(write)
        reader.join(5)
        self.rc = done.returncode
        self.stdout = done.stdout.decode('utf-8', 'replace')
        self.raw = b''.join(chunks)
        self.events = [json.loads(line) for line in self.raw.splitlines()]

    def of(self, kind, **match):
        return [e for e in self.events if e['event'] == kind and all(e.get(k) == v for k, v in match.items())]

    def statuses(self, host):
        return {e['task']: e['status'] for e in self.of('host_task', host=host)}


def local_inventory(*names, **host_vars):
    """Names of hosts that all are this machine, without ssh."""
    hosts = {name: dict({'ansible_connection': 'local', 'ansible_python_interpreter': '/usr/bin/python3'}, **host_vars) for name in names}
    return {'all': {'children': {'mko_targets': {'hosts': hosts}}}}
