"""`microk8s status` (facts 1.1)."""

from sim import addons, args, root, timing
from sim.cli import common
from sim.cli.common import NOT_RUNNING, say
from sim.dqlite import files, shell

ROLE_NAMES = {0: "voter", 1: "standby", 2: "spare"}
TRIES = 10


class InfoMissing(RuntimeError):
    """No info.yaml: the real script dies of it with a traceback."""


def dqlite_info() -> list[tuple[str, str]]:
    """(address, role) in raft order; empty when no leader answers in ten tries."""
    if not root.is_ha():
        return []
    for _ in range(TRIES):
        info = files.read_yaml("info.yaml")
        if info is None:
            raise InfoMissing(root.backend("info.yaml"))
        try:
            members = shell.local().cluster()
        except (shell.ShellError, OSError):
            timing.sleep("join_poll_error")
            continue
        if any(m["Address"] == info["Address"] for m in members):
            return [(m["Address"], ROLE_NAMES[m["Role"]]) for m in members]
        timing.sleep("join_poll")
    return []


def _ha_pretty(info: list[tuple[str, str]], ha_lock: bool) -> None:
    masters = [a for a, role in info if role == "voter"]
    standbys = [a for a, role in info if role == "standby"]
    say(f"high-availability: {'yes' if len(masters) > 2 else 'no'}")
    if not ha_lock:
        say("  datastore endpoints:", *(f"    {endpoint}" for endpoint in etcd_endpoints()))
        return
    say(f"  datastore master nodes: {' '.join(masters) or 'none'}",
        f"  datastore standby nodes: {' '.join(standbys) or 'none'}")


def etcd_endpoints() -> list[str]:
    return [e.removeprefix("https://") for e in (args.get("kube-apiserver", "--etcd-servers") or "").split(",")]


def print_pretty(ready: bool, on: list, off: list, info: list[tuple[str, str]], ha_lock: bool = True) -> None:
    if not ready:
        say(NOT_RUNNING)
        return
    say("microk8s is running")
    _ha_pretty(info, ha_lock)
    say("addons:")
    for title, rows in (("enabled", on), ("disabled", off)):
        if rows:
            say(f"  {title}:", *(f"    {a.name:<20} # ({addons.REPOSITORY}) {a.description}" for a in rows))


def print_short(ready: bool, on: list, off: list) -> None:
    if not ready:
        say(NOT_RUNNING)
        return
    say("microk8s is running", "addons:", *(f"{addons.REPOSITORY}/{a.name}: enabled" for a in on),
        *(f"{addons.REPOSITORY}/{a.name}: disabled" for a in off))


def print_yaml(ready: bool, on: list, off: list, info: list[tuple[str, str]], ha_lock: bool = True) -> None:
    """`enabled` tells of the lock file, not of three voters."""
    say("microk8s:", f"  running: {ready}", "high-availability:", f"  enabled: {ha_lock}", *(["  nodes:"] if ha_lock else []))
    for address, role in info:
        say(f"    - address: {address}", f"      role: {role}")
    if not ready:
        say(f"  message: {NOT_RUNNING}")
        return
    say("addons:")
    for addon, state in [(a, "enabled") for a in on] + [(a, "disabled") for a in off]:
        say(f"  - name: {addon.name}", f"    repository: {addons.REPOSITORY}", f"    description: {addon.description}",
            f"    version: {addon.version}", f"    status: {state}")


def print_yaml_short(ready: bool, on: list, off: list) -> None:
    say("microk8s:", f"  running: {ready}")
    if not ready:
        say(f"  message: {NOT_RUNNING}")
        return
    say("addons:", *(f"  {a.name}: enabled" for a in on), *(f"  {a.name}: disabled" for a in off))


def _parser() -> common.Parser:
    parser = common.Parser("status", description="MicroK8s cluster status check.")
    parser.add_argument("--format", default="pretty", choices=("pretty", "yaml", "short"),
                        help="print cluster and addon status, output can be in yaml, pretty or short")
    parser.add_argument("-w", "--wait-ready", action="store_true", help="wait until the cluster is in ready state")
    parser.add_argument("-t", "--timeout", type=int, default=0,
                        help="specify a timeout in seconds when waiting for the cluster to be ready.")
    parser.add_argument("-a", "--addon", default="all", help="check the status of an addon.")
    parser.add_argument("--yaml", action="store_true", help="DEPRECATED, use '--format yaml' instead")
    return parser


def run(argv: list[str]) -> int:
    common.exit_if_no_permission()
    common.exit_if_worker(0)
    common.exit_if_low_memory()
    if root.locked("stopped.lock"):
        say(common.STOPPED)
        return 0
    options = _parser().parse_args(argv)
    ready = common.wait_ready(options.timeout) if options.wait_ready else common.is_ready()
    on, off = _addon_lists(ready, options.addon)
    if options.addon != "all":
        say("enabled" if on else "disabled")
    elif options.yaml:
        print_yaml_short(ready, on, off)
    elif options.format == "short":
        print_short(ready, on, off)
    elif options.format == "yaml":
        print_yaml(ready, on, off, dqlite_info(), root.is_ha())
    else:
        print_pretty(ready, on, off, dqlite_info() if ready else [], root.is_ha())
    return 0 if ready else 1


def _addon_lists(ready: bool, only: str) -> tuple[list, list]:
    if not ready:
        return [], []
    listed = [a for a in addons.catalogue() if only in ("all", a.name)]
    store = addons.open_store()
    states = [(a, a.is_on(store)) for a in listed]
    return [a for a, on in states if on], [a for a, on in states if not on]
