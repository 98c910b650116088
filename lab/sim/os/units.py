"""The systemd units that a node shows: the snap's eight services and a few of the system, and what can be done with them.

A snap unit is a service of simnoded (`sim.services`). `ssh` and the simulated snapd are services of labinit (PID 1), which runs a service
unless /run/labinit/NAME.stop exists. chrony and systemd-timesyncd are records only (the clock is not theirs to change here).
"""

import json
import os
import signal
import time

SNAP_PREFIX = "snap.microk8s."
DESCRIPTIONS = {
    "ssh": "OpenBSD Secure Shell server", "snapd": "Snap Daemon", "systemd-timesyncd": "Network Time Synchronization",
    "chrony": "chrony, an NTP client/server",
}
LABINIT = {"ssh": "ssh", "sshd": "ssh", "snapd": "snapd"}
PID_FILES = {"ssh": "/run/sshd.pid"}  # written once it listens: with Type=notify a real start lasts that long too
RECORDS = "/var/lib/sim/units.json"
INIT_DIR = "/run/labinit"
INSTALLED = {"ssh", "snapd", "systemd-timesyncd"}


class NoUnit(Exception):
    """There is no unit of that name."""


def find(name):
    """The unit that `name` means (with or without .service); raises NoUnit."""
    short = name.removesuffix(".service").removesuffix(".socket")
    if short.startswith(SNAP_PREFIX):
        return SnapUnit(short.removeprefix(SNAP_PREFIX))
    if short in LABINIT:
        return InitUnit(LABINIT[short])
    if short in INSTALLED:
        return RecordUnit(short)
    raise NoUnit(name)


def all_units():
    """Every unit that exists on this node."""
    snap = [SnapUnit(name) for name in snap_services() if os.path.islink("/snap/microk8s/current")]
    return [InitUnit("ssh"), InitUnit("snapd"), RecordUnit("systemd-timesyncd"), *snap]


def snap_services():
    from sim import services
    return services.NAMES


class SnapUnit:
    """A service of the snap."""

    def __init__(self, service):
        if service not in snap_services() or not os.path.exists("/snap/microk8s"):
            raise NoUnit(SNAP_PREFIX + service)
        self.service = service
        self.name = f"{SNAP_PREFIX}{service}.service"
        self.description = f"Service for snap application microk8s.{service}"
        self.path = f"/etc/systemd/system/{self.name}"

    def state(self):
        from sim import services
        record = services.load()[self.service]
        return {"active": record["active"], "sub": "running" if record["active"] == "active" else record["sub"], "enabled":
                record["enabled"], "pid": record["pid"], "since": record["since"], "restarts": record["restarts"],
                "result": record["result"]}

    def act(self, verb, **options):
        from sim import services
        services.request(verb, self.service, **options)

    def enable(self, on):
        from sim import services
        services.request("enable" if on else "disable", self.service)

    def kill(self, number):
        from sim import services
        services.request("kill", self.service, signal=number)


class InitUnit:
    """A service of PID 1."""

    def __init__(self, service):
        self.service = service
        self.name = f"{service}.service"
        self.description = DESCRIPTIONS[service]
        self.path = f"/lib/systemd/system/{self.name}"

    def state(self):
        try:
            pid = read_pid(f"{INIT_DIR}/{self.service}.pid")
            since = time.time() - uptime() + start_ticks(pid)
        except OSError:
            pid, since = 0, 0.0
        return {"active": "active" if pid else "inactive", "sub": "running" if pid else "dead", "enabled": True, "pid": pid,
                "since": since, "restarts": 0, "result": "success"}

    def act(self, verb, **_options):
        stop = f"{INIT_DIR}/{self.service}.stop"
        pid = self.state()["pid"]
        if verb == "stop":
            open(stop, "w", encoding="ascii").close()
        elif os.path.exists(stop):
            os.unlink(stop)
        if verb in ("stop", "restart") and pid:
            os.kill(pid, signal.SIGTERM)
        os.kill(1, signal.SIGHUP)
        wait_until(lambda: bool(self.state()["pid"]) == (verb != "stop") and (verb == "start" or self.state()["pid"] != pid))
        if verb != "stop" and self.service in PID_FILES:
            wait_until(lambda: read_pid(PID_FILES[self.service]) == self.state()["pid"])

    def enable(self, on):
        pass

    def kill(self, number):
        pid = self.state()["pid"]
        if pid:
            os.kill(pid, number)


class RecordUnit:
    """A unit of which only its state is played."""

    def __init__(self, service):
        self.service = service
        self.name = f"{service}.service"
        self.description = DESCRIPTIONS[service]
        self.path = f"/lib/systemd/system/{self.name}"

    def state(self):
        record = {"active": True, "enabled": True, "since": 0.0, **records().get(self.service, {})}
        return {"active": "active" if record["active"] else "inactive", "sub": "running" if record["active"] else "dead",
                "enabled": record["enabled"], "pid": 0, "since": record["since"], "restarts": 0, "result": "success"}

    def act(self, verb, **_options):
        self._record(active=verb != "stop", since=time.time())

    def enable(self, on):
        self._record(enabled=on)

    def kill(self, number):
        pass

    def _record(self, **changes):
        every = records()
        every[self.service] = {**every.get(self.service, {}), **changes}
        os.makedirs(os.path.dirname(RECORDS), exist_ok=True)
        with open(RECORDS + ".new", "w", encoding="utf-8") as file:
            json.dump(every, file)
        os.replace(RECORDS + ".new", RECORDS)


def records():
    try:
        with open(RECORDS, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def read_pid(path):
    """The process of a PID file, 0 when there is none."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def wait_until(test, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while not test() and time.monotonic() < deadline:
        time.sleep(0.05)


def uptime():
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def start_ticks(pid):
    """When the process started, in seconds after the boot of the machine."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
