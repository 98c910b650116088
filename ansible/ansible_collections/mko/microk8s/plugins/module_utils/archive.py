# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""Archives of the datastore: opened and counted, on the node and on the controller. An archive proves nothing by its existence:
`microk8s dbctl backup` has written empty ones and called it success.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import gzip
import hashlib
import re
import tarfile
import zlib

KEYS_MAX = 1000000
KEY_BYTES_MAX = 64 * 1024


class Broken(Exception):
    """Why an archive is not a whole backup of a datastore."""


def sha256(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as handle:
        for chunk in iter(lambda: handle.read(1 << 20), b''):
            digest.update(chunk)
    return digest.hexdigest()


def read(path):
    """{key: size of its value} of the datastore in an archive of dbctl; reads it to its end. Raises Broken."""
    keys, sizes = {}, {}
    try:
        with gzip.open(path, 'rb') as stream:     # to its end: tar itself stops before the checksum
            while stream.read(1 << 20):
                pass
        with tarfile.open(path, 'r:gz') as tar:
            for member in tar:
                match = re.match(r'^(?:[^/]+/)?(\d+)\.(key|data)$', member.name[2:] if member.name.startswith('./') else member.name)
                if not match or not member.isfile():
                    continue
                if len(keys) >= KEYS_MAX:
                    raise Broken('it holds more than %d keys' % KEYS_MAX)
                if match.group(2) == 'data':
                    sizes[match.group(1)] = member.size
                elif member.size > KEY_BYTES_MAX:
                    raise Broken('the key %s is longer than any key can be' % member.name)
                else:
                    keys[match.group(1)] = tar.extractfile(member).read().decode('utf-8', 'replace')
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise Broken('it cannot be read to its end (%s)' % error)
    if not keys:
        raise Broken('it holds no key')
    missing = sorted(set(keys) ^ set(sizes), key=int)
    if missing:
        raise Broken('keys and values do not fit together: %s' % ', '.join(missing[:5]))
    empty = [keys[number] for number in keys if sizes[number] == 0]
    if len(empty) == len(keys):
        raise Broken('all its values are empty')
    if not any(key.startswith('/registry/') for key in keys.values()):
        raise Broken('it holds nothing of Kubernetes')
    return {keys[number]: sizes[number] for number in keys}


# How keys of the datastore stand for objects: what follows /registry/, and the name that kubectl has for the kind. What comes and goes by
# itself (pods, events, leases, endpoints) is not compared.
KINDS = (
    ('namespaces', 'namespaces'), ('configmaps', 'configmaps'), ('secrets', 'secrets'), ('services/specs', 'services'),
    ('serviceaccounts', 'serviceaccounts'), ('deployments', 'deployments.apps'), ('statefulsets', 'statefulsets.apps'),
    ('daemonsets', 'daemonsets.apps'), ('cronjobs', 'cronjobs.batch'), ('persistentvolumes', 'persistentvolumes'),
    ('persistentvolumeclaims', 'persistentvolumeclaims'), ('poddisruptionbudgets', 'poddisruptionbudgets.policy'),
    ('storageclasses', 'storageclasses.storage.k8s.io'), ('ingress', 'ingresses.networking.k8s.io'),
)
NODES = '/registry/minions/'


def objects(keys):
    """{kind as kubectl names it: [NAMESPACE/NAME or NAME]} of the keys of a backup."""
    found = {}
    for prefix, kind in KINDS:
        start = '/registry/%s/' % prefix
        names = sorted(key[len(start):] for key in keys if key.startswith(start))
        if names:
            found[kind] = names
    return found
