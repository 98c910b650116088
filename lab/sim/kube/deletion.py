"""Ending an object: at once, or by a mark that its holder (kubelet, controller, finalizer) acts on."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from sim.kube.clock import timestamp
from sim.kube.store import NotFound, Object, ObjectStore


def mark_deleted(store: ObjectStore, resource: str, name: str, namespace: str, grace: int) -> Object:
    """Set deletionTimestamp `grace` seconds from now; a later mark can only shorten it. Raises NotFound."""

    def change(obj: Object) -> None:
        meta = obj["metadata"]
        if "deletionTimestamp" in meta and grace >= meta.get("deletionGracePeriodSeconds", 0):
            return
        meta["deletionTimestamp"] = timestamp(time.time() + grace)
        meta["deletionGracePeriodSeconds"] = grace
        if resource == "namespaces":
            obj["status"]["phase"] = "Terminating"

    return store.patch(resource, name, change, namespace)


def pod_grace(pod: Object, asked: Any = None) -> int:
    """How many seconds a pod may take to end (`asked` None = its own wish); 0 = there is nothing to wait for."""
    if not pod["spec"].get("nodeName") or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return int(asked) if asked is not None else pod["spec"].get("terminationGracePeriodSeconds", 30)


def delete_pod(store: ObjectStore, pod: Object) -> None:
    """Delete a pod as a controller does: gracefully when it runs somewhere. No error when it is gone already."""
    meta, grace = pod["metadata"], pod_grace(pod)
    with contextlib.suppress(NotFound):
        if grace > 0:
            mark_deleted(store, "pods", meta["name"], meta["namespace"], grace)
        else:
            store.delete("pods", meta["name"], meta["namespace"])


def remove(store: ObjectStore, resource: str, obj: Object) -> None:
    """Remove an object now. No error when it is gone already."""
    with contextlib.suppress(NotFound):
        store.delete(resource, obj["metadata"]["name"], obj["metadata"].get("namespace", ""))
