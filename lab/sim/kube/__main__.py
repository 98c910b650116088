"""`python3 -m sim.kube --port P --dir D --cert-dir C`: a stand-alone cluster with three fake nodes.

For the tests of this package and for trying kubectl by hand. The certificate directory gets ca, server and admin certificates and a
`kubeconfig` when they are missing. `--control FILE` is looked at every 0.2 s: one JSON object {"quorum": bool, "mode": "...",
"down": [nodes], "faults": {NAME: ARGS}} that changes the running cluster. Prints `ready PORT` when it listens.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import threading
from typing import Any

from sim.kube.addons import enable_addon
from sim.kube.apiserver import ApiServer
from sim.kube.bootstrap import bootstrap_cluster, set_api_endpoints
from sim.kube.controllers import Controllers
from sim.kube.kubelet import Kubelet
from sim.kube.store import ObjectStore

# knob -> seconds on a real machine, least after scaling (a busy machine must not take its own slowness for a dead node)
SECONDS = {"first_ready": (45, 0), "lease": (10, 0.5), "drain_per_pod": (2, 0), "node_grace": (40, 3), "evict": (300, 2)}
CONTROL_PLANE = {"node.kubernetes.io/microk8s-controlplane": "microk8s-controlplane"}
WORKER = {"node.kubernetes.io/microk8s-worker": "microk8s-worker"}
CONTROL_SECONDS = 0.2
SUBJECTS = {"server": "/CN=127.0.0.1", "admin": "/CN=admin/O=system:masters"}
KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: microk8s-cluster, cluster: {{server: "https://127.0.0.1:{port}", certificate-authority: {dir}/ca.crt}}}}]
users: [{{name: admin, user: {{client-certificate: {dir}/admin.crt, client-key: {dir}/admin.key}}}}]
contexts: [{{name: microk8s, context: {{cluster: microk8s-cluster, user: admin}}}}]
current-context: microk8s
"""


class Timing:
    """The knobs of facts 6.4, scaled."""

    def __init__(self, scale: float):
        self._scale = scale

    def seconds(self, knob: str) -> float:
        base, least = SECONDS[knob]
        return max(base * self._scale, least)


class Control:
    """The cluster's outside conditions, from the control file."""

    def __init__(self, path: str | None):
        self._path, self._stamp, self.state = path, 0, {}

    def reload(self) -> bool:
        """Read the file if it changed; True when it did."""
        try:
            stamp = os.stat(self._path).st_mtime_ns if self._path else 0
        except FileNotFoundError:
            return False
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        with open(self._path, encoding="utf-8") as file:
            self.state = json.load(file)
        return True

    def quorum(self) -> bool:
        return self.state.get("quorum", True)

    def mode(self) -> str:
        return self.state.get("mode", "AlwaysAllow")

    def active(self, name: str) -> Any:
        """The faults interface."""
        return self.state.get("faults", {}).get(name)


def make_certificates(directory: str) -> None:
    """A CA, a server and an admin certificate with openssl, unless they are there."""
    os.makedirs(directory, exist_ok=True)

    def openssl(*args: str) -> None:
        subprocess.run(("openssl", *args), cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    if os.path.exists(os.path.join(directory, "admin.crt")):
        return
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365")
    openssl("req", "-x509", *key, "-subj", "/CN=10.152.183.1", "-keyout", "ca.key", "-out", "ca.crt")
    for name, subject in SUBJECTS.items():
        issue = ("-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        openssl("req", "-x509", *key, *issue, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.crt")


class Cluster:
    """The parts of the stand-alone cluster."""

    def __init__(self, options: argparse.Namespace):
        self.control = Control(options.control)
        self.control.reload()
        self._store = ObjectStore(options.dir)
        timing = Timing(options.scale)
        certificates = [os.path.join(options.cert_dir, name) for name in ("server.crt", "server.key", "ca.crt")]
        self.api = ApiServer(
            self._store, "127.0.0.1", options.port, *certificates, self.control.mode, self.control.quorum, "n1",
            version=options.version, no_quorum_delay=lambda: 0.2, faults=self.control,
        )  # fmt: skip
        self._controllers = Controllers(self._store, self.control.quorum, timing, self.control)
        self._kubelets = {
            f"n{number}": Kubelet(
                self._store, f"n{number}", f"10.10.0.{10 + number}", options.version, CONTROL_PLANE if number < 3 else WORKER,
                timing, self.control, self.control.quorum,
            )
            for number in (1, 2, 3)
        }  # fmt: skip
        self._down: set[str] = set()

    def start(self) -> None:
        bootstrap_cluster(self._store)
        enable_addon(self._store, "dns")
        set_api_endpoints(self._store, ["10.10.0.11", "10.10.0.12"])
        for part in (self.api, self._controllers, *self._kubelets.values()):
            part.start()

    def follow_control(self) -> None:
        """Kill or start kubelets as the control file says."""
        if not self.control.reload():
            return
        down = set(self.control.state.get("down", ()))
        for name in down - self._down:
            self._kubelets[name].kill()
        for name in self._down - down:
            self._kubelets[name].start()
        self._down = down

    def stop(self) -> None:
        for part in (self.api, self._controllers, *self._kubelets.values()):
            part.stop()
        self._store.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m sim.kube", description="A stand-alone simulated cluster.")
    parser.add_argument("--port", type=int, default=16443, help="0 = any free port")
    parser.add_argument("--dir", required=True, help="the object store")
    parser.add_argument("--cert-dir", required=True)
    parser.add_argument("--control", help="JSON file that changes the running cluster")
    parser.add_argument("--scale", type=float, default=0.05, help="factor on all durations")
    parser.add_argument("--version", default="v1.32.9")
    options = parser.parse_args()
    options.cert_dir = os.path.abspath(options.cert_dir)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    make_certificates(options.cert_dir)
    cluster = Cluster(options)
    cluster.start()
    with open(os.path.join(options.cert_dir, "kubeconfig"), "w", encoding="utf-8") as file:
        file.write(KUBECONFIG.format(port=cluster.api.port, dir=options.cert_dir))
    print("ready", cluster.api.port, flush=True)
    while not stop.wait(CONTROL_SECONDS if options.control else None):
        cluster.follow_control()
    cluster.stop()


if __name__ == "__main__":
    main()
