"""The services of the snap in one node: their names, their recorded state, the way to ask for changes, their journal.

`simnoded` plays the services and is the only writer of `/var/lib/sim/services.json`; everybody else (`snap`, `systemctl`, `microk8s`)
reads that file and sends requests to `/run/sim/control.sock`. A record is `{"enabled", "active", "sub", "result", "restarts", "pid",
"since"}`; `active` is active, inactive, activating or failed. The journal is one file per service, a line `EPOCH<TAB>TEXT` each.
"""

import json
import os
import socket
import time
from pathlib import Path

NAMES = ("daemon-apiserver-kicker", "daemon-apiserver-proxy", "daemon-cluster-agent", "daemon-containerd", "daemon-etcd",
         "daemon-flanneld", "daemon-k8s-dqlite", "daemon-kubelite")
ALL = "*"
JOURNAL_BYTES = 1 << 20


class ControlError(RuntimeError):
    """simnoded refused or does not answer; the text says why."""


def _path(absolute: str) -> Path:
    return Path(os.environ.get("SIM_ROOT", "/")) / absolute.lstrip("/")


def state_file() -> Path:
    return _path("/var/lib/sim/services.json")


def socket_path() -> str:
    return str(_path("/run/sim/control.sock"))


def fresh() -> dict:
    """The record of a service that never ran."""
    return {"enabled": False, "active": "inactive", "sub": "dead", "result": "success", "restarts": 0, "pid": 0, "since": 0.0}


def load() -> dict[str, dict]:
    """The recorded state of every service."""
    try:
        recorded = json.loads(state_file().read_text())
    except (FileNotFoundError, ValueError):
        recorded = {}
    return {name: fresh() | recorded.get(name, {}) for name in NAMES}


def save(states: dict[str, dict]) -> None:
    """simnoded only: record the states atomically."""
    target = state_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".new")
    temporary.write_text(json.dumps(states))
    temporary.replace(target)


def request(cmd: str, service: str = ALL, timeout: float | None = None, **options) -> dict:
    """Ask simnoded to start, stop, restart or kill a service and wait for the answer.

    Options: enable (with start), disable (with stop). Raises ControlError.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout)
            sock.connect(socket_path())
            sock.sendall(json.dumps({"cmd": cmd, "service": service, **options}).encode() + b"\n")
            with sock.makefile("rb") as reader:
                line = reader.readline()
    except OSError as error:
        raise ControlError(f"cannot reach simnoded: {error}") from error
    answer = json.loads(line or b'{"ok": false, "error": "no answer"}')
    if not answer.get("ok"):
        raise ControlError(answer.get("error", "refused"))
    return answer


def journal_file(service: str) -> Path:
    return _path("/var/lib/sim/journal") / f"{service}.log"


def log(service: str, text: str) -> None:
    """Append to a service's journal; the oldest half goes when it gets too long."""
    file = journal_file(service)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        if file.stat().st_size > JOURNAL_BYTES:
            file.write_bytes(file.read_bytes()[-JOURNAL_BYTES // 2:].split(b"\n", 1)[-1])
    except FileNotFoundError:
        pass
    with open(file, "a", encoding="utf-8") as out:
        out.write("".join(f"{time.time():.6f}\t{line}\n" for line in text.splitlines()))
