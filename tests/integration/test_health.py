"""mko health check: how nodes and clusters are now, asked directly over the network; the reasons are right, and nothing on a node is changed.

One lab and one cluster for all cases, which run in the order of their names.
"""
import datetime
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
        self.assertIs(prod["kubeconfig_over"], False)
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

        child = subprocess.Popen([MKO, "cluster", "status", "prod", "--watch"], env=self.mko.env, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        self.addCleanup(child.stdout.close)
        self.assertRegex(child.stdout.readline(), r"cluster +prod")
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
        self.assertEqual(child.returncode, 0)

    def test_5b_a_certificate_that_ends_is_seen_without_ssh(self):
        wait_until(lambda: self.report()[0]["n1"]["certificate_ends"] is not None, 60, "the API shows its certificate")
        self.assertGreater(self.days_left("n1"), 300)
        self.assertIsNone(self.report()[0][self.worker]["certificate_ends"], "a worker has no API")
        self.lab.fault("n1", "cert_days", "server:10")
        wait_until(lambda: 8 < self.days_left("n1") < 11, 60, "the API shows the new one")
        self.lab.clear("n1", "cert_days")
        self.lab.sh("n1", "/snap/bin/microk8s", "refresh-certs", "-e", "server.crt")
        wait_until(lambda: self.days_left("n1") > 300, 120, "it is renewed")

    def kubeconfig_of(self):
        return self.mko("cluster", "kubeconfig", "prod", code=0).stdout

    def days_left(self, node):
        ends = self.report()[0][node]["certificate_ends"]
        if ends is None:
            return 0
        return (datetime.datetime.fromisoformat(ends.replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)).days

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

    def alerts(self, *args):
        return json.loads(self.mko("health", "alerts", "-o", "json", *args, code=0).stdout)["items"]

    def figures(self, subject):
        kind, name = subject.split("/")
        arguments = [name] if kind == "node" else [f"--{kind}", name]
        series = json.loads(self.mko("health", "history", *arguments, "-o", "json", code=0).stdout)["series"]
        return {one["name"]: [value for value in one["values"] if value is not None] for one in series}

    def test_7_a_server_watches_and_tells_once(self):
        """Two control planes are off (from the case before): one alert for the lost quorum, one for each cause; all are over when they are back."""
        self.assert_three_lines(self.mko("health", "status", code=6))
        with open(os.path.join(self.mko.folder, "watch.yaml"), "w", encoding="utf-8") as file:
            file.write("health:\n  interval_s: 1\n")
        self.mko.start_daemon("--config", os.path.join(self.mko.folder, "watch.yaml"))
        wait_until(lambda: len(self.alerts()) >= 3, 60, "it is told")
        self.assertEqual(sorted((one["rule"], one["name"]) for one in self.alerts()),
                         [("cluster_down", "prod"), ("node_down", "n2"), ("node_down", "n3")])
        status = json.loads(self.mko("health", "status", "-o", "json", code=1).stdout)
        nodes = {one["name"]: one for one in status["nodes"]}
        self.assertEqual((nodes["n2"]["state"], nodes["n1"]["state"], nodes[self.spare]["state"]), ("down", "degraded", "up"))
        self.assertRegex(self.mko("health", "status", code=1).stdout, r"prod +down")
        node = json.loads(self.mko("node", "show", "n2", "-o", "json", code=0).stdout)
        self.assertEqual(node["status"], "offline")
        wait_until(lambda: self.figures("node/n1").get("ssh_ms"), 30, "figures are kept")
        self.assertEqual(set(self.figures("node/n2")["up"]), {0}, "it is off")
        self.assertIn(0, self.figures("cluster/prod")["up"])
        self.assertRegex(self.mko("health", "history", "n1", code=0).stdout, r"ssh_ms +ms +\d")
        self.assert_three_lines(self.mko("health", "history", code=2))
        self.assert_three_lines(self.mko("health", "history", "nobody", code=3))
        quorum = next(one for one in self.alerts() if one["rule"] == "cluster_down")
        self.assertEqual(quorum["next"], "mko doctor --cluster prod")
        self.mko("health", "acknowledge", str(quorum["id"]), code=0)
        self.mko("health", "silence", str(quorum["id"]), "--for", "1h", code=0)
        self.assertEqual(next(one for one in self.alerts() if one["id"] == quorum["id"])["state"], "acknowledged")
        self.lab.run("power-on", "n2")
        self.lab.run("power-on", "n3")
        wait_until(lambda: not self.alerts(), 180, "all is over")
        self.assertEqual({one["state"] for one in self.alerts("--all")}, {"resolved"})
        metrics = subprocess.run(["curl", "-s", "-f", "--unix-socket", os.path.join(self.mko.data, "mko.sock"), "http://localhost/metrics"],
                                 capture_output=True, text=True, check=True).stdout
        self.assertIn('mko_node_up{node="n1",cluster="prod"} 1', metrics)
        self.assertIn('mko_cluster_quorum_margin{cluster="prod"} 1', metrics)
        self.mko("health", "status", code=0)

    def test_8_a_shutdown_of_ours_wakes_nobody(self):
        if self.mko.daemon is None:
            self.skipTest("needs the server of the case before")
        before = len(self.alerts("--all", "--limit", "100"))
        self.mko("cluster", "shutdown", "prod", "--power-off", "--yes", code=0, timeout=600)
        time.sleep(8)  # rounds pass
        self.assertEqual(self.alerts(), [])
        self.assertEqual(len(self.alerts("--all", "--limit", "100")), before)

    def test_9_wrong_usage(self):
        self.assert_three_lines(self.mko("health", "check", "--cluster", "nobody", code=3))
        self.assert_three_lines(self.mko("health", "check", "prod", code=2))
        self.assert_three_lines(self.mko("health", "silence", "99", "--for", "1h", code=3))
        self.assert_three_lines(self.mko("health", "silence", "99", code=2))
        self.assert_three_lines(self.mko("health", "acknowledge", "n2", code=3))


if __name__ == "__main__":
    unittest.main()
