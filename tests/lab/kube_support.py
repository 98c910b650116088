"""A stand-alone simulated cluster (`python3 -m sim.kube`) and the real kubectl programs, for test_kube_*.py.

MKO_TEST_KUBECTLS is a colon separated list of kubectl programs; without it those of the machine are looked for, and
build/kubectl-1.20, where `./dev test` unpacks Debian's when the machine has another one (the package would conflict with it).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAB = Path(__file__).resolve().parents[2] / "lab"
DEBIAN_KUBECTL = LAB.parent / "build/kubectl-1.20"


def kubectl_version(program: str) -> str:
    """Major and minor version of a kubectl, `1.32`; "" when it does not run."""
    try:
        done = subprocess.run((program, "version", "--client", "-o", "json"), capture_output=True, check=True, timeout=20)
        return re.match(r"v(\d+\.\d+)", json.loads(done.stdout)["clientVersion"]["gitVersion"])[1]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return ""


def candidates() -> list[str]:
    """The machine's kubectl (its own binary where it is a dispatcher beside versioned ones), and Debian's in build/."""
    found = shutil.which("kubectl", path="/usr/local/bin:/usr/bin:/bin")
    binary = Path(found).resolve() if found else None
    beside = sorted(binary.parent.glob("kubectl.1.32")) if binary else []
    return [str(path) for path in (*beside, binary, DEBIAN_KUBECTL) if path and path.exists()]


def kubectls() -> dict[str, str]:
    """Version -> program of the kubectls at hand."""
    given = os.environ.get("MKO_TEST_KUBECTLS")
    programs = given.split(":") if given else candidates()
    found: dict[str, str] = {}
    for program in programs:
        found.setdefault(kubectl_version(program), program)
    found.pop("", None)
    return found


class Cluster:
    """A running stand-alone cluster: nodes n1 and n2 (control planes), n3 (worker). Close it after use."""

    def __init__(self, scale: float = 0.02):
        self.directory = Path(tempfile.mkdtemp(prefix="mko-kube-"))
        self.store = self.directory / "store"
        self.certs = self.directory / "certs"
        self._control = self.directory / "control.json"
        command = (
            sys.executable, "-m", "sim.kube", "--port", "0", "--dir", self.store, "--cert-dir", self.certs,
            "--control", self._control, "--scale", str(scale),
        )  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(LAB), "PYTHONDONTWRITEBYTECODE": "1"}
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        word, _, port = self.process.stdout.readline().partition(" ")
        if word != "ready":
            raise RuntimeError((self.directory / "log").read_text())
        self.port = int(port)
        self.url = f"https://127.0.0.1:{self.port}"

    def close(self) -> str:
        """Stop it; what it wrote to stderr (nothing, if all is well)."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.process.stdout.close()
        self.log.close()
        complaints = (self.directory / "log").read_text()
        shutil.rmtree(self.directory)
        return complaints

    def control(self, **state) -> None:
        """Change quorum, mode, down (nodes), faults of the running cluster."""
        new = self._control.with_suffix(".new")
        new.write_text(json.dumps(state))
        new.replace(self._control)
        time.sleep(0.5)

    def kubectl(self, program: str, *args: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess:
        """Run kubectl with a home and a cache of its own."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "KUBECONFIG": str(self.certs / "kubeconfig")}
        cache = self.directory / ("cache-" + program.replace("/", "_"))
        command = (program, "--cache-dir", str(cache), *args)
        return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout)


def wait_for(condition, seconds: float = 20):
    """Poll until `condition()` is true; its value. AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError("the condition did not come true")
