"""Bad input and faults: each gives a clear error and the right exit code, and leaves nothing half-done in silence."""
import contextlib
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, wait_until  # noqa: E402


def cpu_seconds(pid):
    """What this process alone has used, without its children."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class NodeFaults(LabCase):
    """What can be wrong with one node before MicroK8s comes into play."""
    lab_nodes = 2

    def setUp(self):
        super().setUp()
        self.mko("init")

    def test_all_wrong_fields_of_a_node_are_reported_at_once(self):
        done = self.mko("node", "add", "--hostname", "Bad_Name", "--ip", "300.1.2.3", "--port", "70000", "--user", "a b", "--key-path",
                        "/nowhere/id", code=2)
        for field in ("hostname", "ip_address", "ssh_port", "ssh_user"):
            self.assertIn(field, done.stderr)
        self.assert_three_lines(done)

    def test_a_name_that_is_a_template_or_an_option_is_refused(self):
        for bad in ("{{ lookup('pipe','id') }}", "-oProxyCommand=x", "a;b", "x" * 300, "ä"):
            self.mko("node", "add", f"--hostname={bad}", "--ip", "10.0.0.1", code=2)
            self.mko("node", "add", "--hostname", "n1", f"--ip={bad}", code=2)
        self.assertEqual(self.mko.items("node", "list"), [])

    def test_a_hostile_name_in_the_database_is_harmless(self):
        self.mko.add_node(self.lab.nodes[0])
        marker = os.path.join(self.mko.folder, "pwned")
        self.mko.sql("update nodes set hostname = ?", f"{{{{ lookup('pipe','touch {marker}') }}}}")
        done = self.mko("node", "status", "1", code=2)
        self.assertIn("hostname", done.stderr)
        self.assertFalse(os.path.exists(marker))
        self.assert_no_trace()

    def test_the_same_name_or_address_twice_is_a_conflict(self):
        self.mko.add_node(self.lab.nodes[0])
        done = self.mko.add_node(self.lab.nodes[0], code=4)
        self.assertIn("n1", done.stderr)
        self.mko.add_node(self.lab.nodes[0], hostname="other", code=4)
        self.mko.add_node(self.lab.nodes[1], hostname="n1", code=4)

    def test_a_key_that_cannot_be_read_is_said_at_once(self):
        done = self.mko.add_node(self.lab.nodes[0], key_path="/nowhere/id_ed25519", code=2)
        self.assertIn("/nowhere/id_ed25519", done.stderr)

    def test_bad_networks_channels_and_unknown_objects(self):
        self.mko("cluster", "add", "--name", "c", "--network-cidr", "10.1.0.1/16", code=2)
        self.mko("cluster", "add", "--name", "c", "--network-cidr", "10.1.0.0/16", "--service-cidr", "10.1.5.0/24", code=2)
        self.mko("cluster", "add", "--name", "c", "--channel", "--devmode", code=2)
        self.mko("cluster", "setup", "nosuch", code=3)
        self.mko("node", "show", "nosuch", code=3)
        self.mko("operation", "show", "99", code=3)
        self.mko.add_node(self.lab.nodes[0])
        self.mko("node", "install", "n1", "--channel", "1.32", code=2)
        self.mko("node", "list", "--nosuch", code=2)

    def test_a_good_node_is_tested_and_its_host_key_is_shown(self):
        done = self.mko.add_node(self.lab.nodes[0])
        self.assertRegex(done.stdout + done.stderr, "SHA256:[A-Za-z0-9+/]{43}")
        self.mko("node", "test", "n1")
        self.assertEqual(self.mko.json("node", "show", "n1")["status"], "online")
        self.mko("node", "status", "n1")
        node = self.mko.json("node", "show", "n1")
        self.assertEqual((node["status"], node["microk8s_status"]), ("online", "not_installed"))
        self.assertGreater(node["memory_bytes"], 0)
        self.assertGreater(node["cpu_cores"], 0)

    def test_a_node_that_is_down_is_offline_and_a_heal_brings_it_back(self):
        self.mko.add_nodes(self.lab)
        self.lab.run("cut", "n2")
        done = self.mko("node", "test", "--all", code=9)
        self.assertIn("n2", done.stderr)
        self.assertEqual([n["status"] for n in self.mko.items("node", "list")], ["online", "offline"])
        self.lab.run("heal", "n2")
        self.mko("node", "test", "n2")
        self.assertEqual(self.mko.json("node", "show", "n2")["status"], "online")
        self.assert_no_trace()

    def test_a_command_that_waits_uses_hardly_any_cpu(self):
        self.mko.add_node(self.lab.nodes[1])
        self.lab.run("cut", "n2")
        self.addCleanup(self.lab.run, "heal", "n2")
        waiting = self.mko.spawn("node", "test", "n2")
        wait_until(lambda: any(op["type"] == "node.test" and op["status"] == "running" for op in self.mko.items("operation", "list")), 60, "it runs")
        samples = [(time.monotonic(), cpu_seconds(waiting.pid))]
        while waiting.poll() is None:
            with contextlib.suppress(OSError):  # it ended meanwhile
                samples.append((time.monotonic(), cpu_seconds(waiting.pid)))
            with contextlib.suppress(subprocess.TimeoutExpired):
                waiting.wait(0.1)
        waiting.communicate()
        wall, cpu = (samples[-1][i] - samples[0][i] for i in (0, 1))
        self.assertGreater(wall, 3, "too short a wait to say anything")
        self.assertLess(cpu / wall, 0.25, f"{cpu:.2f} s of CPU in {wall:.1f} s")

    def test_a_wrong_host_key_is_refused_until_it_is_accepted(self):
        self.mko.add_node(self.lab.nodes[0])
        other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV"
        self.mko.sql("update nodes set host_key = ?", other)
        done = self.mko("node", "test", "n1", code=1)
        self.assertRegex(done.stderr, "(?i)host key|identification")
        self.mko("node", "test", "n1", "--accept-host-key")
        self.mko("node", "test", "n1")

    def test_sudo_that_wants_a_password_or_is_missing_is_named(self):
        self.mko.add_node(self.lab.nodes[0])
        self.lab.fault("n1", "sudo_password", "open-sesame-42")
        self.addCleanup(self.lab.clear, "n1", "sudo_password")
        done = self.mko("node", "test", "n1", code=1)
        self.assertRegex(done.stderr, "(?i)sudo.*password")
        self.mko("node", "edit", "n1", "--sudo-password-stdin", text="open-sesame-42\n")
        self.mko("node", "test", "n1")
        self.assert_no_trace("open-sesame-42")
        self.mko("node", "edit", "n1", "--sudo-password-stdin", text="wrong-password-9\n")
        self.mko("node", "test", "n1", code=1)
        self.assert_no_trace("wrong-password-9")
        self.lab.clear("n1", "sudo_password")
        self.lab.fault("n1", "sudo_missing")
        self.addCleanup(self.lab.clear, "n1", "sudo_missing")
        done = self.mko("node", "test", "n1", code=1)
        self.assertRegex(done.stderr, "(?i)sudo")

    def test_print_command_shows_all_and_masks_secrets(self):
        self.mko.add_node(self.lab.nodes[0])
        self.mko("node", "edit", "n1", "--sudo-password-stdin", text="open-sesame-42\n")
        done = self.mko("node", "status", "n1", "--print-command")
        self.assertIn("ansible-playbook", done.stdout)
        self.assertIn("mko.microk8s.node_status", done.stdout)
        self.assertNotIn("open-sesame-42", done.stdout + done.stderr)
        self.assertEqual([op for op in self.mko.items("operation", "list") if op["type"] == "node.status"], [])


class InstallFaults(LabCase):
    """The snap store and the disk; each fault on a fresh node."""
    lab_nodes = 3

    def setUp(self):
        super().setUp()
        self.mko("init")

    def test_a_full_disk_stops_an_install_with_its_reason_and_a_retry_completes_it(self):
        self.mko.add_nodes(self.lab, hosts=["n1"])
        self.lab.fault("n1", "snap_disk_full")
        done = self.mko("node", "install", "n1", code=1)
        self.assertRegex(done.stderr, "(?i)disk space")
        self.assert_three_lines(done)
        self.lab.clear("n1", "snap_disk_full")
        self.mko("operation", "retry", str(self.mko.last_operation()["id"]))
        self.assertEqual(self.mko.json("node", "show", "n1")["microk8s_status"], "running")
        self.assert_no_trace()

    def test_an_error_of_the_store_that_passes_is_retried_by_itself(self):
        self.mko.add_nodes(self.lab, hosts=["n2"])
        self.lab.fault("n2", "snap_download_fail", "503", "--once")
        self.mko("node", "install", "n2", "--channel", "1.32/stable")
        node = self.mko.json("node", "show", "n2")
        self.assertEqual((node["microk8s_status"], node["channel"]), ("running", "1.32/stable"))
        self.mko("node", "install", "n2", "--channel", "1.32/stable")
        self.assertEqual(self.mko.operation(self.mko.last_operation()["id"])["hosts"][0]["changed"], 0)

    def test_a_hook_that_fails_is_final_and_cancelling_a_hanging_install_works(self):
        self.mko.add_nodes(self.lab, hosts=["n3"])
        self.lab.fault("n3", "snap_hook_fail", "install")
        done = self.mko("node", "install", "n3", code=1)
        self.assertRegex(done.stderr, "(?i)hook")
        self.lab.clear("n3", "snap_hook_fail")
        self.lab.fault("n3", "not_ready")
        self.addCleanup(self.lab.clear, "n3", "not_ready")
        started = self.mko.json("node", "install", "n3", "--detach")
        number = started.get("operation", started)["id"]
        wait_until(lambda: self.mko.operation(number)["status"] == "running", 30, "the install runs")
        self.mko("operation", "cancel", str(number))
        op = wait_until(lambda: (lambda o: o if o["status"] == "cancelled" else None)(self.mko.operation(number)), 20, "cancelled")
        self.assertIn(op["hosts"][0]["status"], ("cancelled", "unknown"))
        self.assert_no_trace()


class JoinFaults(LabCase):
    """Joins that are refused, slow, silent or cut off."""
    lab_nodes = 3

    def setUp(self):
        super().setUp()
        self.mko("init")
        self.mko("cluster", "add", "--name", "prod")
        self.mko.add_nodes(self.lab, "prod")
        for name in ("n1", "n2", "n3"):
            self.mko("node", "edit", name, "--role", "control_plane")

    def test_joins_that_fail_in_every_way_are_told_mended_or_finished_by_the_next_setup(self):
        mko, lab = self.mko, self.lab
        # refused: the text of the other side comes through
        lab.fault("n1", "join_refused", "not today:500")
        done = mko("cluster", "setup", "prod", code=None)
        self.assertIn(done.returncode, (1, 9))
        self.assertRegex(done.stderr, "(?i)not today")
        self.assert_three_lines(done)
        self.assertIn(mko.json("cluster", "status", "prod")["status"], ("error", "degraded"))
        lab.clear("n1", "join_refused")
        # cut off in the middle: the half-joined node is mended
        lab.fault("n2", "join_crash", "after_move", "--once")
        mko("cluster", "setup", "prod", code=None)
        # slow: waited for
        lab.fault("n1", "join_slow", "3")
        mko("cluster", "setup", "prod")
        status = mko.json("cluster", "status", "prod")
        self.assertEqual((status["status"], status["ha"], status["control_planes"]), ("active", True, 3))
        self.assertEqual(lab.sh("n1", "ls", "/var/snap/microk8s/current/var/lock").count("join-in-progress"), 0)
        self.assert_no_trace()


class SameName(LabCase):
    lab_nodes = 2

    def test_machines_that_call_themselves_the_same_are_not_joined(self):
        mko, lab = self.mko, self.lab
        mko("init")
        mko("cluster", "add", "--name", "prod")
        mko.add_nodes(lab, "prod")
        lab.fault("n2", "hostname_duplicate", "n1")
        for command in (("node", "test", "--all"), ("node", "prepare", "n1", "n2"), ("cluster", "setup", "prod")):
            done = mko(*command, code=1)
            self.assertIn("have the same host name (n1) and the same machine ID", done.stderr)
            self.assert_three_lines(done)
            self.assertNotIn("microk8s", lab.sh("n2", "ls", "/snap"), command)
        # n1 is not in this run, but in the inventory
        done = mko("node", "test", "n2", code=1)
        self.assertIn("n2 and n1 have the same host name (n1)", done.stderr)
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "error")
        self.assert_three_lines(done)
        self.assert_no_trace()


class SilentJoin(LabCase):
    lab_nodes = 2

    def test_a_join_that_only_says_success_is_not_believed(self):
        mko, lab = self.mko, self.lab
        mko("init")
        mko("cluster", "add", "--name", "prod")
        mko.add_nodes(lab, "prod")
        for name in ("n1", "n2"):
            mko("node", "edit", name, "--role", "control_plane")
        lab.fault("n2", "join_silent_fail", "--once")
        mko("cluster", "setup", "prod", code=None)
        members = lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "nodes", "-o", "name")
        status = mko.json("cluster", "status", "prod")
        self.assertEqual(status["status"] == "active", "node/n2" in members, (status, members))
        mko("cluster", "setup", "prod")
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "active")
        # a node of this cluster is not taken into another one
        mko("cluster", "add", "--name", "other")
        mko("node", "edit", "n2", "--cluster-id", "other")
        done = mko("cluster", "setup", "other", code=None)
        self.assertIn(done.returncode, (1, 4))
        self.assertRegex(done.stderr, "(?i)another cluster|member")
        self.assertIn("node/n2", lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "nodes", "-o", "name"))
        self.assert_no_trace()


if __name__ == "__main__":
    unittest.main()
