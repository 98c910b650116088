"""mko doctor: the known problems are named, causes before consequences, also when the API is down; a healthy cluster has none.

One lab and one cluster for all cases, which run in the order of their names.
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, Mko, wait_until  # noqa: E402


class Doctor(LabCase):
    lab_nodes = 4
    lab_options = ("--workers", "1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Mko()
        cls.addClassCleanup(cls.shared.done)
        cls.shared("init")
        cls.shared("cluster", "add", "--name", "prod", "--ha")
        for node in cls.lab.nodes:
            cls.shared("node", "add", "--hostname", node["hostname"], "--ip", node["ip"], "--port", str(node["port"]), "--user", node["user"],
                       "--key-path", node["key_path"], "--cluster-id", "prod", "--role", node["role"])
        cls.shared("cluster", "setup", "prod")

    def setUp(self):
        self.mko = self.shared

    def with_fault(self, node, name, *args):
        self.lab.fault(node, name, *args)
        self.addCleanup(self.lab.clear, node, name)

    def findings(self, code):
        done = self.mko("cluster", "troubleshoot", "prod", "-o", "json", code=code)
        return json.loads(done.stdout)["items"]

    def first(self, items):
        """{host: code of its first finding}"""
        found = {}
        for one in items:
            found.setdefault(one["host"], one["code"])
        return found

    def unit(self, node, name):
        return self.lab.sh(node, "/usr/bin/systemctl", "is-active", f"snap.microk8s.daemon-{name}", check=False).strip()

    def test_1_a_healthy_cluster_has_no_findings(self):
        done = self.mko("doctor", "--cluster", "prod", code=0)
        self.assertEqual(done.stdout, "")
        self.assertIn("0 blocking, 0 warnings, 0 unknown", done.stderr)
        self.mko("cluster", "troubleshoot", "prod", "--strict", "--explain", "MKO-DOC-001", code=0)
        self.assertEqual(self.mko.items("health", "alerts"), [])

    def test_2_several_problems_at_once_are_told_apart(self):
        self.with_fault("n1", "cert_days", "server:5")
        self.with_fault("n2", "containerd_down")
        self.with_fault("n3", "agent_down")
        self.with_fault("n4", "provider_yaml_empty")
        wait_until(lambda: self.unit("n2", "containerd") != "active", 30, "containerd is down")
        provider = "/var/snap/microk8s/current/args/traefik/provider.yaml"
        wait_until(lambda: "address" not in self.lab.sh("n4", "cat", provider), 30, "the worker's list is empty")
        items = self.findings(1)
        first = self.first(items)
        self.assertEqual([first[name] for name in ("n1", "n2", "n3", "n4")], ["MKO-DOC-015", "MKO-DOC-013", "MKO-DOC-022", "MKO-DOC-017"])
        self.assertEqual(items[0]["code"], "MKO-DOC-017", "a worker without control planes is the worst of these")
        for one in items:
            self.assertTrue(one["found"] and one["fix"] and one["why"], one["code"])
        (alert,) = self.mko.items("health", "alerts")
        self.assertEqual((alert["rule"], alert["name"], alert["members"][0]), ("doctor_findings", "prod", "MKO-DOC-017"))
        self.assertRegex(alert["reason"], r"^n4: .* \(MKO-DOC-017\); .*; and \d+ more$")

    def test_1b_what_a_program_can_mend_is_mended_and_looked_at_again(self):
        self.lab.sh("n2", "/usr/bin/snap", "refresh", "--unhold", "microk8s")
        self.lab.sh("n3", "/snap/bin/microk8s", "stop")
        found = {(one["host"], one["code"]) for one in self.findings(None) if one["result"] in ("fail", "warn")}
        self.assertLessEqual({("n2", "MKO-DOC-008"), ("n3", "MKO-DOC-014")}, found)
        refused = self.mko("doctor", "--cluster", "prod", "--fix", code=4)
        self.assertIn("to mend: cluster.startup of prod", refused.stderr)
        self.assertIn("--fix --yes", refused.stderr)
        before = self.mko.last_operation()["id"]
        done = self.mko("doctor", "--cluster", "prod", "--fix", "--yes", timeout=600)
        self.assertTrue(done.stderr.rstrip().endswith("well"), done.stderr[-300:])
        ran = [op["type"] for op in sorted(self.mko.items("operation", "list"), key=lambda op: op["id"]) if op["id"] > before]
        self.assertEqual(ran, ["node.troubleshoot", "cluster.startup", "node.install", "node.troubleshoot"])
        self.assertEqual([one for one in self.findings(0) if one["result"] in ("fail", "warn")], [])
        self.assertEqual(self.mko.items("health", "alerts"), [], "what the doctor had found is over")

    def test_3_a_lost_quorum_comes_first_although_the_api_is_down_and_nodes_are_gone(self):
        self.lab.run("power-off", "n2")
        self.lab.run("power-off", "n3")
        items = self.findings(9)
        self.assertEqual((items[0]["code"], items[0]["host"], items[0]["cluster"]), ("MKO-DOC-001", None, "prod"))
        self.assertIn("1 of 3 voters", items[0]["found"])
        self.assertEqual({one["host"] for one in items if one["code"] == "MKO-PRE-030"}, {"n2", "n3"})
        again = self.mko.json("operation", "findings", str(self.mko.last_operation()["id"]), code=1)["items"]
        self.assertEqual([one["code"] for one in again], [one["code"] for one in items])
        other = next(o for o in self.mko.items("operation", "list") if o["type"] == "cluster.setup")
        self.assert_three_lines(self.mko("operation", "findings", str(other["id"]), code=3))


if __name__ == "__main__":
    unittest.main()
