# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""What happens in a run of ansible-playbook, as JSON lines for a parent process.

This module owns the translation of Ansible's callback hooks into event lines; it knows nothing of MicroK8s or of mko.
Invariants: one event = one line of valid UTF-8 below MAX_LINE bytes; a value that a task declared no_log never passes,
except in a "secret" event; an exception in a hook becomes a "warning" event and never disturbs the run.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

DOCUMENTATION = '''
name: events
type: notification
short_description: Write what happens as JSON lines to an inherited file descriptor
version_added: 1.0.0
author: The mko team
description:
  - Writes one JSON object a line to the file descriptor whose number is in the environment variable E(MKO_EVENTS_FD).
    A parent process reads the other end of the pipe and shows progress per host, live.
  - Does nothing but print a warning when the variable is absent or is not a writable descriptor. When the reader goes
    away, the plugin falls silent and the run goes on.
  - 'Events, with their keys in this order:
    C(playbook_start) (playbook, tasks_total), C(play_start) (play, hosts), C(task_start) (task, task_id, action),
    C(host_task_start) (host, task_id), C(host_task) (host, task, task_id, status, duration_ms; message for a failure or
    a skip; rc, stdout, stderr only for a failure), C(host_item) (host, task_id, status, item, message),
    C(host_retry) (host, task_id, attempt), C(diff) (host, task_id, diff), C(data) (host, data), C(secret) (host, data),
    C(warning) (message), C(no_hosts), C(stats) (hosts).'
  - C(status) is one of ok, changed, failed, ignored, skipped, unreachable. A failure that a C(rescue) section takes over
    is C(ignored), for the run goes on.
  - A host in C(stats) has C(lost) when it did not answer the last time it was asked and C(ignore_unreachable) let the run go on.
  - C(task) is the name as it is written in the playbook, with its templates unfilled, because a filled-in template might
    hold a secret.
  - C(tasks_total) counts the tasks of all plays once, including roles and static imports, C(always) sections and fact
    gathering. Not counted, as nobody can know it before the run - tasks of C(include_tasks) and C(include_role), handlers,
    C(rescue) sections, further batches of C(serial), and tasks that tags leave out are still counted.
  - C(data) is sent at once when a task sets the per-host statistic C(mko_result) with M(ansible.builtin.set_stats). The
    receiver merges it into earlier ones of that host, by the keys of the top level; a large one arrives in parts.
  - C(secret) is sent at the end for the per-host statistic C(mko_secret), whose task must have C(no_log=true). Never run
    with E(ANSIBLE_SHOW_CUSTOM_STATS), which prints it.
  - Strings are cut at 4000 characters (not in C(data) and C(secret)), a line stays below 32 KiB.
requirements:
  - enable it with C(callbacks_enabled=mko.microk8s.events)
'''

import fcntl
import functools
import json
import os
import re
import time

from ansible.plugins.callback import CallbackBase

MAX_STRING = 4000        # characters of one string
MAX_LINE = 32 * 1024     # bytes of one line with its newline; every line is shorter
MAX_ITEMS = 1000         # entries of one list or mapping
MAX_DEPTH = 12           # nesting of data
STATUS_STATS = (('ok', 'ok'), ('changed', 'changed'), ('failed', 'failures'), ('skipped', 'skipped'),
                ('unreachable', 'unreachable'), ('rescued', 'rescued'), ('ignored', 'ignored'))
# How Ansible tells that ssh ended without a word (plugins/connection/ssh.py): its connection, or the shared one it used, was ended.
SILENT_END = re.compile(r'Data could not be sent to remote host "[^"]*"\. Make sure this host can be reached over ssh: \s*')
CONNECTION_BROKE = 'The SSH connection ended without a reason while this task ran on the host; the task may have done its work.'

# How Ansible tells that nothing came back on an open connection (plugins/connection/ssh.py), as when the link was cut.
SILENT_NODE = re.compile(r'Timeout \((\d+)s\) waiting for privilege escalation prompt: \s*')
NO_ANSWER = 'The node stopped answering: nothing came back for %s s, neither from the task nor from sudo.'


def text(value, limit=MAX_STRING):
    """A plain str of at most limit characters (None: any), free of lone surrogates and NUL; tags and subclasses are lost."""
    if isinstance(value, bytes):
        value = value.decode('utf-8', 'replace')
    value = ''.join(str(value).encode('utf-8', 'replace').decode('utf-8').split('\0'))
    if limit is not None and len(value) > limit:
        note = '...[%d more]' % (len(value) - limit)
        value = value[:max(0, limit - len(note))] + note
    return value


def plain(value, limit=MAX_STRING, depth=0):
    """A copy of value that is safe for JSON: bounded in size, without Ansible's own string types and private keys."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if value == value and abs(value) != float('inf') else None
    if depth >= MAX_DEPTH:
        return '...'
    if isinstance(value, dict):
        return {text(k, 200): plain(v, limit, depth + 1) for k, v in list(value.items())[:MAX_ITEMS]
                if not text(k, 200).startswith('_ansible_')}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v, limit, depth + 1) for v in list(value)[:MAX_ITEMS]]
    return text(value, limit)


def encode(event, **fields):
    """One line, or None when it would be too long."""
    line = json.dumps(dict({'event': event}, **fields), separators=(',', ':'), ensure_ascii=True, allow_nan=False).encode('ascii') + b'\n'
    return line if len(line) < MAX_LINE else None


def encode_bounded(event, **fields):
    """One line in any case: strings are cut ever shorter until it fits."""
    line = encode(event, **fields)
    limit = MAX_STRING
    while line is None and limit >= 50:
        limit //= 2
        line = encode(event, **plain(fields, limit))
    return line or encode('warning', message='An event "%s" was too large and was left out.' % event)


def guarded(hook):
    """A hook that raises becomes a warning event: Ansible itself would print a line and lose the event."""
    @functools.wraps(hook)
    def wrapper(self, *args, **kwargs):
        if self.disabled or self.fd < 0:
            return
        try:
            hook(self, *args, **kwargs)
        except Exception as error:  # pylint: disable=broad-except
            try:
                # The name of the class alone: the text of an exception may quote a value that is secret.
                self.emit('warning', message='The events plugin failed in %s (%s).' % (hook.__name__, type(error).__name__))
            except Exception:  # pylint: disable=broad-except
                self.disabled = True
    return wrapper


class CallbackModule(CallbackBase):
    """See DOCUMENTATION."""
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'mko.microk8s.events'
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super(CallbackModule, self).__init__(*args, **kwargs)
        self.fd = -1
        self.started = {}        # (host, task id) -> monotonic seconds
        self.names = {}          # task id -> name as written
        self.lost = set()        # hosts that did not answer when they were last asked, though the run went on
        value = os.environ.get('MKO_EVENTS_FD')
        try:
            if value is None:
                raise ValueError('the environment variable MKO_EVENTS_FD is not set')
            fd = int(value)
            if fd < 0 or fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                raise ValueError('MKO_EVENTS_FD is not a writable descriptor')
            os.set_inheritable(fd, False)   # ssh masters that stay behind must not keep the pipe open
            self.fd = fd
        except (OSError, ValueError) as error:
            self._display.warning('No events are written: %s' % text(error))
            self.disabled = True

    # -- writing ----------------------------------------------------------------------------------------------------

    def emit(self, event, **fields):
        self.write(encode_bounded(event, **fields))

    def write(self, line):
        while line and not self.disabled:
            try:
                line = line[os.write(self.fd, line):]
            except BlockingIOError:
                time.sleep(0.005)
            except InterruptedError:
                continue
            except OSError:
                self.disabled = True    # the reader is gone: let Ansible finish

    def emit_data(self, event, host, data):
        """data and secret: not cut but, when too long for one line, sent in parts that the receiver merges."""
        data = plain(data, None)
        line = encode(event, host=host, data=data)
        if line:
            self.write(line)
            return
        for key, value in data.items():
            line = encode(event, host=host, data={key: value})
            if line:
                self.write(line)
            elif event == 'secret':
                self.emit('warning', message='The secret "%s" of %s is too large and was left out.' % (key, host))
            else:
                self.emit('warning', message='The result "%s" of %s is too large and was cut.' % (key, host))
                self.write(encode_bounded(event, host=host, data={key: plain(value)}))

    # -- reading Ansible's objects; 2.19 has public names for what was private ------------------------------------------

    @staticmethod
    def part(result, name):
        value = getattr(result, name, None)
        return value if value is not None else getattr(result, '_' + name)

    def name_of(self, task):
        """The name as written. Ansible fills in templates before it calls us, so look at the source first."""
        name = self.names.get(task._uuid)
        if name is None:
            source = getattr(task, '_ds', None)
            name = source.get('name') if isinstance(source, dict) else None
            if not name:
                name = task.name or task.action
            name = self.names[task._uuid] = text(name, 300)
        return name

    @staticmethod
    def is_rescued(task):
        """Whether a failure of this task is taken over by the rescue section of a block around it."""
        child, parent = task, getattr(task, '_parent', None)
        while parent is not None:
            section = getattr(parent, 'block', None)
            if getattr(parent, 'rescue', None) and isinstance(section, list):
                if any(getattr(one, '_uuid', None) == child._uuid for one in section):
                    return True
            child, parent = parent, getattr(parent, '_parent', None)
        return False

    @staticmethod
    def message_of(result):
        """Why a task failed or was skipped, in one text. A censored result has only the censor's remark."""
        if result.get('censored'):
            return 'Hidden: the task has no_log.'
        items = []
        for one in result.get('results') or ():
            if isinstance(one, dict) and one.get('failed') and not one.get('skipped'):
                if one.get('censored'):
                    return 'Hidden: the task has no_log.'
                items.append('%s: %s' % (text(one.get('_ansible_item_label', one.get('item')), 100), text(one.get('msg') or one.get('stderr') or 'failed', 1000)))
        if items:
            return text('; '.join(items))
        for key in ('msg', 'skip_reason', 'reason', 'exception', 'module_stderr', 'stderr'):
            if result.get(key):
                message = text(result[key])
                silent = SILENT_NODE.fullmatch(message)
                return CONNECTION_BROKE if SILENT_END.fullmatch(message) else NO_ANSWER % silent.group(1) if silent else message
        return ''

    def result(self, result, status):
        host = self.part(result, 'host').get_name()
        task = self.part(result, 'task')
        body = self.part(result, 'result') or {}
        begun = self.started.pop((host, task._uuid), None)
        if status != 'unreachable' and isinstance(body.get('invocation'), dict) and not task.delegate_to:
            self.lost.discard(host)     # a module ran there
        fields = {
            'host': host, 'task': self.name_of(task), 'task_id': text(task._uuid), 'status': status,
            'duration_ms': int((time.monotonic() - begun) * 1000) if begun is not None else 0,
        }
        if status in ('failed', 'ignored', 'unreachable', 'skipped'):
            fields['message'] = self.message_of(body)
        if status in ('failed', 'ignored') and not body.get('censored'):
            if isinstance(body.get('rc'), int):
                fields['rc'] = body['rc']
            for ours, theirs in (('stdout', ('stdout', 'module_stdout')), ('stderr', ('stderr', 'module_stderr'))):
                value = next((body[key] for key in theirs if body.get(key)), None)
                if value is not None:
                    fields[ours] = text(value)
        self.emit('host_task', **fields)
        for warning in body.get('warnings') or ():
            if not body.get('censored'):
                self.emit('warning', message='%s: %s' % (host, text(warning)))
        self.statistics(host, body)

    def statistics(self, host, body):
        stats = body.get('ansible_stats')
        if isinstance(stats, dict) and not body.get('censored') and isinstance(stats.get('data'), dict):
            if isinstance(stats['data'].get('mko_result'), dict):
                self.emit_data('data', host, stats['data']['mko_result'])

    def item(self, result, status):
        body = self.part(result, 'result') or {}
        hidden = bool(body.get('censored'))
        host = self.part(result, 'host').get_name()
        self.emit('host_item', host=host, task_id=text(self.part(result, 'task')._uuid), status=status,
                  item='' if hidden else self.label(body),
                  message=self.message_of(body) if hidden or status in ('failed', 'skipped') else '')
        self.statistics(host, body)

    @staticmethod
    def label(body):
        value = body.get('_ansible_item_label', body.get('item', ''))
        return text(value, 300) if isinstance(value, str) else text(json.dumps(plain(value, 200)), 300)

    # -- hooks ----------------------------------------------------------------------------------------------------------

    @guarded
    def v2_playbook_on_start(self, playbook):
        name = os.path.splitext(os.path.basename(playbook._file_name))[0]
        try:
            total = sum(count_play(play) for play in playbook.get_plays())
        except Exception as error:  # pylint: disable=broad-except
            self.emit('warning', message='The tasks cannot be counted (%s).' % type(error).__name__)
            total = 0
        self.emit('playbook_start', playbook=text(name, 200), tasks_total=total)

    @guarded
    def v2_playbook_on_play_start(self, play):
        hosts = []
        manager = play.get_variable_manager()
        inventory = getattr(manager, '_inventory', None)
        if inventory is not None:
            hosts = [host.get_name() for host in inventory.get_hosts(play.hosts, order=play.order)]
        source = getattr(play, '_ds', None)
        name = source.get('name') if isinstance(source, dict) else None
        self.emit('play_start', play=text(name or play.get_name(), 300), hosts=plain(hosts, 255))

    def begin(self, task):
        self.emit('task_start', task=self.name_of(task), task_id=text(task._uuid), action=text(task.action, 200))

    @guarded
    def v2_playbook_on_task_start(self, task, is_conditional):
        self.begin(task)

    @guarded
    def v2_playbook_on_cleanup_task_start(self, task):
        self.begin(task)

    @guarded
    def v2_playbook_on_handler_task_start(self, task):
        self.begin(task)

    @guarded
    def v2_runner_on_start(self, host, task):
        self.started[(host.get_name(), task._uuid)] = time.monotonic()
        self.emit('host_task_start', host=host.get_name(), task_id=text(task._uuid))

    @guarded
    def v2_runner_on_ok(self, result):
        self.result(result, 'changed' if (self.part(result, 'result') or {}).get('changed') else 'ok')

    @guarded
    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result(result, 'ignored' if ignore_errors or self.is_rescued(self.part(result, 'task')) else 'failed')

    @guarded
    def v2_runner_on_skipped(self, result):
        self.result(result, 'skipped')

    @guarded
    def v2_runner_on_unreachable(self, result):
        # A task may say that a missing host does not matter; Ansible then goes on with it, and forgets that it is missing.
        ignored = getattr(self.part(result, 'task'), 'ignore_unreachable', False)
        self.result(result, 'ignored' if ignored else 'unreachable')
        if ignored and not self.part(result, 'task').delegate_to:
            self.lost.add(self.part(result, 'host').get_name())

    @guarded
    def v2_runner_retry(self, result):
        self.emit('host_retry', host=self.part(result, 'host').get_name(), task_id=text(self.part(result, 'task')._uuid),
                  attempt=int((self.part(result, 'result') or {}).get('attempts') or 0))

    @guarded
    def v2_runner_item_on_ok(self, result):
        self.item(result, 'changed' if (self.part(result, 'result') or {}).get('changed') else 'ok')

    @guarded
    def v2_runner_item_on_failed(self, result):
        self.item(result, 'failed')

    @guarded
    def v2_runner_item_on_skipped(self, result):
        self.item(result, 'skipped')

    @guarded
    def v2_on_file_diff(self, result):
        body = self.part(result, 'result') or {}
        if body.get('censored'):
            return
        results = body.get('results') if body.get('results') and 'diff' not in body else [body]
        for one in results:
            if isinstance(one, dict) and one.get('diff') and not one.get('censored') and not one.get('_ansible_no_log'):
                diff = self._get_diff(one['diff'])
                if diff:
                    self.emit('diff', host=self.part(result, 'host').get_name(), task_id=text(self.part(result, 'task')._uuid),
                              diff=text(diff))

    @guarded
    def v2_playbook_on_no_hosts_matched(self):
        self.emit('no_hosts')

    @guarded
    def v2_playbook_on_stats(self, stats):
        custom = getattr(stats, 'custom', None) or {}
        for host in sorted(custom):
            secret = custom[host].get('mko_secret') if isinstance(custom[host], dict) else None
            if isinstance(secret, dict):
                self.emit_data('secret', text(host, 255), secret)
        hosts = {}
        for host in sorted(stats.processed):
            summary = stats.summarize(host)
            hosts[text(host, 255)] = {ours: int(summary.get(theirs, 0)) for ours, theirs in STATUS_STATS}
            if host in self.lost:
                hosts[text(host, 255)]['lost'] = 1
        line = encode('stats', hosts=hosts)
        if line:
            self.write(line)
        else:   # some hundred hosts: several lines, the receiver merges them
            for host, counts in hosts.items():
                self.emit('stats', hosts={host: counts})


def count_play(play):
    """The tasks of a play that can be known before it runs."""
    total = sum(count_block(block) for block in play.compile())
    gather = getattr(play, 'gather_facts', None)
    if gather is None:
        from ansible import constants
        gather = getattr(constants, 'DEFAULT_GATHERING', 'implicit') != 'explicit'
    return total + (1 if gather else 0)


def count_block(block):
    total = 0
    for section in (block.block, block.always):
        for one in section or ():
            if hasattr(one, 'block'):
                total += count_block(one)
            elif getattr(one, 'action', None) not in ('meta', 'ansible.builtin.meta', 'ansible.legacy.meta'):
                total += 1
    return total
