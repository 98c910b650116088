#!/usr/bin/env python3
"""Stands for ansible-playbook: writes events of its hosts at a steady pace into the pipe that mko gives, then the statistics.

It touches no host. Each event has the time when it was written (`sent_ns`, CLOCK_MONOTONIC), so that a reader can tell how
long it was under way. `mko` calls it through the small script that `write()` makes.

    fake_playbook.py --rate EVENTS_A_SECOND --seconds SECONDS [what ansible-playbook gets: ignored, but -i FILE]
"""
import argparse
import itertools
import json
import os
import sys
import time

TICK_S = 0.01


def write(path, rate, seconds):
    """Make the program `path` that runs this one with these numbers; for the setting ansible.playbook."""
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'#!/bin/sh\nexec {sys.executable} {os.path.abspath(__file__)} --rate {rate} --seconds {seconds} "$@"\n')
    os.chmod(path, 0o755)


def hosts_of(inventory):
    """Names of all hosts of an inventory in JSON."""
    found = {}

    def walk(group):
        found.update(dict.fromkeys(group.get("hosts") or {}))
        for child in (group.get("children") or {}).values():
            walk(child or {})

    with open(inventory, encoding="utf-8") as source:
        for group in json.load(source).values():
            walk(group)
    return list(found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("-i", dest="inventory")
    args, _ = parser.parse_known_args()
    pipe = int(os.environ["MKO_EVENTS_FD"])
    hosts = hosts_of(args.inventory)
    total = int(args.rate * args.seconds)

    def send(*events):
        data = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events).encode()
        while data:
            data = data[os.write(pipe, data):]

    send({"event": "playbook_start", "playbook": "fake", "tasks_total": 1}, {"event": "task_start", "task": "work", "task_id": "1", "action": "fake"})
    turn = itertools.cycle(hosts)
    sent, begun = 0, time.monotonic()
    while sent < total:
        due = min(total, int((time.monotonic() - begun) * args.rate) + 1)
        send(*({"event": "host_task", "host": next(turn), "task": "work", "task_id": "1", "status": "ok", "duration_ms": 1,
                "sent_ns": time.monotonic_ns()} for _ in range(due - sent)))
        sent = due
        time.sleep(TICK_S)
    counts = {"ok": 1, "changed": 0, "failed": 0, "skipped": 0, "unreachable": 0, "rescued": 0, "ignored": 0}
    send({"event": "stats", "hosts": {host: counts for host in hosts}})


if __name__ == "__main__":
    main()
