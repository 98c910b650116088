"""mko health check: how nodes and clusters are now, asked directly over the network; the reasons are right, and nothing on a node is changed.

One lab and one cluster for all cases, which run in the order of their names.
"""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import MKO, LabCase, Mko, clock, wait_until  # noqa: E402


class Health(LabCase):
    lab_nodes = 5
    lab_options = ("--workers", "1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Mko()
        cls.addClassCleanup(cls.shared.done)
        cls.shared("init")
        cls.shared("cluster", "add", "--name", "prod", "--ha")
        planes = [node for node in cls.lab.nodes if node["role"] != "worker"]
        cls.spare = planes[3]["hostname"]
        for node in planes[:3] + [node for node in cls.lab.nodes if node["role"] == "worker"]:
            cls.shared("node", "add", "--hostname", node["hostname"], "--ip", node["ip"], "--port", str(node["port"]), "--user", node["user"],
                       "--key-path", node["key_path"], "--cluster-id", "prod", "--role", node["role"])
        cls.shared.add_node(planes[3])
        cls.shared("cluster", "setup", "prod")
        cls.worker = next(node["hostname"] for node in cls.lab.nodes if node["role"] == "worker")

    def setUp(self):
        self.mko = self.shared

    def report(self, *args, code=None):
        done = self.mko("health", "check", "-o", "json", *args, code=code)
        report = json.loads(done.stdout)
        return {one["name"]: one for one in report["nodes"]}, {one["name"]: one for one in report["clusters"]}

    def test_1_all_is_well(self):
        nodes, clusters = self.report(code=0)
        self.assertEqual({name: one["state"] for name, one in nodes.items()}, {node["hostname"]: "up" for node in self.lab.nodes})
        self.assertEqual([one["reason"] for one in nodes.values()], [""] * 5)
        prod = clusters["prod"]
        self.assertEqual((prod["state"], prod["nodes"], prod["nodes_well"], prod["planes"], prod["planes_ready"], prod["quorum_margin"]), ("up", 4, 4, 3, 3, 1))
        self.assertEqual((nodes["n1"]["api"], nodes["n1"]["ready"], nodes["n1"]["agent"]), ("good", True, "good"))
        self.assertLess(nodes["n1"]["heartbeat_s"], 40)
        self.assertEqual((nodes[self.spare]["agent"], nodes[self.spare]["cluster"]), ("not_asked", None), "a machine without MicroK8s is only there")
        self.assertEqual(self.report("--cluster", "prod")[0].keys() & {self.spare}, set())
        table = self.mko("health", "check", code=0).stdout
        self.assertRegex(table, r"prod +up +4 +4 +3 +1")

    def test_2_each_fault_has_its_reason(self):
        self.lab.fault("n3", "agent_down")
        self.addCleanup(self.lab.clear, "n3", "agent_down")
        self.lab.fault(self.spare, "ssh_refuse")
        self.addCleanup(self.lab.clear, self.spare, "ssh_refuse")
        self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", "cordon", "n2")
        self.addCleanup(self.lab.sh, "n1", "/snap/bin/microk8s", "kubectl", "uncordon", "n2")
        wait_until(lambda: self.report()[0]["n3"]["agent"] == "refused", 30, "the agent is away")
        nodes, clusters = self.report(code=1)
        self.assertEqual((nodes["n3"]["state"], nodes["n3"]["api"]), ("degraded", "good"))
        self.assertIn("25000", nodes["n3"]["reason"])
        self.assertIn("SSH server does not listen", nodes[self.spare]["reason"])
        self.assertEqual((nodes["n2"]["state"], nodes["n2"]["cordoned"]), ("up", True), "a node that is closed is well")
        self.assertEqual(clusters["prod"]["state"], "degraded")
        self.assert_three_lines(self.mko("health", "check", code=1))

    def test_3_a_node_that_is_off_is_down_within_seconds(self):
        self.lab.run("power-off", self.worker)
        with clock(15):
            nodes, _ = self.report(code=1)
        self.assertEqual(nodes[self.worker]["state"], "down")
        self.lab.run("power-on", self.worker)
        wait_until(lambda: self.report()[0][self.worker]["state"] == "up", 120, "it is back")

    def test_4_a_foreign_api_is_not_believed(self):
        """Somebody else answers on the port of the API with a certificate of his own."""
        self.lab.sh("n3", "/usr/bin/snap", "stop", "microk8s")
        self.addCleanup(self.lab.sh, "n3", "/usr/bin/snap", "start", "microk8s")
        self.lab.sh("n3", "sh", "-c", "cd /tmp && openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=evil >/dev/null 2>&1;"
                    "setsid openssl s_server -accept 16443 -key k.pem -cert c.pem -www </dev/null >/dev/null 2>&1 & sleep 1")
        self.addCleanup(self.lab.sh, "n3", "pkill", "-x", "openssl", check=False)
        nodes, clusters = self.report(code=1)
        self.assertNotEqual(nodes["n3"]["api"], "good")
        self.assertEqual(clusters["prod"]["planes_ready"], 2)
        self.assertEqual(clusters["prod"]["quorum_margin"], 0)
        self.assertIn("one more voter", clusters["prod"]["reason"])

    def test_5_it_is_watched_until_ctrl_c(self):
        child = subprocess.Popen([MKO, "health", "check", "--watch", "-o", "json"], env=self.mko.env, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        self.addCleanup(child.stdout.close)
        first = child.stdout.readline()
        self.assertIn("{", first)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)

    def test_6_a_lost_quorum_is_told_although_the_api_is_down(self):
        wait_until(lambda: self.report()[1]["prod"]["planes_ready"] == 3, 120, "all control planes are back")
        self.lab.run("power-off", "n2")
        self.lab.run("power-off", "n3")
        wait_until(lambda: self.report()[0]["n1"]["api"] != "good", 60, "the API notices")
        nodes, clusters = self.report(code=1)
        self.assertEqual(clusters["prod"]["state"], "down")
        self.assertIn("quorum", clusters["prod"]["reason"])
        self.assertEqual(clusters["prod"]["quorum_margin"], -2)
        self.assertEqual({nodes["n2"]["state"], nodes["n3"]["state"]}, {"down"})
        self.assertEqual(nodes["n1"]["state"], "degraded")

    def test_7_wrong_usage(self):
        self.assert_three_lines(self.mko("health", "check", "--cluster", "nobody", code=3))
        self.assert_three_lines(self.mko("health", "check", "prod", code=2))


if __name__ == "__main__":
    unittest.main()
