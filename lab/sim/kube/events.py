"""Event objects, as components report what they did."""

from __future__ import annotations

import contextlib
import time

from sim.kube.clock import timestamp
from sim.kube.store import AlreadyExists, NotFound, Object, ObjectStore

KEEP = 150


def record(store: ObjectStore, target: Object, kind: str, reason: str, message: str, component: str, host: str = "") -> None:
    """Report about `target`. `kind` is Normal or Warning. A repeated event counts up; the oldest beyond KEEP are removed."""
    meta = target["metadata"]
    namespace = meta.get("namespace") or "default"
    name = f"{meta['name']}.{_fingerprint(meta, reason, message):016x}"
    source = {"component": component, **({"host": host} if host else {})}
    uid = meta["name"] if target["kind"] == "Node" else meta.get("uid", "")
    involved = {"kind": target["kind"], "name": meta["name"], "uid": uid, "apiVersion": target["apiVersion"]}
    if meta.get("namespace"):
        involved["namespace"] = meta["namespace"]
    now = timestamp()
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace}, "involvedObject": involved,
        "type": kind, "reason": reason, "message": message, "source": source, "firstTimestamp": now, "lastTimestamp": now,
        "count": 1, "eventTime": None, "reportingComponent": component, "reportingInstance": host,
    }  # fmt: skip
    try:
        store.create("events", event)
    except AlreadyExists:
        with contextlib.suppress(NotFound):
            store.patch("events", name, lambda old: old.update(count=old["count"] + 1, lastTimestamp=now), namespace)


def _fingerprint(meta: Object, reason: str, message: str) -> int:
    """Equal for the same report about the same object within an hour; shaped like the real names' time stamp."""
    hour = int(time.time()) // 3600
    return hash((meta.get("uid"), meta["name"], reason, message, hour)) & 0xFFFFFFFFFFFFFFFF


def prune(store: ObjectStore, events: list[Object]) -> None:
    """Remove the oldest events beyond KEEP."""
    oldest_first = sorted(events, key=lambda event: event.get("lastTimestamp") or "")
    for event in oldest_first[: max(len(events) - KEEP, 0)]:
        with contextlib.suppress(NotFound):
            store.delete("events", event["metadata"]["name"], event["metadata"]["namespace"])
