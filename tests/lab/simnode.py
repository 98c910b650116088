"""A simulated node without namespaces, for tests: its own root directory and two loopback addresses.

Nodes of one `Lab` share `/run/sim/shared` by a link. A node is the real `sim.simnoded` in a process; commands are the real
`bin/microk8s` in processes. Node K of lab L has the address 127.L.K.1 and the loopback 127.L.K.2.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAB = Path(__file__).resolve().parents[2] / "lab"
SCALE = 0.02


class Lab:
    """Nodes n1.. in a temporary directory; use it as a context manager."""

    _next = os.getpid() % 200 + 20

    def __init__(self, count: int, scale: float = SCALE):
        Lab._next = Lab._next % 240 + 10
        self.number = Lab._next
        self.directory = Path(tempfile.mkdtemp(prefix="sim-"))
        (self.directory / "shared").mkdir()
        self.nodes = [Node(self, k, scale) for k in range(1, count + 1)]

    def __enter__(self) -> list["Node"]:
        return self.nodes

    def __exit__(self, *_) -> None:
        for node in self.nodes:
            node.power_cut()
        shutil.rmtree(self.directory, ignore_errors=True)


class Node:
    """One node. `run` executes a subcommand of microk8s and returns the finished process."""

    def __init__(self, lab: Lab, number: int, scale: float):
        self.name = f"n{number}"
        self.root = lab.directory / self.name
        self.address = f"127.{lab.number}.{number}.1"
        self.loopback = f"127.{lab.number}.{number}.2"
        self.process: subprocess.Popen | None = None
        (self.root / "run/sim").mkdir(parents=True)
        (self.root / "run/sim/shared").symlink_to(lab.directory / "shared")
        (self.root / "run/sim/timing.json").write_text(json.dumps({"scale": scale}))
        (self.root / "run/sim/faults.json").write_text("{}")
        self.environment = {**os.environ, "SIM_ROOT": str(self.root), "SIM_ADDRESS": self.address, "SIM_LOOPBACK": self.loopback,
                            "SIM_HOSTNAME": self.name, "PYTHONPATH": str(LAB)}

    # -- power --------------------------------------------------------------------------------------------------------------------

    def power_on(self) -> None:
        with open(self.root / "console.log", "ab") as log:
            self.process = subprocess.Popen([sys.executable, "-S", "-m", "sim.simnoded"], env=self.environment, stdout=log, stderr=log)
        self.wait(lambda: (self.root / "run/sim/control.sock").exists(), 10)

    def power_cut(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            (self.root / "run/sim/control.sock").unlink(missing_ok=True)

    def power_off(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.power_cut()

    # -- snap ---------------------------------------------------------------------------------------------------------------------

    def install(self) -> None:
        """What `snap install microk8s` does: hooks, then services."""
        self.python("sim.hooks", "install", "--revision", "8511", "--version", "v1.32.9")
        self.python("sim.hooks", "configure")
        self.services("start", enable=True)

    def services(self, cmd: str, service: str = "*", **options) -> None:
        code = f"from sim import services; services.request({cmd!r}, {service!r}, **{options!r})"
        subprocess.run([sys.executable, "-S", "-c", code], env=self.environment, check=True)

    def python(self, module: str, *args: str, check: bool = True) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-S", "-m", module, *args], env=self.environment, check=check, capture_output=True, text=True)

    # -- commands -----------------------------------------------------------------------------------------------------------------

    def run(self, *args: str, timeout: float = 60, stdin: str | None = None) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-S", str(LAB / "sim/bin/microk8s"), *args], env=self.environment, timeout=timeout,
                              capture_output=True, text=True, input=stdin if stdin is not None else "", cwd=self.root)

    def fault(self, name: str, args: str = "", count: int | None = None) -> None:
        file = self.root / "run/sim/faults.json"
        value = json.loads(file.read_text())
        value[name] = {"args": args, "count": count, "until": None}
        file.write_text(json.dumps(value))

    def heal(self) -> None:
        (self.root / "run/sim/faults.json").write_text("{}")

    def data(self, *parts: str) -> Path:
        return self.root.joinpath("var/snap/microk8s/current", *parts)

    def state(self, service: str) -> dict:
        return json.loads((self.root / "var/lib/sim/services.json").read_text())[service]

    @staticmethod
    def wait(condition, seconds: float, step: float = 0.1) -> bool:
        """Wait until a condition holds; False when it does not in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(step)
        return True

    # -- the usual ----------------------------------------------------------------------------------------------------------------

    def ready(self) -> bool:
        return self.run("status", "--wait-ready", "--timeout", "30").returncode == 0

    def join(self, seed: "Node", *options: str) -> subprocess.CompletedProcess:
        token = json.loads(seed.run("add-node", "--token-ttl", "3600", "--format", "json").stdout)["token"]
        return self.run("join", f"{seed.address}:25000/{token}", *options)

    def roles(self) -> dict[str, str]:
        """Address -> role, as the dqlite shell shows them."""
        backend = self.data("var/kubernetes/backend")
        done = self.python("sim.dqlite.shell", "-s", f"file://{backend}/cluster.yaml", "-c", f"{backend}/cluster.crt",
                           "-k", f"{backend}/cluster.key", "-f", "json", "k8s", ".cluster", check=False)
        if done.returncode != 0:
            return {}
        return {m["Address"].split(":")[0]: ("voter", "standby", "spare")[m["Role"]] for m in json.loads(done.stdout)}
