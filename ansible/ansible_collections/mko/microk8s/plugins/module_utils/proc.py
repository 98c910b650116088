# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Running commands with a time limit, waiting with a deadline, and one lock per node. Knows nothing of MicroK8s.

Invariants: no command runs without a limit or through a shell; after the limit its whole process group is gone.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import errno
import fcntl
import os
import selectors
import signal
import subprocess
import time

PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin'
LOCK_FILE = '/run/lock/mko-microk8s.lock'
OUTPUT_LIMIT = 4 * 1024 * 1024      # bytes kept of one command's output


class Result:
    """What a command did. rc: 127 when it does not exist, 124 when the limit was reached."""

    def __init__(self, rc, out, err, timed_out=False):
        self.rc = rc
        self.out = out
        self.err = err
        self.timed_out = timed_out

    @property
    def text(self):
        """Both outputs, for messages."""
        return '\n'.join(part.strip() for part in (self.err, self.out) if part.strip())

    def short(self, limit=1500):
        """The end of both outputs, where commands say what went wrong."""
        value = self.text
        return value if len(value) <= limit else '...' + value[-limit:]


def run(argv, timeout, env=None, cwd='/', stdin=None, proxies=True):
    """Run argv for at most timeout seconds. proxies=False hides HTTP(S)_PROXY from it."""
    environment = {key: value for key, value in os.environ.items() if proxies or 'proxy' not in key.lower()}
    environment.update({'PATH': PATH, 'LC_ALL': 'C.UTF-8', 'LANG': 'C.UTF-8', 'HOME': os.environ.get('HOME', '/root')})
    environment.update(env or {})
    try:
        child = subprocess.Popen(argv, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=environment, cwd=cwd, start_new_session=True)
    except OSError as error:
        return Result(127 if error.errno in (errno.ENOENT, errno.EACCES) else 126, '', '%s: %s' % (argv[0], os.strerror(error.errno or 0)))
    timed_out = False
    try:
        out, err = child.communicate(stdin.encode('utf-8') if stdin is not None else None, timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        out, err = _end(child)
    return Result(124 if timed_out else child.returncode, _decode(out), _decode(err), timed_out)


def _end(child):
    for number, grace in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(child.pid, number)
        except OSError:
            pass
        try:
            return child.communicate(timeout=grace)
        except subprocess.TimeoutExpired:
            continue
    return b'', b''


def run_short(argv, timeout, cap=65536):
    """As run() for tools that only tell something: at most cap bytes of both outputs together are read, then its group is killed."""
    deadline, data = time.monotonic() + timeout, b''
    environment = dict(os.environ, PATH=PATH, LC_ALL='C.UTF-8', LANG='C.UTF-8')
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd='/',
                                 start_new_session=True)
    except OSError as error:
        return Result(127 if error.errno in (errno.ENOENT, errno.EACCES) else 126, '', '%s: %s' % (argv[0], os.strerror(error.errno or 0)))
    with child, selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while len(data) < cap and selector.select(max(0, deadline - time.monotonic())):
            part = os.read(child.stdout.fileno(), cap - len(data))
            if not part:
                break
            data += part
        timed_out, too_long = False, len(data) >= cap
        try:
            if not too_long:
                child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = True
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    return Result(124 if timed_out else child.returncode, data.decode('utf-8', 'replace'), '', timed_out)


def read_short(path, cap=65536):
    """At most cap bytes of a file as text, or None when it cannot be read."""
    try:
        with open(path, 'rb') as handle:
            return handle.read(cap).decode('utf-8', 'replace')
    except OSError:
        return None


def _decode(data):
    return (data or b'')[-OUTPUT_LIMIT:].decode('utf-8', 'replace')


def wait_until(check, timeout, interval=1.0):
    """Call check() until it returns something true or timeout seconds are over; the last value either way."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value or time.monotonic() >= deadline:
            return value
        time.sleep(interval)


class NodeLock:
    """One changing task of ours at a time on a node.

    A run that was killed on the controller leaves its task running on the node; the next run waits here for its end
    instead of working against it. The kernel frees the lock with the process.
    """

    def __init__(self, timeout, path=LOCK_FILE):
        self.timeout = timeout
        self.path = path
        self.file = None

    def __enter__(self):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.file = open(self.path, 'a+')   # pylint: disable=consider-using-with

        def attempt():
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except (OSError, IOError):
                return False

        if not wait_until(attempt, self.timeout, 1.0):
            self.file.seek(0)
            holder = self.file.read(200).strip()
            self.file.close()
            raise LockBusy('Another task of mko has been working on this node for more than %d s (%s). Wait for its end and try again.'
                           % (self.timeout, holder or 'unknown process'))
        self.file.seek(0)
        self.file.truncate()
        self.file.write('pid %d since %s' % (os.getpid(), time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())))
        self.file.flush()
        return self

    def __exit__(self, *unused):
        self.file.truncate(0)
        self.file.close()
        return False


class LockBusy(Exception):
    """Somebody else works on this node."""


def read(path, default=''):
    """The text of a file, or default when it cannot be read."""
    try:
        with open(path, 'rb') as handle:
            return handle.read().decode('utf-8', 'replace')
    except (OSError, IOError):
        return default


def write_atomic(path, body, mode):
    """Replace a file whole, so that nobody sees half of it."""
    temporary = '%s.mko-%d' % (path, os.getpid())
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(fd, 'wb') as handle:
            handle.write(body.encode('utf-8'))
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except Exception:
        os.unlink(temporary)
        raise


def finding(code, severity, message, fix=''):
    """A remark about a node or a cluster. severity: info, warning, blocking."""
    return {'code': code, 'severity': severity, 'message': message, 'fix': fix}
