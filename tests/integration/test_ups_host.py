"""UPSes and NUT on the server's own machine: what is found, what runs, and in which order it is started anew."""
import json
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

        def patient():  # the scans below may come first: then this one is refused, and tries again
            while (done := self.mko("ups", "scan", "--host", "127.0.0.1", "--port", port, "-o", "json", code=None)).returncode == 4:
                pass
            answers.append(json.loads(done.stdout))

        scan = threading.Thread(target=patient)
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
        self.assertEqual(restarts, ["nut-server.service", "nut-driver.target", "nut-monitor.service"])
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



# Plays systemd for NUT's units with the real programs: upsd, and for each section of ups.conf its driver.
NUT_SYSTEMCTL = """#!/bin/sh
case "$1 $4$3" in
show*) printf 'Id=nut-server.service\\nLoadState=loaded\\nActiveState=active\\n\\n'
       sed -n 's/^\\[\\(.*\\)\\]$/Id=nut-driver@\\1.service\\nLoadState=loaded\\nActiveState=active\\n/p' /etc/nut/ups.conf 2>/dev/null ;;
restart*nut-server.service) kill $(cat /run/nut/upsd.lab 2>/dev/null) 2>/dev/null
       NUT/upsd -F -u root >/dev/null 2>&1 & echo $! >/run/nut/upsd.lab ;;
restart*nut-driver.target) for name in $(sed -n 's/^\\[\\(.*\\)\\]$/\\1/p' /etc/nut/ups.conf); do
           kill $(cat /run/nut/$name.lab 2>/dev/null) 2>/dev/null
           NUT/dummy-ups -a $name -F -u root >/dev/null 2>&1 & echo $! >/run/nut/$name.lab
       done ;;
esac
exit 0
"""
OLD_CONF = """# my own words
maxretry = 3

[other]
\tdriver = dummy-ups\t# keep me
\tport = /tmp/other.dev
"""


@unittest.skipUnless(NUT, "no upsd here")
class Configure(Case):
    """NUT's files lie in a folder of the test that is /etc/nut in namespaces of its own; upsd and drivers are real."""

    def setUp(self):
        super().setUp()
        self.etc = os.path.join(self.mko.folder, "nut")
        self.tools = os.path.join(self.mko.folder, "tools")
        for folder in (self.etc, self.tools):
            os.makedirs(folder)
        self.put(os.path.join(self.tools, "systemctl"), NUT_SYSTEMCTL.replace("NUT/", f"{NUT}/"))
        os.chmod(os.path.join(self.tools, "systemctl"), 0o755)
        self.device = os.path.join(self.mko.folder, "ups.dev")
        self.put(self.device, "ups.status: OL\nbattery.charge: 90\n")

    def put(self, path, text):
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def files(self):
        """The configuration without the copies."""
        found = {}
        for name in sorted(os.listdir(self.etc)):
            if ".mko-" not in name:
                with open(os.path.join(self.etc, name), encoding="utf-8") as source:
                    found[name] = source.read()
        return found

    def inside(self, script, code=0):
        """Run a shell script with systemd played, NUT's folder bound, a loopback and processes of its own."""
        begin = (f'mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/nut && mkdir -p /etc/nut && mount --bind "{self.etc}" /etc/nut && '
                 f'ip link set lo up && PATH="{self.tools}:$PATH" && ')
        done = subprocess.run(["unshare", "-mnpf", "--kill-child", "--mount-proc", "sh", "-c", begin + script], env=self.mko.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def configure(self, *more):
        return f'"{MKO}" ups configure --name rack --driver dummy-ups --port "{self.device}" --yes {" ".join(more)}'

    def test_a_ups_is_driven_served_and_watched_and_what_people_wrote_stays(self):
        self.put(os.path.join(self.etc, "ups.conf"), OLD_CONF)
        shown = self.inside(self.configure("--diff")).stdout
        self.assertIn("+[rack]", shown)
        self.assertIn("+  password = ********", shown)
        self.assertEqual(self.files(), {"ups.conf": OLD_CONF})
        ask = "upsc rack@127.0.0.1 ups.status"
        self.assertIn("OL", self.inside(f"{self.configure()} && {ask}").stdout)
        files = self.files()
        self.assertTrue(files["ups.conf"].startswith(OLD_CONF), files["ups.conf"])
        self.assertIn("MODE=standalone", files["nut.conf"])
        password = files["upsd.users"].split('password = "')[1].split('"')[0]
        self.assertRegex(password, r"^[A-Za-z0-9]{32}$")
        self.assertIn(f"MONITOR rack@localhost 1 mko {password} primary", files["upsmon.conf"])
        self.assertEqual({oct(os.stat(os.path.join(self.etc, name)).st_mode & 0o777) for name in ("upsd.users", "upsmon.conf", "nut.conf")}, {"0o640"})
        self.assertEqual([name.split(".mko-")[0] for name in os.listdir(self.etc) if ".mko-" in name], ["ups.conf"])
        ups = self.mko.json("ups", "show", "rack")
        self.assertEqual((ups["nut_name"], ups["nut_username"], ups["has_nut_password"]), ("rack", "mko", True))
        self.assertNotIn(password, self.mko("audit", "list", "-o", "json").stdout)
        # again: nothing to change, nothing written, no second UPS
        self.assertIn("nothing to change", self.inside(self.configure()).stdout)
        self.assertEqual(self.files(), files)
        self.assertEqual(len(self.mko.items("ups", "list")), 1)

    def test_when_the_driver_does_not_come_up_all_is_as_before(self):
        self.put(os.path.join(self.etc, "ups.conf"), OLD_CONF)
        os.unlink(self.device)
        done = self.inside(self.configure(), code=6)
        self.assertIn("the files are as before", done.stderr)
        self.assertEqual(self.files(), {"ups.conf": OLD_CONF})
        self.assertEqual(self.mko.items("ups", "list"), [])

    def test_a_kill_at_any_moment_leaves_whole_files_and_the_next_try_completes_it(self):
        self.put(os.path.join(self.etc, "ups.conf"), OLD_CONF)
        killed = 0
        for call in range(1, 11):
            trace = f"strace -f -o /dev/null -e trace=/rename -e inject=/rename:signal=SIGKILL:when={call}"
            killed += "rc=137" in self.inside(f"{trace} {self.configure()} >/dev/null 2>&1; echo rc=$?").stdout
            for name, text in self.files().items():
                if "." in name and not name.endswith((".conf", ".users")):
                    continue  # a temporary file that never got its name
                self.assertTrue(text.endswith("\n") and text.count("[rack]") <= 1, (call, name, text))
                if name == "ups.conf":
                    self.assertTrue(text.startswith(OLD_CONF), (call, text))
        self.assertGreaterEqual(killed, 5)
        self.inside(f"{self.configure()} && upsc rack@127.0.0.1 ups.status")
        self.assertEqual(self.mko.json("ups", "show", "rack")["nut_name"], "rack")


if __name__ == "__main__":
    unittest.main()
