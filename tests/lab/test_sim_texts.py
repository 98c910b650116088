"""V1, V3, V5, V10: texts and exit codes of commands that need no running service."""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

from sim import addons, pki, root  # noqa: E402
from sim.cli import common, join, main, status, tokens  # noqa: E402

TOKEN, CHECK = "00112233445566778899aabbccddeeff", "38dbe989b731"
ON = [addons.find(name) for name in ("dns", "ha-cluster", "helm", "helm3")]
OFF = [addons.find("cert-manager")]
THREE = [(f"10.10.0.1{i}:19001", "voter") for i in (1, 2, 3)]


def printed(function, *args) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        function(*args)
    return out.getvalue()


class StatusTextTest(unittest.TestCase):
    def test_pretty(self):
        self.assertEqual(printed(status.print_pretty, True, ON, OFF, THREE), """\
microk8s is running
high-availability: yes
  datastore master nodes: 10.10.0.11:19001 10.10.0.12:19001 10.10.0.13:19001
  datastore standby nodes: none
addons:
  enabled:
    dns                  # (core) CoreDNS
    ha-cluster           # (core) Configure high availability on the current node
    helm                 # (core) Helm - the package manager for Kubernetes
    helm3                # (core) Helm 3 - the package manager for Kubernetes
  disabled:
    cert-manager         # (core) Cloud native certificate management
""")

    def test_pretty_sizes(self):
        single = printed(status.print_pretty, True, [], [], [("127.0.0.1:19001", "voter")])
        self.assertIn("high-availability: no\n  datastore master nodes: 127.0.0.1:19001\n  datastore standby nodes: none\n", single)
        two = printed(status.print_pretty, True, [], [], [THREE[0], ("10.10.0.12:19001", "spare")])
        self.assertIn("high-availability: no\n  datastore master nodes: 10.10.0.11:19001\n  datastore standby nodes: none\n", two)
        five = printed(status.print_pretty, True, [], [], [*THREE, ("10.10.0.14:19001", "standby"), ("10.10.0.15:19001", "standby")])
        self.assertIn("  datastore standby nodes: 10.10.0.14:19001 10.10.0.15:19001\n", five)
        nobody = printed(status.print_pretty, True, [], [], [])
        self.assertIn("  datastore master nodes: none\n  datastore standby nodes: none\n", nobody)

    def test_short(self):
        self.assertEqual(printed(status.print_short, True, ON[:1], [addons.find("rbac")]),
                         "microk8s is running\naddons:\ncore/dns: enabled\ncore/rbac: disabled\n")

    def test_yaml(self):
        self.assertEqual(printed(status.print_yaml, True, ON[:1], [], [*THREE, ("10.10.0.17:19001", "spare")]), """\
microk8s:
  running: True
high-availability:
  enabled: True
  nodes:
    - address: 10.10.0.11:19001
      role: voter
    - address: 10.10.0.12:19001
      role: voter
    - address: 10.10.0.13:19001
      role: voter
    - address: 10.10.0.17:19001
      role: spare
addons:
  - name: dns
    repository: core
    description: CoreDNS
    version: 1.10.1
    status: enabled
""")

    def test_yaml_not_ready(self):
        self.assertEqual(printed(status.print_yaml, False, [], [], []), """\
microk8s:
  running: False
high-availability:
  enabled: True
  nodes:
  message: microk8s is not running. Use microk8s inspect for a deeper inspection.
""")


class AddNodeTextTest(unittest.TestCase):
    def test_pretty(self):
        self.assertEqual(printed(tokens.print_pretty, TOKEN, CHECK, "10.10.0.11", ["10.10.0.11", "192.168.50.11"]), f"""\
From the node you wish to join to this cluster, run the following:
microk8s join 10.10.0.11:25000/{TOKEN}/{CHECK}

Use the '--worker' flag to join a node as a worker not running the control plane, eg:
microk8s join 10.10.0.11:25000/{TOKEN}/{CHECK} --worker

If the node you are adding is not reachable through the default interface you can use one of the following:
microk8s join 10.10.0.11:25000/{TOKEN}/{CHECK}
microk8s join 192.168.50.11:25000/{TOKEN}/{CHECK}
""")

    def test_short_lists_the_default_first_and_once(self):
        self.assertEqual(printed(tokens.print_short, "t", "c", "d_ip", ["ip1", "ip2", "d_ip"], 4),
                         "microk8s join d_ip:4/t/c\nmicrok8s join ip1:4/t/c\nmicrok8s join ip2:4/t/c\n")

    def test_json(self):
        self.assertEqual(printed(tokens.print_json, TOKEN, CHECK, ["10.10.0.11"]),
                         json.dumps({"token": f"{TOKEN}/{CHECK}", "urls": [f"10.10.0.11:25000/{TOKEN}/{CHECK}"]}, indent=2) + "\n")


class JoinArgumentTest(unittest.TestCase):
    def test_bad_connections(self):
        for text, reason in (
            ("10.0.0.1:25000", "Expected format: <master_IP>:<master_PORT>/<token>[/<fingerprint>]"),
            (f"10.0.0.1/{TOKEN}", "Expected format: <master_IP>:<master_PORT>/<token>[/<fingerprint>]"),
            (f"n1:25000/{TOKEN}", "Invalid master IP"),
            (f"10.0.0.1:x/{TOKEN}", "Master PORT not a number"),
            (f"10.0.0.1:70000/{TOKEN}", "Master PORT not in range 1:65535"),
            ("10.0.0.1:25000/short", "Cluster token size should be at least 32 bytes"),
            (f"10.0.0.1:25000/{TOKEN}/abc", "Fingerprint should be at least 12 bytes"),
        ):
            with self.subTest(text), self.assertRaisesRegex(ValueError, f"^{re.escape(reason)}$"):
                join.parse(text)

    def test_request_body(self):
        with mock.patch.dict(os.environ, SIM_HOSTNAME="N2"):
            self.assertEqual(
                json.dumps(join.request_body("0" * 32, "as-worker")),
                '{"token": "' + "0" * 32 + '", "hostname": "n2", "port": "25000", "worker": "as-worker", '
                '"can_handle_x509_auth": true, "can_handle_custom_etcd": true}')


class WrapperTest(unittest.TestCase):
    """V10: the rc=0 lies and the other wrappers, with nothing but files."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patch = mock.patch.dict(os.environ, SIM_ROOT=folder.name, SIM_ADDRESS="127.0.0.1", SIM_HOSTNAME="n1")
        patch.start()
        self.addCleanup(patch.stop)
        root.data("var/lock").mkdir(parents=True)
        root.data("credentials").mkdir()
        pki.credential("client.config").write_text("x")
        for name in ("installed.lock", "ha-cluster", "lite.lock"):
            root.set_lock(name)

    def run_it(self, *words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main.main(list(words))
            except SystemExit as ended:
                code = ended.code
        return code, out.getvalue(), err.getvalue()

    def test_help_and_unknown(self):
        self.assertEqual(self.run_it()[0], 1)
        self.assertEqual(self.run_it("help")[0], 0)
        code, out, _ = self.run_it("foo")
        self.assertEqual((code, out.splitlines()[0]), (1, "'foo' is not a valid MicroK8s subcommand."))
        self.assertEqual(self.run_it("join")[0], 2)

    def test_stopped(self):
        root.set_lock("stopped.lock")
        for flags in ([], ["--wait-ready"], ["--format", "yaml"]):
            self.assertEqual(self.run_it("status", *flags), (0, "microk8s is not running, try microk8s start\n", ""))
        for words in (["kubectl", "get", "nodes"], ["enable", "dns"], ["add-node"]):
            self.assertEqual(self.run_it(*words), (1, "", "microk8s is not running, try microk8s start\n"))

    def test_worker(self):
        root.set_lock("clustered.lock")
        text = "This MicroK8s deployment is acting as a node in a cluster.\nPlease use the control plane node.\n"
        for words in (["status"], ["start"], ["stop"], ["config"], ["kubectl", "get", "nodes"], ["helm"], ["refresh-certs", "-c"]):
            with self.subTest(words):
                self.assertEqual(self.run_it(*words), (0, text, ""))
        self.assertEqual(self.run_it("add-node")[:2], (1, "This MicroK8s deployment is acting as a node in a cluster. "
                                                          "Please use the microk8s add-node on the master.\n"))
        self.assertEqual(self.run_it("remove-node", "n1")[:2], (1, "This MicroK8s deployment is acting as a node in a cluster. "
                                                                   "Please use microk8s leave.\n"))
        self.assertEqual(self.run_it("enable", "dns")[0], 1)

    def test_permission(self):
        with mock.patch.object(common.os, "access", return_value=False), mock.patch.object(common, "user_name", return_value="bob"):
            code, out, err = self.run_it("status")
        self.assertEqual((code, out), (1, ""))
        self.assertTrue(err.startswith("Insufficient permissions to access MicroK8s.\n"
                                       "You can either try again with sudo or add the user bob to the 'microk8s' group:\n"))

    def test_repositories(self):
        self.assertIn('"name": "core"', self.run_it("addons", "repo", "list", "--format", "json")[1])
        self.assertEqual(self.run_it("addons", "repo", "update", "core")[0], 0)

    def test_single_node(self):
        self.assertEqual(self.run_it("leave")[:2], (1, "This MicroK8s deployment is not acting as a node in a cluster.\n"))
        self.assertEqual(self.run_it("remove-node")[:2], (1, "Please provide the node you want to remove.\n"))
        self.assertEqual(self.run_it("add-node", "--token", "short")[:2],
                         (1, "Invalid token size.  It must be 32 characters long.\n"))
        self.assertEqual(self.run_it("add-node", "--token-ttl", "x")[0], 2)
        self.assertEqual(self.run_it("enable", "foo/bar")[:2], (0, "Addon foo/bar not found\n"))
        self.assertEqual(self.run_it("enable", "foo"), (1, "", "Addon foo was not found in any repository\n"))
        self.assertIn("microk8s enable community", self.run_it("enable", "istio")[2])
        self.assertEqual(self.run_it("dbctl", "backup")[:2],
                         (10, "Please ensure the kubernetes apiserver is running and HA is enabled.\n"))
        self.assertEqual(self.run_it("status")[:2],
                         (1, "microk8s is not running. Use microk8s inspect for a deeper inspection.\n"))


if __name__ == "__main__":
    unittest.main()
