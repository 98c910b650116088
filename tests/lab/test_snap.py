"""The commands snap and systemctl of a node, as playbooks use them over SSH (facts 1.10, 6.3): texts, exit codes, files, faults."""

import json
import time
import unittest

from labcase import LabCase

INSTALL = "sudo snap install microk8s --classic --channel=1.32/stable"
PURGE = "sudo snap remove --purge microk8s"


class SnapBeforeInstallation(LabCase):
    name = "t-snap0"
    up = ("--nodes", "1", "--scale", "0.002")

    def refused(self, command, text, code=1):
        done = self.ssh(1, command, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)

    def fault(self, *argv):
        self.lab("fault", "n1", *argv)
        self.addCleanup(self.lab, "fault", "n1", argv[0], "--clear")

    def test_nothing_is_installed(self):
        self.refused("snap list microk8s", "error: no matching snaps installed")
        self.assertIn("is not installed", self.ssh(1, "sudo snap remove microk8s").stderr)
        self.assertEqual(self.ssh(1, "/snap/bin/microk8s status").returncode, 127)
        self.assertEqual(self.ssh(1, "curl -sf --unix-socket /run/snapd.socket http://localhost/v2/snaps/microk8s").returncode, 22)

    def test_refusals(self):
        self.refused("snap install microk8s --classic", "error: access denied (try with sudo)")
        self.refused("sudo snap install microk8s", "       If you understand and want to proceed repeat the command including --classic.")
        self.refused("sudo snap install microk8s --classic --channel=9.9/stable", 'error: snap "microk8s" is not available on 9.9/stable')
        self.refused("sudo snap install nonsense", 'snap "nonsense" not found')
        self.refused("sudo snap install microk8s --frobnicate", "unknown flag", 64)

    def test_faults_of_the_store_and_of_snapd(self):
        self.fault("snap_download_fail", "503", "--once")
        self.refused(INSTALL, 'error: cannot perform the following tasks:\n- Download snap "microk8s" (8511) from channel "1.32/stable" '
                     "(received an unexpected http response code (503) when trying to download")
        self.assertIn("Error", self.ask(1, "snap changes | tail -2"))
        self.fault("snap_store_timeout", "--once")
        self.refused(INSTALL, "error: unable to contact snap store")
        self.fault("snap_disk_full", "--once")
        self.refused(INSTALL, 'error: cannot install "microk8s" due to low disk space')
        self.fault("snap_conflict", "--once")
        self.refused(INSTALL, 'error: snap "microk8s" has "auto-refresh" change in progress', 10)
        self.fault("snap_hook_fail", "install", "--once")
        self.refused(INSTALL, '- Run install hook of "microk8s" snap if present (run hook "install":')
        self.refused("snap list microk8s", "no matching snaps")

    def test_snapd_that_is_not_there_or_not_ready(self):
        self.fault("snap_not_seeded")
        self.refused(INSTALL, "error: too early for operation, device not yet seeded or device model not acknowledged")
        self.lab("fault", "n1", "snap_not_seeded", "--clear")
        self.ask(1, "snap wait system seed.loaded")
        self.fault("snapd_down")
        self.refused("snap list", "connection refused")

    def test_who_comes_before_snapd_waits_for_it(self):
        self.ask(1, "sudo kill -9 $(cat /run/labinit/snapd.pid) && snap list")

    def test_a_full_disk_fails_the_download(self):
        self.fault("disk_full")
        self.refused(INSTALL, "no space left on device")


class SnapWithMicrok8s(LabCase):
    name = "t-snap"
    up = ("--nodes", "1", "--scale", "0.01")

    def setUp(self):
        pristine = r"snap list microk8s 2>/dev/null | grep -q '8511  1.32/stable .* classic$'"
        self.ask(1, f"{pristine} || {{ {PURGE} >/dev/null 2>&1; {INSTALL}; }}")

    def rest(self):
        return json.loads(self.ask(1, "curl -s --unix-socket /run/snapd.socket http://localhost/v2/snaps/microk8s"))["result"]

    def test_installed_listed_held_and_removed(self):
        again = self.ssh(1, INSTALL)
        self.assertEqual((again.returncode, again.stderr.splitlines()[-1]),
                         (0, "snap \"microk8s\" is already installed, see 'snap help refresh'"))
        self.assertEqual(self.ask(1, "sudo snap refresh --hold microk8s"), 'General refreshes of "microk8s" held indefinitely')
        self.assertEqual(self.ask(1, "snap list microk8s"), "Name      Version  Rev   Tracking     Publisher    Notes\n"
                                                            "microk8s  v1.32.9  8511  1.32/stable  canonical**  classic,held")
        self.assertEqual((self.rest()["tracking-channel"], self.rest()["status"]), ("1.32/stable", "active"))
        self.assertEqual(self.ask(1, "readlink /snap/microk8s/current /var/snap/microk8s/current"), "8511\n8511")
        self.assertEqual(self.ask(1, PURGE), "microk8s removed")
        self.assertEqual(self.ask(1, "ls -d /snap/microk8s /var/snap/microk8s 2>/dev/null; ls /snap/bin"), "")

    def test_services_stop_and_start(self):
        self.assertEqual(self.ask(1, "sudo snap stop microk8s"), "Stopped.")
        self.assertNotIn(" active ", self.ask(1, "snap services microk8s"))
        self.assertEqual(self.ssh(1, "systemctl is-active snap.microk8s.daemon-kubelite").stdout, "inactive\n")
        self.assertEqual(self.ask(1, "sudo snap start microk8s"), "Started.")
        self.eventually(lambda: self.ssh(1, "systemctl is-active snap.microk8s.daemon-kubelite").stdout == "active\n")
        shown = self.ask(1, "systemctl show -p ActiveState,NRestarts snap.microk8s.daemon-kubelite.service")
        self.assertEqual(sorted(shown.splitlines()), ["ActiveState=active", "NRestarts=0"])
        self.assertTrue(self.ask(1, "sudo journalctl -u snap.microk8s.daemon-kubelite -n 5 --no-pager -o cat"))

    def test_refresh_copies_the_data_and_revert_goes_back(self):
        self.ask(1, "echo old | sudo tee /var/snap/microk8s/current/mark")
        self.assertEqual(self.ask(1, "sudo snap refresh microk8s --channel=1.33/stable"),
                         "microk8s (1.33/stable) v1.33.5 from Canonical** refreshed")
        self.ask(1, "echo new | sudo tee /var/snap/microk8s/current/mark")
        self.assertEqual(self.ask(1, "sudo cat /var/snap/microk8s/8511/mark /var/snap/microk8s/8494/mark"), "old\nnew")
        self.assertEqual(self.ask(1, "sudo snap refresh microk8s 2>&1"), 'snap "microk8s" has no updates available')
        self.assertEqual(self.ask(1, "sudo snap revert microk8s"), "microk8s reverted to v1.32.9")
        self.assertEqual(self.ask(1, "sudo cat /var/snap/microk8s/current/mark"), "old")

    def test_a_failed_refresh_is_undone(self):
        self.lab("fault", "n1", "snap_hook_fail", "post-refresh", "--once")
        done = self.ssh(1, "sudo snap refresh microk8s --channel=1.33/stable")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual((self.rest()["revision"], self.ask(1, "ls /var/snap/microk8s")), ("8511", "8511\ncommon\ncurrent"))
        self.lab("fault", "n1", "refresh_leaves_disabled", "--once")
        self.assertEqual(self.ssh(1, "sudo snap refresh microk8s --channel=1.33/stable").returncode, 1)
        self.assertIn("disabled,classic", self.ask(1, "snap list microk8s"))
        self.assertEqual(self.ask(1, "sudo snap enable microk8s"), "microk8s enabled")

    def test_a_hanging_refresh_conflicts_until_it_is_aborted(self):
        self.lab("fault", "n1", "snap_refresh_hang")
        self.addCleanup(self.lab, "fault", "n1", "snap_refresh_hang", "--clear")
        change = self.ask(1, "sudo snap refresh microk8s --channel=1.33/stable --no-wait")
        self.assertIn("Doing", self.ask(1, f"snap tasks {change}"))
        busy = self.ssh(1, PURGE)
        self.assertEqual((busy.returncode, busy.stderr), (10, 'error: snap "microk8s" has "refresh-snap" change in progress\n'))
        self.ask(1, f"sudo snap abort {change}")
        self.eventually(lambda: "Undone" in self.ask(1, f"snap changes | grep '^{change} '"))
        self.assertEqual(self.rest()["revision"], "8511")

    def test_a_change_goes_on_after_a_power_cut(self):
        self.lab("fault", "n1", "snap_refresh_hang")
        change = self.ask(1, "sudo snap refresh microk8s --channel=1.33/stable --no-wait")
        self.lab("fault", "n1", "power_cut")
        self.lab("fault", "n1", "snap_refresh_hang", "--clear")
        self.lab("power-on", "n1")
        self.eventually(lambda: " Done " in self.ssh(1, f"snap changes | grep '^{change} '", connect=1).stdout, 30)
        self.assertEqual(self.rest()["version"], "v1.33.5")

    def test_settings(self):
        self.ask(1, "sudo snap set system refresh.hold=2026-12-31T00:00:00Z")
        self.assertEqual(self.ask(1, "snap get system refresh.hold"), "2026-12-31T00:00:00Z")
        self.assertEqual(self.ssh(1, "snap get system nothing").returncode, 1)

    def test_ssh_and_packages(self):
        self.ask(1, "sudo systemctl restart ssh")
        self.assertEqual(self.ask(1, "systemctl is-active ssh"), "active")
        self.assertIn("snapd is already the newest version", self.ask(1, "sudo apt-get install -y snapd"))
        self.assertEqual(self.ssh(1, "systemctl status nothing").returncode, 4)

    def test_snap_commands_start_fast(self):
        started = time.monotonic()
        self.ask(1, "for i in 1 2 3 4 5 6 7 8 9 10; do systemctl is-active ssh; done")
        self.assertLess(time.monotonic() - started, 3)


if __name__ == "__main__":
    unittest.main()
