"""One node: its Node object, lease, pods, and the kubelet's two ports."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from sim.kube import conditions, events
from sim.kube.clock import micro_timestamp, timestamp
from sim.kube.guard import tolerant
from sim.kube.httpd import HttpServer, Request, Response, server_context, text_response
from sim.kube.nodefacts import NodeFacts
from sim.kube.podruntime import PodRuntime
from sim.kube.store import AlreadyExists, NotFound, Object, ObjectStore

LEASES, LEASE_NAMESPACE = "leases.coordination.k8s.io", "kube-node-lease"
LEASE_DURATION = 40
RENEWALS_PER_REPORT = 30
UNAVAILABLE_RETRY = 2.0
NETWORK_NOT_READY = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)
# fault -> why the node is not ready
NOT_READY = {
    "not_ready": NETWORK_NOT_READY,
    "containerd_down": "[container runtime is down, container runtime status check may not have completed yet]",
}
PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


class Kubelet:
    """kubelet of one node. One thread; writes only when something changed, and the lease every `lease` seconds.

    store            the cluster's objects
    node_name, address, version   metadata.name, InternalIP, "v1.32.9"
    labels           extra labels over those that every MicroK8s node has (e.g. {"node.kubernetes.io/microk8s-controlplane":
                     "microk8s-controlplane"} or {"node.kubernetes.io/microk8s-worker": "microk8s-worker"})
    timing           `.seconds(knob) -> float`, scaled: first_ready, lease, drain_per_pod (also the time a pod takes to start)
    faults           `.active(name) -> args | None`: not_ready, containerd_down, disk_full, stuck_notready, kubelite_hang
    store_available  False = the kubelet cannot reach an API with quorum: it writes nothing, pods go on running
    Optional: tls (server_cert, server_key, client_ca paths for :10250; None = ports stay closed), facts (node facts: cpu, memory_bytes,
    disk_bytes, os_image, kernel_version, architecture, machine_id, boot_id, container_runtime_version), host ("0.0.0.0"),
    ports (10250, 10248)
    """

    def __init__(
        self,
        store: ObjectStore,
        node_name: str,
        address: str,
        version: str,
        labels: Mapping[str, str],
        timing: Any,
        faults: Any,
        store_available: Callable[[], bool],
        *,
        tls: tuple[str, str, str] | None = None,
        facts: Mapping[str, object] | None = None,
        host: str = "0.0.0.0",
        ports: tuple[int, int] = (10250, 10248),
    ):
        self._store, self._name, self._address = store, node_name, address
        self._timing, self._faults, self._available = timing, faults, store_available
        self._facts = NodeFacts(node_name, address, version, labels, facts or {})
        self._pods = PodRuntime(store, node_name, address, lambda: timing.seconds("drain_per_pod"))
        self._servers = _servers(tls, host, ports, self._hung) if tls else ()
        self._stop = threading.Event()
        self._subscription = None
        self._thread: threading.Thread | None = None
        self._registered = self._stuck = False
        self._ready_at = 0.0
        self._renew_at = 0.0
        self._reports_left = 0

    def start(self) -> None:
        """Register the Node (or take it over), bind the ports, run. Returns at once; OSError when a port is taken."""
        for server in self._servers:
            server.start()
        self._stop.clear()
        self._registered = self._stuck = False
        self._renew_at, self._reports_left = 0.0, 0
        self._subscription = self._store.subscribe(["pods", "nodes"])
        self._thread = threading.Thread(target=self._run, name=f"kubelet-{self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End as on SIGTERM: the Node object and the pods stay as they are."""
        self._stop.set()
        for server in self._servers:
            server.stop()
        if self._thread is not None:
            self._subscription.wake()
            self._thread.join()
            self._subscription.close()
            self._thread = None

    def kill(self) -> None:
        """End at once, as on SIGKILL. A kubelet writes nothing on SIGTERM either, so this is `stop`."""
        self.stop()

    def _hung(self) -> bool:
        return self._faults.active("kubelite_hang") is not None

    def _run(self) -> None:
        while not self._stop.is_set():
            wait = UNAVAILABLE_RETRY
            if self._available() and not self._hung():
                with tolerant():
                    wait = self._tick()
            self._subscription.wait(min(wait, self._timing.seconds("lease")))

    def _tick(self) -> float:
        """Everything that is due; the seconds until something else is."""
        if not self._registered:
            self._register()
            self._registered = True
        node = self._store.get("nodes", self._name)
        if node is None:
            return self._timing.seconds("lease")
        now = time.monotonic()
        self._report(node, now)
        if now >= self._renew_at:
            self._renew_lease(node)
            self._renew_at = now + self._timing.seconds("lease")
            self._reports_left -= 1
        pods_due = self._renew_at if self._faults.active("sandbox_reserved") is not None else now + self._pods.sync()
        waits = [pods_due - now, self._renew_at - now]
        if self._ready_at > now:
            waits.append(self._ready_at - now)
        return max(min(waits), 0.01)

    # The Node object

    def _register(self) -> None:
        now = time.monotonic()
        try:
            node = self._store.create("nodes", self._facts.new_node())
            self._ready_at = now + self._timing.seconds("first_ready")
        except AlreadyExists:
            node = self._store.patch("nodes", self._name, self._facts.refresh)
            self._ready_at = now
        for reason, message in (
            ("Starting", "Starting kubelet."),
            ("NodeHasSufficientMemory", f"Node {self._name} status is now: NodeHasSufficientMemory"),
            ("NodeHasNoDiskPressure", f"Node {self._name} status is now: NodeHasNoDiskPressure"),
        ):
            events.record(self._store, node, "Normal", reason, message, "kubelet", self._name)

    def _report(self, node: Object, now: float) -> None:
        """Post the conditions when one changed, and now and then anyway (lastHeartbeatTime)."""
        ready, message = self._readiness(node, now)
        wanted = {"Ready": ready, **self._pressures()}
        if self._stuck or all(conditions.status_of(node, kind) == status for kind, status in wanted.items()):
            if self._stuck or self._reports_left > 0:
                return
        self._reports_left = RENEWALS_PER_REPORT
        self._store.patch("nodes", self._name, lambda draft: self._set_conditions(draft, wanted, message))
        if conditions.status_of(node, "Ready") != ready and ready == "True":
            text = f"Node {self._name} status is now: NodeReady"
            events.record(self._store, node, "Normal", "NodeReady", text, "kubelet", self._name)

    def _readiness(self, node: Object, now: float) -> tuple[str, str]:
        if self._faults.active("stuck_notready") is not None and conditions.status_of(node, "Ready") == "Unknown":
            self._stuck = True
        fault = next((text for name, text in NOT_READY.items() if self._faults.active(name) is not None), None)
        if fault or now < self._ready_at:
            return "False", fault or NETWORK_NOT_READY
        return "True", "kubelet is posting ready status"

    def _pressures(self) -> dict[str, str]:
        full = self._faults.active("disk_full") is not None
        return {kind: "True" if full and kind == "DiskPressure" else "False" for kind, _, _ in PRESSURES}

    def _set_conditions(self, node: Object, wanted: dict[str, str], message: str) -> None:
        now = timestamp()
        if wanted["Ready"] == "True":
            text = "Calico is running on this node"
            conditions.put(node, "NetworkUnavailable", "False", reason="CalicoIsUp", message=text, lastHeartbeatTime=now)
        for kind, reason, text in PRESSURES:
            bad = wanted[kind] == "True"
            why = ("KubeletHasDiskPressure", "kubelet has disk pressure") if bad else (reason, text)
            conditions.put(node, kind, wanted[kind], reason=why[0], message=why[1], lastHeartbeatTime=now)
        reason = "KubeletReady" if wanted["Ready"] == "True" else "KubeletNotReady"
        conditions.put(node, "Ready", wanted["Ready"], reason=reason, message=message, lastHeartbeatTime=now)

    def _renew_lease(self, node: Object) -> None:
        spec = {"holderIdentity": self._name, "leaseDurationSeconds": LEASE_DURATION, "renewTime": micro_timestamp()}
        try:
            self._store.patch(LEASES, self._name, lambda lease: lease.update(spec=spec), LEASE_NAMESPACE)
        except NotFound:
            owner = {"apiVersion": "v1", "kind": "Node", "name": self._name, "uid": node["metadata"]["uid"]}
            meta = {"name": self._name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]}
            self._store.create(
                LEASES, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
            )


def _servers(
    tls: tuple[str, str, str], host: str, ports: tuple[int, int], hung: Callable[[], bool]
) -> tuple[HttpServer, HttpServer]:
    """:10250 with client certificates and 127.0.0.1:10248 without; both know /healthz."""

    def healthz(request: Request) -> Response:
        while hung():
            time.sleep(1)
        return text_response("ok") if request.path == "/healthz" else text_response("404 page not found\n", 404)

    def guarded(request: Request) -> Response:
        if request.certificate is None:
            return Response(401, b"Unauthorized", "text/plain; charset=utf-8")
        return healthz(request)

    return (
        HttpServer(host, ports[0], guarded, lambda: server_context(*tls), "kubelet-tls"),
        HttpServer("127.0.0.1", ports[1], healthz, None, "kubelet-healthz"),
    )
