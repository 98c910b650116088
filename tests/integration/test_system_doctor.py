"""The doctor of the server itself: nothing on a good machine, and the right word on a bad one."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from upsd_support import Case, Upsd  # noqa: E402


class SystemDoctor(Case):
    def blocking(self, code=1):
        items = self.mko.json("system", "doctor", code=code)["items"]
        return [(one["code"], one["found"]) for one in items if one["result"] == "fail" and one["severity"] == "blocking"]

    def configure(self, text):
        path = os.path.join(self.mko.folder, "mko.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        self.mko.env["MKO_CONFIG"] = path

    def test_a_good_machine_has_nothing_blocking_with_a_server_and_without(self):
        self.assertEqual(self.blocking(code=0), [])
        self.mko.start_daemon()
        self.assertEqual(self.blocking(code=0), [])
        self.assertRegex(self.mko("system", "doctor", "--all-results").stdout, r"MKO-SYS-006 +blocking +pass")

    def test_ansible_that_does_not_run_is_named(self):
        self.configure("ansible:\n  playbook: /nonexistent/ansible-playbook\n")
        self.assertEqual(self.blocking(), [("MKO-SYS-001", "ansible-playbook is not there or does not run.")])

    def test_playbooks_that_are_not_there_are_named(self):
        self.configure(f"ansible:\n  collections_path: {self.mko.folder}\n")
        self.assertEqual([code for code, _ in self.blocking()], ["MKO-SYS-003"])

    def test_a_key_that_others_can_read_is_named(self):
        os.chmod(os.path.join(self.mko.data, "secret.key"), 0o644)
        done = self.mko("system", "doctor", code=None)
        self.assertIn("secret.key", done.stdout + done.stderr)
        self.assertNotEqual(done.returncode, 0)

    def test_a_damaged_database_is_named(self):
        self.mko.sql("create table lost (id integer primary key, text text)")
        self.mko.sql("insert into lost (text) select hex(randomblob(500)) from (select 1 union select 2), nodes")
        (root,), = self.mko.sql("select rootpage from sqlite_master where name = 'lost'")
        (size,), = self.mko.sql("pragma page_size")
        self.mko.sql("pragma wal_checkpoint(truncate)")
        with open(os.path.join(self.mko.data, "mko.db"), "r+b") as db:
            db.seek((root - 1) * size)
            db.write(b"\xff" * 64)
        found = self.blocking()
        self.assertEqual([code for code, _ in found], ["MKO-SYS-006"])
        self.assertIn("damaged", found[0][1])

    def test_rules_of_power_that_nobody_watches_and_a_silent_nut_are_named(self):
        upsd = Upsd(ups="OL")
        self.add_ups("rack", upsd.port)
        self.mko("ups", "rules", "create", "rack", "prod", "power_loss", "graceful_shutdown")
        found = dict(self.blocking())
        self.assertEqual(found["MKO-SYS-009"], "1 rules are enabled, and nobody watches power.")
        self.mko.start_daemon()
        self.assertNotIn("MKO-SYS-009", dict(self.blocking(code=None)))

    def test_what_it_says_can_be_explained_without_asking_anything(self):
        done = self.mko("system", "doctor", "--explain", "MKO-SYS-005")
        self.assertIn("expected", done.stdout)


if __name__ == "__main__":
    unittest.main()
