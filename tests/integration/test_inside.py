"""What can be learned of nodes and clusters that are there already: facts over time, journals, members."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, Mko  # noqa: E402


class Inside(LabCase):
    lab_nodes = 2

    def test_facts_are_kept_when_they_change_and_journals_are_read(self):
        mko = self.mko
        mko("init")
        mko.add_nodes(self.lab)
        self.assert_three_lines(mko("node", "facts", "n1", code=3))
        self.assert_three_lines(mko("node", "diff", "n1", code=3))
        mko("node", "facts", "n1", "--refresh")
        mko("node", "facts", "n1", "--refresh")
        self.assertEqual(len(mko.items("node", "facts", "n1", "--history")), 1)
        self.assertIn("nothing changed", mko("node", "diff", "n1").stderr)

        mko("node", "install", "n1", timeout=600)
        facts = mko.json("node", "facts", "n1", "--refresh")["facts"]
        self.assertIn("server.crt", facts["certificates"])
        self.assertTrue(facts["microk8s_version"].startswith("v1."))
        changed = {one["fact"] for one in mko.json("node", "diff", "n1", "--since", "1h")["changes"]}
        self.assertLessEqual({"microk8s_version", "channel", "certificates.server.crt"}, changed)
        self.assertNotIn("machine_id", changed)
        mko("node", "diff", "n1", "--since", "yesterday", code=2)

        lines = mko("node", "logs", "n1", "--unit", "kubelite", "--lines", "2").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("daemon-kubelite", lines[0])
        self.lab.sh("n1", "sh", "-c",
                    "printf '%s\\t\\033[2Jevil {{ 1 + 1 }}\\n' $(date +%s) >>/var/lib/sim/journal/daemon-kubelite.log")
        self.assertIn("\\x1b[2Jevil {{ 1 + 1 }}", mko("node", "logs", "n1", "--unit", "kubelite", "--lines", "1").stdout)
        mko("node", "logs", "n1", "--unit", "sshd", code=2)
        self.lab.run("cut", "n2")
        self.addCleanup(self.lab.run, "heal", "n2")
        done = mko("node", "logs", "n1", "n2", "--lines", "1", code=9)
        self.assertTrue(done.stdout.startswith("n1: "))
        self.assert_no_trace()

    def test_the_members_of_a_foreign_cluster_are_adopted(self):
        owner = self.mko
        owner("init")
        owner("cluster", "add", "--name", "prod", "--no-ha")
        owner.add_nodes(self.lab, "prod")
        for name in ("n1", "n2"):
            owner("node", "edit", name, "--role", "control_plane")
        owner("cluster", "setup", "prod", timeout=900)

        mko = Mko()
        self.addCleanup(mko.done)
        mko("init")
        mko("cluster", "adopt", "found", "n1", code=3)
        mko.add_nodes(self.lab, hosts=("n1",))
        mko("cluster", "add", "--name", "found", "--network-cidr", "10.7.0.0/16")
        mko("node", "edit", "n1", "--cluster-id", "found")
        seen = mko.json("cluster", "scan", "found")
        self.assertEqual([one["name"] for one in seen["unknown"]], ["n2"])
        self.assertEqual([one["hostname"] for one in mko.items("node", "list")], ["n1"])

        # adopted although it cannot be reached: it is in the inventory, and the reason is told
        self.lab.run("cut", "n2")
        self.addCleanup(self.lab.run, "heal", "n2")
        done = mko("cluster", "adopt", "found", "n1", code=None)
        self.assertIn(done.returncode, (1, 6, 9))
        self.assertRegex(done.stderr, r"n2: (unreachable|failed)")
        nodes = {one["hostname"]: one for one in mko.items("node", "list")}
        self.assertEqual((nodes["n2"]["role"], nodes["n2"]["status"]), ("control_plane", "offline"))
        self.lab.run("heal", "n2")
        mko("node", "status", "n2")
        status = mko.json("cluster", "scan", "found", timeout=600)
        self.assertEqual((status["unknown"], status["network_cidr"], status["channel"]), ([], "10.1.0.0/16", "1.32/stable"))
        self.assertEqual(status["control_plane_count"], 2)


if __name__ == "__main__":
    unittest.main()
