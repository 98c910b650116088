"""Faults that the lab itself makes: each must be seen through SSH as users would see it, and be gone after it is cleared."""

import contextlib
import json
import time
import unittest

from labcase import LabCase, lab


class Faults(LabCase):
    name = "t-faults"
    up = ("--nodes", "3", "--bare")

    @contextlib.contextmanager
    def fault(self, *argv, node="n1"):
        self.lab("fault", node, *argv)
        try:
            yield
        finally:
            self.lab("fault", node, argv[0], "--clear")

    def test_disk_full_is_a_full_disk(self):
        with self.fault("disk_full"):
            self.assertIn("No space left", self.ssh(1, "head -c 100000 /dev/zero > x").stderr)
            self.assertIn("100%", self.ask(1, "df /"))
        self.ask(1, "head -c 100000 /dev/zero > x")

    def test_ssh_faults(self):
        with self.fault("ssh_drop"):
            self.assertIn("timed out", self.ssh(1, "true", connect=1).stderr)
        with self.fault("ssh_refuse"):
            self.assertIn("refused", self.ssh(1, "true").stderr)
        with self.fault("ssh_slow", "700"):
            started = time.monotonic()
            self.ask(1, "true")
            self.assertGreater(time.monotonic() - started, 0.7)
        self.ask(1, "true")

    def test_sudo_faults(self):
        with self.fault("sudo_missing"):
            self.assertIn("not found", self.ssh(1, "sudo true").stderr)
        with self.fault("sudo_password"):
            self.assertIn("password is required", self.ssh(1, "sudo -n true").stderr)
            described = json.loads((self.dir / "lab.json").read_text())["nodes"][0]
            self.ask(1, f"echo {described['sudo_password']} | sudo -S true")
        self.ask(1, "sudo -n true")

    def test_clock_skew_is_seen_by_programs(self):
        with self.fault("clock_skew", "-7200"):
            self.assertAlmostEqual(int(self.ask(1, "date +%s")), time.time() - 7200, delta=5)
            self.assertAlmostEqual(int(self.ask(1, "sudo python3 -c 'import time; print(int(time.time()))'")), time.time() - 7200, delta=5)
            self.assertEqual(self.ask(1, "timedatectl show -p NTPSynchronized --value"), "no")
        self.assertAlmostEqual(int(self.ask(1, "date +%s")), time.time(), delta=5)

    def test_names_and_addresses_change(self):
        with self.fault("hostname_change", "other"):
            self.assertEqual(self.ask(1, "hostname"), "other")
        with self.fault("hostname_duplicate", "n2"):
            self.assertEqual(self.ask(1, "hostname; cat /etc/machine-id"), self.ask(2, "hostname; cat /etc/machine-id"))
        with self.fault("ip_change", self.description["subnet"].replace("0/24", "77")):
            self.assertIn("timed out", self.ssh(1, "true", connect=1).stderr)
        self.assertEqual(self.ask(1, "hostname; hostname -I").split(), ["n1", self.ips[0]])

    def test_a_partition_separates_two_nodes_only(self):
        with self.fault("partition", "n1:n2"):
            self.assertNotEqual(self.ssh(1, f"ping -c1 -W1 {self.ips[1]}").returncode, 0)
            self.ask(1, f"ping -c1 -W2 {self.ips[2]}")
            self.ask(2, f"ping -c1 -W2 {self.ips[2]}")
        self.ask(1, f"ping -c1 -W2 {self.ips[1]}")

    def test_packets_are_lost(self):
        with self.fault("packet_loss", "100", node="n2"):
            self.assertNotEqual(self.ssh(1, f"ping -c1 -W1 {self.ips[1]}").returncode, 0)
        # whole again first: the neighbour must be known, else lost ARP answers count as lost packets, all of them
        self.ask(1, f"ping -c3 -W2 {self.ips[1]}")
        with self.fault("packet_loss", "50", node="n2"):
            self.assertRegex(self.ssh(1, f"ping -c40 -i.01 -W1 {self.ips[1]}").stdout, r" [1-9]\d(\.\d+)?% packet loss")

    def test_link_down(self):
        with self.fault("link_down"):
            self.assertIn("timed out", self.ssh(1, "true", connect=1).stderr)
        self.assertIn("default", self.ask(1, "ip route"))

    def test_hardware_shows_faults_also_after_a_reboot(self):
        with self.fault("memory_low", "400", node="n3"), self.fault("cgroup_memory_off", node="n3"):
            self.lab("reboot", "n3")
            self.eventually(lambda: self.ssh(3, "true", connect=1).returncode == 0)
            self.assertEqual(self.ask(3, "awk '/MemTotal/{print $2/1024}' /proc/meminfo"), "400")
            self.assertNotIn("memory", self.ask(3, "cat /sys/fs/cgroup/cgroup.controllers"))
        self.assertIn("memory", self.ask(3, "cat /sys/fs/cgroup/cgroup.controllers"))

    def test_kernel_settings_and_firewall(self):
        with self.fault("inotify_low"):
            self.assertNotEqual(self.ssh(1, "sudo sysctl -w fs.inotify.max_user_instances=2048").returncode, 0)
        self.ask(1, "sudo sysctl -w fs.inotify.max_user_instances=2048")
        with self.fault("forward_drop"):
            self.assertIn("-P FORWARD DROP", self.ask(1, "sudo iptables -S FORWARD"))
        with self.fault("ufw_on"):
            self.assertIn("Status: active", self.ask(1, "sudo ufw status"))
        with self.fault("module_missing", "vxlan"):
            self.assertIn("not found", self.ssh(1, "sudo modprobe vxlan").stderr)
            self.ask(1, "sudo modprobe br_netfilter")
        self.ask(1, "sudo modprobe vxlan")

    def test_power_cut_is_sudden_and_keeps_the_disk(self):
        self.ask(3, "echo x > kept; sync")
        self.lab("fault", "n3", "power_cut")
        self.assertRegex(self.lab("list"), r"n3 .* off")
        self.lab("power-on", "n3")
        self.eventually(lambda: self.ssh(3, "true", connect=1).returncode == 0)
        self.assertEqual(self.ask(3, "cat kept"), "x")

    def test_a_slow_reboot_takes_its_time(self):
        with self.fault("reboot_slow", "2", node="n3"):
            started = time.monotonic()
            self.lab("reboot", "n3")
            self.assertGreater(time.monotonic() - started, 2)
        self.eventually(lambda: self.ssh(3, "true", connect=1).returncode == 0)

    def test_a_fault_with_a_time_ends_by_itself(self):
        self.lab("fault", "n2", "ssh_refuse", "--for", "1")
        self.assertIn("ssh_refuse", self.lab("faults", "n2"))
        self.eventually(lambda: self.ssh(2, "true").returncode == 0)
        self.eventually(lambda: "ssh_refuse" not in self.lab("faults"))

    def test_a_fault_with_a_count_is_used_up(self):
        self.lab("fault", "n2", "apt_fail", "no luck", "--count", "2")
        for expected in (100, 100, 0):
            self.assertEqual(self.ssh(2, "sudo apt-get update").returncode, expected)

    def test_unknown_faults_and_wrong_arguments_are_refused(self):
        refused = lab(self.name, "fault", "n1", "gremlins")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("packet_loss", refused.stderr)
        self.assertEqual(lab(self.name, "fault", "n1", "packet_loss", "lots").returncode, 2)
        self.assertEqual(lab(self.name, "fault", "n1", "ssh_drop", "--once").returncode, 2)


if __name__ == "__main__":
    unittest.main()
