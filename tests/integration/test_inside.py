"""What can be learned of nodes and clusters that are there already: facts over time, journals."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase  # noqa: E402


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


if __name__ == "__main__":
    unittest.main()
