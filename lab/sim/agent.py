"""The cluster agent on :25000 (facts 2.5) and its join logic (facts 6.2).

Owns the answers of the HTTP API. The order of checks in a join is that of the real server: token (consumed first), datastore lock 501,
port 502, same address 503, hostname 400, rebind of a fresh seed, known member 500, answer.
"""

import contextlib
import ipaddress
import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

from sim import args, faults, pki, root, services, timing, yaml_lite
from sim.dqlite import files, roles, shell
from sim.kube.httpd import HttpServer, Request, Response, text_response


class Refused(RuntimeError):
    """A request that is refused with a status and a text."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


# ---- tokens ---------------------------------------------------------------------------------------------------------------------

def _lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def consume_cluster_token(token: str) -> bool:
    """True when the token may join now. One-use tokens and expired ones leave the file."""
    if faults.take("token_expired") is not None:
        return False
    if token in _lines(pki.credential("persistent-cluster-tokens.txt")):
        return True
    file = pki.credential("cluster-tokens.txt")
    found, kept = False, []
    for line in _lines(file):
        value, _, expiry = line.partition("|")
        expired = bool(expiry) and int(expiry) < time.time()
        match = value == token and not expired
        found |= match
        if not expired and (not match or expiry):
            kept.append(line)
    if file.exists():
        root.write(file, "".join(line + "\n" for line in kept))
    return found


def add_request_token(token: str) -> None:
    file = pki.credential("certs-request-tokens.txt")
    root.write(file, "".join(line + "\n" for line in [*_lines(file), token]))


def consume_request_token(token: str) -> bool:
    file = pki.credential("certs-request-tokens.txt")
    kept = _lines(file)
    if token not in kept:
        return False
    kept.remove(token)
    root.write(file, "".join(line + "\n" for line in kept))
    return True


def callback_token() -> str:
    return pki.credential("callback-token.txt").read_text().strip()


# ---- addresses ------------------------------------------------------------------------------------------------------------------

def interface_networks() -> list[str]:
    """Addresses with prefix length, in interface order."""
    if "SIM_ADDRESS" in os.environ:
        return [f"{a}/32" if "/" not in a else a for a in os.environ.get("SIM_NETWORKS", os.environ["SIM_ADDRESS"]).split()]
    out = subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, text=True, check=True).stdout
    return [f"{a['local']}/{a['prefixlen']}" for link in json.loads(out) for a in link["addr_info"]]


def find_bind_address(host: str, networks: list[str] | None = None) -> str | None:
    """The address to which dqlite binds when it is reached as `host`: the one itself, or for a virtual address (/32) the interface's
    own address in whose subnet it lies; None when no interface fits."""
    found = [ipaddress.ip_interface(n) for n in (interface_networks() if networks is None else networks)]
    wanted = ipaddress.ip_address(host)
    exact = next((i for i in found if i.ip == wanted), None)
    if exact is None:
        return None
    if exact.network.prefixlen == 32:
        real = next((i for i in found if i.network.prefixlen < 32 and wanted in i.network), None)
        return str(real.ip) if real else str(exact.ip)
    return str(exact.ip)


def prefers_internal_ip() -> bool:
    """True when the API server reaches kubelets by InternalIP before Hostname, so hostnames need not resolve."""
    order = (args.get("kube-apiserver", "--kubelet-preferred-address-types") or "Hostname").split(",")
    return "InternalIP" in order and ("Hostname" not in order or order.index("InternalIP") < order.index("Hostname"))


def resolves_to(hostname: str, address: str) -> bool:
    with contextlib.suppress(OSError):
        return any(info[4][0] == address for info in socket.getaddrinfo(hostname, None, socket.AF_INET))
    return False


# ---- the agent ------------------------------------------------------------------------------------------------------------------

class Agent:
    """Answers requests. `restart(service)` restarts one of this node's services, `nodes()` lists Node objects as the API shows them."""

    def __init__(self, restart, nodes=list):
        self._restart = restart
        self._nodes = nodes
        self._join_lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.path == "/health":
            return text_response('{"status":"OK"}') if request.method == "GET" else text_response("", 404)
        handler = _ROUTES.get((request.method, request.path))
        if handler is None:
            return text_response('{"error":"Not found"}', 404)
        try:
            return text_response(json.dumps(handler(self, json_body(request), request)))
        except Refused as error:
            return text_response(json.dumps({"error": str(error)}), error.status)
        except (ValueError, KeyError, pki.PkiError) as error:
            return text_response(json.dumps({"error": f"invalid request: {error}"}), 500)

    # join

    def join(self, body: dict, request: Request) -> dict:
        self._strike_join_faults()
        timing.sleep("join_http")
        with self._join_lock:
            if not consume_cluster_token(body["token"]):
                raise Refused(500, "Invalid token")
            return self.answer_join(body, request.headers.get("Host", "").rsplit(":", 1)[0], request.peer)

    @staticmethod
    def _strike_join_faults() -> None:
        if faults.take("join_blackhole") is not None:
            time.sleep(3600)
        if (delay := faults.take("join_slow")) is not None:
            time.sleep(float(delay or 10))
        if (refusal := faults.take("join_refused")) is not None:
            text, _, code = refusal.rpartition(":")
            raise Refused(int(code) if text else 500, text or refusal)

    def answer_join(self, request: dict, host: str, peer: str) -> dict:
        """Everything after the token check. Raises Refused."""
        worker = request.get("worker") in ("as-worker", True)
        self._check_joiner(request, host, peer)
        self._leave_loopback(host)
        self._check_unknown(peer)
        root.set_lock("no-cert-reissue")
        point_calico_at(peer)
        answer = self._common_answer(peer)
        return answer | (self._worker_answer(request["token"]) if worker else self._control_plane_answer())

    @staticmethod
    def _check_joiner(request: dict, host: str, peer: str) -> None:
        if not root.is_ha():
            raise Refused(501, "Not possible to join. This is not an HA MicroK8s cluster")
        if str(request.get("port")) != str(root.AGENT_PORT):
            raise Refused(502, "The port of the cluster agent port has to be set to 25000")
        if peer == host:
            raise Refused(503, f"The joining node has the same IP ({peer}) as the node we contact")
        unresolved = faults.take("hostname_unresolved") is not None
        name = request.get("hostname", "")
        if unresolved or not (prefers_internal_ip() or resolves_to(name, peer)):
            raise Refused(400, f'The hostname ({name}) of the joining node does not resolve to the IP "{peer}". Refusing join')

    def _leave_loopback(self, host: str) -> None:
        """A fresh seed listens on 127.0.0.1: bind dqlite to the address by which the joiner reached us."""
        members = files.cluster_addresses()
        if len(members) != 1 or not members[0].startswith("127.0.0.1:"):
            return
        address = find_bind_address(host)
        if address is None:
            raise Refused(500, f"Failed to retrieve dqlite cluster nodes: failed to find matching dqlite bind address for "
                               f"{host}:{root.AGENT_PORT}: address {host} was not found in any host interface. refuse to update dqlite "
                               f"bind address to {host} as it would break the cluster")
        files.write_yaml("update.yaml", {"Address": f"{address}:{root.DQLITE_PORT}"})
        self._restart("daemon-k8s-dqlite")
        deadline = time.monotonic() + 60
        while files.cluster_addresses() != [f"{address}:{root.DQLITE_PORT}"]:
            if time.monotonic() > deadline:
                raise Refused(500, "Failed to retrieve dqlite cluster nodes: context deadline exceeded")
            time.sleep(0.1)

    @staticmethod
    def _check_unknown(peer: str) -> None:
        known = f"{peer}:{root.DQLITE_PORT}" in files.cluster_addresses()
        if known or faults.take("known_to_dqlite") is not None:
            raise Refused(500, f"Failed to retrieve dqlite cluster nodes: the joining node ({peer}) is already known to dqlite")

    @staticmethod
    def _common_answer(peer: str) -> dict:
        return {
            "ca": pki.cert("ca.crt").read_text(),
            "callback_token": callback_token(),
            "apiport": args.get("kube-apiserver", "--secure-port") or str(root.API_PORT),
            "kubelet_args": args.text("kubelet"),
            "hostname_override": peer,
            "ca_key": None,
            "cluster_cidr": args.get("kube-proxy", "--cluster-cidr") or "",
        }

    def _worker_answer(self, token: str) -> dict:
        for part in ("kubelet", "proxy"):
            add_request_token(f"{token}-{part}")
        planes = [_internal_ip(n) for n in self._nodes()
                  if "node.kubernetes.io/microk8s-controlplane" in n["metadata"].get("labels", {})]
        return {"control_plane_nodes": [ip for ip in planes if ip]}

    @staticmethod
    def _control_plane_answer() -> dict:
        return {
            "ca_key": pki.cert("ca.key").read_text(),
            "service_account_key": pki.cert("serviceaccount.key").read_text(),
            "cluster_cert": root.backend("cluster.crt").read_text(),
            "cluster_key": root.backend("cluster.key").read_text(),
            "voters": files.cluster_addresses(roles.VOTER),
            "api_authz_mode": args.authorization_mode(),
        }

    # the others

    def sign_cert(self, body: dict, request: Request) -> dict:
        if not consume_request_token(body["token"]):
            raise Refused(500, "Invalid token")
        return {"certificate": pki.sign_request(body["request"])}

    def configure(self, body: dict, request: Request) -> dict:
        if body.get("callback") != callback_token():
            raise Refused(500, "Invalid token")
        for service in body.get("service") or []:
            self._configure_service(service)
        for addon in body.get("addon") or []:
            verb = "enable" if addon.get("enable") else "disable"
            subprocess.run([str(root.path("/snap/bin/microk8s")), verb, addon["name"]], check=False, stdin=subprocess.DEVNULL)
        return {"result": "ok"}

    def _configure_service(self, service: dict) -> None:
        for update in service.get("arguments_update") or []:
            for key, value in update.items():
                args.put(service["name"], key, value)
        for key in service.get("arguments_remove") or []:
            args.put(service["name"], key, None)
        if service.get("restart") in ("yes", True):
            name = service["name"]
            self._restart(f"daemon-{name}" if f"daemon-{name}" in services.NAMES else "daemon-kubelite")

    def import_image(self, body: dict, request: Request) -> dict:
        if request.headers.get("x-microk8s-callback-token") != callback_token():
            raise Refused(500, "Invalid token")
        folder = root.common("var/lib/containerd/imported")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{time.time_ns()}.tar").write_bytes(request.body)
        return {"result": "OK"}

    def remove_from_dqlite(self, body: dict, request: Request) -> dict:
        wanted = root.path("/capi/etc/token")
        if not wanted.exists() or request.headers.get("capi-auth-token", "") != wanted.read_text().strip():
            raise Refused(500, "Invalid token")
        try:
            shell.local().remove(body["remove_endpoint"])
        except shell.ShellError as error:
            raise Refused(500, f"failed to remove node from dqlite: {error}") from error
        return {}


def json_body(request: Request) -> dict:
    """The JSON object of a body; empty for a body that is none (an image)."""
    return json.loads(request.body) if request.body[:1] == b"{" else {}


_ROUTES = {
    ("POST", "/cluster/api/v2.0/join"): Agent.join,
    ("POST", "/cluster/api/v1.0/sign-cert"): Agent.sign_cert,
    ("POST", "/cluster/api/v1.0/configure"): Agent.configure,
    ("POST", "/cluster/api/v2.0/image/import"): Agent.import_image,
    ("POST", "/cluster/api/v2.0/dqlite/remove"): Agent.remove_from_dqlite,
}


def _internal_ip(node: dict) -> str | None:
    return next((a["address"] for a in node.get("status", {}).get("addresses", []) if a["type"] == "InternalIP"), None)


def point_calico_at(peer: str) -> None:
    """The first join turns Calico's address detection from `first-found` to the joiner."""
    file = root.data("args/cni-network/cni.yaml")
    if file.exists() and '"first-found"' in (text := file.read_text()):
        root.write(file, text.replace('"first-found"', f'"can-reach={peer}"'))


class Service:
    """The running cluster-agent: listens, or not while the fault `agent_down` is on (`tick` looks)."""

    def __init__(self, agent: Agent):
        self._agent = agent
        self._servers: list[HttpServer] = []

    def start(self) -> None:
        if faults.active("agent_down") is None:
            self._listen()

    def _listen(self) -> None:
        self._servers = [HttpServer(host, root.AGENT_PORT, self._agent.handle, pki.server_context, "agent") for host in root.bind_hosts()]
        for server in self._servers:
            server.start()

    def tick(self) -> None:
        """Follow the fault."""
        down = faults.active("agent_down") is not None
        if down and self._servers:
            self.stop()
        elif not down and not self._servers:
            self._listen()

    def stop(self, graceful: bool = True) -> None:
        for server in self._servers:
            server.stop()
        self._servers = []


def read_provider() -> list[str]:
    """The API server addresses in a worker's provider.yaml."""
    file = root.data("args/traefik/provider.yaml")
    if not file.exists():
        return []
    try:
        document = yaml_lite.load(file.read_text())
        return [s["address"] for s in document["tcp"]["services"]["kube-apiserver"]["loadBalancer"]["servers"] or []]
    except (yaml_lite.YamlError, KeyError, TypeError):
        return []


def write_provider(addresses: list[str]) -> None:
    """provider.yaml from its template with these servers."""
    document = yaml_lite.load(root.data("args/traefik/provider-template.yaml").read_text())
    document["tcp"]["services"]["kube-apiserver"]["loadBalancer"]["servers"] = [{"address": a} for a in addresses]
    root.write(root.data("args/traefik/provider.yaml"), yaml_lite.dump(document))
