"""`microk8s join` (facts 1.3): the client side, in the order of the real script.

Until the POST nothing is changed here; from then on every step leaves exactly what a real join leaves when it dies there (the fault
`join_crash` kills this process at four points). The lock `join-in-progress` stays after every failure.
"""

import hashlib
import http.client
import ipaddress
import json
import os
import shutil
import signal
import ssl
import sys
import traceback

from sim import agent, args, faults, pki, root, services, timing
from sim.cli import common
from sim.cli.common import Exit, say
from sim.dqlite import files, shell

MIN_TOKEN, MIN_FINGERPRINT = 32, 12
HEADERS = {"Content-type": "application/json", "Accept": "application/json"}
POLLS = 10
WORKER_TEXT = """
The node has joined the cluster and will appear in the nodes list in a few seconds.

This worker node gets automatically configured with the API server endpoints.
If the API servers are behind a loadbalancer please set the '--refresh-interval' to '0s' in:
    /var/snap/microk8s/current/args/apiserver-proxy
and replace the API server endpoints with the one provided by the loadbalancer in:
    /var/snap/microk8s/current/args/traefik/provider.yaml
"""


def crash_point(name: str) -> None:
    """Die here when the fault says so, as by a power cut of just this process."""
    if faults.active("join_crash") == name:
        faults.take("join_crash")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)


# ---- the connection string ------------------------------------------------------------------------------------------------------

def parse(connection: str) -> tuple[str, str, str, str | None]:
    """(ip, port, token, fingerprint) of `IP:PORT/TOKEN[/FINGERPRINT]`. Raises ValueError with the reason."""
    parts = connection.split("/")
    address = parts[0].split(":")
    if len(parts) not in (2, 3) or len(address) != 2:
        raise ValueError("Expected format: <master_IP>:<master_PORT>/<token>[/<fingerprint>]")
    try:
        ipaddress.IPv4Address(address[0])
    except ValueError as error:
        raise ValueError("Invalid master IP") from error
    if not address[1].isdigit():
        raise ValueError("Master PORT not a number")
    if not 1 <= int(address[1]) <= 65535:
        raise ValueError("Master PORT not in range 1:65535")
    if len(parts[1]) < MIN_TOKEN:
        raise ValueError("Cluster token size should be at least 32 bytes")
    if len(parts) == 3 and len(parts[2]) < MIN_FINGERPRINT:
        raise ValueError("Fingerprint should be at least 12 bytes")
    return address[0], address[1], parts[1], parts[2] if len(parts) == 3 else None


# ---- talking to the seed --------------------------------------------------------------------------------------------------------

def request_body(token: str, worker: bool | str) -> dict:
    return {"token": token, "hostname": root.node_name(), "port": "25000", "worker": worker, "can_handle_x509_auth": True,
            "can_handle_custom_etcd": True}


def _connect(ip: str, port: str) -> http.client.HTTPSConnection:
    """No timeout, as in the real client. In tests the source address says which node we are."""
    source = (root.default_address(), 0) if "SIM_ADDRESS" in os.environ else None
    connection = http.client.HTTPSConnection(f"{ip}:{port}", context=ssl._create_unverified_context(), source_address=source)
    connection.connect()
    return connection


def ask(ip: str, port: str, token: str, fingerprint: str | None, worker: bool | str) -> dict:
    """The POST of the join. Prints the reason and raises Exit when it is refused."""
    try:
        connection = _connect(ip, port)
        if fingerprint and not _is_identity(connection.sock.getpeercert(True), fingerprint):
            say(f"Joining cluster failed. Could not verify the identity of {ip}. Use '--skip-verify' to skip server certificate check.")
            raise Exit(4)
        connection.request("POST", "/cluster/api/v2.0/join", json.dumps(request_body(token, worker)), HEADERS)
        response = connection.getresponse()
        body = response.read()
    except http.client.HTTPException as error:
        say(f"Please ensure the master node is reachable. {error}")
        raise Exit(1) from error
    except ssl.SSLError as error:
        say(f"Peer node verification failed ({error}).")
        raise Exit(4) from error
    if response.status != 200:
        say(f"{_refusal(body)} ({response.status}).")
        raise Exit(6)
    return json.loads(body)


def _is_identity(certificate: bytes, fingerprint: str) -> bool:
    return faults.take("fingerprint_mismatch") is None and hashlib.sha256(certificate).hexdigest().startswith(fingerprint)


def _refusal(body: bytes) -> str:
    try:
        return f"Connection failed. {json.loads(body)['error']}"
    except (ValueError, KeyError, TypeError):
        return "Connection failed."


def _sign(ip: str, port: str, name: str, token: str, subject: str) -> None:
    """Get a certificate for a worker's service signed by the cluster (sign-cert)."""
    request = pki.request(name, subject)
    root.write(pki.cert(f"{name}.csr"), request)
    connection = _connect(ip, port)
    connection.request("POST", "/cluster/api/v1.0/sign-cert", json.dumps({"token": token, "request": request}), HEADERS)
    response = connection.getresponse()
    answer = json.loads(response.read() or b"{}")
    if response.status != 200:
        say(f"Failed to sign {name} certificate ({response.status}). {answer.get('error', '')}".rstrip())
        raise Exit(1)
    root.write(pki.cert(f"{name}.crt"), answer["certificate"])


# ---- control plane --------------------------------------------------------------------------------------------------------------

def _keep(file) -> None:
    """Leave `X.backup` beside a file that is about to change."""
    if file.exists():
        shutil.copy(file, file.with_name(file.name + ".backup"))


def join_control_plane(info: dict, master_ip: str) -> None:
    if info.get("ca_key") is None:
        say("Joining process failed. Make sure the cluster you connect to supports joining control plane nodes.")
        raise Exit(1)
    for name, key in (("ca.crt", "ca"), ("ca.key", "ca_key"), ("serviceaccount.key", "service_account_key")):
        _keep(pki.cert(name))
        root.write(pki.cert(name), info[key])
    pki.make_clients()
    for name in pki.KUBECONFIGS:
        _keep(pki.credential(f"{name}.config"))
    pki.write_kubeconfigs()
    args.put("kube-apiserver", "--authorization-mode", info["api_authz_mode"])
    args.put("kube-apiserver", "--secure-port", info["apiport"])
    _take_kubelet_args(info)
    if info.get("cluster_cidr") and info["cluster_cidr"] != args.get("kube-proxy", "--cluster-cidr"):
        say(f"WARNING: Joining a cluster that has a different CIDR. The kube-proxy CIDR configuration will be overwritten. "
            f"Cluster CIDR: {info['cluster_cidr']}; Node CIDR: {args.get('kube-proxy', '--cluster-cidr')}; "
            f"New CIDR: {info['cluster_cidr']}")
        args.put("kube-proxy", "--cluster-cidr", info["cluster_cidr"])
    root.write(pki.credential("callback-token.txt"), info["callback_token"])
    _enter_dqlite(info)
    agent.point_calico_at(master_ip)
    root.set_lock("no-cert-reissue")


def _take_kubelet_args(info: dict) -> None:
    root.write(root.data("args/kubelet"), info["kubelet_args"])
    if "--node-ip" in info["kubelet_args"]:
        args.put("kubelet", "--node-ip", info["hostname_override"])
    args.put("kubelet", "--hostname-override", None)


def _enter_dqlite(info: dict) -> None:
    """Swap the own datastore for a seat in the cluster's."""
    services.request("stop", "daemon-kubelite")
    services.request("stop", "daemon-k8s-dqlite")
    timing.sleep("join_stop_wait")
    directory, backup = root.backend(), root.data("var/kubernetes/backend.backup")
    port = (files.read_yaml("info.yaml") or {}).get("Address", f":{root.DQLITE_PORT}").rsplit(":", 1)[1]
    shutil.rmtree(backup, ignore_errors=True)
    shutil.move(directory, backup)
    directory.mkdir()
    crash_point("after_move")
    root.write(directory / "cluster.crt", info["cluster_cert"])
    root.write(directory / "cluster.key", info["cluster_key"])
    seeds = info["voters"] if faults.take("join_silent_fail") is None else ["192.0.2.1:19001"]
    files.write_yaml("init.yaml", {"Address": f"{info['hostname_override']}:{port}", "Cluster": seeds})
    crash_point("before_start")
    services.request("start", "daemon-k8s-dqlite")
    _wait_for_membership(info["hostname_override"])
    services.request("start", "daemon-kubelite")


def _wait_for_membership(host: str) -> None:
    print("Waiting for this node to finish joining the cluster.", end=" ", flush=True)
    for _ in range(POLLS):
        try:
            if any(host in m["Address"] for m in shell.local().cluster()):
                break
            print(".", end=" ", flush=True)
            timing.sleep("join_poll")
        except (shell.ShellError, OSError):
            print("..", end=" ", flush=True)
            timing.sleep("join_poll_error")
    print(" ", flush=True)


# ---- worker ---------------------------------------------------------------------------------------------------------------------

def join_worker(info: dict, ip: str, port: str, token: str) -> None:
    if info.get("ca_key") is not None:
        say("Joining process failed. Make sure the cluster you connect to supports joining worker nodes.")
        raise Exit(1)
    root.write(pki.cert("ca.remote.crt"), info["ca"])
    _take_kubelet_args(info)
    for name in ("proxy", "kubelet"):
        _keep(pki.credential(f"{name}.config"))
    _sign(ip, port, "proxy", f"{token}-proxy", "/CN=system:kube-proxy")
    _sign(ip, port, "kubelet", f"{token}-kubelet", f"/CN=system:node:{root.node_name()}/O=system:nodes")
    for name in ("proxy", "kubelet"):
        root.write(pki.credential(f"{name}.config"), pki.kubeconfig(name, ca=pki.cert("ca.remote.crt")))
    args.put("kubelet", "--client-ca-file", "${SNAP_DATA}/certs/ca.remote.crt")
    args.put("kubelet", "--node-labels", '"microk8s.io/cluster=true,node.kubernetes.io/microk8s-worker=microk8s-worker"')
    args.put("kubelite", "--start-control-plane", "false")
    root.write(pki.credential("callback-token.txt"), info["callback_token"])
    planes = info.get("control_plane_nodes") or []
    agent.write_provider([f"{a}:{info['apiport']}" for a in dict.fromkeys([ip, *planes])])
    root.set_lock("no-apiserver-proxy", False)
    for name in ("clustered.lock", "no-k8s-dqlite", "no-cert-reissue"):
        root.set_lock(name)
    timing.sleep("join_worker")
    for name in ("daemon-kubelite", "daemon-k8s-dqlite", "daemon-apiserver-kicker", "daemon-apiserver-proxy", "daemon-kubelite"):
        services.request("stop" if name in ("daemon-k8s-dqlite", "daemon-apiserver-kicker") else "restart", name)
    say(WORKER_TEXT)


# ---- the command ----------------------------------------------------------------------------------------------------------------

def _parser() -> common.Parser:
    parser = common.Parser("join", usage="microk8s join [OPTIONS] CONNECTION", description="Join the node to a cluster.")
    parser.add_argument("connection", metavar="CONNECTION")
    parser.add_argument("--controlplane", dest="worker", action="store_const", const="as-master", default=False,
                        help="Join as a control plane node (default).")
    parser.add_argument("--worker", dest="worker", action="store_const", const="as-worker", help="Join as a worker only node.")
    parser.add_argument("--skip-verify", action="store_true", help="Skip the certificate verification of the node we are joining to.")
    parser.add_argument("--disable-low-memory-guard", action="store_true", help="Disable the low memory guard.")
    return parser


def run(argv: list[str]) -> int:
    common.exit_if_no_permission()
    common.exit_if_stopped()
    options = _parser().parse_args(argv)
    try:
        ip, port, token, fingerprint = parse(options.connection)
    except ValueError as error:
        say(f"Invalid connection: {error}")
        return 1
    if options.disable_low_memory_guard:
        root.set_lock("low-memory-guard.lock", False)
    if not options.worker:
        common.exit_if_low_memory()
        _warn_of_hostpath()
    root.set_lock("join-in-progress")
    say(f"Contacting cluster at {ip}")
    crash_point("before_post")
    try:
        info = ask(ip, port, token, None if options.skip_verify else fingerprint, options.worker)
        crash_point("after_post")
        if options.worker:
            join_worker(info, ip, port, token)
        else:
            join_control_plane(info, ip)
    except OSError:
        traceback.print_exc()
        return 1
    root.set_lock("join-in-progress", False)
    say("Successfully joined the cluster.")
    return 0


def _warn_of_hostpath() -> None:
    """Uses what is known without the API: the addon's storage directory holds volumes."""
    if any(root.common("default-storage").glob("*")):
        say("WARNING: Hostpath storage is enabled and is not suitable for multi node clusters.", "")
