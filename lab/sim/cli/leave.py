"""`microk8s leave` and `microk8s remove-node` (facts 1.4)."""

import ipaddress
import shutil

from sim import defaults, faults, kubeclient, pki, root, services, timing
from sim.cli import common
from sim.cli.common import Exit, complain, say
from sim.dqlite import files, shell

POLLS = 10


# ---- leave ----------------------------------------------------------------------------------------------------------------------

def own_and_other_endpoints() -> tuple[list[str], list[str]]:
    """The dqlite addresses of this node and those of the others."""
    local = {*root.all_addresses(), "127.0.0.1"}
    addresses = [m["Address"] for m in shell.local().cluster()]
    own = [a for a in addresses if a.rsplit(":", 1)[0] in local]
    return own, [a for a in addresses if a not in own]


def holds_only_copy() -> bool:
    """True for the sole voter of a cluster with other members."""
    members = shell.local().cluster()
    local = {*root.all_addresses(), "127.0.0.1"}
    voters = [m["Address"] for m in members if m["Role"] == 0]
    return len(voters) == 1 and len(members) > 1 and voters[0].rsplit(":", 1)[0] in local


def unregister(own: list[str], others: list[str]) -> None:
    """Remove this node from dqlite through another member. Raises Exit(2)."""
    if not own or "127.0.0.1" in own[0] or not others:
        return
    try:
        if faults.take("leave_fail") is not None:
            raise shell.ShellError("no available dqlite leader server found")
        shell.Shell(others, root.backend()).remove(own[0])
    except (shell.ShellError, OSError) as error:
        say(f"Contacting node {others[0]} failed. Error:", repr(error))
        raise Exit(2) from error


def reinitialise() -> None:
    """An empty datastore under 127.0.0.1, with the dqlite certificate from before the cluster when there is one."""
    say("Generating new cluster certificates.")
    shutil.rmtree(root.backend(), ignore_errors=True)
    root.backend().mkdir(parents=True)
    backup = root.data("var/kubernetes/backend.backup")
    if (backup / "cluster.crt").exists():
        for name in ("cluster.crt", "cluster.key"):
            shutil.copy(backup / name, root.backend(name))
    else:
        pki.make_dqlite_pair(root.backend())
    files.write_yaml("init.yaml", {"Address": f"127.0.0.1:{root.DQLITE_PORT}"})


def wait_for_api() -> None:
    print("Waiting for node to start.", end=" ", flush=True)
    timing.sleep("leave")
    for _ in range(POLLS):
        if kubeclient.Api().ready():
            break
        print(".", end=" ", flush=True)
        timing.sleep("join_poll")
    print(" ", flush=True)


def leave_control_plane() -> None:
    if holds_only_copy():
        say("This node currently holds the only copy of the Kubernetes database so it cannot leave the cluster.",
            "To remove this node you can either first remove all other nodes with 'microk8s remove-node' or",
            "form a highly available cluster by adding at least three nodes.")
        raise Exit(3)
    own, others = own_and_other_endpoints()
    services.request("stop", "daemon-kubelite")
    services.request("stop", "daemon-k8s-dqlite")
    timing.sleep("join_stop_wait")
    unregister(own, others)
    reinitialise()
    services.request("start", "daemon-k8s-dqlite")
    services.request("start", "daemon-kubelite")
    wait_for_api()
    root.set_lock("no-cert-reissue", False)
    services.request("restart", services.ALL)


def leave_worker() -> None:
    say("Configuring services.")
    root.set_lock("no-apiserver-proxy")
    for name in ("daemon-apiserver-proxy", "daemon-kubelite"):
        services.request("stop", name)
    pki.cert("ca.remote.crt").unlink(missing_ok=True)
    for name in ("kubelet", "kube-proxy", "kubelite"):
        root.write(root.data("args", name), defaults.ARGS[name])
    for name in ("clustered.lock", "no-k8s-dqlite", "no-cert-reissue"):
        root.set_lock(name, False)
    reinitialise()
    pki.make_clients()
    pki.write_kubeconfigs()
    services.request("restart", services.ALL)
    wait_for_api()


def leave(argv: list[str]) -> int:
    common.exit_if_no_permission()
    common.exit_if_stopped()
    common.Parser("leave", description="The node will depart from the cluster it is in.").parse_args(argv)
    if not root.locked("no-cert-reissue"):
        say("This MicroK8s deployment is not acting as a node in a cluster.")
        return 1
    try:
        (leave_worker if root.is_worker() else leave_control_plane)()
    except shell.ShellError as error:
        complain(f"Error: {error}")
        return 1
    return 0


# ---- remove-node ----------------------------------------------------------------------------------------------------------------

class _NotInKubernetes(RuntimeError):
    """kubectl failed; its text has been printed."""


def _kube_node(name: str) -> dict:
    """The Node object. Prints what kubectl prints when there is none."""
    try:
        if faults.active("remove_api_down") is not None:
            raise kubeclient.ApiError(kubeclient.refused_text())
        node = kubeclient.Api().get(f"/api/v1/nodes/{name}")
    except kubeclient.ApiError as error:
        complain(str(error) if error.status == 0 else f"Error from server: {error}")
        raise _NotInKubernetes from error
    if node is None:
        complain(f'Error from server (NotFound): nodes "{name}" not found')
        raise _NotInKubernetes
    return node


def _internal_ip(node: dict) -> str | None:
    return next((a["address"] for a in node["status"].get("addresses", []) if a["type"] == "InternalIP"), None)


def _name_of(node: str) -> str:
    """A node's name for its IP; unknown IPs stay as they are."""
    try:
        ipaddress.ip_address(node)
    except ValueError:
        return node
    try:
        listed = kubeclient.Api().items("/api/v1/nodes") if faults.active("remove_api_down") is None else []
    except kubeclient.ApiError as error:
        complain(str(error))
        raise _NotInKubernetes from error
    return next((n["metadata"]["name"] for n in listed if _internal_ip(n) == node), node)


def _unregister_address(address: str, announce: bool = False) -> bool:
    """Remove the dqlite entry `address:` of another node. True when there was one."""
    _, others = own_and_other_endpoints()
    found = [a for a in others if a.startswith(f"{address}:")]
    for endpoint in found:
        if announce:
            say("Removing node entry found in dqlite.")
        try:
            shell.local().remove(endpoint)
        except (shell.ShellError, OSError) as error:
            say(f"Contacting node {endpoint} failed. Error:", repr(error))
            raise Exit(2) from error
    return bool(found)


def _remove(node: str, force: bool) -> None:
    name = _name_of(node)
    address = _internal_ip(_kube_node(name))
    if address is None:
        say(f"Node {name} is not part of the cluster.")
        raise Exit(1)
    registered = any(a.startswith(f"{address}:") for a in own_and_other_endpoints()[1])
    if registered and not force:
        say(f"Removal failed. Node {name} is registered with dqlite. Please, run first 'microk8s leave' on the departing node. ",
            "If the node is not available anymore and will never attempt to join the cluster in the future use the '--force' flag ",
            "to unregister the node while removing it.")
        raise Exit(1)
    if registered:
        _unregister_address(address)
    kubeclient.Api().delete(f"/api/v1/nodes/{name}")


def remove_node(argv: list[str]) -> int:
    common.exit_if_no_permission()
    common.exit_if_stopped()
    common.exit_if_worker(1, f"{common.ACTING_AS_NODE} Please use microk8s leave.")
    if not argv:
        say("Please provide the node you want to remove.")
        return 1
    parser = common.Parser("remove-node", usage="microk8s remove-node [OPTIONS] NODE", description="Remove a node from the cluster")
    parser.add_argument("node", metavar="NODE")
    parser.add_argument("--force", action="store_true", help="Force the node removal operation. (default: false)")
    options = parser.parse_args(argv)
    try:
        _remove(options.node, options.force)
    except _NotInKubernetes:
        say(f"Node {options.node} does not exist in Kubernetes.")
        if options.force:
            say(f"Attempting to remove {options.node} from dqlite.")
            _unregister_address(options.node, announce=True)
        return 1
    except (shell.ShellError, kubeclient.ApiError) as error:
        complain(f"Error: {error}")
        return 1
    return 0
