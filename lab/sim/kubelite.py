"""daemon-kubelite: API server, controllers and scheduler, kubelet in one service (facts 2.2).

On a control plane the kubelet starts only after the local API server is healthy, which needs quorum; after `kubelite_wait_api` without
it the whole service dies and is started again. On a worker there is only the kubelet, behind the proxy.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sim import agent, args, faults, pki, root, timing, worker
from sim.dqlite.member import Member
from sim.kube.apiserver import ApiServer
from sim.kube.bootstrap import bootstrap_cluster, set_api_endpoints
from sim.kube.controllers import Controllers
from sim.kube.httpd import HttpServer, Request, Response, server_context, text_response
from sim.kube.kubelet import Kubelet
from sim.kube.store import ObjectStore

CONTROL_PLANE_LABELS = {"node.kubernetes.io/microk8s-controlplane": "microk8s-controlplane"}
WORKER_LABELS = {"node.kubernetes.io/microk8s-worker": "microk8s-worker"}
HEALTH_PORTS = (10257, 10259)  # controller manager, scheduler
CRASHLOOP = {"cgroup": "failed to initialize top level QOS containers: root container [kubepods] doesn't exist",
             "cpuset": 'failed to initialize top level QOS containers: error validating root container [kubepods] : cgroup ["kubepods"] has some '
                       "missing controllers: cpuset"}


def version() -> str:
    """The snap's version, `v1.32.9`."""
    with contextlib.suppress(OSError):
        for line in root.snap("meta/snap.yaml").read_text().splitlines():
            if line.startswith("version:"):
                return line.split(":", 1)[1].strip().strip("'\"")
    return "v1.32.9"


def machine_facts() -> dict[str, object]:
    """What the node's own files say of its machine; the kubelet finds the rest."""
    facts: dict[str, object] = {}
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        facts["memory_bytes"] = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))
    with contextlib.suppress(OSError):
        facts["machine_id"] = root.path("/etc/machine-id").read_text().strip()
    return facts


def node_labels(role_labels: dict[str, str]) -> dict[str, str]:
    """The role's labels and those that the kubelet's arguments add (`--node-labels`)."""
    extra = args.get("kubelet", "--node-labels") or ""
    return role_labels | dict(pair.split("=", 1) for pair in extra.split(",") if "=" in pair)


class Kubelite:
    """`died(text)` is called when the service ends by itself; `member()` is the running k8s-dqlite or None."""

    def __init__(self, member: Callable[[], Member | None], open_store: Callable[[str], ObjectStore],
                 log: Callable[[str], None], died: Callable[[str], None]):
        self._member, self._open_store, self._log, self._died = member, open_store, log, died
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._parts: list = []
        self._kubelet: Kubelet | None = None
        self._link = worker.Link()
        self.cluster = ""

    def start(self) -> None:
        target = self._run_worker if root.is_worker() else self._run_control_plane
        threading.Thread(target=self._guard, args=(target,), name="kubelite", daemon=True).start()

    def stop(self, graceful: bool = True) -> None:
        self._stop.set()
        with self._lock:
            for part in reversed(self._parts):
                part.stop()
            if self._kubelet is not None:
                (self._kubelet.stop if graceful else self._kubelet.kill)()

    def _guard(self, target: Callable[[], None]) -> None:
        try:
            target()
        except OSError as error:  # a port that is taken, a certificate that is gone
            self._die(f"error: {error}")

    def _die(self, text: str) -> None:
        if not self._stop.is_set():
            self._died(text)

    def _start_part(self, part) -> None:
        """Start one part, unless we are being stopped."""
        with self._lock:
            if self._stop.is_set():
                return
            part.start()
            if isinstance(part, Kubelet):
                self._kubelet = part
            else:
                self._parts.append(part)

    # ---- control plane ----------------------------------------------------------------------------------------------------------

    def _has_quorum(self) -> bool:
        member = self._member()
        return member is not None and member.available and member.cluster == self.cluster

    def _leads(self) -> bool:
        member = self._member()
        return self._has_quorum() and member is not None and member.leading

    def _wait(self, condition: Callable[[], bool], deadline: float) -> bool:
        while not condition():
            if self._stop.wait(0.25) or time.monotonic() > deadline:
                return False
        return True

    def _run_control_plane(self) -> None:
        deadline = time.monotonic() + timing.seconds("kubelite_wait_api")
        if self._stop.wait(timing.seconds("start_to_api")):
            return
        if not self._wait(lambda: bool(self._known_cluster()), deadline):
            self._die("Error: unable to start the API server: context deadline exceeded")
            return
        self.cluster = self._known_cluster()
        store = self._open_store(self.cluster)
        self._start_api(store)
        if not self._wait(self._has_quorum, deadline):
            self._die("API server did not become healthy: timed out waiting for the condition")
            return
        self._initialise(store)
        if self._crash_if_asked():
            return
        off = (args.get("kube-controller-manager", "--controllers") or "").split(",")
        self._start_part(Controllers(store, self._leads, timing, faults, workloads="-deployment" not in off))
        self._start_kubelet(store, CONTROL_PLANE_LABELS, self._has_quorum, "ca.crt")
        self._log("kubelet started")
        for port in HEALTH_PORTS:
            self._start_health(port)
        self._keep_endpoints(store)

    def _known_cluster(self) -> str:
        member = self._member()
        return member.cluster if member is not None and member.members else ""

    def _start_api(self, store: ObjectStore) -> None:
        for host in root.bind_hosts():
            self._start_part(ApiServer(store, host, int(args.get("kube-apiserver", "--secure-port") or root.API_PORT),
                                       str(pki.cert("server.crt")), str(pki.cert("server.key")), str(pki.cert("ca.crt")),
                                       args.authorization_mode, self._has_quorum, root.node_name(), version=version(),
                                       no_quorum_delay=lambda: 1.0, faults=faults))
        worker.registry_write(root.default_address(), self.cluster)
        self._log(f"Serving securely on [::]:{root.API_PORT}")

    @staticmethod
    def _initialise(store: ObjectStore) -> None:
        bootstrap_cluster(store, service_cidr=args.get("kube-apiserver", "--service-cluster-ip-range") or "10.152.183.0/24",
                          cluster_cidr=args.get("kube-proxy", "--cluster-cidr") or "10.1.0.0/16")

    def _crash_if_asked(self) -> bool:
        kind = faults.take("kubelite_crashloop")
        if kind is None:
            return False
        self._stop.wait(1.0)
        self._die(CRASHLOOP.get(kind or "cgroup", f"fatal error: {kind}"))
        return True

    def _start_kubelet(self, store: ObjectStore, labels: dict[str, str], available: Callable[[], bool], ca: str) -> None:
        tls = (str(pki.cert("kubelet.crt")), str(pki.cert("kubelet.key")), str(pki.cert(ca)))
        self._start_part(Kubelet(store, root.node_name(), root.default_address(), version(), node_labels(labels), timing, faults, available,
                                 tls=tls, facts=machine_facts(), host=root.bind_hosts()[0], ports=(10250, root.local_port(10248))))

    def _start_health(self, port: int) -> None:
        context = lambda: server_context(str(pki.cert("server.crt")), str(pki.cert("server.key")), str(pki.cert("ca.crt")))  # noqa: E731
        self._start_part(HttpServer(root.bind_hosts()[0], port, _health, context, f"health-{port}"))

    def _keep_endpoints(self, store: ObjectStore) -> None:
        """While leading: the `kubernetes` endpoints are the control planes that answer."""
        known: set[str] = set()
        while not self._stop.wait(timing.seconds("kicker_tick")):
            member = self._member()
            if self._leads() and member is not None and (online := member.planes()) != known:
                set_api_endpoints(store, sorted(online))
                known = online

    # ---- worker -----------------------------------------------------------------------------------------------------------------

    def _run_worker(self) -> None:
        """A worker's kubelet waits for the API as long as it takes."""
        if not self._wait(self._link.available, float("inf")):
            return
        cluster = worker.registry_cluster(agent.read_provider())
        if cluster is None or self._crash_if_asked():
            return
        self.cluster = cluster
        self._start_kubelet(self._open_store(cluster), WORKER_LABELS, self._link.available, "ca.remote.crt")

    def endpoints(self) -> list[str]:
        """For the proxy: the cluster's API servers as `IP:16443`, or nothing while the cluster cannot be asked."""
        if not self.cluster or not self._link.available():
            return []
        found = self._open_store(self.cluster).get("endpoints", "kubernetes", "default") or {}
        return [f"{a['ip']}:{root.API_PORT}" for subset in found.get("subsets", []) for a in subset.get("addresses", [])]

    def nodes(self) -> list[dict]:
        """The cluster's Node objects, as far as this node may see them now."""
        return self._open_store(self.cluster).list("nodes") if self.cluster and self._has_quorum() else []


def _health(request: Request) -> Response:
    """/healthz of controller manager and scheduler: always allowed."""
    return text_response("ok") if request.path in ("/healthz", "/livez", "/readyz") else text_response("Unauthorized", 401)
