"""The lab's nodes seen from outside: SSH, identity, network, power, and that nothing is left behind."""

import json
import os
import pathlib
import re
import signal
import subprocess
import unittest

from labcase import ROOT, LabCase, lab


def traces(name):
    """What the machine shows of the lab with that name: mounts and directories, and all processes of labs' supervisors for it."""
    mounts = [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if f"/build/lab-{name}/" in line]
    directory = ROOT / "build" / f"lab-{name}"
    return mounts + ([str(directory)] if directory.exists() else [])


def kernel_names(k):
    """Network namespaces and host interfaces of the lab with number k."""
    return [p.name for p in pathlib.Path("/run/netns").glob(f"mko{k}-*")] + [p.name for p in pathlib.Path("/sys/class/net").glob(f"mkolab{k}")]


class NodesSeenFromOutside(LabCase):
    name = "t-infra"
    up = ("--nodes", "3", "--workers", "1", "--bare")

    def test_ssh_and_sudo_work_with_a_known_host_key(self):
        self.assertEqual(self.ask(1, "sudo id -u"), "0")

    def test_every_node_has_its_own_identity(self):
        for what in ("hostname", "hostname -I", "cat /etc/machine-id", "cat /proc/sys/kernel/random/boot_id", "cat /sys/class/net/eth0/address",
                     "cat /etc/ssh/ssh_host_ed25519_key.pub"):
            answers = {self.ask(n, what) for n in (1, 2, 3)}
            self.assertEqual(len(answers), 3, what)

    def test_description_says_what_is_true(self):
        nodes = self.description["nodes"]
        self.assertEqual([n["hostname"] for n in nodes], ["n1", "n2", "n3"])
        self.assertEqual([n["role"] for n in nodes], ["control_plane", "control_plane", "worker"])
        for number, node in enumerate(nodes, 1):
            self.assertEqual(self.ask(number, "hostname; hostname -I; whoami").split(), [node["hostname"], node["ip"], node["user"]])
            self.assertTrue(os.access(node["key_path"], os.R_OK))

    def test_nodes_reach_each_other_and_nothing_outside(self):
        self.ask(1, f"ping -c1 -W2 {self.ips[1]}")
        self.assertIn("default via", self.ask(1, "ip route"))
        self.assertNotEqual(self.ssh(1, "ping -c1 -W1 192.0.2.1").returncode, 0)

    def test_root_of_a_node_cannot_change_the_machine(self):
        before = pathlib.Path("/proc/sys/vm/swappiness").read_text()
        self.assertEqual(self.ask(1, "sudo sysctl -qw vm.swappiness=7; cat /proc/sys/vm/swappiness"), "7")
        self.assertEqual(pathlib.Path("/proc/sys/vm/swappiness").read_text(), before)
        self.assertNotEqual(self.ssh(1, "sudo date -s '+1 second'").returncode, 0)
        self.assertNotEqual(lab(self.name, "exec", "n1", "--", "date", "-s", "+1 second").returncode, 0)

    def magic(self, number):
        """A shell command that wakes node `number` as its neighbours do."""
        mac = self.description["nodes"][number - 1]["mac"].replace(":", "")
        return (f"python3 -c \"import socket; s = socket.socket(2, 2); s.setsockopt(1, 6, 1); "
                f"s.sendto(b'\\xff' * 6 + bytes.fromhex('{mac}') * 16, ('255.255.255.255', 9))\"")

    def heard(self):
        path = self.dir / "run/wakes.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def test_a_magic_packet_boots_a_node_that_is_off_once_its_cable_is_in(self):
        self.lab("power-off", "n3")
        self.lab("cut", "n3")
        self.ask(1, self.magic(3))
        self.eventually(lambda: len(self.heard()) == 1)
        self.assertFalse(self.heard()[0]["woken"])
        self.lab("heal", "n3")
        self.ask(1, self.magic(3))
        self.eventually(lambda: self.ssh(3, "true", connect=1).returncode == 0)
        self.assertEqual([(one["node"], one["source"], one["woken"]) for one in self.heard()][1:], [("n3", self.description["nodes"][0]["mac"], True)])

    def test_a_cut_is_silent_and_heals(self):
        self.lab("cut", "n2")
        self.assertIn("timed out", self.ssh(2, "true", connect=1).stderr)
        self.assertRegex(self.lab("list"), r"n2 .* on +cut")
        self.lab("heal", "n2")
        self.ask(2, "true")

    def test_reboot_keeps_the_disk_and_forgets_run(self):
        old = self.ask(3, "echo kept > kept; sudo touch /run/gone; cat /proc/sys/kernel/random/boot_id")
        self.lab("reboot", "n3")
        self.eventually(lambda: self.ssh(3, "true").returncode == 0)
        self.assertEqual(self.ask(3, "cat kept; ls /run/gone 2>/dev/null; ip route | grep -c default"), "kept\n1")
        self.assertNotEqual(self.ask(3, "cat /proc/sys/kernel/random/boot_id"), old)

    def test_a_node_reboots_and_powers_off_by_its_own_commands(self):
        old = self.ask(3, "cat /proc/sys/kernel/random/boot_id; sudo systemctl reboot").split()[0]
        self.eventually(lambda: self.ssh(3, "cat /proc/sys/kernel/random/boot_id", connect=1).stdout.strip() not in ("", old))
        self.ask(3, "sudo poweroff")
        self.eventually(lambda: re.search(r"n3 .* off", self.lab("list")))
        self.lab("power-on", "n3")
        self.eventually(lambda: self.ssh(3, "true", connect=1).returncode == 0)

    def test_a_node_without_power_is_silent(self):
        self.lab("power-off", "n2")
        self.lab("power-off", "n2")
        self.assertIn("timed out", self.ssh(2, "true", connect=1).stderr)
        self.lab("power-on", "n2")
        self.eventually(lambda: self.ssh(2, "true", connect=1).returncode == 0)

    def test_a_frozen_node_accepts_and_never_answers(self):
        self.lab("freeze", "n2")
        self.assertIn("banner", self.ssh(2, "true", connect=1).stderr)
        self.lab("thaw", "n2")
        self.ask(2, "true")

    def test_exec_passes_on_output_and_exit_code(self):
        done = lab(self.name, "exec", "n1", "--", "sh", "-c", "echo $((1+1)); exit 7")
        self.assertEqual((done.stdout, done.returncode), ("2\n", 7))

    def test_errors_have_three_lines_and_a_code(self):
        for argv, code in ((("exec", "n9", "--", "true"), 3), (("fault", "n1", "nonsense"), 2), (("ups", "set", "ups.status", "OB"), 4)):
            done = lab(self.name, *argv)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertRegex(done.stderr, r"(?s)^lab: .*\n  why: .*\n  fix: ")
        self.assertEqual(lab("t-none", "list").returncode, 3)


class NothingIsLeft(unittest.TestCase):
    name = "t-left"

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("the lab needs root")
        self.addCleanup(lab, self.name, "down")

    def start(self):
        done = lab(self.name, "up", "--nodes", "2", "--bare", timeout=400)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(re.search(r"10\.77\.(\d+)\.0", done.stdout)[1])

    def test_down_leaves_nothing_and_may_be_repeated(self):
        k = self.start()
        self.assertTrue(traces(self.name) and kernel_names(k))
        for _ in range(2):
            self.assertEqual(lab(self.name, "down").returncode, 0)
            self.assertEqual(traces(self.name) + kernel_names(k), [])

    def test_up_cleans_what_a_killed_up_left(self):
        for delay in (0.15, 0.4, 0.7):
            process = subprocess.Popen(["/usr/bin/python3", str(ROOT / "lab/lab.py"), "--lab", self.name, "up", "--nodes", "2", "--bare"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
        k = self.start()
        self.assertEqual(lab(self.name, "down").returncode, 0)
        self.assertEqual(traces(self.name) + kernel_names(k), [])


class ManyNodes(unittest.TestCase):
    def test_fifty_bare_nodes_come_up(self):
        if os.geteuid() != 0:
            self.skipTest("the lab needs root")
        self.addCleanup(lab, "t-many", "down")
        done = lab("t-many", "up", "--nodes", "50", "--bare", timeout=400)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(lab("t-many", "list").stdout.count(" on "), 50)


if __name__ == "__main__":
    unittest.main()
