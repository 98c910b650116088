"""Events of a running operation at a high pace: each is stored and streamed once, in order. `./dev bench events` does the same for a
minute and measures how late they are."""
import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import fake_playbook  # noqa: E402
from api_support import ServerCase, wait_until  # noqa: E402

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV"
HOSTS, RATE, SECONDS = 20, 5000, 2


class EventRate(ServerCase):
    def setUp(self):
        super().setUp()
        self.mko.kill_daemon()
        self.playbook = os.path.join(self.mko.folder, "playbook")
        fake_playbook.write(self.playbook, RATE, SECONDS)
        self.mko.env["MKO_CONFIG"] = os.path.join(self.mko.folder, "mko.yaml")
        with open(self.mko.env["MKO_CONFIG"], "w", encoding="utf-8") as out:
            out.write(f"ansible:\n  playbook: {self.playbook}\n")
        self.mko.start_daemon()

    def test_thousands_of_events_a_second_are_stored_and_streamed_once_each(self):
        for n in range(1, HOSTS + 1):
            self.add_node(n)
        self.mko.sql("update nodes set host_key = ?", HOST_KEY)
        answer = self.http("POST", "/api/nodes/actions/status", {"nodes": [f"n{n}" for n in range(1, HOSTS + 1)]})
        self.assertEqual(answer.status, 202, answer.body)
        number = answer.json["operation"]["id"]
        path = os.path.join(self.mko.data, "operations", str(number), "events.jsonl")
        wait_until(lambda: os.path.exists(path), 60, "the run begins")
        stream = self.stream(f"/api/operations/{number}/events?follow=true&limit=1")
        stream.connection.sock.settimeout(120)
        seen = [int(seq) for seq in re.findall(rb'^\{"seq":(\d+)', stream.response.read(), re.M)]
        stream.close()
        total = RATE * SECONDS + 5  # and run_start, playbook_start, task_start, stats, run_end
        self.assertEqual(seen, list(range(1, total + 1)))
        with open(path, encoding="utf-8") as source:
            self.assertEqual([json.loads(line)["seq"] for line in source], seen)
        operation = self.http("GET", f"/api/operations/{number}").json
        self.assertEqual(operation["status"], "succeeded")
        self.assertEqual(self.mko.sql("select event_seq from operations where id = ?", number), [(total,)])


if __name__ == "__main__":
    unittest.main()
