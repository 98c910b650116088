# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""The certificate files of MicroK8s on this node and when they end. Reading only; openssl reads them, for a node has no library."""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import datetime
import os
import re

from ansible_collections.mko.microk8s.plugins.module_utils import mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.proc import run

RENEWABLE = ('server.crt', 'front-proxy-client.crt')
MONTHS = ('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec')


def parse_enddate(text):
    """"notAfter=Nov  5 10:11:12 2026 GMT" as a UTC datetime, or None."""
    match = re.search(r'notAfter=([A-Z][a-z]{2}) +(\d+) (\d\d):(\d\d):(\d\d) (\d{4}) GMT', text)
    if not match or match.group(1) not in MONTHS:
        return None
    numbers = [int(match.group(index)) for index in (2, 3, 4, 5, 6)]
    return datetime.datetime(numbers[4], MONTHS.index(match.group(1)) + 1, *numbers[:4])


def paths():
    """All certificate files, by name."""
    found = []
    for folder in (mk8s.DATA + '/certs', mk8s.BACKEND):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        found += [(name, folder + '/' + name) for name in names if name.endswith('.crt')]
    return found


def read_certs(now):
    worker = 'clustered.lock' in mk8s.locks()
    certs = []
    for name, path in paths():
        if worker and path.startswith(mk8s.BACKEND):
            continue    # left over from before the node joined; nothing uses it
        end = parse_enddate(run(['/usr/bin/openssl', 'x509', '-noout', '-enddate', '-in', path], 10).out)
        certs.append({'name': name, 'path': path, 'not_after': end.strftime('%Y-%m-%dT%H:%M:%SZ') if end else None,
                      'days_left': (end - now).days if end else None, 'renewable': name in RENEWABLE and not worker})
    return certs
