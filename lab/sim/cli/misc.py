"""`microk8s config, version, kubectl, helm, images, ctr, reset, inspect` (facts 1.7, 5)."""

import http.client
import io
import os
import ssl
import sys
import tarfile
import time
from pathlib import Path

from sim import addons, kubelite, kubeclient, pki, root, services, timing
from sim.cli import addon as addon_commands
from sim.cli import common
from sim.cli.common import complain, say

KUBECTL = "/opt/sim/bin/kubectl"


def config(argv: list[str]) -> int:
    """Print the admin's kubeconfig with an address that others can use."""
    common.exit_if_no_permission()
    common.exit_if_worker(0)
    parser = common.Parser("config", usage="microk8s config [-l]")
    parser.add_argument("-l", "--use-loopback", action="store_true", help="Report the cluster address as 127.0.0.1")
    options = parser.parse_args(argv)
    text = pki.credential("client.config").read_text()
    if not options.use_loopback:
        text = text.replace(f"https://{root.loopback()}:", f"https://{root.default_address()}:")
    print(text, end="")
    return 0


def version(argv: list[str]) -> int:
    common.Parser("version", usage="microk8s version").parse_args(argv)
    say(f"MicroK8s {kubelite.version()} revision {os.path.basename(os.readlink(root.path('/snap/microk8s/current')))}")
    return 0


def kubectl(argv: list[str]) -> int:
    """The real kubectl with the admin's kubeconfig."""
    common.exit_if_no_permission()
    common.exit_if_worker(0)
    common.exit_if_stopped()
    program = str(root.path(KUBECTL)) if root.path(KUBECTL).exists() else "kubectl"
    os.execvp(program, ["kubectl", f"--kubeconfig={pki.credential('client.config')}", *argv])


def helm(argv: list[str]) -> int:
    """helm is not simulated beyond its version."""
    common.exit_if_no_permission()
    common.exit_if_worker(0)
    common.exit_if_stopped()
    if argv[:1] == ["version"]:
        say('version.BuildInfo{Version:"v3.9.1", GitCommit:"a7c043acb5ff905c261cfdc923a35776ba5e66e4", GitTreeState:"clean", '
            'GoVersion:"go1.17.5"}')
        return 0
    complain(f'Error: unknown command "{argv[0] if argv else ""}" for "helm"')
    return 1


# ---- images ---------------------------------------------------------------------------------------------------------------------

def ctr(argv: list[str]) -> int:
    """`ctr image ls` lists what was imported; `rm` and the others do nothing."""
    common.exit_if_no_permission()
    if argv[:1] in (["image"], ["images"], ["i"]) and argv[1:2] in (["ls"], ["list"]):
        say("REF TYPE DIGEST SIZE PLATFORMS LABELS ")
        folder = root.common("var/lib/containerd/imported")
        for file in sorted(folder.glob("*.tar")) if folder.exists() else []:
            say(f"docker.io/library/{file.stem}:latest application/vnd.docker.distribution.manifest.v2+json sha256:{'0' * 64} "
                f"{file.stat().st_size} B linux/amd64 io.cri-containerd.image=managed ")
    return 0


def images(argv: list[str]) -> int:
    """`microk8s images import [FILE]`: push a tar to every node's agent."""
    common.exit_if_no_permission()
    common.exit_if_stopped()
    if argv[:1] != ["import"]:
        complain("Usage: microk8s images [OPTIONS] COMMAND [ARGS]...")
        return 2
    data = Path(argv[1]).read_bytes() if argv[1:] and argv[1] != "-" else sys.stdin.buffer.read()
    token = pki.credential("callback-token.txt").read_text().strip()
    failed = False
    for node in kubeclient.Api().items("/api/v1/nodes"):
        address = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
        say(f"Pushing OCI images to {address}:{root.AGENT_PORT}")
        try:
            connection = http.client.HTTPSConnection(address, root.AGENT_PORT, timeout=60, context=ssl._create_unverified_context())
            connection.request("POST", "/cluster/api/v2.0/image/import", data, {"x-microk8s-callback-token": token})
            failed |= connection.getresponse().status != 200
        except OSError as error:
            complain(f"Failed to push to {address}: {error}")
            failed = True
    return int(failed)


# ---- reset ----------------------------------------------------------------------------------------------------------------------

def reset(argv: list[str]) -> int:
    """Only for a single node: addons off, workloads away, services restarted."""
    common.exit_if_no_permission()
    common.exit_if_worker(0)
    common.exit_if_stopped()
    common.exit_if_not_root()
    parser = common.Parser("reset")
    parser.add_argument("--destroy-storage", action="store_true", default=True, help="Also destroy storage. (default: false)")
    parser.parse_args(argv)
    common.wait_ready(timing.seconds("addon_wait_api"))
    try:
        nodes = kubeclient.Api().items("/api/v1/nodes")
    except kubeclient.ApiError:
        nodes = []
    if not nodes:
        say("Failed to query the cluster nodes.")
        return 1
    if len(nodes) > 1:
        say("This is a multi-node MicroK8s deployment. Reset is applicable for single node clusters.",
            "Please remove all joined nodes before calling reset.")
        return 0
    _disable_all()
    _clean()
    return 0


def _disable_all() -> None:
    say("Disabling all addons")
    store = addons.open_store()
    for addon in addons.catalogue():
        if addon.name == "ha-cluster":
            continue
        say(f"Disabling addon : {addons.REPOSITORY}/{addon.name}")
        if addon.is_on(store) and addon.check != "always":
            addon.switch(store, False, ["destroy-storage"] if "storage" in addon.name else [])
    addon_commands.on_all_nodes("kube-apiserver", {"--authorization-mode": "AlwaysAllow"})
    say("All addons are disabled.", "Deleting the CNI")


def _clean() -> None:
    store = addons.open_store()
    for namespace in [n["metadata"]["name"] for n in store.list("namespaces")]:
        say(f"Cleaning resources in namespace {namespace}")
        for resource in ("deployments.apps", "daemonsets.apps", "statefulsets.apps", "jobs.batch", "pods"):
            for obj in store.list(resource, namespace):
                store.delete(resource, obj["metadata"]["name"], namespace)
    say("Removing CRDs", "Removing PriorityClasses", "Removing StorageClasses")
    for namespace in [n["metadata"]["name"] for n in store.list("namespaces")]:
        if namespace not in ("default", "kube-public", "kube-system", "kube-node-lease"):
            say(f"Removing namespace/{namespace}")
            store.delete("namespaces", namespace)
    say("Restarting cluster")
    services.request("stop", services.ALL)
    say("Stopped.", "Stopped.")
    services.request("start", services.ALL)
    common.wait_ready(timing.seconds("start_wait_ready"))
    say("Setting up the CNI")


# ---- inspect --------------------------------------------------------------------------------------------------------------------

RED, PLAIN = "\033[31m", "\033[0m"


def inspect(argv: list[str]) -> int:
    """The checks of facts 5, and a tarball with what it says it has collected."""
    common.exit_if_no_permission()
    say("Inspecting system", "Inspecting Certificates")
    if pki.days_left(pki.cert("ca.crt")) <= 3:
        say(f"{RED} WARNING: {PLAIN} This deployment's certificates will expire in 3 days. ")
    say("Inspecting services")
    states = services.load()
    failed = [name for name in _expected_services() if not _report_service(name, states[name]["active"])]
    timing.sleep("inspect")
    say("Inspecting AppArmor configuration", "Gathering system information", "  Copy processes list to the final report tarball",
        "  Copy disk usage information to the final report tarball", "  Copy memory usage information to the final report tarball",
        "  Copy server uptime to the final report tarball", "  Copy openSSL information to the final report tarball",
        "  Copy snap list to the final report tarball", "  Copy network configuration to the final report tarball",
        "Inspecting kubernetes cluster", "  Inspect kubernetes cluster", "Inspecting dqlite", "  Inspect dqlite")
    complain("cp: cannot stat '/var/snap/microk8s/current/var/kubernetes/backend/localnode.yaml': No such file or directory")
    for warning in _warnings():
        say(f"{RED} WARNING: {PLAIN} {warning}")
    say("", "Building the report tarball", f"  Report tarball is at {_tarball()}")
    return 1 if failed else 0


def _expected_services() -> list[str]:
    names = ["daemon-cluster-agent", "daemon-containerd", "daemon-kubelite"]
    if not root.locked("no-k8s-dqlite"):
        names.append("daemon-k8s-dqlite")
    if not root.locked("no-apiserver-proxy"):
        names.append("daemon-apiserver-proxy")
    if not root.is_worker():
        names.append("daemon-apiserver-kicker")
    return names


def _report_service(name: str, active: str) -> bool:
    unit = f"snap.microk8s.{name}"
    if active == "active":
        say(f"  Service {unit} is running")
        return True
    say(f"{RED} FAIL: {PLAIN} Service {unit} is not running", f"For more details look at: sudo journalctl -u {unit}")
    return False


def _warnings() -> list[str]:
    found = []
    if root.hostname() != root.hostname().lower() or "_" in root.hostname():
        found.append("This machine's hostname contains capital letters and/or underscores. This is not a valid name for a Kubernetes "
                     "node, causing node registration to fail.\n          Please change the machine's hostname or refer to the "
                     "documentation for more details: https://microk8s.io/docs/troubleshooting#heading--common-issues")
    for name, least in (("max_user_instances", 1024), ("max_user_watches", 1048576)):
        file = Path("/proc/sys/fs/inotify", name)
        if file.exists() and int(file.read_text()) < least:
            found.append(f"Increase the maximum number of inotify {name.split('_')[-1]}: sudo sysctl fs.inotify.{name}={least}")
    return found


def _tarball() -> Path:
    target = root.data(f"inspection-report-{time.strftime('%Y%m%d_%H%M%S')}.tar.gz")
    with tarfile.open(target, "w:gz") as tar:
        for file in [*root.data("args").glob("kube*"), root.backend("cluster.yaml"), root.backend("info.yaml")]:
            if file.is_file():
                tar.add(file, arcname=f"inspection-report/{file.name}")
        for name in services.NAMES:
            text = services.journal_file(name).read_bytes() if services.journal_file(name).exists() else b""
            entry = tarfile.TarInfo(f"inspection-report/snap.microk8s.{name}/journal.log")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    return target
