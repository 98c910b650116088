"""One node: its Node object, lease, pods, and the kubelet's two ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim.kube.store import ObjectStore


class Kubelet:
    """kubelet of one node. One thread; writes only when something changed, and the lease every `lease` seconds.

    store            the cluster's objects
    node_name, address, version   metadata.name, InternalIP, "v1.32.9"
    labels           extra labels over those that every MicroK8s node has (e.g. {"node.kubernetes.io/microk8s-controlplane":
                     "microk8s-controlplane"} or {"node.kubernetes.io/microk8s-worker": "microk8s-worker"})
    timing           `.seconds(knob) -> float`, scaled: first_ready, lease, drain_per_pod
    faults           `.active(name) -> args | None`: not_ready, containerd_down, disk_full, stuck_notready, kubelite_hang
    store_available  False = the kubelet cannot reach an API with quorum: it writes nothing, pods go on running
    Optional: tls (server_cert, server_key, client_ca paths for :10250; None = ports stay closed), facts (node facts: cpu, memory_bytes,
    os_image, kernel_version, architecture, machine_id, container_runtime_version), host ("0.0.0.0"), ports (10250, 10248)
    """

    def __init__(
        self,
        store: ObjectStore,
        node_name: str,
        address: str,
        version: str,
        labels: Mapping[str, str],
        timing,
        faults,
        store_available: Callable[[], bool],
        *,
        tls: tuple[str, str, str] | None = None,
        facts: Mapping[str, object] | None = None,
        host: str = "0.0.0.0",
        ports: tuple[int, int] = (10250, 10248),
    ):
        raise NotImplementedError

    def start(self) -> None:
        """Register the Node (or take it over), bind the ports, run. Returns at once."""

    def stop(self) -> None:
        """End as on SIGTERM: the Node object and the pods stay as they are."""

    def kill(self) -> None:
        """End at once without a last write, as on SIGKILL."""
