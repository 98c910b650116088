"""One running watch: events of a resource as a stream of JSON lines, with bookmarks and a time limit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from sim.kube.errors import from_store
from sim.kube.httpd import Request, Stream, dumps
from sim.kube.resources import Resource
from sim.kube.store import Event, Gone, Object, ObjectStore, Subscription

BOOKMARK_SECONDS = 60
NO_QUORUM_SECONDS = 1.0
MIN_SECONDS, MAX_SECONDS = 1800, 3600


class Watch:
    """`run` sends until the time limit, until the history is gone, or until the client leaves.

    While `available()` is False (no quorum) it stays open and silent, as a watch on a dqlite without leader does.
    """

    def __init__(
        self,
        store: ObjectStore,
        resource: Resource,
        namespace: str,
        keep: Callable[[Object], bool],
        show: Callable[[Object], Object],
        request: Request,
        available: Callable[[], bool],
    ):
        self._store, self._resource, self._namespace = store, resource, namespace
        self._available = available
        self._keep, self._show = keep, show
        self._start = request.query.get("resourceVersion", "")
        self._bookmarks = request.flag("allowWatchBookmarks")
        self._send_initial = request.flag("sendInitialEvents") or self._start in ("", "0")
        self._initial_end = request.flag("sendInitialEvents")
        seconds = int(request.query.get("timeoutSeconds") or 0)
        self._deadline = time.monotonic() + (seconds or random.randint(MIN_SECONDS, MAX_SECONDS))

    def run(self, stream: Stream) -> None:
        subscription = self._store.subscribe([self._resource.key])
        try:
            self._follow(stream, subscription)
        except Gone as gone:
            stream.send(_line("ERROR", from_store(gone).status()))
        finally:
            subscription.close()

    def _follow(self, stream: Stream, subscription: Subscription) -> None:
        revision = self._initial(stream)
        bookmark_at = time.monotonic() + BOOKMARK_SECONDS
        while (now := time.monotonic()) < self._deadline:
            until = min(self._deadline, bookmark_at)
            if self._available():
                revision = self._send_news(stream, revision)
            else:
                until = now + NO_QUORUM_SECONDS
            if now >= bookmark_at:
                bookmark_at = now + BOOKMARK_SECONDS
                if self._bookmarks:
                    stream.send(self._bookmark(revision, {}))
            if not stream.wait(subscription.fileno(), until - now):
                raise ConnectionResetError
            subscription.clear()

    def _send_news(self, stream: Stream, revision: int) -> int:
        """Send the events after `revision`; the revision of the last one."""
        for event in self._store.events_since(self._resource.key, revision):
            revision = event.revision
            for kind, obj in self._visible(event):
                stream.send(_line(kind, self._show(obj)))
        return revision

    def _initial(self, stream: Stream) -> int:
        """Send the present objects when the client wants them; the revision from which to go on."""
        if not self._send_initial:
            return int(self._start)
        objects, revision = self._store.snapshot(self._resource.key, self._namespace or None)
        for obj in filter(self._keep, objects):
            stream.send(_line("ADDED", self._show(obj)))
        if self._initial_end:
            stream.send(self._bookmark(revision, {"k8s.io/initial-events-end": "true"}))
        return revision

    def _visible(self, event: Event) -> Iterator[tuple[str, Object]]:
        """The event as this watch sees it: an object that enters or leaves the selection is added or deleted."""
        if self._namespace and event.object["metadata"].get("namespace") != self._namespace:
            return
        now = event.type != "DELETED" and self._keep(event.object)
        before = event.previous is not None and self._keep(event.previous)
        if now:
            yield ("MODIFIED" if before else "ADDED"), event.object
        elif before:
            yield "DELETED", event.object

    def _bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        meta = {"resourceVersion": str(revision), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        return _line("BOOKMARK", {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": meta})


def _line(kind: str, obj: Object) -> bytes:
    return dumps({"type": kind, "object": obj})
