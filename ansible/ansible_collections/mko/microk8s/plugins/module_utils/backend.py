# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""The folder of the datastore as files: how far its log goes, whole copies of it, and replacing its log. All of it with k8s-dqlite stopped,
but for looking. An archive counts only after it was opened to its end.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import gzip
import os
import re
import shutil
import tarfile
import zlib

from ansible_collections.mko.microk8s.plugins.module_utils import mk8s
from ansible_collections.mko.microk8s.plugins.module_utils.archive import Broken
from ansible_collections.mko.microk8s.plugins.module_utils.proc import write_atomic

SEGMENT = re.compile(r'^(\d{16})-(\d{16})$')
SNAPSHOT = re.compile(r'^snapshot-\d+-(\d+)-\d+$')
LOG = re.compile(r'^(\d{16}-\d{16}|snapshot-\d+-\d+-\d+(\.meta)?|open-\d+|metadata[12])$')
# What a survivor takes over from the chosen one: closed segments, snapshots, and how its log is counted.
TAKEN = re.compile(r'^(\d{16}-\d{16}|snapshot-\d+-\d+-\d+(\.meta)?|metadata[12]|cluster\.yaml)$')
FILES_MAX = 10000
MEMBERS_MAX = 1000


def last_index(names):
    """Where a log with these files ends; 0 without closed segments and snapshots."""
    ends = [int(match.group(2)) for match in map(SEGMENT.match, names) if match]
    ends += [int(match.group(1)) for match in map(SNAPSHOT.match, names) if match]
    return max(ends or [0])


def has_log(names):
    return any(SEGMENT.match(name) or SNAPSHOT.match(name) for name in names)


def names_in(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def cluster_yaml(members):
    """The file for these members, [{id, address}]: all of them voters."""
    return ''.join('- Address: %s\n  ID: %s\n  Role: 0\n' % (one['address'], one['id']) for one in members)


def pack(path, folder, keep=None, extra=()):
    """Make a private archive of a folder as backend/, of `extra` folders and files by their names. @keep pattern of names, None = all"""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, 'wb') as out, tarfile.open(fileobj=out, mode='w:gz') as tar:
        for name in names_in(folder):
            if os.path.isfile('%s/%s' % (folder, name)) and (keep is None or keep.match(name)):
                tar.add('%s/%s' % (folder, name), 'backend/' + name, recursive=False)
        for item in extra:
            if os.path.exists(item):
                tar.add(item, os.path.basename(item))


def _to_its_end(path):
    with gzip.open(path, 'rb') as stream:     # tar itself stops before the checksum
        while stream.read(1 << 20):
            pass


def prove(path):
    """Open an archive of pack(). Returns {files, members, last_index}. Raises Broken."""
    sizes, members = {}, []
    try:
        _to_its_end(path)
        with tarfile.open(path, 'r:gz') as tar:
            for member in tar:
                if len(sizes) >= FILES_MAX:
                    raise Broken('it holds more than %d files' % FILES_MAX)
                sizes[member.name] = member.size if member.isfile() else None
                if member.name == 'backend/cluster.yaml' and member.isfile() and member.size < 1 << 20:
                    members = mk8s.parse_members(tar.extractfile(member).read().decode('utf-8', 'replace'))
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise Broken('it cannot be read to its end (%s)' % error)
    names = [name[len('backend/'):] for name in sizes if name.startswith('backend/')]
    if not members or len(members) > MEMBERS_MAX:
        raise Broken('it says nothing of the members of a datastore')
    empty = [name for name in names if (SEGMENT.match(name) or SNAPSHOT.match(name)) and not sizes['backend/' + name]]
    if empty:
        raise Broken('parts of the log are empty: %s' % ', '.join(empty[:5]))
    if not has_log(names):
        raise Broken('it holds no log of a datastore')
    return {'files': len(sizes), 'members': members, 'last_index': last_index(names)}


def take_log(path, folder):
    """Replace the log in a folder by that of a proven archive; the identity of the node (info.yaml, certificates) stays."""
    proven = prove(path)
    fresh = folder + '.mko-new'
    shutil.rmtree(fresh, ignore_errors=True)
    os.mkdir(fresh, 0o700)
    try:
        with tarfile.open(path, 'r:gz') as tar:
            for member in tar:
                name = member.name[len('backend/'):]
                if not member.isfile() or not member.name.startswith('backend/') or not TAKEN.match(name):
                    continue
                with open(fresh + '/' + name, 'wb') as out:
                    shutil.copyfileobj(tar.extractfile(member), out)
        like = os.stat(folder)
        for name in names_in(folder):
            if LOG.match(name):
                os.unlink('%s/%s' % (folder, name))
        for name in names_in(fresh):
            target = '%s/%s' % (folder, name)
            os.rename('%s/%s' % (fresh, name), target)
            os.chown(target, like.st_uid, like.st_gid)
            os.chmod(target, 0o660)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return proven


def write_members(folder, members):
    path = folder + '/cluster.yaml'
    like = os.stat(path)
    write_atomic(path, cluster_yaml(members), 0o660)
    os.chown(path, like.st_uid, like.st_gid)
