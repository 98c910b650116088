"""`microk8s enable`, `disable`, `addons` (facts 1.5, 1.8)."""

import fcntl
import http.client
import ipaddress
import json
import ssl
import sys
import time
from contextlib import contextmanager

from sim import addons, args, defaults, faults, kubeclient, pki, root, services, timing
from sim.cli import common
from sim.cli.common import Exit, complain, say

METALLB_PROMPT = "Enter each IP address range delimited by comma (e.g. '10.64.140.43-10.64.140.49,192.168.0.105-192.168.0.111'): "
COMMUNITY_HINT = "To use the community maintained flavor enable the respective repository:\n\n    microk8s enable community\n"


# ---- which addon ----------------------------------------------------------------------------------------------------------------

def parse(argv: list[str]) -> list[tuple[addons.Addon, list[str]]]:
    """(addon, its arguments) of `foo bar:x` or `foo --opt v`. Prints what is wrong and raises Exit."""
    names = [word.split(":", 1)[0] for word in argv]
    if len(argv) > 1 and all(addons.find(name.split("/")[-1]) for name in names):
        return [_single(word) for word in argv]
    addon, inline = _single(argv[0])
    if inline and argv[1:]:
        say("Can't pass string arguments and flag arguments simultaneously!",
            "Enable or disable addons with only one argument style at a time:", "",
            "    microk8s enable foo:'bar'", "or", "    microk8s enable foo --bar", "")
        raise Exit(1)
    return [(addon, inline or argv[1:])]


def _single(word: str) -> tuple[addons.Addon, list[str]]:
    full, _, inline = word.partition(":")
    repository, _, name = full.rpartition("/")
    if "/" in repository:
        say(f"Invalid addon name {full}")
        raise Exit(1)
    addon = addons.find(name)
    if repository and (addon is None or repository != addons.REPOSITORY):
        say(f"Addon {repository}/{name} not found")
        raise Exit(0)
    if addon is None:
        complain(f"Addon {name} was not found in any repository")
        if name in defaults.COMMUNITY_ADDONS:
            complain(COMMUNITY_HINT)
        raise Exit(1)
    if not repository:
        complain(f"Infer repository {addons.REPOSITORY} for addon {name}")
    return addon, [inline] if inline else []


@contextmanager
def _addon_lock():
    """One enable or disable at a time on a node."""
    with open(root.lock(".microk8s-addon-lock"), "w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _xable(action: str, argv: list[str]) -> int:
    common.exit_if_no_permission()
    common.exit_if_stopped()
    common.exit_if_worker(1)
    if not argv:
        common.Parser(action, usage=f"microk8s {action} ADDON...").error("missing argument 'ADDON...'")
    if "-h" in argv or "--help" in argv:
        say(f"Addon {argv[0]} does not yet have a help message.", "For more information about it, visit https://microk8s.io/docs/addons")
        return 0
    with _addon_lock():
        chosen = parse(argv)
        if len(chosen) > 1:
            say("", "WARNING: Do not enable or disable multiple addons in one command.",
                "         This form of chained operations on addons will be DEPRECATED in the future.",
                f"         Please, {action} one addon at a time: 'microk8s {action} <addon>'")
        for addon, arguments in chosen:
            _switch(addon, action == "enable", arguments)
    return 0


def enable(argv: list[str]) -> int:
    return _xable("enable", argv)


def disable(argv: list[str]) -> int:
    return _xable("disable", argv)


def _switch(addon: addons.Addon, on: bool, arguments: list[str]) -> None:
    verb = "enable" if on else "disable"
    if not common.wait_ready(timing.seconds("addon_wait_api")) and not kubeclient.Api().ready():
        complain(kubeclient.refused_text())
        raise Exit(1)
    store = addons.open_store()
    if addon.is_on(store) == on:
        say(f"Addon {addons.REPOSITORY}/{addon.name} is already {verb}d")
        return
    _strike_faults(addon)
    script = _SCRIPTS.get((addon.name, on))
    if script is not None:
        script(addon, store, arguments)
    else:
        _plain(addon, store, on, arguments)
    common.wait_ready(timing.seconds("addon_wait_api"))


def _strike_faults(addon: addons.Addon) -> None:
    while faults.active("addon_hang") == addon.name:
        time.sleep(1)
    failing = faults.active("addon_fail")
    if failing and failing.split(":")[0] == addon.name:
        faults.take("addon_fail")
        say(f"Failed to enable {addon.name}")
        raise Exit(int(failing.partition(":")[2] or 1))


def _plain(addon: addons.Addon, store, on: bool, arguments: list[str]) -> None:
    say(f"{'Enabling' if on else 'Disabling'} {addon.description if addon.name != 'ingress' else 'Ingress'}")
    timing.sleep("addon_enable")
    addon.switch(store, on, arguments)
    say(f"{addon.name} is {'enabled' if on else 'disabled'}")


# ---- the addons whose scripts do more -------------------------------------------------------------------------------------------

def _dns_on(addon, store, arguments: list[str]) -> None:
    say("Enabling DNS")
    servers = [s for s in (arguments[0] if arguments else "").split(",") if s]
    say("Using host configuration from /etc/resolv.conf" if not servers else f"Will use  {' '.join(servers)} as nameservers",
        "Applying manifest", "serviceaccount/coredns created", "configmap/coredns created", "deployment.apps/coredns created",
        "service/kube-dns created", "clusterrole.rbac.authorization.k8s.io/coredns created",
        "clusterrolebinding.rbac.authorization.k8s.io/coredns created")
    timing.sleep("dns_enable")
    addon.switch(store, True, arguments)
    on_all_nodes("kubelet", {"--cluster-domain": "cluster.local", "--cluster-dns": "10.152.183.10"})
    say("CoreDNS service deployed with IP address 10.152.183.10", "DNS is enabled")


def _dns_off(addon, store, arguments: list[str]) -> None:
    say("Disabling DNS", "Reconfiguring kubelet")
    addon.switch(store, False, arguments)
    on_all_nodes("kubelet", {}, ["--cluster-domain", "--cluster-dns"])
    say("DNS is disabled")


def _rbac_on(addon, store, arguments: list[str]) -> None:
    say("Enabling RBAC", "Reconfiguring apiserver")
    addon.switch(store, True, arguments)
    on_all_nodes("kube-apiserver", {"--authorization-mode": "RBAC,Node"})
    say("RBAC is enabled")


def _rbac_off(addon, store, arguments: list[str]) -> None:
    say("Disabling RBAC", "Reconfiguring apiserver")
    addon.switch(store, False, arguments)
    on_all_nodes("kube-apiserver", {"--authorization-mode": "AlwaysAllow"})
    say("RBAC is disabled")


def _metrics_on(addon, store, arguments: list[str]) -> None:
    say("Enabling Metrics-Server")
    timing.sleep("addon_enable")
    addon.switch(store, True, arguments)
    say("Metrics-Server is enabled")


def valid_range(text: str) -> bool:
    """`A-B` or a CIDR, IPv4."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            return ipaddress.IPv4Address(first) <= ipaddress.IPv4Address(last)
        return bool(ipaddress.IPv4Network(text, strict=False)) and "/" in text
    except ValueError:
        return False


def _metallb_on(addon, store, arguments: list[str]) -> None:
    say("Enabling MetalLB")
    given = arguments[0] if arguments else ""
    if not given:
        print(METALLB_PROMPT, end="", flush=True)
        given = sys.stdin.readline().strip()
    for part in given.split(","):
        if not valid_range(part.strip()):
            say(f"Your input value ({given}) is not a valid IP Range")
            raise Exit(1)
    say("Applying Metallb manifest")
    timing.sleep("addon_enable")
    addon.switch(store, True, [given])
    say("MetalLB is enabled")


def _storage_off(addon, store, arguments: list[str]) -> None:
    say("Disabling default storage")
    if "destroy-storage" not in arguments:
        print("Remove PVC storage at /var/snap/microk8s/common/default-storage ? (Y/N): ", end="", flush=True)
        if sys.stdin.readline().strip()[:1].lower() != "y":
            raise Exit(1)
    addon.switch(store, False, [])
    say("Storage removed")


def _registry_on(addon, store, arguments: list[str]) -> None:
    size = next((a.split("=", 1)[-1] for a in arguments if "size" in a), "20Gi")
    if size.endswith("Gi") and size[:-2].isdigit() and int(size[:-2]) < 20:
        say(f"Invalid size: {size}", "The registry size should be higher or equal to 20Gi")
        raise Exit(1)
    storage = addons.find("hostpath-storage")
    if storage is not None and not storage.is_on(store):
        _plain(storage, store, True, [])
    _plain(addon, store, True, arguments)


def _community_on(addon, store, arguments: list[str]) -> None:
    root.write(root.common("addons/community/addons.yaml"), "microk8s-addons:\n  addons: []\n", 0o644)
    say("Community repository is now enabled")


_SCRIPTS = {
    ("dns", True): _dns_on, ("dns", False): _dns_off, ("rbac", True): _rbac_on, ("rbac", False): _rbac_off,
    ("metrics-server", True): _metrics_on, ("metallb", True): _metallb_on, ("hostpath-storage", False): _storage_off,
    ("storage", False): _storage_off, ("registry", True): _registry_on, ("community", True): _community_on,
}


def on_all_nodes(name: str, update: dict[str, str], remove: list[str] | None = None) -> None:
    """distributed_op.py: change arguments here and, by POST to their agents, on all other nodes. A node that cannot be reached makes
    the command fail."""
    changed = any([args.put(name, key, value) for key, value in update.items()] + [args.put(name, key, None) for key in remove or []])
    if changed:
        services.request("restart", "daemon-kubelite")
        common.wait_ready(timing.seconds("addon_wait_api"))
    body = {"callback": pki.credential("callback-token.txt").read_text().strip(), "service": [
        {"name": name, "arguments_update": [{k: v} for k, v in update.items()], "arguments_remove": remove or [], "restart": "yes"}]}
    own = set(root.all_addresses())
    for node in kubeclient.Api().items("/api/v1/nodes"):
        address = next((a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"), None)
        if address and address not in own:
            _post(address, body)


def _post(address: str, body: dict) -> None:
    say(f"Configuring node {address}")
    try:
        connection = http.client.HTTPSConnection(address, root.AGENT_PORT, timeout=240, context=ssl._create_unverified_context())
        connection.request("POST", "/cluster/api/v1.0/configure", json.dumps(body), {"Content-type": "application/json"})
        status = connection.getresponse().status
    except OSError as error:
        say("Failed to reach node.")
        raise Exit(1) from error
    if status != 200:
        say("Failed to perform a remote operation.")
        raise Exit(1)


# ---- microk8s addons ------------------------------------------------------------------------------------------------------------

def repositories() -> list[dict]:
    found = [{"name": "core", "source": "/snap/microk8s/current/addons/core", "description": "Official Microk8s addons repository"}]
    if root.common("addons/community/addons.yaml").exists():
        found.append({"name": "community", "source": "/snap/microk8s/current/addons/community",
                      "description": "Microk8s community addons repository"})
    return found


def manage(argv: list[str]) -> int:
    """`microk8s addons repo list|update|add|remove`."""
    common.exit_if_no_permission()
    parser = common.Parser("addons", description="Manage MicroK8s addons and addon repositories.")
    repo = parser.add_subparsers(dest="group", required=True).add_parser("repo").add_subparsers(dest="verb", required=True)
    repo.add_parser("list").add_argument("--format", choices=("table", "json", "yaml"), default="table")
    for verb in ("update", "remove"):
        repo.add_parser(verb).add_argument("name")
    add = repo.add_parser("add")
    add.add_argument("name")
    add.add_argument("repository")
    add.add_argument("--reference")
    add.add_argument("--force", action="store_true")
    options = parser.parse_args(argv)
    if options.verb == "list":
        _list(options.format)
        return 0
    common.exit_if_not_root()
    return _change(options)


def _list(form: str) -> None:
    found = repositories()
    if form == "json":
        say(json.dumps(found))
    elif form == "yaml":
        say(*(f"- description: {r['description']}\n  name: {r['name']}\n  source: {r['source']}" for r in found))
    else:
        say(*(f"{r['name']:>20} {r['source']}" for r in found))


def _change(options) -> int:
    known = [r["name"] for r in repositories()]
    if options.verb == "add":
        if options.name in known and not options.force:
            complain(f"Error: repository '{options.name}' already exists!", "Use the --force flag to overwrite it")
            return 1
        root.write(root.common("addons", options.name, "addons.yaml"), f"# {options.repository}\n", 0o644)
        return 0
    if options.name not in known:
        complain(f"Error: repository '{options.name}' does not exist")
        return 1
    if options.verb == "update":
        say(f"Updating repository {options.name}", "Already up to date.")
    else:
        root.common("addons", options.name, "addons.yaml").unlink(missing_ok=True)
    return 0
