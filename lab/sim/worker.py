"""What only a worker runs: the API server proxy on :16443, and the link to its cluster.

The proxy forwards TCP to the addresses in provider.yaml, the next one when one does not answer. The link asks `/readyz` through it with
the kubelet's certificate, so a worker is cut off exactly when its network, its list or its certificates are wrong.
"""

import contextlib
import http.client
import json
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable

from sim import agent, faults, pki, root, timing

CONNECT_S = 5
_CHUNK = 1 << 16


def registry_write(address: str, cluster: str) -> None:
    """A control plane tells the lab which cluster's data it serves."""
    root.write(root.shared("nodes", f"{address}.json"), json.dumps({"cluster": cluster, "name": root.node_name()}), 0o644)


def registry_cluster(addresses: list[str]) -> str | None:
    """The cluster that the first of these API servers serves."""
    for address in addresses:
        with contextlib.suppress(OSError, ValueError):
            return json.loads(root.shared("nodes", address.rsplit(":", 1)[0] + ".json").read_text())["cluster"]
    return None


class Proxy:
    """daemon-apiserver-proxy: a TCP forwarder. `refresh` rewrites provider.yaml from the cluster's endpoints every 30 s."""

    def __init__(self, endpoints: Callable[[], list[str]], log: Callable[[str], None]):
        self._endpoints, self._log = endpoints, log
        self._listeners: list[socket.socket] = []
        self._pairs: set[socket.socket] = set()
        self._stop = threading.Event()

    def start(self) -> None:
        for host in root.bind_hosts():
            listener = socket.create_server((host, root.API_PORT), backlog=64)
            self._listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener,), name="proxy", daemon=True).start()
        threading.Thread(target=self._refresh, name="proxy-refresh", daemon=True).start()

    def stop(self, graceful: bool = True) -> None:
        self._stop.set()
        for sock in [*self._listeners, *self._pairs]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for listener in self._listeners:
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), name="proxy-conn", daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        server = self._connect()
        if server is None:
            client.close()
            return
        self._pairs |= {client, server}
        try:
            _pump(client, server)
        finally:
            self._pairs -= {client, server}
            client.close()
            server.close()

    def _connect(self) -> socket.socket | None:
        addresses = agent.read_provider()
        if not addresses:
            self._log("empty list of control plane endpoints")
        for address in addresses:
            host, port = address.rsplit(":", 1)
            with contextlib.suppress(OSError, ValueError):
                server = socket.create_connection((host, int(port)), CONNECT_S)
                server.settimeout(None)
                return server
        return None

    def _refresh(self) -> None:
        while not self._stop.wait(timing.seconds("provider_refresh")):
            wanted = self._endpoints()
            if wanted and sorted(wanted) != sorted(agent.read_provider()):
                agent.write_provider(wanted)
                self._log(f"updated API server endpoints: {' '.join(wanted)}")


def _pump(left: socket.socket, right: socket.socket) -> None:
    """Copy both ways until one side ends."""
    with selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
        ready.register(left, selectors.EVENT_READ, right)
        ready.register(right, selectors.EVENT_READ, left)
        while True:
            for key, _ in ready.select():
                data = key.fileobj.recv(_CHUNK)
                if not data:
                    return
                key.data.sendall(data)


class Link:
    """Whether this worker's kubelet reaches a ready API server; asked over the network at most once per lease interval."""

    def __init__(self) -> None:
        self._until = 0.0
        self._ready = False
        self._lock = threading.Lock()

    def available(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now >= self._until:
                self._ready = self._ask()
                self._until = now + timing.seconds("lease") * (0.9 if self._ready else 0.5)
            return self._ready

    @staticmethod
    def _ask() -> bool:
        try:
            tls = ssl.create_default_context(cafile=str(pki.cert("ca.remote.crt")))
            tls.check_hostname = False
            tls.load_cert_chain(pki.cert("kubelet.crt"), pki.cert("kubelet.key"))
            connection = http.client.HTTPSConnection(root.loopback(), root.API_PORT, timeout=CONNECT_S, context=tls)
            with contextlib.closing(connection):
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException, ValueError):
            return False


def empty_provider_if_asked() -> None:
    """The fault `provider_yaml_empty`, once: the list stays empty because nothing can be refreshed through it."""
    if faults.active("provider_yaml_empty") is not None and agent.read_provider():
        agent.write_provider([])
