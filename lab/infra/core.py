"""A lab: its directory, its state, and going up and down.

Owns build/lab (or build/lab-NAME): `state.json` (number, nodes; written before anything is made, so that a later run can clean up
after a crash), `run/` (tmpfs: the layer, the shared directory, and one tmpfs a node that is the node's disk), `id_ed25519`,
`known_hosts`, and `lab.json`, the public description that appears last.
Invariant: whatever exists in the kernel for this lab can be found from the number K in state.json alone.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import time
import uuid

from . import layer, network, processes, rootfs, ups, wakeonlan
from .errors import LabError
from .node import Node
from .shell import run, tool

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 30
READY_POLL_S = 0.01


class Lab:
    """One lab of this checkout, by name. Cheap to make; reads its state when it is asked."""

    def __init__(self, name):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,19}", name):
            raise LabError(f"'{name}' is no name for a lab", "a name is 1 to 20 of a-z 0-9 -, and begins with a letter or digit",
                           "choose another --lab NAME", 2)
        self.name = name
        self.dir = ROOT / "build" / ("lab" if name == "lab" else f"lab-{name}")
        self.run = self.dir / "run"
        self.key = self.dir / "id_ed25519"

    # -- state ------------------------------------------------------------------------------------------------------------

    def state(self):
        """The state of the lab that is up; LabError 3 when there is none."""
        try:
            return json.loads((self.dir / "state.json").read_text())
        except FileNotFoundError:
            raise LabError(f"the lab '{self.name}' is not up", f"{self.dir}/state.json does not exist",
                           f"start it: lab.py --lab {self.name} up", 3) from None

    def save(self, state):
        write_atomically(self.dir / "state.json", json.dumps(state, indent=1))

    def network(self):
        return network.Network(self.state()["k"])

    def nodes(self):
        """All nodes, in order."""
        state = self.state()
        net = network.Network(state["k"])
        return [Node(self, net, entry) for entry in state["nodes"]]

    def node(self, name):
        for node in self.nodes():
            if name in (node.name, node.ip):
                return node
        raise LabError(f"the lab has no node '{name}'", "its nodes are " + ", ".join(n.name for n in self.nodes()),
                       "use one of these names", 3)

    @contextlib.contextmanager
    def locked(self):
        """Only one `up` or `down` at a time in a checkout; the lock is on the directory `build`, so it leaves no file."""
        self.dir.parent.mkdir(exist_ok=True)
        handle = os.open(self.dir.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    # -- up ---------------------------------------------------------------------------------------------------------------

    def up(self, count, workers, options, say):
        """Start a fresh lab; what is left of an earlier one with this name is removed first. `options`: bare, scale, ups."""
        if os.geteuid() != 0:
            raise LabError("the lab needs root", "it makes namespaces, mounts and addresses", "run it with sudo", 4)
        base, init = rootfs.rootfs(say), rootfs.binary("labinit", ("-static",))
        kubectl = None if options.bare else layer.kubectl_layer()
        if options.ups:
            ups.check_tools()
        with self.locked():
            self._down()
            try:
                self._up(count, workers, options, [p for p in (kubectl, base) if p], init)
            except BaseException:
                self._down()
                raise

    def _up(self, count, workers, options, lower, init):
        self.run.mkdir(parents=True)
        entries = [{"name": f"n{i + 1}", "number": network.FIRST_NODE_NUMBER + i,
                    "role": "worker" if i >= count - workers else "control_plane"} for i in range(count)]
        state = {"id": str(uuid.uuid4()), "nodes": entries, "bare": options.bare, "scale": options.scale, "init": str(init)}
        net = network.claim(lambda k: self.save({**state, "k": k}))
        extra = [(ups.NAME, network.UPS_HOST_NUMBER)] if options.ups else []
        net.create([(e["name"], e["number"]) for e in entries] + extra)
        mount_tmpfs(self.run, "lab", "2g")
        (self.run / "shared").mkdir()
        layer.build(self.run / "layer", self._make_key())
        state.update(k=net.k, lower=":".join(map(str, [self.run / "layer", *lower])))
        self.save(state)
        for node in self.nodes():
            node.create_disk(options.scale)
            node.power_on()
        wakeonlan.start(self, net)
        power = ups.Ups(self, net).start() if options.ups else None
        self._wait_ready()
        self._describe(power)

    def _make_key(self):
        run([tool("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-C", f"lab-{self.name}", "-f", str(self.key)])
        return self.key.with_suffix(".pub").read_text()

    def _wait_ready(self):
        deadline = time.monotonic() + READY_TIMEOUT_S
        for node in self.nodes():
            while not node.answers_ssh():
                if time.monotonic() > deadline:
                    raise LabError(f"node {node.name} does not answer on SSH", f"no banner within {READY_TIMEOUT_S} s; its console says: "
                                   + node.console_tail(), "try again; if it stays so, report it")
                time.sleep(READY_POLL_S)

    def _describe(self, power):
        nodes = self.nodes()
        lines = [f"{n.ip} {' '.join(n.host_key().split()[:2])}\n" for n in nodes]
        (self.dir / "known_hosts").write_text("".join(lines))
        net = self.network()
        self.write_description({
            "name": self.name, "subnet": net.subnet, "host_address": net.address(1), "ups": power,
            "nodes": [{"hostname": n.name, "ip": n.ip, "port": 22, "user": "ubuntu", "key_path": str(self.key), "role": n.role,
                       "mac": n.mac} for n in nodes]})

    def description(self):
        return json.loads((self.dir / "lab.json").read_text())

    def write_description(self, description):
        write_atomically(self.dir / "lab.json", json.dumps(description, indent=2) + "\n")

    # -- down -------------------------------------------------------------------------------------------------------------

    def down(self):
        """Remove everything of this lab; fine when nothing is there."""
        with self.locked():
            self._down()

    def _down(self):
        net = self._network_to_clean()
        if net is not None:
            processes.kill_all([network.NETNS_DIR / name for name in net.namespaces()])
            net.destroy()
        for path in sorted(mounts_below(self.run), reverse=True):
            run([tool("umount", "mount"), "-l", path], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _network_to_clean(self):
        """The network named in state.json, unless another lab has taken that number since (the crash was before the claim)."""
        try:
            state = self.state()
        except (LabError, ValueError):
            return None
        if "k" not in state or _claimed_by_other(state["k"], self.dir):
            return None
        return network.Network(state["k"])


def _claimed_by_other(k, own_dir):
    """Whether another lab uses number `k`: its nodes' directories are not below `own_dir`."""
    for pid, _ in processes.in_netns(network.NETNS_DIR.glob(f"mko{k}-*")).items():
        with contextlib.suppress(OSError):
            argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"--dir" in argv:
                return not argv[argv.index(b"--dir") + 1].decode().startswith(f"{own_dir}/")
    return False


def mount_tmpfs(path, label, size):
    path.mkdir(parents=True, exist_ok=True)
    run([tool("mount", "mount"), "-t", "tmpfs", "-o", f"size={size},mode=755", label, str(path)])


def mounts_below(path):
    """Mount points at or below `path`."""
    text = pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8")
    points = [line.split()[1].replace("\\040", " ") for line in text.splitlines()]
    return [p for p in points if p == str(path) or p.startswith(f"{path}/")]


def write_atomically(path, text):
    tmp = path.with_name(f".{path.name}.{os.getpid()}.new")
    tmp.write_text(text)
    tmp.replace(path)

