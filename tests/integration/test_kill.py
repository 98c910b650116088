"""Whatever is killed, nothing is lost and nothing is doubled."""
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, wait_until  # noqa: E402

KILLS = 20


class KillTheServer(LabCase):
    lab_nodes = 3

    def test_a_server_killed_20_times_during_a_setup_costs_nothing(self):
        seed = int(os.environ.get("MKO_TEST_SEED", time.time()))
        print(f"# seed {seed}", file=sys.stderr)
        chance = random.Random(seed)
        mko = self.mko
        mko("init")
        mko("cluster", "add", "--name", "prod", "--ha")
        mko.add_nodes(self.lab, "prod")
        mko.start_daemon()
        started = mko.json("cluster", "setup", "prod", "--detach")
        number = started.get("operation", started)["id"]
        kills = 0
        while kills < KILLS:
            time.sleep(chance.uniform(0, 1.5))  # the random moment itself, not a wait for something
            mko.kill_daemon()
            kills += 1
            mko.start_daemon()
        op = wait_until(lambda: (lambda o: o if o["status"] not in ("queued", "running") else None)(mko.operation(number)), 240, "the setup ends")
        self.assertEqual(op["status"], "succeeded", op.get("error"))
        self.check_events(number)
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "active")
        mko.kill_daemon()
        self.assert_no_trace()

    def check_events(self, number):
        """Each event once and in order, in the file and as the API gives it; what the store holds agrees with them."""
        events = self.mko.events(number)
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        kinds = [e["event"] for e in events]
        self.assertEqual((kinds[0], kinds[-1], kinds.count("stats")), ("run_start", "run_end", 1))
        shown = [line for line in self.mko("operation", "logs", str(number), "--events").stdout.splitlines() if line]
        self.assertEqual(len(shown), len(events))
        stats = next(e for e in events if e["event"] == "stats")["hosts"]
        for host in self.mko.operation(number)["hosts"]:
            self.assertEqual(host["ok"], stats[host["hostname"]]["ok"])
            self.assertEqual(host["changed"], stats[host["hostname"]]["changed"])


if __name__ == "__main__":
    unittest.main()
