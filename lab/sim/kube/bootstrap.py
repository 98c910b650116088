"""The objects that a fresh MicroK8s cluster has."""

from __future__ import annotations

from collections.abc import Iterable

from sim.kube.store import ObjectStore


def bootstrap_cluster(
    store: ObjectStore,
    service_cidr: str = "10.152.183.0/24",
    cluster_cidr: str = "10.1.0.0/16",
    version: str = "v1.32.9",
) -> None:
    """Create what a fresh MicroK8s has: namespaces, service `kubernetes`, calico-node, calico-kube-controllers, roles. Idempotent."""
    raise NotImplementedError


def set_api_endpoints(store: ObjectStore, addresses: Iterable[str]) -> None:
    """Write the Endpoints of `kubernetes`: the control planes whose API server runs."""
    raise NotImplementedError
