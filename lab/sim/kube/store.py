"""The cluster's object store: what dqlite holds in a real MicroK8s.

Owns one directory per cluster, shared by every process of the machine that plays a node of it: `objects.db` (SQLite, a global
revision counter, a short history for watches) and `notify/RESOURCE`, files whose touch wakes the watchers of that resource in all
processes. It knows nothing of kinds or API rules beyond `metadata`. A resource is named as kubectl does: `pods`, `deployments.apps`.

Invariant: an object's `metadata.resourceVersion` is the revision that wrote it, and revisions only grow.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import select
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sim.kube.clock import timestamp
from sim.kube.notify import Notifier

Object = dict[str, Any]

HISTORY_PER_RESOURCE = 200
PRUNE_EVERY = 64
IDENTITY = ("name", "namespace", "uid", "creationTimestamp", "resourceVersion")
SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT, namespace TEXT, name TEXT, data TEXT NOT NULL, PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, previous TEXT);
CREATE INDEX IF NOT EXISTS events_by_resource ON events (resource, revision);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counters VALUES ('revision', 0);
"""


class StoreError(Exception):
    """A request that the store refuses; `resource` and `name` say on what."""

    def __init__(self, resource: str, name: str, detail: str = ""):
        super().__init__(detail or f'{resource} "{name}"')
        self.resource, self.name, self.detail = resource, name, detail


class NotFound(StoreError):
    """The object is not there."""


class AlreadyExists(StoreError):
    """An object of that name is there already."""


class Conflict(StoreError):
    """The object has changed since the caller read it (or its uid is another)."""


class Gone(StoreError):
    """The history that a watch asks for has been thrown away."""


@dataclass(frozen=True)
class Event:
    """One change. `type` is ADDED, MODIFIED or DELETED; `previous` is the object before it (None when ADDED)."""

    revision: int
    resource: str
    type: str
    object: Object
    previous: Object | None


class Subscription:
    """Wakes its owner when one of some resources changes. `fileno()` can be given to select/poll."""

    def __init__(self, notifier: Notifier, resources: Iterable[str]):
        self._notifier = notifier
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closed = False
        notifier.add(self._fd, resources)

    def fileno(self) -> int:
        return self._fd

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until something changed or `wake` was called (True) or `timeout` seconds passed (False)."""
        ready, _, _ = select.select([self._fd], [], [], timeout)
        return self.clear() if ready else False

    def clear(self) -> bool:
        """Forget pending wake-ups; True if there were any."""
        try:
            os.eventfd_read(self._fd)
        except (BlockingIOError, OSError):
            return False
        return True

    def wake(self) -> None:
        """Wake the owner from another thread (to make it look at its stop flag)."""
        if not self._closed:
            os.eventfd_write(self._fd, 1)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._notifier.remove(self._fd)
            os.close(self._fd)


class ObjectStore:
    """The objects of one cluster, in `directory` (made when missing). Safe for threads and for several processes.

    Every method returns and takes plain dicts as the API shows them. Objects given in are not kept; objects given out are the
    caller's. All writes are one transaction each; `update` and `patch` that change nothing write nothing.
    """

    def __init__(self, directory: str | os.PathLike[str]):
        self.directory = os.fspath(directory)
        os.makedirs(self.directory, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            os.path.join(self.directory, "objects.db"), timeout=20, isolation_level=None, check_same_thread=False
        )
        # The lab's "power cut" kills processes, not the host: no fsync is needed, but the journal must survive a killed process.
        self._db.execute("PRAGMA journal_mode=TRUNCATE")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(SCHEMA)
        self._notifier = Notifier(os.path.join(self.directory, "notify"))

    def close(self) -> None:
        """Stop waking subscriptions and close the database."""
        self._notifier.close()
        with self._lock:
            self._db.close()

    # Reading

    def revision(self) -> int:
        """The revision of the last write."""
        with self._lock:
            return self._counter("revision")

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """The object, or None when it is not there."""
        with self._lock:
            row = self._row(resource, namespace, name)
        return None if row is None else json.loads(row)

    def list(self, resource: str, namespace: str | None = None) -> list[Object]:
        """All objects of a resource in order of namespace and name; `namespace` None = of all namespaces."""
        return self.snapshot(resource, namespace)[0]

    def snapshot(self, resource: str, namespace: str | None = None) -> tuple[list[Object], int]:
        """`list`, and the revision at which it was read (where a watch goes on)."""
        query, args = "SELECT data FROM objects WHERE resource = ?", [resource]
        if namespace is not None:
            query, args = query + " AND namespace = ?", [resource, namespace]
        with self._transaction("DEFERRED"):
            rows = self._db.execute(query + " ORDER BY namespace, name", args).fetchall()
            revision = self._counter("revision")
        return [json.loads(data) for (data,) in rows], revision

    def last_change(self, resource: str) -> int:
        """The revision of the last write to one resource; 0 = never."""
        with self._lock:
            (newest,) = self._db.execute("SELECT max(revision) FROM events WHERE resource = ?", (resource,)).fetchone()
            return newest or self._counter("pruned:" + resource)

    # Writing

    def create(self, resource: str, obj: Object) -> Object:
        """Store a new object; fills in uid, creationTimestamp, resourceVersion. Raises AlreadyExists."""
        obj = copy.deepcopy(obj)
        meta = obj.setdefault("metadata", {})
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", timestamp())
        with self._transaction("IMMEDIATE"):
            if self._row(resource, meta.get("namespace", ""), meta["name"]) is not None:
                raise AlreadyExists(resource, meta["name"])
            self._write(resource, "ADDED", obj, None)
        self._notifier.touch(resource)
        return obj

    def update(self, resource: str, obj: Object) -> Object:
        """Replace an object. With `metadata.resourceVersion` given it must still be the current one.

        Raises NotFound, Conflict.
        """
        meta = obj["metadata"]
        expected = meta.get("resourceVersion")

        def replace(current: Object) -> Object:
            if expected and expected != current["metadata"]["resourceVersion"]:
                raise Conflict(resource, meta["name"], "the object has been modified")
            return copy.deepcopy(obj)

        return self.patch(resource, meta["name"], replace, meta.get("namespace", ""))

    def patch(self, resource: str, name: str, change: Callable[[Object], Object | None], namespace: str = "") -> Object:
        """Read, change and write an object in one transaction. `change` alters its argument or returns a new object.

        Raises NotFound and whatever `change` raises (then nothing is written).
        """
        with self._transaction("IMMEDIATE"):
            row = self._row(resource, namespace, name)
            if row is None:
                raise NotFound(resource, name)
            before, draft = json.loads(row), json.loads(row)
            after = change(draft) or draft
            identity = {key: before["metadata"][key] for key in IDENTITY if key in before["metadata"]}
            after["metadata"] = {**(after.get("metadata") or {}), **identity}
            if after == before:
                return before
            self._write(resource, "MODIFIED", after, before)
        self._notifier.touch(resource)
        return after

    def delete(self, resource: str, name: str, namespace: str = "", uid: str | None = None) -> Object:
        """Remove an object and return its last state. With `uid` only that very object. Raises NotFound, Conflict."""
        with self._transaction("IMMEDIATE"):
            row = self._row(resource, namespace, name)
            if row is None:
                raise NotFound(resource, name)
            last = json.loads(row)
            if uid and uid != last["metadata"]["uid"]:
                raise Conflict(resource, name, "the UID in the precondition does not match the UID in record")
            self._write(resource, "DELETED", copy.deepcopy(last), last)
        self._notifier.touch(resource)
        return last

    def apply(self, resource: str, obj: Object) -> Object:
        """Create the object, or replace the one of that name, whatever controllers do to it meanwhile."""
        meta = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
        while True:
            try:
                return self.create(resource, obj)
            except AlreadyExists:
                with contextlib.suppress(NotFound):
                    return self.update(resource, {**obj, "metadata": meta})

    def put_back(self, resource: str, obj: Object) -> None:
        """Write an object as it was saved, its uid too, over one that may have its name: below the API, as `dbctl restore` does."""
        obj = copy.deepcopy(obj)
        with self._transaction("IMMEDIATE"):
            row = self._row(resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            self._write(resource, "ADDED" if row is None else "MODIFIED", obj, row and json.loads(row))
        self._notifier.touch(resource)

    # Watching

    def events_since(self, resource: str, revision: int) -> list[Event]:
        """The changes of one resource after `revision`, oldest first. Raises Gone when they are no longer all there."""
        with self._transaction("DEFERRED"):
            if revision < self._counter("pruned:" + resource):
                raise Gone(resource, "", f"too old resource version: {revision}")
            rows = self._db.execute(
                "SELECT revision, type, data, previous FROM events WHERE resource = ? AND revision > ? ORDER BY revision",
                (resource, revision),
            ).fetchall()
        return [
            Event(number, resource, kind, json.loads(data), None if previous is None else json.loads(previous))
            for number, kind, data, previous in rows
        ]

    def subscribe(self, resources: Iterable[str]) -> Subscription:
        """A Subscription woken by every write to one of `resources`, from whatever process. Close it after use."""
        return Subscription(self._notifier, resources)

    # Backup

    def dump(self) -> Object:
        """Everything as one JSON-able document: `{"revision": N, "objects": {RESOURCE: [object, ...]}}`."""
        with self._transaction("DEFERRED"):
            rows = self._db.execute("SELECT resource, data FROM objects ORDER BY resource, namespace, name").fetchall()
            revision = self._counter("revision")
        objects: dict[str, list[Object]] = {}
        for resource, data in rows:
            objects.setdefault(resource, []).append(json.loads(data))
        return {"revision": revision, "objects": objects}

    def load(self, document: Object) -> None:
        """Replace everything by a `dump`; the revision never goes back, and old watches end with Gone."""
        with self._transaction("IMMEDIATE"):
            resources = {name for (name,) in self._db.execute("SELECT DISTINCT resource FROM objects")}
            self._db.execute("DELETE FROM objects")
            self._db.execute("DELETE FROM events")
            revision = max(document["revision"], self._counter("revision")) + 1
            self._set_counter("revision", revision)
            for resource, objects in document["objects"].items():
                resources.add(resource)
                self._db.executemany(
                    "INSERT INTO objects VALUES (?, ?, ?, ?)",
                    [
                        (resource, o["metadata"].get("namespace", ""), o["metadata"]["name"], json.dumps(o))
                        for o in objects
                    ],
                )
            for resource in resources:
                self._set_counter("pruned:" + resource, revision)
        for resource in resources:
            self._notifier.touch(resource)

    # Inside

    @contextlib.contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN " + kind)
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _row(self, resource: str, namespace: str, name: str) -> str | None:
        row = self._db.execute(
            "SELECT data FROM objects WHERE resource = ? AND namespace = ? AND name = ?", (resource, namespace, name)
        ).fetchone()
        return None if row is None else row[0]

    def _counter(self, name: str) -> int:
        row = self._db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else row[0]

    def _set_counter(self, name: str, value: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, value))

    def _write(self, resource: str, kind: str, obj: Object, previous: Object | None) -> None:
        """Write the new state (or the removal) of `obj` under the next revision, which is stamped on it."""
        revision = self._counter("revision") + 1
        self._set_counter("revision", revision)
        meta = obj["metadata"]
        meta["resourceVersion"] = str(revision)
        key, data = (resource, meta.get("namespace", ""), meta["name"]), json.dumps(obj)
        if kind == "DELETED":
            self._db.execute("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?", key)
        else:
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (*key, data))
        self._db.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
            (revision, resource, kind, data, None if previous is None else json.dumps(previous)),
        )
        if revision % PRUNE_EVERY == 0:
            self._prune()

    def _prune(self) -> None:
        """Keep the newest HISTORY_PER_RESOURCE changes of each resource."""
        counts = self._db.execute("SELECT resource, count(*) FROM events GROUP BY resource").fetchall()
        for resource, count in counts:
            if count <= HISTORY_PER_RESOURCE:
                continue
            (last,) = self._db.execute(
                "SELECT revision FROM events WHERE resource = ? ORDER BY revision DESC LIMIT 1 OFFSET ?",
                (resource, HISTORY_PER_RESOURCE),
            ).fetchone()
            self._db.execute("DELETE FROM events WHERE resource = ? AND revision <= ?", (resource, last))
            self._set_counter("pruned:" + resource, last)


class Reader:
    """Lists of whole resources, read again only after a change. Its objects are shared: never alter them. One thread."""

    def __init__(self, store: ObjectStore):
        self._store = store
        self._lists: dict[str, tuple[int, list[Object]]] = {}

    def list(self, resource: str) -> list[Object]:
        """All objects of a resource."""
        change = self._store.last_change(resource)
        known = self._lists.get(resource)
        if known is None or known[0] != change:
            known = (change, self._store.list(resource))
            self._lists[resource] = known
        return known[1]
