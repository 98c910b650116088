"""The daemon of one node: plays all services of the microk8s snap (facts 2.2, 6.1).

Owns starting, stopping, restarting and recording of services; what each service does is in its own module. A request on
`/run/sim/control.sock` is one JSON line `{"cmd": "start|stop|restart|kill|enable|disable|status", "service": NAME or "*", "enable": bool,
"disable": bool}`, the answer one line `{"ok": true, ...}`. The wanted state is on the node's disk: after a power cut the enabled
services come back, the disabled ones stay down.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sim import agent, faults, kicker, kubelite, launcher, root, services, timing, worker
from sim.dqlite.member import Fatal, Member
from sim.kube.store import ObjectStore

# faults that mean "this service does not run"
DOWN_FAULTS = {"daemon-containerd": "containerd_down", "daemon-k8s-dqlite": "dqlite_down"}
START_ORDER = ("daemon-containerd", "daemon-k8s-dqlite", "daemon-cluster-agent", "daemon-apiserver-proxy", "daemon-kubelite",
               "daemon-apiserver-kicker", "daemon-etcd", "daemon-flanneld")


class Containerd:
    """daemon-containerd: nothing but its socket file; the kubelet looks whether the service is active."""

    def __init__(self, *_):
        self._socket = root.common("run/containerd.sock")

    def start(self) -> None:
        root.write(self._socket, "")

    def stop(self, graceful: bool = True) -> None:
        self._socket.unlink(missing_ok=True)


class Dqlite:
    """daemon-k8s-dqlite: `sim.dqlite.member` after the start delay of the real start script."""

    def __init__(self, node: "Node", log: Callable[[str], None]):
        self.member = Member(log, node.revision)

    def start(self) -> None:
        timing.sleep("seed_rebind_gap" if root.backend("update.yaml").exists() else "dqlite_start_delay")
        self.member.start()

    def stop(self, graceful: bool = True) -> None:
        self.member.stop(graceful)


def wanted(name: str) -> bool:
    """Whether a service has something to do on this node; otherwise its start script exits 0 and it is `inactive`."""
    is_worker = root.is_worker()
    return {
        "daemon-containerd": True,
        "daemon-cluster-agent": True,
        "daemon-kubelite": root.locked("lite.lock"),
        "daemon-k8s-dqlite": root.is_ha() and not root.locked("no-k8s-dqlite"),
        "daemon-apiserver-kicker": not is_worker,
        "daemon-apiserver-proxy": is_worker and not root.locked("no-apiserver-proxy"),
        "daemon-etcd": False,
        "daemon-flanneld": False,
    }[name]


class Node:
    """All services of this node. Changes of one service at a time (`_busy`), state records under `_lock`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._busy = {name: threading.RLock() for name in services.NAMES}
        self._states = services.load()
        self._running: dict[str, object] = {}
        self._stores: dict[str, ObjectStore] = {}
        self._ending = threading.Event()
        self._wake_ticks = threading.Event()
        self._fault_watcher = kicker.FaultWatcher(self.try_restart, self.kill)
        self._launching = False

    # ---- what services ask of each other ----------------------------------------------------------------------------------------

    def member(self) -> Member | None:
        running = self._running.get("daemon-k8s-dqlite")
        return running.member if isinstance(running, Dqlite) else None

    def store(self, cluster: str) -> ObjectStore:
        """The object store of a cluster, opened once."""
        with self._lock:
            if cluster not in self._stores:
                self._stores[cluster] = ObjectStore(root.shared("clusters", cluster))
            return self._stores[cluster]

    def revision(self, cluster: str) -> int:
        return self.store(cluster).revision() if cluster else 0

    def cluster_nodes(self) -> list[dict]:
        running = self._running.get("daemon-kubelite")
        return running.nodes() if isinstance(running, kubelite.Kubelite) else []

    def endpoints(self) -> list[str]:
        running = self._running.get("daemon-kubelite")
        return running.endpoints() if isinstance(running, kubelite.Kubelite) else []

    def _make(self, name: str):
        log = lambda text: services.log(name, text)  # noqa: E731
        if name == "daemon-kubelite":
            return kubelite.Kubelite(self.member, self.store, log, lambda text: self.died(name, text))
        if name == "daemon-cluster-agent":
            return agent.Service(agent.Agent(self.restart, self.cluster_nodes))
        if name == "daemon-k8s-dqlite":
            return Dqlite(self, log)
        if name == "daemon-apiserver-proxy":
            return worker.Proxy(self.endpoints, log)
        if name == "daemon-apiserver-kicker":
            return kicker.Kicker(self.try_restart, log)
        return Containerd()

    # ---- one service ------------------------------------------------------------------------------------------------------------

    def _record(self, name: str, **changes) -> None:
        with self._lock:
            self._states[name].update(changes)
            services.save(self._states)

    def start(self, name: str) -> None:
        """Start a service unless it runs. A service that has nothing to do ends at once and is inactive."""
        with self._busy[name]:
            if name in self._running or self._ending.is_set():
                return
            if not wanted(name):
                self._record(name, active="inactive", sub="dead", result="success", pid=0)
                return
            if name in DOWN_FAULTS and faults.active(DOWN_FAULTS[name]) is not None:
                self._record(name, active="failed", sub="failed", result="exit-code", pid=0)
                return
            self._launch(name)

    def _launch(self, name: str) -> None:
        services.log(name, f"Started Service for snap application microk8s.{name}.")
        self._record(name, active="activating", sub="start", pid=os.getpid(), since=time.time())
        service = self._make(name)
        try:
            service.start()
        except (Fatal, OSError, ValueError) as error:
            service.stop(False)
            self._failed(name, str(error))
            return
        self._running[name] = service
        self._record(name, active="active", sub="running", result="success", pid=os.getpid(), since=time.time())

    def stop(self, name: str, graceful: bool = True) -> None:
        with self._busy[name]:
            service = self._running.pop(name, None)
            if service is not None:
                service.stop(graceful)
                services.log(name, f"Stopped Service for snap application microk8s.{name}.")
            self._record(name, active="inactive", sub="dead", result="success" if graceful else "signal", pid=0)

    def restart(self, name: str) -> None:
        with self._busy[name]:
            self.stop(name)
            self.start(name)

    def try_restart(self, name: str) -> None:
        """Restart only what runs."""
        if name in self._running:
            self.restart(name)

    def died(self, name: str, text: str) -> None:
        """A service ended by itself. Called from a thread of that service."""
        threading.Thread(target=self._bury, args=(name, self._running.get(name), text), daemon=True).start()

    def _bury(self, name: str, service, text: str) -> None:
        with self._busy[name]:
            if self._running.get(name) is not service or service is None:
                return
            self._running.pop(name)
            service.stop(False)
            self._failed(name, text)

    def _failed(self, name: str, text: str) -> None:
        """systemd's `Restart=on-failure`."""
        services.log(name, text)
        services.log(name, f"snap.microk8s.{name}.service: Main process exited, code=exited, status=1/FAILURE")
        self._record(name, active="activating", sub="auto-restart", result="exit-code", pid=0)
        threading.Timer(max(1.0, timing.seconds("restart_delay")), self._start_again, (name,)).start()

    def _start_again(self, name: str) -> None:
        with self._busy[name]:
            state = self._states[name]
            if state["sub"] != "auto-restart" or not root.installed():
                return
            self._record(name, restarts=state["restarts"] + 1)
            services.log(name, f"snap.microk8s.{name}.service: Scheduled restart job, restart counter is at {state['restarts']}.")
            self.start(name)

    # ---- requests ---------------------------------------------------------------------------------------------------------------

    def handle(self, request: dict) -> dict:
        """One request of the control socket."""
        name = request.get("service", services.ALL).removeprefix("microk8s.").removeprefix("snap.microk8s.").removesuffix(".service")
        names = services.NAMES if name in (services.ALL, "microk8s") else (name,)
        unknown = [n for n in names if n not in services.NAMES]
        if unknown:
            return {"ok": False, "error": f"no such service: {unknown[0]}"}
        command = _COMMANDS.get(request.get("cmd", ""))
        if command is None:
            return {"ok": False, "error": f"unknown command: {request.get('cmd')}"}
        if request["cmd"] != "status" and not root.installed():
            return {"ok": False, "error": "microk8s is not installed"}
        command(self, [n for n in START_ORDER if n in names], request)
        return {"ok": True, "services": {n: self._states[n] for n in names}}

    def _cmd_start(self, names: list[str], request: dict) -> None:
        for name in names:
            if request.get("enable"):
                self._record(name, enabled=True)
            self._record(name, restarts=0)
            self.start(name)

    def _cmd_stop(self, names: list[str], request: dict) -> None:
        for name in reversed(names):
            if request.get("disable"):
                self._record(name, enabled=False)
            self.stop(name)

    def _cmd_restart(self, names: list[str], request: dict) -> None:
        for name in names:
            self.restart(name)

    def _cmd_kill(self, names: list[str], request: dict) -> None:
        """A signal. SIGTERM ends the service in order; others kill it (no handover, no last writes) and systemd starts it again."""
        for name in reversed(names):
            if request.get("signal") == signal.SIGTERM:
                self.stop(name)
            else:
                self.kill(name, "Main process exited, code=killed, status=9/KILL")

    def _cmd_enable(self, names: list[str], request: dict) -> None:
        for name in names:
            self._record(name, enabled=True)

    def _cmd_disable(self, names: list[str], request: dict) -> None:
        for name in names:
            self._record(name, enabled=False)

    def _cmd_status(self, names: list[str], request: dict) -> None:
        """Nothing to do: every answer carries the states."""

    # ---- life -------------------------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start what is enabled, as systemd does."""
        for name in START_ORDER:
            self._record(name, active="inactive", sub="dead", restarts=0, pid=0)
        if root.installed():
            for name in START_ORDER:
                if self._states[name]["enabled"]:
                    threading.Thread(target=self.start, args=(name,), daemon=True).start()

    def shut_down(self) -> None:
        """Orderly end of the machine: stop everything, keep what is enabled."""
        self._ending.set()
        self._wake_ticks.set()
        for name in reversed(START_ORDER):
            self.stop(name)

    def tick_for_ever(self) -> None:
        """The slow loop: faults, certificates, launch configuration."""
        while not self._ending.is_set():
            with contextlib.suppress(OSError):  # for example a full disk: the next tick tries again
                if root.installed():
                    self._tick()
            self._wake_ticks.wait(timing.seconds("kicker_tick") if root.installed() else 2.0)

    def _tick(self) -> None:
        self._fault_watcher.tick()
        self._follow_down_faults()
        for service in list(self._running.values()):
            if isinstance(service, (agent.Service, kicker.Kicker)):
                service.tick()
        if "daemon-cluster-agent" in self._running and not self._launching and launcher.pending():
            self._launching = True
            threading.Thread(target=self._launch_configuration, daemon=True).start()

    def _follow_down_faults(self) -> None:
        for name, fault in DOWN_FAULTS.items():
            down = faults.active(fault) is not None
            if down and name in self._running:
                self.stop(name, graceful=False)
                self._record(name, active="failed", sub="failed", result="exit-code")
            elif not down and self._states[name]["active"] == "failed" and self._states[name]["enabled"]:
                self.start(name)

    def kill(self, name: str, text: str) -> None:
        """End a running service as a signal from outside does; systemd starts it again."""
        if name in self._running:
            self.stop(name, graceful=False)
            self._failed(name, text)

    def _launch_configuration(self) -> None:
        log = lambda text: services.log("daemon-cluster-agent", text)  # noqa: E731
        try:
            while (file := launcher.pending()) and "daemon-cluster-agent" in self._running:
                timing.sleep("launcher_tick")
                try:
                    launcher.apply(file, self.try_restart, log)
                except (launcher.NotYet, launcher.ConfigError, OSError) as error:
                    log(f"Failed to apply {file.name}: {error}")
                    self._ending.wait(1.0)
        finally:
            self._launching = False


_COMMANDS = {"start": Node._cmd_start, "stop": Node._cmd_stop, "restart": Node._cmd_restart, "kill": Node._cmd_kill,
             "enable": Node._cmd_enable, "disable": Node._cmd_disable, "status": Node._cmd_status}


class Control:
    """The control socket: one request a connection, each in a thread, because starting a service may take long."""

    def __init__(self, node: Node):
        self._node = node
        target = Path(services.socket_path())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(target))
        self._socket.listen(64)
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            line = client.makefile("rb").readline()
            try:
                answer = self._node.handle(json.loads(line))
            except (ValueError, KeyError, OSError) as error:
                answer = {"ok": False, "error": str(error)}
            client.sendall(json.dumps(answer).encode() + b"\n")

    def close(self) -> None:
        self._socket.close()


def main() -> int:
    threading.stack_size(256 * 1024)
    node = Node()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    control = Control(node)
    node.boot()
    threading.Thread(target=node.tick_for_ever, name="tick", daemon=True).start()
    done.wait()
    control.close()
    node.shut_down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
