"""A backup that is one, and a restore of it onto a fresh node; what is no backup is never called one."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, wait_until  # noqa: E402

BACKEND = "/var/snap/microk8s/current/var/kubernetes/backend"


class Backup(LabCase):
    lab_nodes = 2

    def dies_in_the_middle(self, begun, task, fault, whole):
        """The node goes, once a task has begun, in a task of a physical backup: that is said, and only the backup that was whole is one."""
        running = self.mko.spawn("cluster", "backup", "old", "--physical", "--allow-quorum-loss")
        self.addCleanup(running.kill)
        self.mko.until_task(running, "cluster.backup_physical", begun)
        fault()
        out, err = running.communicate(timeout=600)
        self.assertIn(running.returncode, (1, 6, 9), out + err)
        self.assertRegex(err, f"(?m)^  n1: (unreachable|failed): {task}: ")
        self.assertRegex(err, r"(?m)^ +try: ")
        self.assertEqual([b["id"] for b in self.mko.items("cluster", "backup", "list", "old")], [whole["id"]])

    def test_a_backup_is_proven_listed_and_restored_onto_a_fresh_node(self):
        mko = self.mko
        mko("init")
        for number, name in ((1, "old"), (2, "fresh")):
            mko("cluster", "add", "--name", name)
            mko.add_nodes(self.lab, name, hosts=(f"n{number}",))
            mko("cluster", "setup", name, timeout=900)
        kubectl = ["/snap/bin/microk8s", "kubectl"]
        self.lab.sh("n1", *kubectl, "create", "namespace", "treasure")
        mko("cluster", "backup", "old", "--keep-backups", "2", timeout=900)
        (backup,) = mko.items("cluster", "backup", "list", "old")
        self.assertGreater(backup["keys"], 10)
        self.assertEqual(os.stat(backup["folder"] + "/datastore.tar.gz").st_mode & 0o777, 0o600)
        self.assertEqual(self.lab.sh("n1", "sh", "-c", "ls /var/tmp").strip(), "")

        self.lab.fault("n1", "dbctl_fail")
        done = mko("cluster", "backup", "old", code=None, timeout=900)
        self.lab.clear("n1", "dbctl_fail")
        self.assertIn(done.returncode, (1, 9))
        self.assertEqual([b["id"] for b in mko.items("cluster", "backup", "list", "old")], [backup["id"]])

        large = ("dd", "if=/dev/urandom", f"of={BACKEND}/large", "bs=1M", "count=96")  # takes a while to pack and to fetch
        self.lab.sh("n1", *large)
        self.dies_in_the_middle("Copy the datastore and open the copy", "Copy the datastore and open the copy", lambda: self.lab.fault("n1", "power_cut"), backup)
        self.lab.run("power-on", "n1")
        wait_until(lambda: "treasure" in self.lab.run("exec", "n1", "--", *kubectl, "get", "ns", check=False).stdout, 120, "n1 is back")
        self.lab.sh("n1", *large)
        self.dies_in_the_middle("Make the folder on the controller", "Fetch the archive", lambda: self.lab.run("cut", "n1"), backup)
        self.lab.run("heal", "n1")
        self.lab.sh("n1", "rm", "-f", f"{BACKEND}/large")
        self.assertEqual(len(os.listdir(os.path.dirname(backup["folder"]))), 2, "what was fetched of it lies there")
        mko("cluster", "backup", "old", "--physical", code=4)       # the cluster would stop meanwhile
        mko("cluster", "backup", "old", "--physical", "--allow-quorum-loss", timeout=900)
        copy, *others = mko.items("cluster", "backup", "list", "old")
        self.assertEqual((copy["kind"], copy["members"], [one["id"] for one in others]), ("physical", 1, [backup["id"]]))
        self.assertEqual(len(os.listdir(os.path.dirname(backup["folder"]))), 2, "what was cut off is gone")
        self.assertIn("treasure", self.lab.sh("n1", *kubectl, "get", "namespaces", "-o", "name"))
        self.assertEqual(self.lab.sh("n1", "sh", "-c", "ls /var/snap/microk8s/common/mko-recover").strip(), "")
        with open(copy["folder"] + "/datastore.tar.gz", "r+b") as archive:
            whole = archive.read()
            archive.truncate(len(whole) - 20)
        done = mko("cluster", "restore", "fresh", f"old/{copy['id']}", "--yes", code=None, timeout=900)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("checksum differs", done.stderr)
        with open(copy["folder"] + "/datastore.tar.gz", "wb") as archive:
            archive.write(whole)
        mko("cluster", "restore", "fresh", f"old/{copy['id']}", "--yes", timeout=900)
        self.assertIn("treasure", self.lab.sh("n2", *kubectl, "get", "namespaces", "-o", "name"))
        self.assertEqual(self.lab.sh("n2", *kubectl, "get", "nodes", "-o", "name").split(), ["node/n2"])
        self.lab.sh("n2", *kubectl, "delete", "namespace", "treasure")

        mko("cluster", "restore", "fresh", "old/999", "--yes", code=3)
        mko("cluster", "restore", "fresh", "../../etc/1", "--yes", code=2)
        mko("cluster", "restore", "fresh", f"old/{backup['id']}", "--yes", timeout=900)
        self.assertIn("treasure", self.lab.sh("n2", *kubectl, "get", "namespaces", "-o", "name"))

        subprocess.run(["truncate", "-s", "-20", backup["folder"] + "/datastore.tar.gz"], check=True)
        done = mko("cluster", "restore", "fresh", f"old/{backup['id']}", "--yes", code=None, timeout=900)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("checksum differs", done.stderr)
        with open(backup["folder"] + "/manifest.json", encoding="utf-8") as source:
            self.assertEqual(json.load(source)["cluster"], "old")
        self.assert_no_trace()


WORKLOADS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: till, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: till}}
  template: {metadata: {labels: {app: till}}, spec: {containers: [{name: c, image: busybox}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: safe, namespace: shop}
stringData: {word: sesame}
"""


class Drill(LabCase):
    lab_nodes = 2

    def test_a_drill_proves_on_a_spare_machine_that_a_backup_can_be_restored_and_leaves_it_empty(self):
        mko, kubectl = self.mko, "/snap/bin/microk8s kubectl"
        mko("init")
        mko("cluster", "add", "--name", "prod")
        mko.add_nodes(self.lab, "prod", hosts=("n1",))
        mko.add_nodes(self.lab, None, hosts=("n2",))
        mko("cluster", "setup", "prod", timeout=900)
        self.lab.sh("n1", "sh", "-c", f"{kubectl} create namespace shop && cat >/tmp/w.yaml <<'E'\n{WORKLOADS}\nE\n{kubectl} apply -f /tmp/w.yaml")

        done = mko("cluster", "backup", "drill", "prod", "--on", "n1", code=4)  # a member is no spare machine
        self.assert_three_lines(done)
        watch = self.lab.run("exec", "n2", "--", "sh", "-c", f"(while :; do {kubectl} get pods -n shop --no-headers >>/tmp/pods 2>/dev/null; sleep 0.2; done) "
                             ">/dev/null 2>&1 </dev/null & echo $!")
        self.addCleanup(self.lab.run, "exec", "n2", "--", "kill", watch.stdout.strip(), check=False)
        drill = json.loads(mko("cluster", "backup", "drill", "prod", "--on", "n2", "-o", "json", timeout=900).stdout)
        self.assertGreater(drill["keys"], 10)
        self.assertEqual({kind: count for kind, count in drill["kinds"].items() if count["read"] != count["backup"]}, {})
        self.assertLessEqual({"deployments.apps", "secrets", "namespaces", "services"}, set(drill["kinds"]))
        (backup,) = mko.items("cluster", "backup", "list", "prod")
        self.assertEqual((backup["id"], backup["drilled_on"]), (drill["backup"], "n2"))
        pods = [self.lab.sh(name, "sh", "-c", command).split() for name, command in
                (("n2", "cut -d' ' -f1 /tmp/pods | sort -u"), ("n1", f"{kubectl} get pods -n shop -o jsonpath='{{.items[*].metadata.name}}'"))]
        self.assertEqual(pods[0], sorted(pods[1]), "a pod was made on the spare machine, or nobody looked")
        self.assertEqual(self.lab.sh("n2", "ls", "/var/snap/microk8s", check=False).strip(), "")
        spare = mko.json("node", "show", "n2")
        self.assertEqual((spare["cluster_id"], spare["role"], spare["microk8s_status"]), (None, "none", "not_installed"))

        self.lab.fault("n2", "dbctl_fail")
        done = mko("cluster", "backup", "drill", "prod", "--on", "n2", "--backup", backup["id"], code=None, timeout=900)
        self.lab.clear("n2", "dbctl_fail")
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("dbctl restore failed", done.stderr)
        self.assertEqual(self.lab.sh("n2", "ls", "/var/snap/microk8s", check=False).strip(), "")
        with open(backup["folder"] + "/datastore.tar.gz", "r+b") as archive:
            archive.truncate(os.path.getsize(archive.name) - 20)
        done = mko("cluster", "backup", "drill", "prod", "--on", "n2", "--backup", backup["id"], code=None, timeout=900)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("checksum differs", done.stderr)
        self.assert_three_lines(done)
        self.assert_no_trace()


if __name__ == "__main__":
    unittest.main()
