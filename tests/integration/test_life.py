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
    """One lab and one data directory for all cases; each finds the cluster active, whatever the one before left."""

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
        cls.mko("node", "edit", "n5", "--power-tier", "2")
        cls.apply(os.path.join(ROOT, "tests/integration/data/workloads.yaml"))
        wait_until(cls.settled, 60, "the workloads run")

    def setUp(self):
        """Faults off, cables in, power on, cluster up and open: one case that fails does not drag the others down."""
        for op in self.mko.items("operation", "list"):
            if op["status"] in ("queued", "running"):
                self.mko("operation", "cancel", str(op["id"]), code=None)
        hurt = False
        for row in [line.split() for line in self.lab.run("list").stdout.splitlines()[1:]]:
            for fault in row[5].split(",") if row[5] != "-" else ():
                self.lab.clear(row[0], fault)
            if row[4] != "up":
                self.lab.run("heal", row[0])
            if row[3] != "on":
                self.lab.run("power-on", row[0])
            hurt = hurt or row[3:] != ["on", "up", "-"]
        if hurt or self.status()["status"] != "active":
            self.mko("cluster", "startup", "prod", timeout=600)
        for name in self.cordoned():
            self.mko("node", "uncordon", name)
        wait_until(self.settled, 120, "the workloads run")

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

    def heard(self):
        """The magic packets that the network cards of the nodes heard."""
        path = os.path.join(ROOT, "build", f"lab-{self.lab.name}", "run/wakes.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as source:
            return [json.loads(line) for line in source]

    def hosts(self):
        """What the last operation says of each host."""
        return {host["hostname"]: host for host in self.mko.operation(self.mko.last_operation()["id"])["hosts"]}

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
        (order,) = [host["data"]["shutdown"]["order"] for host in self.hosts().values() if "shutdown" in host["data"]]
        self.assertEqual(order[:2], ["n5", "n4"], "the worker of the higher tier goes first")
        self.assertEqual(set(self.power().values()), {"off"})
        self.assertEqual(self.status()["status"], "offline")
        self.assertEqual({node["status"] for node in self.mko.items("node", "list")}, {"offline"})
        self.mko("cluster", "startup", "prod", timeout=600)  # magic packets boot the machines
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

    def test_2b_a_forced_shutdown_takes_all_at_once_and_leaves_nothing_behind(self):
        before = self.replicas()
        self.mko("cluster", "shutdown", "prod", "--force", timeout=600)
        self.assertEqual({host["status"] for host in self.hosts().values()}, {"changed"})
        self.assertEqual(self.status()["status"], "offline")
        self.mko("cluster", "startup", "prod", timeout=600)
        wait_until(self.settled, 120, "the workloads are back")
        self.assertEqual((self.replicas(), self.cordoned(), self.traces()), (before, [], []))

    def test_2c_a_server_killed_in_the_middle_of_a_shutdown_costs_nothing(self):
        before = self.replicas()
        self.mko.start_daemon()
        started = self.mko.json("cluster", "shutdown", "prod", "--leave-running", "n5", "--tier", "tier=front", "--tier", "tier=data",
                                "--drain-timeout", "5s", "--detach")
        number = started.get("operation", started)["id"]
        file = os.path.join(self.mko.data, "operations", str(number), "events.jsonl")
        for task in ("Close the nodes", "Stop"):
            wait_until(lambda word=task: os.path.exists(file) and any(word in event.get("task", "") or event["event"] == "run_end"
                                                                      for event in self.mko.events(number)), 120, f"the task {task}")
            self.mko.kill_daemon()
            self.mko.start_daemon()
        op = wait_until(lambda: (lambda o: o if o["status"] not in ("queued", "running") else None)(self.mko.operation(number)), 240, "the shutdown ends")
        self.mko.kill_daemon()
        self.assertEqual(op["status"], "succeeded", op.get("error"))
        self.assertEqual([one["id"] for one in self.mko.items("operation", "list") if one["type"] == "cluster.shutdown" and one["id"] >= number], [number])
        kinds = [event["event"] for event in self.mko.events(number)]
        self.assertEqual((kinds.count("run_start"), kinds.count("run_end")), (1, 1))
        self.assertIn("left running", self.status()["status_reason"])
        self.assertIn("active", self.lab.sh("n5", "systemctl", "is-active", "snap.microk8s.daemon-kubelite", check=False).split())
        self.assertNotIn("active", self.lab.sh("n1", "systemctl", "is-active", "snap.microk8s.daemon-kubelite", check=False).split())
        self.mko("cluster", "startup", "prod", timeout=600)
        wait_until(self.settled, 120, "the workloads are back")
        self.assertEqual((self.replicas(), self.cordoned(), self.traces()), (before, [], []))

    def test_3_a_drain_that_a_budget_blocks_says_so_and_opens_the_node_again(self):
        busy = self.node_with_a_blocked_pod()
        self.mko("cluster", "scan", "prod")
        plan = self.mko.json("node", "drain", busy, "--dry-run")
        cost = plan["impact"][0]
        self.assertEqual(cost["voters"], {"configured": 3, "alive": 3, "left": 3 - cost["nodes"][0]["voter"], "needed": 2})
        held = {row["pod"]: row["why"] for row in cost["nodes"][0]["stay"]}
        self.assertTrue(any(pod.startswith("default/web-") and "disruption budget web" in why for pod, why in held.items()), held)
        shown = self.mko("node", "drain", busy, "--dry-run").stdout
        self.assertRegex(shown, r"voters +3 of 3 alive")
        self.assertRegex(shown, rf"{busy} +default/web-\S+ +the disruption budget web")
        done = self.mko("node", "drain", busy, "--delete-emptydir-data", "--drain-timeout", "4s", code=1)
        self.assertRegex(done.stderr, "default/web-.*disruption budget web")
        self.assertIn("open again", done.stderr)
        self.assertEqual((self.cordoned(), self.traces()), ([], []))

    def node_with_a_blocked_pod(self):
        """A node, not n1, with a pod that its budget holds."""
        self.addCleanup(self.lab.sh, "n1", *KUBECTL, "scale", "deployment", "web", "--replicas=4")
        self.lab.sh("n1", *KUBECTL, "scale", "deployment", "web", "--replicas=2")
        wait_until(lambda: self.replicas()["Deployment/web"] == (2, 2), 60, "two pods are left")
        return max(pod["spec"]["nodeName"] for pod in self.get("pods") if pod["metadata"]["labels"].get("app") == "web")

    def test_3b_a_node_that_dies_in_the_middle_of_its_drain_is_told_and_not_left_closed(self):
        busy = self.node_with_a_blocked_pod()
        drain = self.mko.spawn("node", "drain", busy, "--delete-emptydir-data", "--drain-timeout", "8s")
        wait_until(lambda: self.cordoned() == [busy], 60, "the node is closed")
        self.lab.fault(busy, "power_cut")
        out, err = drain.communicate(timeout=120)
        self.assertNotEqual(drain.returncode, 0, out)
        self.assert_in_lines(err, busy)
        self.assertEqual((self.cordoned(), self.traces()), ([], []), err)

    def test_3c_a_powered_off_machine_is_woken_again_and_again_until_it_answers(self):
        self.mko("node", "power-off", "n5", "--no-drain")
        self.assertEqual(self.power()["n5"], "off")
        self.lab.run("cut", "n5")
        before = len(self.heard())
        wake = self.mko.spawn("node", "wake", "n5")
        wait_until(lambda: len(self.heard()) > before, 60, "a packet gets lost")
        self.assertEqual(self.power()["n5"], "off")
        self.lab.run("heal", "n5")
        out, err = wake.communicate(timeout=120)
        self.assertEqual((wake.returncode, self.power()["n5"]), (0, "on"), out + err)

    def test_3d_a_relay_wakes_what_is_in_its_network(self):
        self.mko("node", "power-off", "n5", "--no-drain")
        relay = next(node for node in self.lab.nodes if node["hostname"] == "n4")
        self.mko("node", "wake", "n5", "--relay", "n4")
        self.assertEqual(self.power()["n5"], "on")
        self.assertIn((relay["mac"], "n5"), {(one["source"], one["node"]) for one in self.heard()})

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
        self.assertEqual({name for name, status in hosts.items() if status == "unreachable"}, {"n2", "n3"}, done.stdout + done.stderr)
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
