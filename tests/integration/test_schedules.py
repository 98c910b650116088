"""Schedules as a person meets them: the calendar agrees with systemd's, a killed server fires each time once."""
import datetime
import re
import shutil
import subprocess
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import Mko, wait_until  # noqa: E402

# cron, the same for systemd
CALENDARS = [
    ("0 3 * * mon-fri", "Mon..Fri *-*-* 03:00:00"),
    ("*/20 6 * * *", "*-*-* 06:00/20:00"),
    ("15 4 1,15 * *", "*-*-01,15 04:15:00"),
    ("0 12 29 2 *", "*-02-29 12:00:00"),
    ("5 0 * jan,jul sun", "Sun *-01,07-* 00:05:00"),
    ("0 */6 * * *", "*-*-* 00/6:00:00"),
]
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]


def systemd_runs(calendar, zone, count):
    text = subprocess.run(["systemd-analyze", "calendar", f"--iterations={count}", f"{calendar} {zone}"], check=True, capture_output=True,
                          text=True, env={**os.environ, "TZ": "UTC", "LC_ALL": "C"}).stdout
    found = re.findall(r"(?:Next elapse|Iter\. #\d+|Iteration #\d+): \w+ (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", text)
    return [datetime.datetime.fromisoformat(when).replace(tzinfo=datetime.timezone.utc) for when in found]


class Schedules(unittest.TestCase):
    def setUp(self):
        self.mko = Mko()
        self.addCleanup(self.mko.done)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_the_calendar_agrees_with_that_of_systemd(self):
        for cron, calendar in CALENDARS:
            for zone in ZONES:
                with self.subTest(cron=cron, zone=zone):
                    ours = self.mko.json("schedule", "preview", cron, "--timezone", zone, "--count", "8")["next_runs"]
                    ours = [datetime.datetime.fromisoformat(when) for when in ours]
                    theirs = systemd_runs(calendar, zone, 8)
                    self.assertEqual(len(theirs), 8)
                    # the minute may turn between the two questions
                    self.assertLessEqual({*ours[1:]} ^ {*theirs[1:]}, {ours[-1], theirs[-1]})

    def add(self, *more):
        mko = self.mko
        key = os.path.join(mko.folder, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        mko("init")
        # nothing listens there: the operation ends soon, which is all that is asked of it
        mko("node", "add", "--hostname", "n1", "--ip", "127.0.0.1", "--port", "1", "--user", "nobody", "--key-path", key)
        return mko("schedule", "add", "--name", "often", "--cron", "@yearly", "--type", "node.status", "--target", "n1", *more)

    def fired(self):
        return [op for op in self.mko.items("operation", "list") if op["requested_via"] == "schedule"]

    def test_a_time_that_comes_fires_once_though_the_server_is_killed(self):
        mko = self.mko
        self.assertIn("no server runs here", self.add().stderr)
        mko.sql("update schedules set next_run_at = (unixepoch() - 5) * 1000, planned_at = 0")
        self.assertEqual(self.fired(), [])  # a command never fires
        mko.start_daemon()
        op = wait_until(self.fired, 30, "the schedule fires")[0]
        schedule = mko.json("schedule", "show", "often")
        self.assertEqual((op["schedule_id"], schedule["last_operation_id"]), (schedule["id"], op["id"]))
        self.assertEqual((schedule["runs"], len(schedule["next_runs"])), (1, 5))
        for _ in range(3):
            mko.kill_daemon()
            mko.start_daemon()
        self.assertEqual(len(self.fired()), 1)

    def test_it_is_shown_changed_rested_run_by_hand_and_removed(self):
        mko = self.mko
        self.add("--timezone", "Europe/Berlin", "--window", "sat,sun 01:00-05:00")
        mko("schedule", "edit", "often", "--cron", "0 3 * * *", "--missed", "all", "--missed-max", "3")
        shown = mko.json("schedule", "show", "often")
        self.assertEqual((shown["cron"], shown["missed"], shown["missed_max"]), ("0 3 * * *", "all", 3))
        # Monday to Friday it waits for Saturday's window; there it comes again by itself
        self.assertEqual({when[11:19] for when in shown["next_runs"]}, {"01:00:00", "03:00:00"})
        self.assertEqual({datetime.datetime.fromisoformat(when).weekday() for when in shown["next_runs"]}, {5, 6})
        mko("schedule", "disable", "often")
        self.assertEqual(mko.json("schedule", "show", "often")["next_runs"], [])
        mko("schedule", "enable", "often")
        mko("schedule", "run", "often", code=None)
        self.assertEqual(mko.last_operation()["requested_via"], "cli")
        self.assertIn("five fields", mko("schedule", "edit", "often", "--cron", "daily", code=2).stderr)
        mko("schedule", "show", "nobody", code=3)
        mko("schedule", "remove", "often", "--yes")
        self.assertEqual(mko.items("schedule", "list"), [])


if __name__ == "__main__":
    unittest.main()
