"""Alerts reach people: each kind of notifier gets them as it wants them, once, also over a restart; one that hangs, refuses, redirects or answers 500 holds up
nobody, and what became of each attempt is in the log.
"""
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import signal
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import Mko, clock, wait_until  # noqa: E402


class Receiver(http.server.ThreadingHTTPServer):
    """A web server that keeps what it gets; `answer` says how it reacts to a path."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got = []
        self.answer = {}
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def at(self, path):
        return [one for one in self.got if one["path"] == path]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        how = self.server.answer.get(self.path, 200)
        self.server.got.append({"path": self.path, "headers": self.headers, "body": body, "json": json.loads(body)})
        if how == "hang":
            self.server.released.wait(60)
            return
        self.send_response(how)
        if how == 302:
            self.send_header("Location", self.server.url + "/elsewhere")
        self.end_headers()
        self.wfile.write(b"thank you \x1b[2J" if how == 200 else b"no \x1b[2J")

    def log_message(self, *_):
        pass


class MailServer:
    """An SMTP server without TLS that keeps envelopes and texts."""

    def __init__(self):
        self.got = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self.talk(stream)

    def talk(self, stream):
        mail = {"to": []}

        def say(line):
            stream.write(line + b"\r\n")
            stream.flush()
        say(b"220 test")
        for line in stream:
            word = line[:4].upper()
            if word == b"MAIL":
                mail["from"] = line.strip().decode()
            elif word == b"RCPT":
                mail["to"].append(line.strip().decode())
            elif word == b"DATA":
                say(b"354 go on")
                text = b""
                for part in stream:
                    if part == b".\r\n":
                        break
                    text += part
                mail["text"] = email.message_from_bytes(text, policy=email.policy.default)
                self.got.append(mail)
            elif word == b"QUIT":
                say(b"221 bye")
                return
            say(b"250 ok")


class Notify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.web = Receiver()
        cls.addClassCleanup(cls.web.server_close)
        cls.addClassCleanup(cls.web.shutdown)
        cls.addClassCleanup(cls.web.released.set)
        cls.mail = MailServer()
        cls.addClassCleanup(cls.mail.listener.close)

    def setUp(self):
        self.mko = Mko()
        self.addCleanup(self.mko.done)
        self.mko("init")
        self.web.got.clear()
        self.web.answer.clear()

    def add(self, name, kind, *args, code=0, text=None):
        return self.mko("notify", "add", "--name", name, "--kind", kind, *args, code=code, text=text)

    def watch(self):
        """A server that asks each second, and a node whose SSH server does not listen."""
        config = os.path.join(self.mko.folder, "watch.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("health:\n  interval_s: 1\n")
        with socket.socket() as taken:  # bound, never listening
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self.mko("node", "add", "--hostname", "n1", "--ip", "127.0.0.1", "--port", str(self.port), "--no-host-key")
        self.mko.start_daemon("--config", config)

    def recover(self):
        listener = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(listener.close)

    def log(self):
        return self.mko.items("notify", "log", "--limit", "100")

    def test_each_kind_gets_its_form(self):
        self.add("hook", "webhook", "--url", self.web.url + "/hook", "--secret-stdin", text="key\n")
        self.add("push", "ntfy", "--url", self.web.url + "/topic", "--secret-stdin", text="tk_1\n")
        self.add("slack", "slack", "--url", self.web.url + "/slack")
        self.add("discord", "discord", "--url", self.web.url + "/discord")
        self.add("telegram", "telegram", "--url", self.web.url, "--to", "-100", "--secret-stdin", text="1:abc\n")
        self.add("mail", "mail", "--url", f"smtp://127.0.0.1:{self.mail.port}", "--from", "mko@x.example", "--to", "a@x.example,b@x.example")
        for name in ("hook", "push", "slack", "discord", "telegram", "mail"):
            self.assertIn("test message was sent", self.mko("notify", "test", name).stdout)
        hook = self.web.at("/hook")[0]
        signed = f"{hook['headers']['X-Mko-Timestamp']}.".encode() + hook["body"]
        self.assertEqual(hook["headers"]["X-Mko-Signature"], "sha256=" + hmac.new(b"key", signed, hashlib.sha256).hexdigest())
        self.assertEqual(hook["json"]["event"], "test")
        push = self.web.at("/")[0]
        self.assertEqual((push["json"]["topic"], push["headers"]["Authorization"]), ("topic", "Bearer tk_1"))
        self.assertIn("[TEST]", self.web.at("/slack")[0]["json"]["text"])
        self.assertEqual(self.web.at("/discord")[0]["json"]["allowed_mentions"], {"parse": []})
        self.assertEqual(self.web.at("/bot1:abc/sendMessage")[0]["json"]["chat_id"], "-100")
        mail = self.mail.got[0]
        self.assertEqual(len(mail["to"]), 2)
        self.assertEqual(mail["text"]["Subject"], "[TEST] This is a test of mko")
        self.assertIn("alerts arrive here", mail["text"].get_content())
        shown = self.mko("notify", "show", "hook", "-o", "json").stdout + self.mko("notify", "list", "-o", "json").stdout
        self.assertNotIn('"secret"', shown)

    def test_an_alert_is_told_once_and_told_when_it_is_over(self):
        self.add("hook", "webhook", "--url", self.web.url + "/hook")
        self.watch()
        wait_until(lambda: self.web.at("/hook"), 90, "it is told")
        self.assertEqual((self.web.got[0]["json"]["event"], self.web.got[0]["json"]["rule"], self.web.got[0]["json"]["name"]), ("firing", "node_degraded", "n1"))
        self.recover()
        wait_until(lambda: len(self.web.at("/hook")) == 2, 90, "it is over")
        self.assertEqual(self.web.got[1]["json"]["event"], "resolved")
        wait_until(lambda: [(one["event"], one["state"], one["status"]) for one in self.log()] == [("resolved", "sent", 200), ("firing", "sent", 200)], 10, "the log")
        self.mko("notify", "again", str(self.log()[1]["id"]))
        wait_until(lambda: len(self.web.at("/hook")) == 3, 90, "it is told again")

    def test_who_does_not_take_it_holds_up_nobody(self):
        self.web.answer.update({"/hang": "hang", "/500": 500, "/302": 302})
        for name in ("hang", "500", "302"):
            self.add("k" + name, "webhook", "--url", f"{self.web.url}/{name}")
        self.add("refused", "webhook", "--url", "http://127.0.0.1:1/x")
        self.add("good", "webhook", "--url", self.web.url + "/good")
        self.watch()
        wait_until(lambda: self.web.at("/good"), 90, "the good one is told")
        with clock(2):
            self.mko("node", "list")
        wait_until(lambda: {one["notifier"] for one in self.log() if one["attempts"] > 0} == {"khang", "k500", "k302", "refused", "good"}, 90, "all were tried")
        errors = {one["notifier"]: one["error"] or "" for one in self.log()}
        self.assertIn("it answers 500: no \\x1b[2J", errors["k500"])
        self.assertIn("redirects", errors["k302"])
        self.assertIn("timed out", errors["khang"].lower())
        self.assertIn("connect", errors["refused"])
        self.assertEqual(self.web.at("/elsewhere"), [])
        failed = self.mko("notify", "test", "k302", code=1)
        self.assertIn("redirects", failed.stderr)

    def test_what_was_not_sent_is_sent_after_a_kill(self):
        self.web.answer["/hook"] = 500
        self.add("hook", "webhook", "--url", self.web.url + "/hook")
        self.watch()
        wait_until(lambda: self.web.at("/hook"), 90, "it was tried")
        self.mko.kill_daemon(signal.SIGKILL)
        self.web.answer["/hook"] = 200
        before = len(self.web.got)
        self.mko.start_daemon()
        wait_until(lambda: len(self.web.at("/hook")) > before, 90, "it is told after the start")
        wait_until(lambda: [one["state"] for one in self.log()] == ["sent"], 10, "the log")

    def test_a_stop_does_not_wait_for_who_hangs(self):
        self.web.answer["/hang"] = "hang"
        self.add("hang", "webhook", "--url", self.web.url + "/hang")
        self.watch()
        wait_until(lambda: self.web.at("/hang"), 90, "it is being told")
        with clock(5):
            self.mko.kill_daemon(signal.SIGTERM)

    def test_a_password_goes_over_an_encrypted_line_only(self):
        self.add("mail", "mail", "--url", f"smtp://127.0.0.1:{self.mail.port}", "--from", "a@x.example", "--to", "b@x.example", "--username", "u",
                 "--secret-stdin", text="p\n")
        failed = self.mko("notify", "test", "mail", code=1)
        self.assertRegex(failed.stderr, "(?i)ssl|tls")

    def test_wrong_usage(self):
        for args in (("webhook",), ("ntfy", "--url", "https://ntfy.sh"), ("mail", "--url", "https://x"), ("telegram", "--to", "1"), ("webhook", "--url", "ftp://x"),
                     ("webhook", "--url", "https://u:p@x/")):
            done = self.add("x", *args, code=2)
            self.assertIn("x", done.stderr)
        self.mko("notify", "test", "nobody", code=3)
        self.mko("notify", "again", "9", code=3)


if __name__ == "__main__":
    unittest.main()
