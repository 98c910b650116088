"""The lab's UPS: a real upsd with the real driver dummy-ups, in a network namespace of its own (address .5, port 3493).

Owns run/ups: nut's configuration and the file that the driver plays. `ups.dev` holds variables and is read again when it changes;
`ups.seq` is a recorded sequence with TIMER lines, played in a loop. Which of the two is played is the driver's `port`.
"""

import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time

from . import network, processes
from .errors import LabError
from .shell import clean_env, tool

NAME, PORT = "ups", 3493
PROGRAM_DIRS = ("/lib/nut", "/usr/lib/nut", "/usr/libexec/nut")  # there upsd is the program; /usr/sbin/upsd is Debian's wrapper
DEFAULT = """\
battery.charge: 100
battery.charge.low: 10
battery.runtime: 1800
battery.runtime.low: 120
battery.voltage: 27.3
battery.type: PbAc
device.mfr: mko lab
device.model: Simulated UPS 1500
device.serial: LAB0001
device.type: ups
input.voltage: 230.0
input.frequency: 50.0
output.voltage: 230.0
ups.load: 22
ups.mfr: mko lab
ups.model: Simulated UPS 1500
ups.serial: LAB0001
ups.realpower.nominal: 900
ups.status: OL CHRG
"""


def check_tools():
    """Fail early, naming the package, when the UPS software is missing."""
    program("upsd")
    program("dummy-ups")


def program(name):
    for directory in PROGRAM_DIRS:
        if os.access(f"{directory}/{name}", os.X_OK):
            return f"{directory}/{name}"
    raise LabError(f"the UPS program {name} is missing", "it is in none of " + ", ".join(PROGRAM_DIRS),
                   "apt-get install --no-install-recommends nut-server", 4)


class Ups:
    """The UPS of a lab that is up."""

    def __init__(self, lab, net):
        self.net = net
        self.dir = lab.run / "ups"
        self.netns = net.netns_path(NAME)
        self.host = net.address(network.UPS_HOST_NUMBER)
        if not self.netns.exists():
            raise LabError("this lab has no UPS", "it was started without --ups", "lab.py up --ups", 4)

    def start(self):
        """Configure and start; the description for lab.json."""
        username, password = "mko" + secrets.token_hex(3), secrets.token_hex(12)
        self.dir.mkdir(mode=0o750)
        self._write("nut.conf", "MODE=netserver\n")
        self._write("upsd.conf", f"LISTEN {self.host} {PORT}\nMAXAGE 10\n")
        self._write("upsd.users", f"[{username}]\n  password = {password}\n  actions = SET FSD\n  instcmds = ALL\n  upsmon primary\n")
        self._write("ups.dev", DEFAULT)
        network.ip_batch(["link set lo up", f"addr add {self.host}/24 brd + dev eth0", "link set eth0 up"], self.net.netns(NAME))
        self._start_driver("ups.dev")
        self._spawn([program("upsd"), "-F", "-u", "root"])
        self._wait_ready()
        return {"host": self.host, "port": PORT, "name": NAME, "username": username, "password": password}

    def set(self, variable, value):
        """Change one variable of the UPS."""
        if not re.fullmatch(r"[a-z][a-z0-9.]*", variable) or "\n" in value:
            raise LabError(f"'{variable}' is no UPS variable", "a name is like ups.status or battery.charge", "lab.py ups set ups.status OB", 2)
        lines = [line for line in (self.dir / "ups.dev").read_text().splitlines() if not line.startswith(f"{variable}:")]
        self._play("ups.dev", "\n".join([*lines, f"{variable}: {value}"]) + "\n")

    def load(self, path):
        """Play the variables of another .dev file."""
        self._play("ups.dev", read(path))

    def replay(self, path):
        """Play a .seq file in a loop."""
        self._play("ups.seq", read(path))

    def _play(self, name, text):
        target = self.dir / name
        seen = target.stat().st_mtime if target.exists() else 0
        self._write(name, text)
        changed = max(time.time(), int(seen) + 1)  # the driver looks at whole seconds
        os.utime(target, (changed, changed))
        if f"port = {target}" not in (self.dir / "ups.conf").read_text():
            self._stop_driver()
            self._start_driver(name)

    def _start_driver(self, name):
        self._write("ups.conf", f"pollinterval = 1\n[{NAME}]\n  driver = dummy-ups\n  port = {self.dir / name}\n  desc = \"lab UPS\"\n")
        self._spawn([program("dummy-ups"), "-a", NAME, "-F", "-u", "root"])
        deadline = time.monotonic() + 5
        while not (self.dir / f"dummy-ups-{NAME}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _stop_driver(self):
        for pid in self._driver_pids():
            processes.send(pid, signal.SIGTERM, self.netns)
        deadline = time.monotonic() + 5
        while self._driver_pids() and time.monotonic() < deadline:
            time.sleep(0.02)
        (self.dir / f"dummy-ups-{NAME}").unlink(missing_ok=True)

    def _driver_pids(self):
        found = []
        for pid in processes.in_netns([self.netns]):
            try:
                if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(b"dummy-ups"):
                    found.append(pid)
            except OSError:
                continue
        return found

    def _spawn(self, argv):
        env = {**clean_env(), "NUT_CONFPATH": str(self.dir), "NUT_STATEPATH": str(self.dir), "NUT_ALTPIDPATH": str(self.dir)}
        with open(self.dir / "nut.log", "ab") as log:
            subprocess.Popen([tool("nsenter", "util-linux"), f"--net={self.netns}", *argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             env=env, start_new_session=True, cwd="/")

    def _wait_ready(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.status() not in (None, "WAIT"):
                return
            time.sleep(0.05)
        log = (self.dir / "nut.log").read_text(errors="replace").strip().splitlines() or ["nothing"]
        raise LabError("the UPS server does not answer", f"its log says: {log[-1]}", "report it with the log")

    def status(self):
        """The UPS status that upsd tells over the network now; None when it does not."""
        try:
            with socket.create_connection((self.host, PORT), 0.5) as connection:
                connection.sendall(f"GET VAR {NAME} ups.status\n".encode())
                answer = connection.recv(200).decode(errors="replace")
        except OSError:
            return None
        return answer.split('"')[1] if answer.startswith("VAR ") else None

    def _write(self, name, text):
        fresh = self.dir / f".{name}.new"
        fresh.write_text(text)
        fresh.chmod(0o640)
        shutil.move(fresh, self.dir / name)


def read(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"cannot read {path}", error.strerror, "give the path of a file that dummy-ups understands", 2) from None
