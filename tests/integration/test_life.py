"""The life of a cluster as a story: one cluster of five nodes with workloads is shut down, started, drained, rebooted, paused and hurt."""
import json
import os
import random
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import ROOT, Lab, Mko, wait_until  # noqa: E402

ROUNDS = int(os.environ.get("MKO_TEST_LIFE_ROUNDS", "1"))
KUBECTL = ("/snap/bin/microk8s", "kubectl")


class Life(unittest.TestCase):
    """One lab and one data directory for all cases; each leaves the cluster active and as it was."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("a lab needs root")
        cls.lab = Lab("it-life", 5, "--workers", "2")
        cls.addClassCleanup(cls.lab.down)
        cls.mko = Mko()
        cls.addClassCleanup(cls.mko.done)
        cls.mko("init")
        cls.mko("cluster", "add", "--name", "prod", "--ha")
        cls.mko.add_nodes(cls.lab, "prod")
        cls.mko("cluster", "setup", "prod")
        cls.apply(os.path.join(ROOT, "tests/integration/data/workloads.yaml"))
        wait_until(cls.settled, 60, "the workloads run")

    # -- looking, without mko ------------------------------------------------------------------------------------------------------

    @classmethod
    def apply(cls, path):
        with open(path, encoding="utf-8") as source:
            subprocess.run([sys.executable, os.path.join(ROOT, "lab/lab.py"), "--lab", cls.lab.name, "exec", "n1", "--", "sh", "-c",
                            "cat > /tmp/w.yaml"], stdin=source, check=True)
        cls.lab.sh("n1", *KUBECTL, "apply", "-f", "/tmp/w.yaml")

    @classmethod
    def get(cls, *what, node="n1"):
        return json.loads(cls.lab.sh(node, *KUBECTL, "get", *what, "-o", "json"))["items"]

    @classmethod
    def replicas(cls):
        """{name: (wanted, ready)} of the workloads, and which CronJobs are held."""
        found = {f"{one['kind']}/{one['metadata']['name']}": (one["spec"]["replicas"], one.get("status", {}).get("readyReplicas", 0))
                 for one in cls.get("deploy,sts")}
        found.update({f"CronJob/{one['metadata']['name']}": bool(one["spec"].get("suspend")) for one in cls.get("cronjobs")})
        return found

    @classmethod
    def settled(cls):
        return all(value[0] == value[1] for value in cls.replicas().values() if isinstance(value, tuple))

    @classmethod
    def cordoned(cls):
        return sorted(one["metadata"]["name"] for one in cls.get("nodes") if one["spec"].get("unschedulable"))

    def traces(self):
        """The annotations of mko on nodes and workloads."""
        return sorted({key for one in self.get("nodes") + self.get("deploy,sts,cronjobs") for key in one["metadata"].get("annotations", {})
                       if key.startswith("mko/")})

    def roles(self):
        return {one["address"]: one["role"] for one in self.mko.json("cluster", "status", "prod")["dqlite"]}

    def power(self):
        rows = [line.split() for line in self.lab.run("list").stdout.splitlines()[1:]]
        return {row[0]: row[3] for row in rows}

    def status(self):
        return self.mko.json("cluster", "status", "prod")

    # -- the story -----------------------------------------------------------------------------------------------------------------

    def test_1_what_was_shut_down_and_powered_off_comes_back_as_it_was(self):
        self.lab.sh("n1", *KUBECTL, "cordon", "n5")
        self.addCleanup(self.lab.sh, "n1", *KUBECTL, "uncordon", "n5")
        self.mko("cluster", "scan", "prod")
        before, roles = self.replicas(), self.roles()
        for number in range(ROUNDS):
            with self.subTest(round=number):
                self.shut_down_and_start(number)
                self.assertEqual((self.replicas(), self.cordoned(), self.roles()), (before, ["n5"], roles))
                self.assertEqual(self.traces(), [])
                self.assertEqual(self.status()["status"], "active")

    def shut_down_and_start(self, number):
        chance = random.Random(number)
        slow = chance.choice(["n1", "n2", "n3", "n4", "n5"])
        self.lab.fault(slow, "ssh_slow", "700")
        self.mko("cluster", "shutdown", "prod", "--power-off", "--drain-timeout", "5s", timeout=600)
        self.assertEqual(set(self.power().values()), {"off"})
        self.assertEqual(self.status()["status"], "offline")
        self.assertEqual({node["status"] for node in self.mko.items("node", "list")}, {"offline"})
        start = self.mko.spawn("cluster", "startup", "prod")
        order = ["n1", "n2", "n3", "n4", "n5"]
        chance.shuffle(order)
        for name in order:
            self.lab.run("power-on", name)
        out, err = start.communicate(timeout=600)
        self.assertEqual(start.returncode, 0, out + err)
        self.lab.clear(slow, "ssh_slow")
        wait_until(self.settled, 120, "the workloads are back")

    def test_2_after_a_power_cut_of_everything_it_returns_by_itself(self):
        before = self.replicas()
        for node in self.lab.nodes:
            self.lab.fault(node["hostname"], "power_cut")
        self.assertEqual(set(self.power().values()), {"off"})
        for node in self.lab.nodes:
            self.lab.run("power-on", node["hostname"])
        self.mko("cluster", "startup", "prod", timeout=600)
        wait_until(self.settled, 120, "the workloads are back")
        self.assertEqual(self.replicas(), before)

    # -- care of nodes -------------------------------------------------------------------------------------------------------------

    def test_3_a_drain_that_a_budget_blocks_says_so_and_opens_the_node_again(self):
        self.lab.sh("n1", *KUBECTL, "scale", "deployment", "web", "--replicas=2")
        wait_until(lambda: self.replicas()["Deployment/web"] == (2, 2), 60, "two pods are left")
        self.addCleanup(self.lab.sh, "n1", *KUBECTL, "scale", "deployment", "web", "--replicas=4")
        busy = next(pod["spec"]["nodeName"] for pod in self.get("pods") if pod["metadata"]["labels"].get("app") == "web")
        done = self.mko("node", "drain", busy, "--delete-emptydir-data", "--drain-timeout", "4s", code=1)
        self.assertRegex(done.stderr, "default/web-.*disruption budget web")
        self.assertIn("open again", done.stderr)
        self.assertEqual((self.cordoned(), self.traces()), ([], []))

    def test_4_a_rolling_reboot_stops_at_the_node_that_does_not_come_back(self):
        self.lab.fault("n5", "reboot_slow", "120")
        self.addCleanup(self.bring_back, "n5")
        done = self.mko("node", "reboot", "n5", "n4", "--no-drain", "--boot-timeout", "15s", code=1, timeout=600)
        self.assert_in_lines(done.stderr, "n5")
        hosts = {host["hostname"]: host for host in self.mko.operation(self.mko.last_operation()["id"])["hosts"]}
        self.assertEqual({name: host["status"] for name, host in hosts.items()}, {"n4": "failed", "n5": "failed"})
        self.assertRegex(hosts["n4"]["message"], "Not touched.*n5")

    def bring_back(self, name):
        self.lab.clear(name, "reboot_slow")
        wait_until(lambda: self.power()[name] == "on" or self.lab.run("power-on", name, check=False).returncode == 0, 60, f"{name} boots")
        self.mko("cluster", "startup", "prod", timeout=600)

    def assert_in_lines(self, text, word):
        self.assertTrue(any(word in line for line in text.splitlines()), text)

    def test_5_without_quorum_nothing_more_goes_down_and_a_shutdown_still_works(self):
        before = self.replicas()
        self.lab.fault("n2", "power_cut")
        self.mko("node", "status", "n2", code=None)
        done = self.mko("node", "reboot", "n3", code=4)
        self.assertIn("voters", done.stderr)
        self.assertIn("--allow-quorum-loss", done.stderr)
        plan = self.mko.json("node", "reboot", "n3", "--dry-run")
        self.assertIn("voters", plan["refused"])
        self.lab.fault("n3", "power_cut")      # now the API is gone too
        done = self.mko("cluster", "shutdown", "prod", code=9, timeout=600)
        hosts = {host["hostname"]: host["status"] for host in self.mko.operation(self.mko.last_operation()["id"])["hosts"]}
        self.assertEqual({name for name, status in hosts.items() if status == "unreachable"}, {"n2", "n3"}, hosts)
        self.assertEqual({hosts[name] for name in ("n1", "n4", "n5")}, {"changed"}, hosts)
        status = self.status()
        self.assertEqual(status["status"], "offline")
        self.assertIn("n2, n3", status["status_reason"])
        for name in ("n2", "n3"):
            self.lab.run("power-on", name)
        self.mko("cluster", "startup", "prod", timeout=600)
        wait_until(self.settled, 120, "the workloads are back")
        self.assertEqual((self.replicas(), self.cordoned()), (before, []))

    # -- rest ----------------------------------------------------------------------------------------------------------------------

    def test_7_what_rests_comes_back_exactly(self):
        before = self.replicas()
        self.mko("cluster", "scale-down", "prod", "--tier", "tier=front", "--tier", "tier=data")
        rest = self.replicas()
        self.assertEqual((rest["Deployment/web"], rest["StatefulSet/db"], rest["Deployment/api"]), ((0, 0), (0, 0), before["Deployment/api"]))
        # somebody removes the notes: the inventory still knows
        self.lab.sh("n1", *KUBECTL, "annotate", "deployment", "web", "mko/replicas-", "mko/suspended-by-")
        self.mko("cluster", "scale-up", "prod")
        self.assertEqual((self.replicas(), self.traces()), (before, []))

    def test_8_a_paused_cluster_is_held_and_comes_back(self):
        before = self.replicas()
        self.lab.sh("n1", *KUBECTL, "cordon", "n5")
        self.addCleanup(self.lab.sh, "n1", *KUBECTL, "uncordon", "n5")
        self.mko("cluster", "pause", "prod")
        self.assertEqual(self.status()["status"], "paused")
        self.assertTrue(self.replicas()["CronJob/nightly"])
        self.assertEqual(len(self.cordoned()), 5)
        done = self.mko("node", "cordon", "n1", code=4)
        self.assertIn("mko cluster resume prod", done.stderr)
        self.mko("cluster", "resume", "prod")
        self.assertEqual((self.replicas(), self.cordoned(), self.traces(), self.status()["status"]), (before, ["n5"], [], "active"))


if __name__ == "__main__":
    unittest.main()
