"""Nodes come to a running cluster and go: join, leave, replace, forget, and what goes wrong meanwhile.

One lab and one cluster for all cases, which run in the order of their names, each on what the one before left.
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, Mko, wait_until  # noqa: E402

BACKEND = "/var/snap/microk8s/current/var/kubernetes/backend"
BUDGET = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: stuck, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec:
      nodeName: NODE
      containers: [{name: c, image: busybox}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: stuck, namespace: default}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: stuck}}
"""


class Members(LabCase):
    lab_nodes = 5

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Mko()
        cls.addClassCleanup(cls.shared.done)
        cls.shared("init")
        cls.shared("cluster", "add", "--name", "prod", "--ha")
        cls.shared.add_nodes(cls.lab, "prod", hosts=("n1", "n2", "n3"))
        cls.shared.add_nodes(cls.lab, None, hosts=("n4", "n5"))
        cls.shared("cluster", "setup", "prod", timeout=900)

    def setUp(self):
        self.mko = self.shared

    def kubectl(self, *args, on="n1", check=True):
        return self.lab.sh(on, "/snap/bin/microk8s", "kubectl", *args, check=check)

    def names(self):
        return sorted(line.partition("/")[2] for line in self.kubectl("get", "nodes", "-o", "name").split())

    def datastore(self):
        out = self.lab.sh("n1", "/snap/microk8s/current/bin/dqlite", "-s", f"file://{BACKEND}/cluster.yaml", "-c", f"{BACKEND}/cluster.crt",
                          "-k", f"{BACKEND}/cluster.key", "-f", "json", "k8s", ".cluster")
        return {m["Address"].partition(":")[0]: m["Role"] for m in json.loads(out)}

    def ip(self, name):
        return next(n["ip"] for n in self.lab.nodes if n["hostname"] == name)

    def node(self, name):
        return self.mko.json("node", "show", name)

    def tasks(self, operation):
        return sum(h["ok"] + h["skipped"] for h in self.mko.operation(operation["id"])["hosts"])

    def test_1_a_node_joins_and_leaves_and_only_it_and_the_control_planes_take_part(self):
        mko = self.mko
        mko("cluster", "join", "prod", "n4", timeout=900)
        self.assertEqual(self.names(), ["n1", "n2", "n3", "n4"])
        self.assertEqual((self.node("n4")["cluster_id"], self.node("n4")["role"]), (self.node("n1")["cluster_id"], "worker"))
        fourth = self.tasks(mko.last_operation())
        mko("cluster", "join", "prod", "n5", timeout=900)
        self.assertEqual(self.tasks(mko.last_operation()), fourth, "joining costs more in a larger cluster")
        mko("cluster", "join", "prod", "n5", timeout=900)
        self.assertEqual([h["changed"] for h in mko.operation(mko.last_operation()["id"])["hosts"]], [0, 0, 0, 0])

        mko("cluster", "leave", "prod", "n4", "n5", "--yes", timeout=900)
        self.assertEqual(self.names(), ["n1", "n2", "n3"])
        for name in ("n4", "n5"):
            self.assertEqual((self.node(name)["cluster_id"], self.node(name)["role"], self.node(name)["microk8s_status"]), (None, "none", "not_installed"))
            self.assertEqual(self.lab.sh(name, "ls", "/var/snap/microk8s", check=False).strip(), "")
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "active")

    def test_2_what_would_break_the_cluster_is_refused_before_anything_is_done(self):
        mko = self.mko
        done = mko("cluster", "leave", "prod", "n3", "--yes", code=4)
        self.assertIn("high availability needs 3", done.stderr)
        self.assert_three_lines(done)
        self.assert_three_lines(mko("cluster", "leave", "prod", "n1", "n2", "n3", "--yes", code=4))
        self.assert_three_lines(mko("cluster", "leave", "prod", "n3", code=4))  # not confirmed
        mko("cluster", "leave", "prod", "nowhere", "--yes", code=3)
        done = mko("cluster", "leave", "prod", "n3", "--lost", "--allow-quorum-loss", "--yes", code=None, timeout=900)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("but it answers", done.stderr)
        self.assertEqual(self.names(), ["n1", "n2", "n3"])
        self.assertEqual(self.datastore(), {self.ip(n): 0 for n in ("n1", "n2", "n3")})

    def test_3_a_dead_voter_is_replaced_and_comes_back_later_as_a_new_member(self):
        mko = self.mko
        self.lab.run("power-off", "n3")
        done = mko("cluster", "leave", "prod", "n3", "--allow-quorum-loss", "--yes", code=None, timeout=900)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("does not answer", done.stderr + done.stdout)
        mko("cluster", "replace", "prod", "n3", "n4", "--lost", "--yes", timeout=900)
        self.assertEqual(self.datastore(), {self.ip(n): 0 for n in ("n1", "n2", "n4")})
        self.assertEqual((self.node("n3")["cluster_id"], self.node("n3")["status"], self.node("n4")["role"]), (None, "offline", "control_plane"))
        status = mko.json("cluster", "status", "prod")
        self.assertEqual((status["status"], status["quorum_margin"], status["control_planes"]), ("active", 1, 3))

        self.lab.run("power-on", "n3")
        wait_until(lambda: self.lab.sh("n3", "cat", f"{BACKEND}/cluster.yaml", check=False), 60, "n3 is back")
        mko("cluster", "join", "prod", "n3", "--role", "control_plane", timeout=900)
        self.assertEqual(set(self.datastore()), {self.ip(n) for n in ("n1", "n2", "n3", "n4")})
        self.assertEqual(mko.json("cluster", "status", "prod")["control_planes"], 4)

    def test_4_a_pod_that_may_not_be_evicted_stops_a_leave_and_the_node_is_given_back(self):
        mko = self.mko
        mko("cluster", "join", "prod", "n5", timeout=900)
        self.lab.sh("n1", "sh", "-c", "cat >/tmp/pdb.yaml <<'E'\n" + BUDGET.replace("NODE", "n5") + "\nE\n/snap/bin/microk8s kubectl apply -f /tmp/pdb.yaml")
        wait_until(lambda: "Running" in self.kubectl("get", "pods", "-l", "app=stuck", "--no-headers"), 60, "the pod runs")
        done = mko("cluster", "leave", "prod", "n5", "--drain-timeout", "2s", "--yes", code=None, timeout=900)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("disruption budget", done.stderr)
        self.assertNotIn("SchedulingDisabled", self.kubectl("get", "node", "n5"))
        self.assertEqual(self.node("n5")["role"], "worker")
        mko("cluster", "leave", "prod", "n5", "--drain-timeout", "2s", "--ignore-stuck-pods", "--yes", timeout=900)
        self.assertNotIn("n5", self.names())
        self.kubectl("delete", "-f", "/tmp/pdb.yaml")

    def test_5_a_stale_entry_of_the_datastore_is_found_and_forgotten(self):
        mko = self.mko
        self.lab.run("power-off", "n4")
        self.kubectl("delete", "node", "n4")
        mko("node", "remove", "n4", "--force", "--yes", code=None)
        found = mko.json("cluster", "status", "prod", "--scan")
        self.assertIn("MKO-SCAN-002", [f["code"] for f in found["findings"]])
        done = mko("cluster", "forget", "prod", "192.0.2.99", "--yes", code=1)
        self.assertIn("knows no 192.0.2.99", done.stderr)
        mko("cluster", "forget", "prod", self.ip("n4"), "--yes")
        self.assertEqual(set(self.datastore()), {self.ip(n) for n in ("n1", "n2", "n3")})
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "active")

    def test_6_a_leave_that_fails_on_the_node_still_ends_with_a_clean_cluster(self):
        mko = self.mko
        mko("cluster", "join", "prod", "n5", "--role", "control_plane", timeout=900)
        self.lab.fault("n5", "leave_fail")
        mko("cluster", "leave", "prod", "n5", "--yes", timeout=900)
        self.lab.clear("n5", "leave_fail")
        self.assertEqual(set(self.datastore()), {self.ip(n) for n in ("n1", "n2", "n3")})
        self.assertEqual(self.names(), ["n1", "n2", "n3"])
        self.assert_no_trace()

    def test_7_a_node_that_dies_in_the_middle_of_its_leave_is_told_and_can_be_given_up(self):
        mko = self.mko
        mko("cluster", "join", "prod", "n5", "--role", "control_plane", timeout=900)
        running = mko.spawn("cluster", "leave", "prod", "n5", "--yes")
        self.addCleanup(running.kill)
        mko.until_task(running, "cluster.leave", "Leave the cluster")
        self.lab.fault("n5", "power_cut")
        out, err = running.communicate(timeout=900)
        self.assertIn(running.returncode, (1, 6, 9), out + err)
        self.assertRegex(err, r"(?m)^  n5: (unreachable|failed): Leave the cluster: ")
        self.assertRegex(err, r"(?m)^  try: .*mko cluster leave prod NODE --lost")
        mko("cluster", "leave", "prod", "n5", "--lost", "--yes", timeout=900)
        self.assertEqual(set(self.datastore()), {self.ip(n) for n in ("n1", "n2", "n3")})
        self.assertEqual(self.names(), ["n1", "n2", "n3"])
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "active")
        self.assert_no_trace()


if __name__ == "__main__":
    unittest.main()
