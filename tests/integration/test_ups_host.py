"""UPSes and NUT on the server's own machine: what is found, what runs, and in which order it is started anew."""
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import MKO, wait_until  # noqa: E402
from upsd_support import NUT, Case, NutCase  # noqa: E402

SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$0.calls"
case $1 in
show) printf 'Id=nut-monitor.service\\nDescription=upsmon\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n\\n'
      printf 'Id=nut-driver@rack.service\\nDescription=driver\\nLoadState=loaded\\nActiveState=failed\\nSubState=failed\\nUnitFileState=\\n\\n'
      printf 'Id=nut-server.service\\nDescription=upsd\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n' ;;
restart) test ! -e "$0.refuses" || { echo "Job for $3 failed." >&2; exit 1; } ;;
esac
"""


@unittest.skipUnless(NUT, "no upsd here")
class Scan(NutCase):
    def test_what_a_upsd_serves_is_found_and_recognised_once_it_is_watched(self):
        self.start("rack")
        port = str(self.mko.json("ups", "show", "rack")["nut_port"])
        self.mko("ups", "remove", "rack", "--yes")
        found = self.mko.json("ups", "scan", "--host", "127.0.0.1", "--port", port)["items"][-1]
        self.assertEqual((found["kind"], found["nut_name"], found["ups_id"]), ("upsd", "ups", None))
        self.assertEqual(found["next"], f"mko ups add --name ups --nut-host 127.0.0.1 --nut-port {port} --nut-name ups")
        self.mko(*found["next"].split()[1:])
        found = self.mko.json("ups", "scan", "--host", "localhost", "--port", port)["items"][-1]
        self.assertEqual((found["ups_name"], found["next"]), ("ups", None))
        self.assertRegex(self.mko("ups", "scan", "--host", "127.0.0.1", "--port", port).stdout, rf"127.0.0.1 +{port} +ups")

    def test_a_scan_that_waits_for_a_silent_machine_holds_up_nobody(self):
        _, upsd = self.start("rack")
        port = str(self.mko.json("ups", "show", "rack")["nut_port"])
        self.mko.start_daemon()
        upsd.send_signal(signal.SIGSTOP)
        self.addCleanup(upsd.send_signal, signal.SIGCONT)
        answers = []
        scan = threading.Thread(target=lambda: answers.append(self.mko.json("ups", "scan", "--host", "127.0.0.1", "--port", port)))
        scan.start()
        second = wait_until(lambda: (lambda done: done if done.returncode == 4 else None)(self.mko("ups", "scan", code=None)), 10, "one scan at a time")
        self.assertIn("another scan", second.stderr)
        self.assertTrue(scan.is_alive(), "others are answered while it waits")
        scan.join(30)
        self.assertTrue(any("does not answer within 5 s" in problem for problem in answers[0]["problems"]), answers)


class Services(Case):
    """systemctl is played, in a mount namespace of the test's own; which calls are made, and in which order, is the product's."""

    def under_systemd(self, *args, code=0):
        tools = os.path.join(self.mko.folder, "tools")
        os.makedirs(tools, exist_ok=True)
        self.calls = os.path.join(tools, "systemctl.calls")
        with open(os.path.join(tools, "systemctl"), "w", encoding="utf-8") as out:
            out.write(SYSTEMCTL)
        os.chmod(os.path.join(tools, "systemctl"), 0o755)
        script = f'mount -t tmpfs none /run && mkdir -p /run/systemd/system && PATH="{tools}:$PATH" exec "{MKO}" "$@"'
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *args], env=self.mko.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_services_are_shown_and_upsd_itself_is_asked(self):
        done = self.under_systemd("ups", "services", code=6)
        self.assertRegex(done.stdout, r"nut-driver@rack.service +failed")
        self.assertIn("does not answer", done.stdout)

    def test_upsd_is_started_anew_before_its_drivers_and_upsmon_last(self):
        started = time.monotonic()
        self.under_systemd("ups", "restart", code=6)  # the played upsd never answers
        self.assertGreater(time.monotonic() - started, 15, "it waits for upsd")
        with open(self.calls, encoding="utf-8") as calls:
            restarts = [line.split()[-1] for line in calls if line.startswith("restart")]
        self.assertEqual(restarts, ["nut-server.service", "nut-driver@rack.service", "nut-monitor.service"])
        self.assertEqual(self.mko.items("audit", "list", "--action", "ups.restart")[0]["outcome"], "ok")

    def test_what_systemctl_refuses_is_said(self):
        self.under_systemd("ups", "services", code=6)
        open(self.calls.replace(".calls", ".refuses"), "w", encoding="utf-8").close()
        done = self.under_systemd("ups", "restart", code=6)
        self.assertIn("Job for nut-server.service failed", done.stderr)
        self.assertIn("systemctl status nut-server.service", done.stderr)

    def test_without_systemd_it_is_said_what_to_type(self):
        if os.path.exists("/run/systemd/system"):
            self.skipTest("systemd runs here")
        done = self.mko("ups", "restart", code=6)
        self.assertIn("no systemd", done.stderr)
        self.assertIn("try: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
