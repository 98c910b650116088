"""The main job: nodes become one highly available cluster, and a second run changes nothing."""
import json
import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, wait_until  # noqa: E402


class FourNodes(LabCase):
    lab_nodes = 4

    def test_four_nodes_become_a_highly_available_cluster_and_a_second_setup_changes_nothing(self):
        mko = self.mko
        mko("init")
        mko("cluster", "add", "--name", "prod", "--ha")
        mko.add_nodes(self.lab, "prod")
        mko("cluster", "setup", "prod")

        status = mko.json("cluster", "status", "prod")
        self.assertEqual(status["status"], "active")
        self.assertIs(status["ha"], True)
        self.assertEqual(status["control_planes"], 3)
        self.assertEqual(status["workers"], 1)
        self.assertEqual(status["quorum_margin"], 1)

        # against the cluster itself: kubectl from outside with the kubeconfig that mko gives
        kubeconfig = os.path.join(mko.folder, "kc")
        with open(kubeconfig, "w", encoding="utf-8") as out:
            out.write(mko("cluster", "kubeconfig", "prod").stdout)
        nodes = json.loads(subprocess.run(["kubectl", "--kubeconfig", kubeconfig, "--cache-dir", mko.folder, "get", "nodes", "-o", "json"],
                                          capture_output=True, text=True, check=True).stdout)["items"]
        ready = {n["metadata"]["name"]: c["status"] for n in nodes for c in n["status"]["conditions"] if c["type"] == "Ready"}
        self.assertEqual(ready, {n["hostname"]: "True" for n in self.lab.nodes})
        planes = [n for n in nodes if "node.kubernetes.io/microk8s-controlplane" in n["metadata"]["labels"]]
        self.assertEqual(len(planes), 3)

        # against the datastore: three voters
        backend = "/var/snap/microk8s/current/var/kubernetes/backend"
        members = json.loads(self.lab.sh("n1", "/snap/microk8s/current/bin/dqlite", "-s", f"file://{backend}/cluster.yaml", "-c",
                                         f"{backend}/cluster.crt", "-k", f"{backend}/cluster.key", "-f", "json", "k8s", ".cluster"))
        self.assertEqual(sorted(m["Role"] for m in members), [0, 0, 0])

        # the join token is gone, refreshes are held
        tokens = self.lab.sh("n1", "sh", "-c", "cat /var/snap/microk8s/current/credentials/cluster-tokens.txt")
        self.assertEqual(tokens.strip(), "")
        self.assertIn("held", self.lab.sh("n4", "snap", "list", "microk8s"))

        mko("cluster", "setup", "prod")
        hosts = mko.last_operation()
        hosts = mko.operation(hosts["id"])["hosts"]
        self.assertEqual({h["hostname"]: h["changed"] for h in hosts}, {n["hostname"]: 0 for n in self.lab.nodes})
        self.assert_no_trace(self.kubeconfig_key(kubeconfig))

    @staticmethod
    def kubeconfig_key(path):
        with open(path, encoding="utf-8") as source:
            return re.search(r"client-key-data: (\S{60})", source.read()).group(1)


class TwoSetups(LabCase):
    lab_nodes = 2

    def test_two_setups_of_one_cluster_never_run_at_once_and_a_plain_ansible_inventory_works(self):
        mko = self.mko
        mko("init")
        mko("cluster", "add", "--name", "pair")
        mko.add_nodes(self.lab, "pair")
        mko.start_daemon()
        first = mko.json("cluster", "setup", "pair", "--detach")
        second = mko.json("cluster", "setup", "pair", "--detach")
        first, second = (x.get("operation", x)["id"] for x in (first, second))

        def overlap_or_end():
            by_id = {op["id"]: op["status"] for op in mko.items("operation", "list")}  # one answer, one moment
            states = [by_id[first], by_id[second]]
            self.assertNotEqual(states, ["running", "running"])
            return states if states[1] not in ("queued", "running") else None

        seen = mko.operation(second)
        self.assertEqual(seen["status"], "queued")
        self.assertEqual(wait_until(overlap_or_end, 240, "both setups end"), ["succeeded", "succeeded"])
        waited, done = mko.operation(second), mko.operation(first)
        self.assertGreaterEqual(waited["started_at"], done["finished_at"])
        self.assertEqual([h["changed"] for h in waited["hosts"]], [0, 0])

        inventory = os.path.join(mko.folder, "inventory.json")
        script = os.path.join(mko.folder, "inventory")
        with open(script, "w", encoding="utf-8") as out:
            out.write(f"#!/bin/sh\nexec {os.environ.get('MKO_BIN', 'mko')} inventory \"$@\"\n")
        os.chmod(script, 0o755)
        done = subprocess.run(["ansible", "-i", script, "mko_targets", "-m", "ansible.builtin.ping", f"--ssh-extra-args=-o StrictHostKeyChecking=no -o UserKnownHostsFile={inventory}.known"],
                              env={**mko.env, "ANSIBLE_CONFIG": "/nonexistent.cfg"}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("SUCCESS"), 2)


class Interrupted(LabCase):
    lab_nodes = 3

    def test_a_setup_cut_off_after_the_second_node_is_finished_by_retry_without_starting_over(self):
        mko = self.mko
        mko("init")
        mko("cluster", "add", "--name", "prod", "--ha")
        mko.add_nodes(self.lab, "prod")
        mko.start_daemon()
        started = mko.json("cluster", "setup", "prod", "--detach")
        number = started.get("operation", started)["id"]

        def second_joined():
            self.assertIn(mko.operation(number)["status"], ("queued", "running"))
            names = self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "nodes", "-o", "name", check=False)
            return "node/n2" in names and "node/n3" not in names

        wait_until(second_joined, 200, "the second node is a member")
        os.kill(mko.runner_pid(number), signal.SIGKILL)
        ended = wait_until(lambda: (lambda op: op if op["status"] == "interrupted" else None)(mko.operation(number)), 5, "interrupted within 5 s")
        self.assertEqual({h["hostname"] for h in ended["hosts"]}, {"n1", "n2", "n3"})
        self.assertTrue(any(h["status"] == "unknown" for h in ended["hosts"]), ended["hosts"])
        born = self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "node", "n1", "-o", "jsonpath={.metadata.uid}")

        mko("operation", "retry", str(number))
        status = mko.json("cluster", "status", "prod")
        self.assertEqual((status["status"], status["ha"], status["control_planes"]), ("active", True, 3))
        self.assertEqual(self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "node", "n1", "-o", "jsonpath={.metadata.uid}"), born)
        self.assert_no_trace()


if __name__ == "__main__":
    unittest.main()
