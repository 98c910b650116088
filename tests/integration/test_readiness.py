"""mko system check-prerequisites: what keeps nodes from running MicroK8s is found in one run, and nothing on a node can spoil the report.

One lab for all cases.
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, Mko, clock  # noqa: E402

# What a tool may print instead of an answer: without end, with escapes and halves of characters.
ENDLESS = "#!/bin/sh\nwhile :; do printf '\\033[2J\\033]0;owned\\007\\xc3\\x28\\r\\n%01000d' 7; done\n"


class Readiness(LabCase):
    lab_nodes = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Mko()
        cls.addClassCleanup(cls.shared.done)
        cls.shared("init")
        cls.shared("cluster", "add", "--name", "prod", "--ha")
        cls.shared.add_nodes(cls.lab, "prod")

    def setUp(self):
        self.mko = self.shared

    def problems(self, *args, code=None):
        """{(code, host)} of what is wrong or unknown."""
        return {(one["code"], one["host"]) for one in self.mko.json("system", "check-prerequisites", *args, code=code)["items"]}

    def with_fault(self, node, name, *args):
        self.lab.fault(node, name, *args)
        self.addCleanup(self.lab.clear, node, name)

    def test_1_fresh_nodes_have_nothing_that_blocks_and_are_left_as_they_were(self):
        files = ("sh", "-c", "find /etc /boot /var/snap /root /usr/local -type f -printf '%p %T@ %s\\n' 2>/dev/null | sort")
        before = self.lab.sh("n1", *files)
        done = self.mko("system", "check-prerequisites", "--cluster", "prod", "-o", "json", "--all-results", code=0)
        items = json.loads(done.stdout)["items"]
        self.assertEqual([one for one in items if one["severity"] == "blocking" and one["result"] not in ("pass", "skip")], [])
        self.assertGreater(len([one for one in items if one["result"] == "pass"]), 90)
        self.assertEqual(before, self.lab.sh("n1", *files))
        self.assertIn("0 blocking", done.stderr)
        self.assertEqual(len([o for o in self.mko.items("operation", "list") if o["type"] == "node.check_prerequisites"]), 1, "one run for all nodes")

    def test_2_every_fault_is_found_on_its_node_in_one_run(self):
        for node, fault, *args in (("n1", "cgroup_memory_off"), ("n1", "memory_low"), ("n1", "ntp_off"),
                                   ("n2", "clock_skew", "90"), ("n2", "forward_drop"), ("n2", "ufw_on"), ("n3", "hostname_duplicate", "n2")):
            self.with_fault(node, fault, *args)
        found = self.problems("n1", "n2", "n3", code=1)
        self.assertLessEqual({("MKO-PRE-011", "n1"), ("MKO-PRE-007", "n1"), ("MKO-PRE-014", "n1"), ("MKO-PRE-036", "n2"),
                              ("MKO-PRE-017", "n2"), ("MKO-PRE-016", "n2"), ("MKO-PRE-034", "n2"), ("MKO-PRE-034", "n3"), ("MKO-PRE-035", "n3"),
                              ("MKO-PRE-003", "n3")}, found)
        self.assertNotIn(("MKO-PRE-011", "n2"), found)

    def test_3_a_node_that_cannot_be_reached_or_used_does_not_hide_the_others(self):
        self.with_fault("n1", "ssh_refuse")
        self.with_fault("n2", "sudo_missing")
        done = self.mko("system", "check-prerequisites", "n1", "n2", "n3", "--all-results", "-o", "json", code=9)
        self.assert_three_lines(done)
        items = json.loads(done.stdout)["items"]
        by = {(one["code"], one["host"]): one for one in items}
        self.assertEqual(items[0]["code"], "MKO-PRE-030", "that a node cannot be reached comes first")
        self.assertIn("refused", by["MKO-PRE-030", "n1"]["found"])
        self.assertEqual(by["MKO-PRE-011", "n1"]["result"], "unknown")
        self.assertIn("not installed", by["MKO-PRE-031", "n2"]["found"])
        self.assertEqual(by["MKO-PRE-011", "n2"]["result"], "pass", "what anybody may read is read without root")
        self.assertEqual(by["MKO-PRE-011", "n3"]["result"], "pass")

    def test_4_a_cut_between_two_nodes_shows_in_the_matrix_of_both(self):
        self.with_fault("n1", "partition", "n1:n2")
        items = self.mko.json("system", "check-prerequisites", "--all", code=1)["items"]
        cut = {one["host"]: one["found"] for one in items if one["code"] == "MKO-PRE-043"}
        self.assertEqual(sorted(cut), ["n1", "n2"])
        self.assertIn("n2:19001", cut["n1"])
        self.assertNotIn("n3", cut["n1"])

    def test_5_tools_that_print_garbage_without_end_spoil_neither_the_run_nor_the_terminal(self):
        for tool in ("/usr/sbin/ufw", "/usr/bin/timedatectl", "/usr/sbin/iptables", "/usr/bin/snap"):
            self.lab.sh("n3", "sh", "-c", f"test ! -e {tool} || mv {tool} {tool}.real; printf '%s' \"$1\" >{tool}; chmod 755 {tool}", "sh", ENDLESS)
            self.addCleanup(self.lab.sh, "n3", "sh", "-c", f"rm {tool}; test ! -e {tool}.real || mv {tool}.real {tool}")
        done = self.mko("system", "check-prerequisites", "n3", "--all-results", code=None)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        for stream in (done.stdout, done.stderr):
            self.assertNotRegex(stream, r"[\x00-\x08\x0b-\x1f\x7f]")
        items = self.mko.json("operation", "findings", str(self.mko.last_operation()["id"]), "--all-results", code=None)["items"]
        by = {one["code"]: one["result"] for one in items}
        self.assertEqual((by["MKO-PRE-014"], by["MKO-PRE-011"]), ("unknown", "pass"))
        self.assertEqual(self.lab.sh("n3", "sh", "-c", "pgrep -fc '/usr/sbin/uf[w]' || true").strip(), "0", "no tool is left running")

    def test_6_a_node_that_dies_during_the_check_is_told_and_the_others_are_checked(self):
        self.lab.sh("n3", "sh", "-c", "mv /usr/bin/timedatectl /usr/bin/timedatectl.real; printf '#!/bin/sh\\nkill -9 $(pgrep -o sshd) ; pkill -9 sshd\\n' >/usr/bin/timedatectl;"
                    "chmod 755 /usr/bin/timedatectl")
        self.addCleanup(self.lab.run, "power-on", "n3", check=False)
        self.addCleanup(self.lab.run, "power-off", "n3", check=False)
        self.addCleanup(self.lab.sh, "n3", "mv", "/usr/bin/timedatectl.real", "/usr/bin/timedatectl")
        items = self.mko.json("system", "check-prerequisites", "n1", "n3", "--all-results", code=9)["items"]
        by = {(one["code"], one["host"]): one["result"] for one in items}
        self.assertIn(by["MKO-PRE-030", "n3"], ("warn", "fail"))
        self.assertEqual(by["MKO-PRE-011", "n1"], "pass")

    def test_6b_a_node_that_talks_without_end_is_given_up_and_the_others_are_checked(self):
        self.lab.sh("n3", "sh", "-c", "printf '%s' \"$1\" >/usr/local/bin/flood; chmod 755 /usr/local/bin/flood; usermod -s /usr/local/bin/flood ubuntu", "sh", ENDLESS)
        self.addCleanup(self.lab.sh, "n3", "usermod", "-s", "/bin/bash", "ubuntu")
        with clock(100):
            done = self.mko("system", "check-prerequisites", "n1", "n3", "--all-results", "-o", "json", code=9)
        self.assertNotRegex(done.stdout + done.stderr, r"[\x00-\x08\x0b-\x1f\x7f]")
        by = {(one["code"], one["host"]): one["result"] for one in json.loads(done.stdout)["items"]}
        self.assertIn(by["MKO-PRE-030", "n3"], ("warn", "fail"))
        self.assertEqual((by["MKO-PRE-011", "n1"], by["MKO-PRE-011", "n3"]), ("pass", "unknown"))
        kept = os.path.join(self.mko.data, "operations", str(self.mko.last_operation()["id"]), "log.txt")
        self.assertLess(os.stat(kept).st_size, 1 << 20)

    def test_7_wrong_usage_and_explanations(self):
        self.assert_three_lines(self.mko("system", "check-prerequisites", code=2))
        self.assert_three_lines(self.mko("system", "check-prerequisites", "n1", "--all", code=2))
        self.mko("system", "check-prerequisites", "nobody", code=3)
        self.mko("system", "check-prerequisites", "--cluster", "nobody", code=3)
        self.assertIn("cgroup_enable=memory", self.mko("system", "check-prerequisites", "--explain", "mko-pre-011").stdout)
        self.assert_three_lines(self.mko("system", "check-prerequisites", "--explain", "MKO-PRE-999", code=3))

    def test_8_prerequisites_are_installed_when_confirmed_and_then_checked(self):
        hosts = self.lab.sh("n1", "cat", "/etc/hosts")
        done = self.mko("system", "install-prerequisites", "n1", "n2", code=4)
        self.assert_three_lines(done)
        self.assertRegex(done.stdout, r"n1 +changed +hosts,modules,sysctl")
        self.assertEqual(self.lab.sh("n1", "cat", "/etc/hosts"), hosts, "nothing is done unasked")
        self.assert_three_lines(self.mko("system", "install-prerequisites", "n1", "--detach", code=2))
        items = self.mko.json("system", "install-prerequisites", "n1", "n2", "--yes", code=0)["items"]
        self.assertLessEqual({one["code"] for one in items}, {"MKO-PRE-042", "MKO-PRE-024"}, "the lab has no world outside")

    def test_9_the_memory_cgroup_of_a_pi_is_switched_on_by_a_reboot_that_was_agreed_to(self):
        line = "console=serial0,115200 root=LABEL=writable rootwait\n"
        for node in ("n1", "n2"):
            self.lab.sh(node, "sh", "-c", "mkdir -p /boot/firmware; printf '%s' \"$1\" >/boot/firmware/cmdline.txt", "sh", line)
            self.with_fault(node, "cgroup_memory_off")
        boot = {node: self.lab.sh(node, "cat", "/proc/1/stat").split()[21] for node in ("n1", "n2")}
        done = self.mko("system", "install-prerequisites", "n1", "n2", "--yes", code=1)
        self.assertIn("--reboot", done.stderr)
        self.assertEqual(self.lab.sh("n1", "cat", "/boot/firmware/cmdline.txt"), line, "nothing is done unasked")
        items = self.mko.json("system", "install-prerequisites", "n1", "n2", "--yes", "--reboot", code=0, timeout=600)["items"]
        self.assertNotIn("MKO-PRE-011", {one["code"] for one in items})
        for node in ("n1", "n2"):
            words = self.lab.sh(node, "cat", "/boot/firmware/cmdline.txt")
            self.assertEqual(words.strip().split("\n"), [line.strip() + " cgroup_enable=memory cgroup_memory=1"], "one line")
            self.assertNotEqual(self.lab.sh(node, "cat", "/proc/1/stat").split()[21], boot[node], "it was booted anew")


if __name__ == "__main__":
    unittest.main()
