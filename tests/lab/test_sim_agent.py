"""V4, V8: what the cluster agent answers, without any running service."""

import json
import os
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

from sim import agent, args, faults, hooks, pki, root  # noqa: E402
from sim.dqlite import files  # noqa: E402
from sim.kube.httpd import Request  # noqa: E402

TOKEN = "a" * 32
SEED, JOINER = "10.10.10.10", "10.10.10.13"


def join_request(token: str = TOKEN, host: str = f"{SEED}:25000", peer: str = JOINER, **changes) -> Request:
    body = {"token": token, "hostname": "n4", "port": "25000", "worker": False, "can_handle_x509_auth": True,
            "can_handle_custom_etcd": True} | changes
    return Request("POST", "/cluster/api/v2.0/join", {}, {"Host": host}, json.dumps(body).encode(), None, peer)


class InstalledNode(unittest.TestCase):
    """A node with its files as the install hook leaves them."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.patch = mock.patch.dict(os.environ, SIM_ROOT=cls.folder.name, SIM_ADDRESS=SEED, SIM_LOOPBACK="127.0.0.1", SIM_HOSTNAME="n1",
                                    SIM_NETWORKS=f"127.0.0.1/8 {SEED}/24")
        cls.patch.start()
        root.path("/run/sim").mkdir(parents=True)
        root.path("/run/sim/timing.json").write_text('{"scale": 0}')
        hooks.install("8511", "v1.32.9")

    @classmethod
    def tearDownClass(cls):
        cls.patch.stop()
        cls.folder.cleanup()


class AgentTest(InstalledNode):
    def setUp(self):
        root.path("/run/sim/faults.json").write_text("{}")
        root.set_lock("ha-cluster")
        root.set_lock("no-cert-reissue", False)
        self.restarts = []
        self.nodes = []
        self.agent = agent.Agent(self._restart, lambda: self.nodes)
        root.write(pki.credential("cluster-tokens.txt"), f"{TOKEN}|{int(time.time()) + 600}\n")
        self._members((SEED, 0), ("10.10.10.11", 0), ("10.10.10.12", 2))

    def _members(self, *entries):
        files.write_yaml("cluster.yaml", [{"Address": f"{ip}:19001", "ID": i, "Role": role} for i, (ip, role) in enumerate(entries)])

    def _restart(self, name):
        """k8s-dqlite takes update.yaml over when it is restarted."""
        self.restarts.append(name)
        if name == "daemon-k8s-dqlite":
            self.update = root.backend("update.yaml").read_text()
            self._members((files.read_yaml("update.yaml")["Address"].rsplit(":", 1)[0], 0))

    def ask(self, request: Request) -> tuple[int, dict]:
        response = self.agent.handle(request)
        return response.status, json.loads(response.body or b"{}")

    def refused(self, *, fault=None, args="", **changes) -> tuple[int, str]:
        if fault:
            with faults.changing(faults.directory()) as every:
                every[fault] = {"args": args, "count": 1, "until": None}
        status, answer = self.ask(join_request(**changes))
        return status, answer.get("error", "")

    def test_health(self):
        response = self.agent.handle(Request("GET", "/health", {}, {}, b"", None))
        self.assertEqual((response.status, response.body), (200, b'{"status":"OK"}'))
        self.assertEqual(self.agent.handle(Request("POST", "/health", {}, {}, b"", None)).status, 404)
        missing = self.agent.handle(Request("GET", "/nothing", {}, {}, b"", None))
        self.assertEqual((missing.status, missing.body), (404, b'{"error":"Not found"}'))

    def test_control_plane_reply(self):
        status, answer = self.ask(join_request())
        self.assertEqual(status, 200)
        self.assertEqual(answer["voters"], ["10.10.10.10:19001", "10.10.10.11:19001"])
        self.assertEqual((answer["hostname_override"], answer["apiport"], answer["api_authz_mode"]), (JOINER, "16443", "AlwaysAllow"))
        for key in ("ca", "ca_key", "service_account_key", "cluster_cert", "cluster_key", "callback_token", "kubelet_args"):
            self.assertTrue(answer[key], key)
        self.assertTrue(root.locked("no-cert-reissue"))

    def test_worker_reply(self):
        self.nodes = [{"metadata": {"name": n, "labels": labels}, "status": {"addresses": [{"type": "InternalIP", "address": ip}]}}
                      for n, ip, labels in (("n1", SEED, {"node.kubernetes.io/microk8s-controlplane": "microk8s-controlplane"}),
                                            ("n9", "10.10.10.19", {}))]
        status, answer = self.ask(join_request(worker="as-worker"))
        self.assertEqual((status, answer["ca_key"], answer["control_plane_nodes"]), (200, None, [SEED]))
        self.assertNotIn("cluster_key", answer)
        self.assertEqual(pki.credential("certs-request-tokens.txt").read_text().split()[-2:], [f"{TOKEN}-kubelet", f"{TOKEN}-proxy"])

    def test_controlplane_flag_gets_a_control_plane_reply(self):
        self.assertIsNotNone(self.ask(join_request(worker="as-master"))[1]["ca_key"])

    def test_first_join_rebinds_the_seed(self):
        self._members(("127.0.0.1", 0))
        self.assertEqual(self.ask(join_request())[1]["voters"], [f"{SEED}:19001"])
        self.assertEqual((self.update, self.restarts), (f"Address: {SEED}:19001\n", ["daemon-k8s-dqlite"]))

    def test_first_join_by_a_foreign_address(self):
        self._members(("127.0.0.1", 0))
        status, text = self.refused(host="10.9.9.9:25000")
        self.assertEqual(status, 500)
        self.assertTrue(text.endswith("failed to find matching dqlite bind address for 10.9.9.9:25000: address 10.9.9.9 was not found in "
                                      "any host interface. refuse to update dqlite bind address to 10.9.9.9 as it would break the cluster"))

    def test_virtual_address_is_replaced_by_the_interfaces_own(self):
        networks = ["127.0.0.1/8", "10.10.10.10/24", "10.10.10.100/32"]
        self.assertEqual(agent.find_bind_address("10.10.10.100", networks), "10.10.10.10")
        self.assertEqual(agent.find_bind_address("10.10.10.10", networks), "10.10.10.10")
        self.assertIsNone(agent.find_bind_address("10.10.10.11", networks))

    def test_refusals(self):
        self.assertEqual(self.refused(token="b" * 32), (500, "Invalid token"))
        self.assertEqual(self.refused(port="25001"), (502, "The port of the cluster agent port has to be set to 25000"))
        self.assertEqual(self.refused(peer=SEED), (503, f"The joining node has the same IP ({SEED}) as the node we contact"))
        self.assertEqual(self.refused(peer="10.10.10.11"),
                         (500, "Failed to retrieve dqlite cluster nodes: the joining node (10.10.10.11) is already known to dqlite"))
        self.assertEqual(self.refused(fault="known_to_dqlite")[0], 500)
        self.assertEqual(self.refused(fault="hostname_unresolved"),
                         (400, f'The hostname (n4) of the joining node does not resolve to the IP "{JOINER}". Refusing join'))
        self.assertEqual(self.refused(fault="token_expired"), (500, "Invalid token"))
        self.assertEqual(self.refused(fault="join_refused", args="Some reason:503"), (503, "Some reason"))
        root.set_lock("ha-cluster", False)
        self.assertEqual(self.refused(), (501, "Not possible to join. This is not an HA MicroK8s cluster"))

    def test_hostname_matters_only_without_internal_ip(self):
        self.assertEqual(self.ask(join_request())[0], 200)
        args.put("kube-apiserver", "--kubelet-preferred-address-types", "Hostname,InternalIP")
        try:
            self.assertEqual(self.refused(hostname="no-such-host.invalid")[0], 400)
        finally:
            args.put("kube-apiserver", "--kubelet-preferred-address-types", "InternalIP,Hostname")

    def test_one_use_token_is_lost_by_a_refusal(self):
        root.write(pki.credential("cluster-tokens.txt"), f"{TOKEN}\n")
        self.assertEqual(self.refused(port="1")[0], 502)
        self.assertEqual(self.refused(), (500, "Invalid token"))

    def test_expired_token(self):
        root.write(pki.credential("cluster-tokens.txt"), f"{TOKEN}|{int(time.time()) - 1}\n")
        self.assertEqual(self.refused(), (500, "Invalid token"))

    def test_sign_cert_needs_its_own_token_once(self):
        agent.add_request_token(f"{TOKEN}-kubelet")
        csr = pki.request("test", "/CN=system:node:n4/O=system:nodes")
        request = Request("POST", "/cluster/api/v1.0/sign-cert", {}, {},
                          json.dumps({"token": f"{TOKEN}-kubelet", "request": csr}).encode(), None)
        status, answer = self.ask(request)
        self.assertEqual(status, 200)
        self.assertIn("BEGIN CERTIFICATE", answer["certificate"])
        self.assertEqual(self.ask(request), (500, {"error": "Invalid token"}))

    def test_configure(self):
        body = {"callback": agent.callback_token(), "service": [
            {"name": "kubelet", "arguments_update": [{"--cluster-dns": "10.152.183.10"}], "arguments_remove": ["--read-only-port"],
             "restart": "yes"}]}
        request = Request("POST", "/cluster/api/v1.0/configure", {}, {}, json.dumps(body).encode(), None)
        self.assertEqual(self.ask(request), (200, {"result": "ok"}))
        self.assertEqual((args.get("kubelet", "--cluster-dns"), args.get("kubelet", "--read-only-port")), ("10.152.183.10", None))
        self.assertEqual(self.restarts, ["daemon-kubelite"])
        wrong = Request("POST", "/cluster/api/v1.0/configure", {}, {}, b'{"callback": "x"}', None)
        self.assertEqual(self.ask(wrong)[0], 500)


class InstallTest(InstalledNode):
    def test_certificates(self):
        self.assertTrue(pki.server_signed_by_ca())
        self.assertEqual((pki.days_left(pki.cert("ca.crt")), pki.days_left(pki.cert("server.crt")),
                          pki.days_left(pki.cert("front-proxy-client.crt"))), (3649, 364, 364))
        san = pki.openssl("x509", "-noout", "-ext", "subjectAltName", "-in", str(pki.cert("server.crt")))
        for name in ("DNS:kubernetes.default.svc", f"IP Address:{SEED}", "IP Address:10.152.183.1", "IP Address:127.0.0.1"):
            self.assertIn(name, san)
        pki.make_server(-3)
        self.assertLess(pki.days_left(pki.cert("server.crt")), 0)
        pki.make_server()

    def test_files_and_modes(self):
        self.assertEqual(pki.cert("ca.key").stat().st_mode & 0o777, 0o660)
        self.assertEqual(len(agent.callback_token()), 64)
        self.assertEqual(root.backend("init.yaml").read_text(), "Address: 127.0.0.1:19001\n")
        self.assertIn("client-certificate-data", pki.credential("client.config").read_text())


if __name__ == "__main__":
    unittest.main()
