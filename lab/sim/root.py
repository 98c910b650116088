"""Where everything of a simulated node lives, and who the node is.

Owns the paths of facts 2.3/2.4 and the node's identity (hostname, addresses). All files are below `SIM_ROOT` (default `/`), so that
unit tests can hold several nodes in one process tree. `SIM_ADDRESS`, `SIM_LOOPBACK` and `SIM_HOSTNAME` replace what a real network
namespace gives: in tests the node's own address and its private `127.0.0.1`.
"""

import os
import socket
import subprocess
from pathlib import Path

BOOTSTRAP_ID = 3297041220608546238  # the ID that dqlite gives to every first node
API_PORT = 16443
AGENT_PORT = 25000
DQLITE_PORT = 19001


def path(absolute: str) -> Path:
    """Return the real path of a node path such as `/var/snap/microk8s/common`."""
    return Path(os.environ.get("SIM_ROOT", "/")) / absolute.lstrip("/")


def data(*parts: str) -> Path:
    """A path below SNAP_DATA (`/var/snap/microk8s/current`)."""
    return path("/var/snap/microk8s/current").joinpath(*parts)


def common(*parts: str) -> Path:
    """A path below SNAP_COMMON (`/var/snap/microk8s/common`)."""
    return path("/var/snap/microk8s/common").joinpath(*parts)


def snap(*parts: str) -> Path:
    """A path below SNAP (`/snap/microk8s/current`)."""
    return path("/snap/microk8s/current").joinpath(*parts)


def backend(*parts: str) -> Path:
    """A path below the dqlite directory (`$B` of the facts)."""
    return data("var/kubernetes/backend").joinpath(*parts)


def shared(*parts: str) -> Path:
    """A path in the directory that all nodes of one lab see; never read by playbooks."""
    return path("/run/sim/shared").joinpath(*parts)


def state(*parts: str) -> Path:
    """A path in the simulator's own disk state of this node."""
    return path("/var/lib/sim").joinpath(*parts)


def installed() -> bool:
    """True when the snap is installed (its data directory is linked and its install hook ran)."""
    return data("var/lock/installed.lock").exists()


# ---- locks (facts 2.3) ----------------------------------------------------------------------------------------------------------

def lock(name: str) -> Path:
    """The path of one of the files in `$D/var/lock`."""
    return data("var/lock", name)


def locked(name: str) -> bool:
    return lock(name).exists()


def set_lock(name: str, on: bool = True) -> None:
    """Create or remove a lock file; both are idempotent."""
    if on:
        lock(name).parent.mkdir(parents=True, exist_ok=True)
        lock(name).touch(mode=0o700)
    else:
        lock(name).unlink(missing_ok=True)


def is_worker() -> bool:
    """The role test of facts 2.3."""
    return locked("clustered.lock")


def is_ha() -> bool:
    return locked("ha-cluster")


# ---- identity -------------------------------------------------------------------------------------------------------------------

def hostname() -> str:
    return os.environ.get("SIM_HOSTNAME") or socket.gethostname()


def node_name() -> str:
    return hostname().lower()


def loopback() -> str:
    """What this node calls 127.0.0.1."""
    return os.environ.get("SIM_LOOPBACK", "127.0.0.1")


def default_address() -> str:
    """The source address of the default route, as `get_default_ip` of MicroK8s finds it (no packet is sent)."""
    if "SIM_ADDRESS" in os.environ:
        return os.environ["SIM_ADDRESS"].split()[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
            return probe.getsockname()[0]
        except OSError:
            addresses = all_addresses()
            return addresses[0] if addresses else loopback()


def all_addresses() -> list[str]:
    """IPv4 addresses in the order of `hostname -I`, without link-local ones (`get_ips` of MicroK8s)."""
    if "SIM_ADDRESS" in os.environ:
        return os.environ["SIM_ADDRESS"].split()
    out = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout
    return [a for a in out.split() if ":" not in a and not a.startswith("169.254.")]


def bind_hosts() -> list[str]:
    """The addresses that stand for 0.0.0.0: in tests several nodes share one network namespace."""
    if "SIM_ADDRESS" not in os.environ:
        return ["0.0.0.0"]
    return list(dict.fromkeys(all_addresses() + [loopback()]))


def local_port(port: int) -> int:
    """A port that is only open on 127.0.0.1: in tests any free one, because all nodes share that address."""
    return 0 if "SIM_ADDRESS" in os.environ else port


# ---- files ----------------------------------------------------------------------------------------------------------------------

def write(target: Path, text: str, mode: int = 0o660) -> None:
    """Write a file atomically, so that no reader (or power cut) sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.new")
    temporary.write_text(text)
    temporary.chmod(mode)
    own_by_group(temporary)
    temporary.replace(target)


def own_by_group(target: Path) -> None:
    """Give a file to the group `microk8s` when we may and the group exists (as `try_set_file_permissions` does)."""
    if os.geteuid() != 0 or "SIM_ADDRESS" in os.environ:
        return
    gid = group_id()
    if gid is not None:
        os.chown(target, 0, gid)


def group_id() -> int | None:
    """The numeric id of group `microk8s`, or None before the install hook made it."""
    try:
        with open(path("/etc/group"), encoding="utf-8") as groups:
            for line in groups:
                name, _, gid, *_ = line.rstrip("\n").split(":")
                if name == "microk8s":
                    return int(gid)
    except OSError:
        return None
    return None
