"""Operations through the API while they run, with a playbook program of our own that writes events when it is told to."""
import concurrent.futures
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_support import ServerCase, wait_until  # noqa: E402

# Writes one event for each line that comes through the pipe named GATE, with the time of writing in it.
FAKE = """#!/usr/bin/env python3
import json, os, sys, time
out = os.fdopen(int(os.environ["MKO_EVENTS_FD"]), "w", buffering=1)
def event(**kw):
    out.write(json.dumps(kw) + "\\n")
event(event="playbook_start", playbook="node_status", tasks_total=1)
event(event="play_start", play="x", hosts=["n1"])
with open({gate!r}) as gate:
    for line in gate:
        for i in range(int(line)):
            event(event="host_task", host="n1", task="t", task_id="u", status="ok", duration_ms=1, message=str(time.time()))
        print("told", line, end="", flush=True)
event(event="data", host="n1", data={{"microk8s_status": "not_installed"}})
event(event="stats", hosts={{"n1": {{"ok": 1, "changed": 0, "failed": 0, "skipped": 0, "unreachable": 0, "rescued": 0, "ignored": 0}}}})
"""


class FakePlaybookCase(ServerCase):
    def setUp(self):
        super().setUp()
        self.mko.kill_daemon()
        self.gate = os.path.join(self.mko.folder, "gate")
        os.mkfifo(self.gate)
        fake = os.path.join(self.mko.folder, "ansible-playbook")
        with open(fake, "w", encoding="utf-8") as program:
            program.write(FAKE.format(gate=self.gate))
        os.chmod(fake, 0o755)
        config = os.path.join(self.mko.folder, "mko.yaml")
        with open(config, "w", encoding="utf-8") as text:
            text.write(f"ansible:\n  playbook: {fake}\n")
        self.mko.env["MKO_CONFIG"] = config
        self.mko.start_daemon()
        self.add_node(1)
        self.host_key()

    def host_key(self):
        """Give the node a host key without a host: the database is ours while no server runs."""
        import sqlite3
        self.mko.kill_daemon()
        store = sqlite3.connect(os.path.join(self.mko.data, "mko.db"))
        store.execute("update nodes set host_key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV'")
        store.commit()
        store.close()
        self.mko.start_daemon()

    def start(self):
        return self.http("POST", "/api/nodes/n1/status").json["operation"]["id"]

    def status(self, number):
        return self.http("GET", f"/api/operations/{number}").json["status"]


class Follow(FakePlaybookCase):
    def test_events_and_log_are_followed_to_the_end(self):
        number = self.start()
        events = self.stream(f"/api/operations/{number}/events?follow=true")
        log = self.stream(f"/api/operations/{number}/log?follow=true")
        with open(self.gate, "w", encoding="utf-8") as gate:
            for _ in range(5):
                print(3, file=gate, flush=True)
        lines = [json.loads(line) for line in events.response.read().decode().splitlines() if line]
        self.assertEqual([line["seq"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual((lines[0]["event"], lines[-1]["event"]), ("run_start", "run_end"))
        self.assertEqual(sum(line["event"] == "host_task" for line in lines), 15)
        self.assertEqual(log.response.read().decode().count("told 3"), 5)
        events.close()
        log.close()
        self.assertEqual(self.status(number), "succeeded")
        again = self.http("GET", f"/api/operations/{number}/events?after=4&limit=2")
        self.assertEqual([json.loads(line)["seq"] for line in again.body.decode().splitlines()], [5, 6])
        whole = self.stream(f"/api/operations/{number}/events?follow=true&after={len(lines) - 1}")
        self.assertEqual(json.loads(whole.response.read())["event"], "run_end")
        whole.close()

    def test_followers_are_told_that_their_token_has_ended(self):
        number = self.start()
        events = self.stream(f"/api/operations/{number}/events?follow=true")
        log = self.stream(f"/api/operations/{number}/log?follow=true")
        self.assertEqual(self.http("DELETE", "/api/tokens/viewer").status, 204)
        self.assertEqual(json.loads(events.response.read().decode().splitlines()[-1]), {"event": "end", "reason": "the token has ended"})
        self.assertTrue(log.response.read().decode().endswith("\nmko: the stream ends here: the token has ended\n"))
        events.close()
        log.close()
        self.assertEqual(self.http("POST", f"/api/operations/{number}/cancel").status, 202)

    def test_from_the_line_to_the_stream_in_a_quarter_of_a_second(self):
        number = self.start()
        late = []

        def follow():
            stream = self.stream(f"/api/operations/{number}/events?follow=true")
            while line := stream.line():
                event = json.loads(line) if line.strip() else {}
                if event.get("event") == "host_task":
                    late.append(time.time() - float(event["message"]))
            stream.close()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            followers = [pool.submit(follow) for _ in range(4)]
            with open(self.gate, "w", encoding="utf-8") as gate:
                for _ in range(50):
                    print(4, file=gate, flush=True)
                    time.sleep(0.02)  # a playbook's pace, not a wait
            for follower in followers:
                follower.result()
        self.assertEqual(len(late), 50 * 4 * 4)
        p99 = sorted(late)[int(len(late) * 0.99)]
        print(f"# event to stream: median {sorted(late)[len(late) // 2] * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms", file=sys.stderr)
        self.assertLess(p99, 0.25)

    def test_a_command_follows_its_operation_through_the_server(self):
        command = self.mko.spawn("node", "status", "n1")
        with open(self.gate, "w", encoding="utf-8") as gate:
            print(1, file=gate, flush=True)
        _, told = command.communicate(timeout=120)
        self.assertEqual(command.returncode, 0, told)
        number = str(self.mko.last_operation()["id"])
        self.assertIn("told 1", self.mko("operation", "logs", number).stdout)
        self.assertIn('"run_end"', self.mko("operation", "logs", number, "--events").stdout)

    def test_a_running_operation_survives_the_server(self):
        number = self.start()
        wait_until(lambda: self.status(number) == "running", 20, "it runs")
        self.mko.kill_daemon()
        self.mko.start_daemon()
        stream = self.stream(f"/api/operations/{number}/events?follow=true")
        with open(self.gate, "w", encoding="utf-8") as gate:
            print(1, file=gate, flush=True)
        self.assertIn("run_end", stream.response.read().decode())
        stream.close()
        self.assertEqual(wait_until(lambda: self.status(number) not in ("queued", "running") and self.status(number), 20, "it ends"), "succeeded")

    def test_cancel_and_retry(self):
        number = self.start()
        wait_until(lambda: self.status(number) == "running", 20, "it runs")
        self.assertEqual(self.http("POST", f"/api/operations/{number}/cancel", role="operator").status, 202)
        wait_until(lambda: self.status(number) == "cancelled", 30, "it is cancelled")
        self.problem(self.http("POST", f"/api/operations/{number}/cancel"), 409)
        answer = self.http("POST", f"/api/operations/{number}/retry")
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(answer.json["operation"]["retry_of"], number)
        self.http("POST", answer.headers["Location"] + "/cancel")


if __name__ == "__main__":
    unittest.main()
