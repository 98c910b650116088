"""Changing the configuration of a running server, and of none."""
import os
import signal
import unittest

from api_support import ServerCase, wait_until


class Config(ServerCase):
    def setUp(self):
        self.file = None
        super().setUp()
        self.file = os.path.join(self.mko.folder, "etc", "mko.yaml")
        self.mko.kill_daemon(signal.SIGTERM)
        self.mko.env["MKO_CONFIG"] = self.file
        os.mkdir(os.path.dirname(self.file))
        self.write("# mine\nweb:\n  session_hours: 4  # short\n")

    def write(self, text):
        with open(self.file, "w", encoding="utf-8") as target:
            target.write(text)

    def read(self):
        with open(self.file, encoding="utf-8") as text:
            return text.read()

    def log(self):
        with open(os.path.join(self.mko.folder, "web.log"), encoding="utf-8") as text:
            return text.read()

    def value(self, key):
        return next(item["value"] for item in self.mko.items("system", "config", "show") if item["key"] == key)

    def test_set_writes_the_file_and_takes_effect_at_once(self):
        self.mko.start_daemon()
        done = self.mko("system", "config", "set", "web.session_hours=8", "web.listen=127.0.0.1:5001", "log.level=debug")
        self.assertEqual(self.read(), '# mine\nweb:\n  session_hours: 8  # short\n  listen: "127.0.0.1:5001"\n\nlog:\n  level: debug\n')
        self.assertIn("web.listen takes effect when the server starts again", done.stderr)
        self.assertNotIn("session_hours takes", done.stderr)
        self.assertEqual(self.value("web.session_hours"), 8)
        wait_until(lambda: " debug request=" in self.log(), 20, "the level of the log has changed")
        self.mko("system", "config", "set", "web.session_hours=")
        self.assertEqual(self.value("web.session_hours"), 12)
        entries = [entry for entry in self.mko.items("audit", "list") if entry["action"] == "config.change"]
        self.assertEqual(entries[-1]["detail"], {"before": {"web.session_hours": 4, "web.listen": "127.0.0.1:5000", "log.level": "info"},
                                                 "after": {"web.session_hours": 8, "web.listen": "127.0.0.1:5001", "log.level": "debug"}})

    def test_wrong_settings_are_refused_together_and_nothing_is_written(self):
        before = self.read()
        done = self.mko("system", "config", "set", "web.session_hour=8", "audit.keep_days=-1", "log.level=loud", code=2)
        self.assertIn("did you mean web.session_hours", done.stderr)
        self.assertIn("must be between 0 and 36500", done.stderr)
        self.assertIn("must be one of: error", done.stderr)
        done = self.mko("system", "config", "set", "web.tls_cert=/c.pem", code=2)
        self.assertIn("one needs the other", done.stderr)
        self.assertEqual(self.read(), before)
        self.write("web: {session_hours: 4}\n")
        done = self.mko("system", "config", "set", "web.session_hours=8", code=4)
        self.assertIn("mko.yaml:1: the section is written in braces", done.stderr)

    def test_without_a_server_the_file_is_made_and_read(self):
        os.unlink(self.file)
        self.mko.env["MKO_CONFIG"] = ""
        self.mko("-c", self.file, "system", "config", "check", code=3)
        self.write("")
        self.mko("-c", self.file, "system", "config", "set", "audit.keep_days=30")
        self.assertEqual(self.read(), "audit:\n  keep_days: 30\n")

    def test_check_names_every_wrong_line(self):
        self.assertEqual(self.mko("system", "config", "check").stdout, f"{self.file}: good\n")
        self.write("web:\n  session_hours: 0\n  lissten: x\n")
        done = self.mko("system", "config", "check", code=2)
        self.assertIn(f"{self.file}:2: web.session_hours", done.stderr)
        self.assertIn(f"{self.file}:3: web.lissten: unknown key; did you mean web.listen?", done.stderr)

    def test_a_hangup_reloads_what_may_be_and_says_what_needs_a_restart(self):
        self.mko.start_daemon()
        self.write("web:\n  session_hours: 9\n  body_max_bytes: 5000\n")
        self.mko.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: changed: web.session_hours; needs a restart: web.body_max_bytes" in self.log(), 20, "it is said")
        self.assertEqual(self.value("web.session_hours"), 9)
        self.assertEqual(self.value("web.body_max_bytes"), 1048576)
        self.write("web:\n  session_hours: none\n")
        self.mko.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in self.log() and "mko.yaml:2: web.session_hours" in self.log(), 20, "the wrong line is named")
        shown = {item["key"]: item["value"] for item in self.local("GET", "/api/config").json["items"]}
        self.assertEqual(shown["web.session_hours"], 9)


if __name__ == "__main__":
    unittest.main()
