"""The objects that a fresh MicroK8s cluster has."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable

from sim.kube.manifests import cluster_role_binding, daemon_set, deployment, service_account
from sim.kube.podtemplate import new_object
from sim.kube.store import AlreadyExists, Object, ObjectStore

API_PORT = 16443
NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")


def bootstrap_cluster(
    store: ObjectStore,
    service_cidr: str = "10.152.183.0/24",
    cluster_cidr: str = "10.1.0.0/16",
    version: str = "v1.32.9",
) -> None:
    """Create what a fresh MicroK8s has: namespaces, service `kubernetes`, calico-node, calico-kube-controllers. Idempotent.

    `version` decides which Calico comes with it.
    """
    for name in NAMESPACES:
        _ensure(store, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    _ensure(store, _kubernetes_service(service_cidr))
    for obj in (*_calico(cluster_cidr, _calico_version(version)), *_priority_classes()):
        _ensure(store, obj)


def _ensure(store: ObjectStore, obj: Object) -> None:
    with contextlib.suppress(AlreadyExists):
        new_object(store, obj)


def _kubernetes_service(service_cidr: str) -> Object:
    address = str(next(ipaddress.ip_network(service_cidr).hosts()))
    labels = {"component": "apiserver", "provider": "kubernetes"}
    port = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": API_PORT}
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {"type": "ClusterIP", "clusterIP": address, "ports": [port]},
    }  # fmt: skip


def _calico_version(version: str) -> str:
    minor = int(version.lstrip("v").split(".")[1])
    return "v3.28.1" if minor >= 31 else "v3.25.1"


def _calico(cluster_cidr: str, calico: str) -> Iterable[Object]:
    yield service_account("kube-system", "calico-node")
    yield service_account("kube-system", "calico-kube-controllers")
    settings = {"calico_backend": "vxlan", "cluster_cidr": cluster_cidr, "veth_mtu": "0"}
    meta = {"name": "calico-config", "namespace": "kube-system"}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": settings}
    everywhere = [
        {"effect": "NoSchedule", "operator": "Exists"},
        {"key": "CriticalAddonsOnly", "operator": "Exists"},
        {"effect": "NoExecute", "operator": "Exists"},
    ]
    linux = {"kubernetes.io/os": "linux"}
    yield daemon_set(
        "kube-system", "calico-node", {"calico-node": f"docker.io/calico/node:{calico}"}, hostNetwork=True,
        tolerations=everywhere, nodeSelector=linux, serviceAccountName="calico-node",
        priorityClassName="system-node-critical",
    )  # fmt: skip
    yield deployment(
        "kube-system", "calico-kube-controllers", {"calico-kube-controllers": f"docker.io/calico/kube-controllers:{calico}"},
        nodeSelector=linux, serviceAccountName="calico-kube-controllers", priorityClassName="system-cluster-critical",
    )  # fmt: skip
    yield cluster_role_binding("calico-node", "calico-node", "kube-system", "calico-node")


def _priority_classes() -> Iterable[Object]:
    for name, value in (("system-cluster-critical", 2000000000), ("system-node-critical", 2000001000)):
        yield {
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
            "preemptionPolicy": "PreemptLowerPriority",
        }  # fmt: skip


def set_api_endpoints(store: ObjectStore, addresses: Iterable[str]) -> None:
    """Write the Endpoints and EndpointSlice of `kubernetes`: the control planes whose API server runs. No write when unchanged."""
    ips = sorted(set(addresses), key=ipaddress.ip_address)
    ports = [{"name": "https", "port": API_PORT, "protocol": "TCP"}]
    labels = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    endpoints = {
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "subsets": [{"addresses": [{"ip": ip} for ip in ips], "ports": ports}],
    }  # fmt: skip
    labels = {"kubernetes.io/service-name": "kubernetes"}
    ready = {"conditions": {"ready": True}}
    endpoint_slice = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "endpoints": [{"addresses": [ip], **ready} for ip in ips], "ports": ports,
    }  # fmt: skip
    store.apply("endpoints", endpoints)
    store.apply("endpointslices.discovery.k8s.io", endpoint_slice)
