"""metrics.k8s.io, which exists only while the metrics-server runs: invented but plausible usage."""

from __future__ import annotations

import zlib

from sim.kube.clock import timestamp
from sim.kube.errors import ApiError, not_found_path
from sim.kube.resources import Resource
from sim.kube.store import NotFound, Object, ObjectStore

API_SERVICE = "v1beta1.metrics.k8s.io"


def registered(store: ObjectStore) -> bool:
    """True when the APIService exists."""
    return store.get("apiservices.apiregistration.k8s.io", API_SERVICE) is not None


def enabled(store: ObjectStore) -> bool:
    """True when the APIService is registered and its pod runs."""
    if not registered(store):
        return False
    pods = store.list("pods", "kube-system")
    return any(p["metadata"]["name"].startswith("metrics-server-") and _phase(p) == "Running" for p in pods)


def require(store: ObjectStore) -> None:
    """Raise ApiError 404 without the APIService, 503 while nobody answers for it."""
    if not registered(store):
        raise not_found_path()
    if not enabled(store):
        raise ApiError(503, "the server is currently unable to handle the request")


def read(store: ObjectStore, resource: Resource, namespace: str, name: str) -> Object:
    """A NodeMetrics or PodMetrics, or the list of them."""
    if resource.plural == "nodes":
        items = [_node(node) for node in store.list("nodes")]
    else:
        items = [_pod(pod) for pod in store.list("pods", namespace or None) if _phase(pod) == "Running"]
    if not name:
        return {"kind": resource.kind + "List", "apiVersion": resource.api_version, "metadata": {}, "items": items}
    found = next((item for item in items if item["metadata"]["name"] == name), None)
    if found is None:
        raise NotFound(resource.plural, name)
    return found


def _phase(pod: Object) -> str:
    return (pod.get("status") or {}).get("phase", "")


def _usage(key: str, cpu: int, memory_mi: int) -> dict[str, str]:
    """Usage around the given values, fixed per name."""
    spread = zlib.crc32(key.encode()) % 100
    return {"cpu": f"{cpu + cpu * spread // 100}m", "memory": f"{(memory_mi + memory_mi * spread // 200) * 1024}Ki"}


def _node(node: Object) -> Object:
    name = node["metadata"]["name"]
    return _metrics("NodeMetrics", {"name": name}, {"usage": _usage(name, 120, 1100)})


def _pod(pod: Object) -> Object:
    meta = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
    containers = [{"name": c["name"], "usage": _usage(meta["name"] + c["name"], 3, 20)} for c in pod["spec"]["containers"]]
    return _metrics("PodMetrics", meta, {"containers": containers})


def _metrics(kind: str, meta: Object, values: Object) -> Object:
    meta = {**meta, "creationTimestamp": timestamp()}
    head = {"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": meta}
    return {**head, "timestamp": timestamp(), "window": "15s", **values}
