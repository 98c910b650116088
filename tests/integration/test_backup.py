"""A backup that is one, and a restore of it onto a fresh node; what is no backup is never called one."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase  # noqa: E402


class Backup(LabCase):
    lab_nodes = 2

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

        mko("cluster", "backup", "old", "--physical", code=4)       # the cluster would stop meanwhile
        mko("cluster", "backup", "old", "--physical", "--allow-quorum-loss", timeout=900)
        copy, *others = mko.items("cluster", "backup", "list", "old")
        self.assertEqual((copy["kind"], copy["members"], [one["id"] for one in others]), ("physical", 1, [backup["id"]]))
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


if __name__ == "__main__":
    unittest.main()
