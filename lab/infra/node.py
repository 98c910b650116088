"""One node: its disk, its power, its console. The node's inside is made by labinit.c; this file is its front panel."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import time
import uuid

from . import processes
from .errors import LabError
from .shell import run, tool

DISK_SIZE = "64g"  # what `df` shows; a tmpfs takes only what is written
REBOOT_SIGNAL, POWER_OFF_SIGNAL = signal.SIGRTMIN + 5, signal.SIGRTMIN + 4
NO_HOST_RIGHTS = "--bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog,-sys_boot"  # as labinit.c drops for the node itself
NODE_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOSTS = "127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n::1\tlocalhost ip6-localhost ip6-loopback\n"


class Node:
    """A node of a lab. `entry` is its part of state.json: name, number, role."""

    def __init__(self, lab, net, entry):
        self.lab, self.net = lab, net
        self.name, self.number, self.role = entry["name"], entry["number"], entry["role"]
        self.ip = net.address(self.number)
        self.mac = net.mac(self.number)
        self.dir = lab.run / self.name  # outside of the node's disk, so a full disk does not stop the lab
        self.disk = self.dir / "disk"
        self.sim = self.dir / "sim"
        self.netns = net.netns_path(self.name)

    # -- disk -------------------------------------------------------------------------------------------------------------

    def create_disk(self, scale):
        """Make the node's disk (a tmpfs of its own, so it can be full by itself) with what makes this node this node."""
        for directory in ("disk", "sim"):
            (self.dir / directory).mkdir(parents=True)
        run([tool("mount", "mount"), "-t", "tmpfs", "-o", f"size={DISK_SIZE},mode=755", f"lab-{self.name}", str(self.disk)])
        for directory in ("up", "work", "m"):
            (self.disk / directory).mkdir()
        self.write("etc/hostname", f"{self.name}\n")
        self.write("etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
        self.write("etc/hosts", HOSTS.format(name=self.name))
        self.write("etc/resolv.conf", f"nameserver {self.net.gateway}\noptions timeout:1 attempts:1\n")
        self.write("etc/network/lab.batch", self.net.boot_batch(self.number))
        (self.sim / "timing.json").write_text(json.dumps({"scale": scale}))
        (self.sim / "faults.json").write_text("{}")

    def write(self, path, text, mode=0o644):
        """Write a file on the disk of a node that is off (never of one that runs: use `exec`)."""
        target = self.disk / "up" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def host_key(self):
        return (self.disk / "up/etc/ssh/ssh_host_ed25519_key.pub").read_text()

    def console_tail(self):
        path = self.dir / "console.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return lines[-1] if lines else "nothing"

    # -- power ------------------------------------------------------------------------------------------------------------

    def pid(self):
        """Host pid of the node's PID 1; None when the node is off."""
        return processes.init_pid(self.netns)

    def running_pid(self):
        pid = self.pid()
        if pid is None:
            raise LabError(f"node {self.name} is off", "nothing runs in it", f"lab.py power-on {self.name}", 4)
        return pid

    def power_on(self):
        """Boot; fine when it runs. Whether it was off. Two at once (power button, magic packet) boot it once."""
        with self._power_switch():
            if processes.in_netns([self.netns]):
                return False
            state = self.lab.state()
            run([state["init"], "--netns", str(self.netns), "--dir", str(self.dir), "--lower", state["lower"],
                 "--shared", str(self.lab.run / "shared"), *(["--bare"] if state["bare"] else [])])
            return True

    @contextlib.contextmanager
    def _power_switch(self):
        handle = os.open(self.dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def power_cut(self):
        """Take the power away: everything dies at once, the disk stays as it is. Fine when it is off."""
        processes.kill_all([self.netns])
        self.net.set_node_link(self.name, False)

    def power_off(self):
        """Press the power button: an orderly end."""
        self._signal_init(POWER_OFF_SIGNAL)
        deadline = time.monotonic() + 10
        while processes.in_netns([self.netns]):
            if time.monotonic() > deadline:
                self.power_cut()
            time.sleep(0.01)

    def reboot(self):
        """An orderly reboot; returns when the node's new PID 1 runs."""
        old = self.running_pid()
        self._signal_init(REBOOT_SIGNAL)
        deadline = time.monotonic() + 60
        while self.pid() in (old, None):
            if time.monotonic() > deadline:
                raise LabError(f"node {self.name} does not come back", "its console says: " + self.console_tail(),
                               f"lab.py power-off {self.name}, then power-on")
            time.sleep(0.01)

    def _signal_init(self, number):
        pid = self.pid()
        if pid is not None:
            processes.send(pid, number, self.netns)

    def freeze(self):
        """Hang the node: connections are still accepted by its kernel, nobody answers."""
        self.running_pid()
        processes.signal_all(self.netns, signal.SIGSTOP)

    def thaw(self):
        processes.signal_all(self.netns, signal.SIGCONT)

    # -- looking in -------------------------------------------------------------------------------------------------------

    def exec_argv(self, command):
        """The host command that runs `command` as root inside the node."""
        enter = [tool("nsenter", "util-linux"), "-t", str(self.running_pid()), "-r", "-m", "-u", "-i", "-n", "-p", "--"]
        return [*enter, "/usr/bin/setpriv", NO_HOST_RIGHTS, "/usr/bin/env", "-i", NODE_PATH, "HOME=/root", "TERM=dumb",
                "LANG=C.UTF-8", *command]

    def run(self, *command, check=True):
        """Run a command inside the node to its end."""
        return run(self.exec_argv(list(command)), check=check)

    def put(self, path, content, mode="644"):
        """Write a file inside the running node."""
        data = content if isinstance(content, bytes) else content.encode()
        script = 'mkdir -p "${1%/*}" && cat > "$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"'
        run(self.exec_argv(["/usr/bin/sh", "-c", script, "sh", path, mode]), stdin=data)

    def answers_ssh(self, timeout_s=0.5):
        """Whether an SSH server sends its banner."""
        try:
            with socket.create_connection((self.ip, 22), timeout_s) as connection:
                connection.settimeout(timeout_s)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False
