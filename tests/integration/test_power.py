"""Power as a person meets it: an outage starts one operation in time, whatever dies; silence acts on battery and only tells on mains."""
import datetime
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import wait_until  # noqa: E402
from upsd_support import NUT, Case, NutCase, Upsd  # noqa: E402


def seconds(earlier, later):
    return (datetime.datetime.fromisoformat(later) - datetime.datetime.fromisoformat(earlier)).total_seconds()


class Power(Case):
    def test_rules_are_made_shown_changed_and_refused_with_every_wrong_field(self):
        mko = self.mko
        self.assertIn("only while mko web runs", self.add_ups("rack", 3493).stderr)
        wrong = mko("ups", "rules", "create", "nope", "none", "runtime_below", "startup", "--battery-threshold", "20", code=2).stderr
        for field in ("ups_id", "cluster_id", "battery_threshold", "runtime_threshold", "cluster_action"):
            self.assertIn(field, wrong)
        mko("ups", "rules", "create", "1", "1", "power_loss", "graceful_shutdown", "--name", "Emergency Shutdown", "--action-delay", "60")
        mko("ups", "rules", "edit", "Emergency Shutdown", "--action-delay", "2m", "--auto-reverse")
        mko("ups", "rules", "disable", "Emergency Shutdown")
        rule = mko.json("ups", "rules", "show", "1")
        self.assertEqual((rule["action_delay"], rule["auto_reverse"], rule["enabled"], rule["cluster_name"]), (120, True, False, "prod"))
        mko("ups", "remove", "rack", "--yes", code=4)
        mko("ups", "rules", "delete", "Emergency Shutdown", "--yes")
        mko("ups", "remove", "rack", "--yes")
        self.assertEqual(mko.items("ups", "list"), [])
        mko("ups", "show", "rack", code=3)
        mko("ups", "monitor", "start", code=6)

    def test_an_outage_starts_one_operation_although_another_upsd_is_stuck_and_the_server_is_killed(self):
        mko = self.mko
        good, stuck = Upsd(ups="OL"), Upsd(ups="OL")
        self.add_ups("rack", good.port)
        self.add_ups("other", stuck.port)
        mko("ups", "rules", "create", "rack", "prod", "power_loss", "graceful_shutdown", "--action-delay", "8")
        mko.start_daemon()
        self.wait_for("rack", "online")
        self.wait_for("other", "online")
        stuck.manner = "silent"
        good.set("ups", "OB DISCHRG")
        firing = wait_until(lambda: mko.items("ups", "rules", "firings"), 30, "the rule waits")[0]
        self.assertEqual((firing["state"], self.operations()), ("pending", []))
        mko.kill_daemon()
        mko.start_daemon()
        op = wait_until(self.operations, 60, "the operation is there")[0]
        mko.kill_daemon()
        mko.start_daemon()
        firing = mko.items("ups", "rules", "firings")[0]
        self.assertEqual((op["type"], op["rule_id"], op["firing_id"]), ("cluster.shutdown", 1, firing["id"]))
        self.assertEqual(firing["operation_id"], op["id"])
        self.wait_for("rack", "on_battery")
        self.assertEqual(len([o for o in self.operations() if o["status"] in ("queued", "running")]) <= 1, True)
        self.assertEqual(len(self.events("power_loss")), 1)
        self.assertEqual(len(mko.items("ups", "rules", "firings")), 1)
        first = [o for o in self.operations() if o["firing_id"] == firing["id"] and o["created_at"] == op["created_at"]]
        self.assertEqual(len(first), 1)
        self.assertFalse(self.status("other")["contact"])

    def test_a_short_outage_does_nothing_and_silence_acts_only_on_battery(self):
        mko = self.mko
        upsd = Upsd(ups="OL")
        with open(os.path.join(mko.folder, "mko.yaml"), "w", encoding="utf-8") as out:
            out.write("power:\n  ob_confirm_s: 0\n  ol_confirm_s: 2\n  comms_lost_s: 5\n  blind_min_s: 5\n  blind_max_s: 6\n")
        mko.env["MKO_CONFIG"] = os.path.join(mko.folder, "mko.yaml")
        self.add_ups("rack", upsd.port)
        mko("ups", "rules", "create", "rack", "prod", "power_loss", "graceful_shutdown", "--action-delay", "60")
        mko("ups", "rules", "create", "rack", "prod", "critical_battery", "force_shutdown")
        mko("ups", "rules", "create", "rack", "-", "comms_lost", "notify")
        mko.start_daemon()
        self.wait_for("rack", "online")
        self.assertIn("ups rack answers: OL", mko("ups", "test", "rack").stdout)
        upsd.set("ups", "OB")
        wait_until(lambda: self.events("power_loss"), 20, "the outage is told")
        upsd.set("ups", "OL")
        wait_until(lambda: self.events("power_restored"), 20, "the end of the outage is told")
        upsd.kill()
        wait_until(lambda: self.events("comms_lost"), 30, "the silence is told")
        self.assertEqual(self.mko("ups", "status", "rack", code=None).returncode, 6)
        self.assertIn("does not answer", mko("ups", "test", "rack", code=6).stderr)
        self.assertEqual([op["name"] for op in self.operations()], [])
        upsd.again()
        wait_until(lambda: self.events("comms_ok"), 40, "it is heard again")
        upsd.set("ups", "OB")
        wait_until(lambda: len(self.events("power_loss")) == 2, 20, "the second outage is told")
        upsd.kill()
        op = wait_until(self.operations, 40, "silence on battery acts")[-1]
        self.assertEqual((op["type"], op["params"]["force"]), ("cluster.shutdown", True))
        self.assertEqual([event["reason"] for event in self.events("critical_battery")], ["blind"])
        states = {firing["rule_id"]: firing["state"] for firing in reversed(mko.items("ups", "rules", "firings"))}
        self.assertEqual((states[1], states[3]), ("superseded", "done"))

    def test_a_user_that_upsd_refuses_costs_the_login_only(self):
        upsd = Upsd(ups="OL")
        upsd.users = {"good": "right"}
        self.add_ups("refused", upsd.port, "--nut-username", "bad")
        self.mko("ups", "add", "--name", "logged-in", "--nut-port", str(upsd.port), "--nut-name", "ups", "--nut-username", "good",
                 "--nut-password-stdin", text="right\n")
        self.mko.start_daemon()
        self.wait_for("refused", "online")
        self.wait_for("logged-in", "online")
        self.assertEqual(set(upsd.logins), {("ups", False), ("ups", True)})


@unittest.skipUnless(NUT, "no upsd here")
class RealUpsd(NutCase):
    """The same against NUT itself: upsd with its driver dummy-ups."""

    def test_on_battery_becomes_a_running_operation_although_another_upsd_is_stopped(self):
        mko = self.mko
        folder, _ = self.start("rack")
        _, other = self.start("other")
        mko("ups", "rules", "create", "rack", "prod", "power_loss", "graceful_shutdown")
        mko.start_daemon()
        self.wait_for("rack", "online")
        self.wait_for("other", "online")
        other.send_signal(signal.SIGSTOP)
        self.addCleanup(other.send_signal, signal.SIGCONT)
        self.say(folder, "OB DISCHRG")
        wait_until(self.operations, 60, "the operation is there")
        event = self.events("power_loss")[0]
        firing = mko.items("ups", "rules", "firings")[0]
        # the confirmation takes 3 s; a machine that is busy with other things may add some
        self.assertLess(seconds(event["since"], firing["started_at"]), 10)
        self.assertGreaterEqual(seconds(event["since"], firing["started_at"]), 2.9)


if __name__ == "__main__":
    unittest.main()
