# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""The snap of MicroK8s, through snapd's socket (reading) and /usr/bin/snap (changing).

Exit codes of snap are not truth: "already installed" is 0 with any channel. So the state is read again after each change.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import datetime
import http.client
import json
import os
import re
import socket
import time

from ansible_collections.mko.microk8s.plugins.module_utils.proc import run

SNAP = '/usr/bin/snap'
SOCKET = '/run/snapd.socket'
RETRY_TEXTS = (
    'unable to contact snap store', 'cannot contact', 'received an unexpected http response code (5', 'received an unexpected http response code (429',
    'too many requests', 'i/o timeout', 'tls handshake timeout', 'connection reset', 'connection refused', 'connection timed out', 'temporary failure in name resolution',
    'no such host', 'network is unreachable', 'unexpected eof', 'context deadline exceeded', 'change in progress', 'too early for operation',
    'cannot communicate with server', 'store server error', 'persistent network error', 'sha3-384',
)
FINAL_TEXTS = ('run hook', 'low disk space', 'no space left', 'access denied', 'not found', 'not available', 'no snap revision')


class SnapdError(Exception):
    """snapd does not answer."""


class _Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def get(path, timeout=15):
    """The (HTTP status, result) of a GET; SnapdError when there is no answer."""
    connection = _Connection('localhost', timeout=timeout)
    try:
        connection.request('GET', path)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read().decode('utf-8', 'replace')).get('result')
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SnapdError('snapd does not answer at %s: %s' % (SOCKET, error))
    finally:
        connection.close()


def is_held(hold, now=None):
    """Whether snapd's "hold" time lies in the future. Go writes up to nine fraction digits and the year 2315 for "for ever"."""
    match = re.match(r'(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)', str(hold or ''))
    if not match:
        return False
    return datetime.datetime(*[int(part) for part in match.groups()]) > (now or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None))


def parse_snap(result):
    """What we use of GET /v2/snaps/microk8s."""
    services = {}
    for app in result.get('apps') or ():
        if app.get('daemon'):
            services[re.sub('^daemon-', '', app['name'])] = {'active': bool(app.get('active')), 'enabled': bool(app.get('enabled'))}
    return {
        'version': result.get('version'), 'revision': str(result.get('revision') or '') or None,
        'channel': result.get('tracking-channel') or result.get('channel'), 'active': result.get('status') == 'active',
        'held': is_held(result.get('hold')), 'confinement': result.get('confinement'), 'services': services,
    }


def microk8s_snap():
    """The snap as parse_snap(), or None when it is not installed."""
    status, result = get('/v2/snaps/microk8s')
    if status == 404:
        return None
    if status != 200 or not isinstance(result, dict):
        raise SnapdError('snapd answered %s: %s' % (status, (result or {}).get('message') if isinstance(result, dict) else result))
    return parse_snap(result)


def pending_changes():
    """IDs of the changes of MicroK8s that are not over."""
    unused, result = get('/v2/changes?select=in-progress&for=microk8s')
    return [str(one.get('id')) for one in result or () if not one.get('ready') and 'microk8s' in str(one.get('summary'))]


def version(text):
    """snapd's version as a tuple from `snap version`, (0, 0) when unknown."""
    match = re.search(r'^snapd\s+(\d+)\.(\d+)', text, re.M)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


def split_channel(channel):
    """(track, risk): "1.32" means 1.32/stable, "stable" means latest/stable."""
    part = [one for one in (channel or '').split('/') if one]
    risks = ('stable', 'candidate', 'beta', 'edge')
    if not part:
        return 'latest', 'stable'
    if part[0] in risks:
        return 'latest', '/'.join(part)
    return part[0], '/'.join(part[1:]) or 'stable'


def verdict(result):
    """What to do after a failed snap command: "retry" (it may work later) or "final" (somebody must act)."""
    text = result.text.lower()
    if result.rc == 10:
        return 'retry'
    if any(one in text for one in RETRY_TEXTS) and 'run hook' not in text:
        return 'retry'
    if 'download snap' in text and not any(one in text for one in FINAL_TEXTS):
        return 'retry'
    return 'final'


def snap(argv, timeout):
    return run([SNAP] + list(argv), timeout)


def changing(argv, timeout, attempts, delay, log):
    """Run a changing snap command until it works. Returns (Result, tries). Stops at once where waiting cannot help.

    attempts counts failures that may pass (network); a conflict with another change of snapd is waited for, within timeout.
    """
    deadline = time.monotonic() + timeout
    tries, failures, pause = 0, 0, delay
    while True:
        tries += 1
        result = snap(argv, max(30, deadline - time.monotonic()))
        if result.rc == 0:
            return result, tries
        conflict = result.rc == 10
        failures += 0 if conflict else 1
        log('snap %s: rc %d: %s' % (argv[0], result.rc, result.short(300)))
        if result.timed_out or verdict(result) == 'final' or failures >= attempts or time.monotonic() + pause >= deadline:
            return result, tries
        time.sleep(pause)
        pause = min(pause * 2, 30)


def wait_seeded(timeout):
    """A fresh system installs its first snaps by itself; nothing works before. None or what is wrong."""
    if not os.path.exists(SNAP):
        return '%s does not exist: snapd is not installed.' % SNAP
    result = snap(['wait', 'system', 'seed.loaded'], timeout)
    if result.rc != 0:
        return 'snapd did not become ready within %d s: %s' % (timeout, result.short(500) or 'rc %d' % result.rc)
    return None
