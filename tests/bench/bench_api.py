"""The benches of the API: throughput and latency as ratios against a bare server, start, memory, streams, events.

Everything that is compared is measured in turn in the same run, several rounds, and the median of the rounds counts: the
machine may be busy with other things, and then both are.
"""
import collections
import contextlib
import http.client
import json
import os
import re
import resource
import select
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
import fake_playbook  # noqa: E402

ROWS = 10000
ROUNDS = 9
SECONDS = 1
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV"

CREATE_LUA = """
local made, threads = 0, 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function request()
  made = made + 1
  local round = tonumber(os.getenv("ROUND"))
  return wrk.format("POST", "/api/nodes", {["Authorization"] = os.getenv("BEARER"), ["Content-Type"] = "application/json"},
    string.format('{"hostname":"w%d-%d-%d","ip_address":"%d.%d.%d.%d","ssh_user":"ubuntu"}', round, id, made,
      100 + round * 2 + id, math.floor(made / 65536), math.floor(made / 256) % 256, made % 256))
end
function response(status) if status ~= 201 then refused = (refused or 0) + 1 end end
"""


Load = collections.namedtuple("Load", "rate p99_ms cpu_us")


def cpu_s(pid):
    """CPU seconds that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as source:
        fields = source.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(url, pid, bearer=None, script=None, round_number=0):
    """`wrk -t2 -c32` against the server `pid`; ends the bench when an answer was no success."""
    command = ["wrk", "-t2", "-c32", f"-d{SECONDS}s", "--latency", url]
    if script:
        command += ["-s", script]
    elif bearer:
        command += ["-H", f"Authorization: {bearer}"]
    env = {**os.environ, "BEARER": bearer or "", "ROUND": str(round_number)}
    before = cpu_s(pid)
    text = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    used = cpu_s(pid) - before
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"{' '.join(command)}:\n{text}")

    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text).groups()
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit],
                used * 1e6 / int(re.search(r"(\d+) requests in", text).group(1)))


def fill(data, nodes, operations):
    """Nodes like the one that the product made, and finished operations, straight into the database."""
    data.mko("node", "add", "--hostname", "seed", "--ip", "10.250.0.1", "--user", "ubuntu", "--yes", check=False)
    data.mko("cluster", "add", "--name", "prod")
    with contextlib.closing(sqlite3.connect(os.path.join(data.env["MKO_DATA_DIR"], "mko.db"))) as db, db:
        db.row_factory = sqlite3.Row

        def copies(table, n, change):
            row = dict(db.execute(f"select * from {table} order by id limit 1").fetchone())
            for i in range(n):
                yield tuple({**row, "id": row["id"] + 100 + i, **change(i)}.values())

        def insert(table, n, change):
            rows = list(copies(table, n, change))
            if rows:
                db.executemany(f"insert into {table} values ({','.join('?' * len(rows[0]))})", rows)

        cluster = db.execute("select id from clusters").fetchone()[0]
        insert("nodes", nodes, lambda i: {
            "hostname": f"node-{i:06}", "ip_address": f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", "cluster_id": cluster if i % 2 else None,
            "os_version": "Ubuntu 24.04.1 LTS", "kernel_version": "6.8.0-45-generic", "cpu_cores": 8, "memory_bytes": 16 << 30,
            "architecture": "x86_64", "host_key": HOST_KEY})
        db.execute("update operations set status = (select max(status) from operations)")
        insert("operations", operations, lambda i: {})


def token(data):
    return "Bearer " + json.loads(data.mko("token", "create", "bench", "--role", "admin", "-o", "json").stdout)["token"]


@contextlib.contextmanager
def bare_server(data):
    build = os.path.join(ROOT, "build")
    subprocess.run(["ninja", "-C", build, "tests/bench/bench_bare"], check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen([os.path.join(build, "tests/bench/bench_bare"), os.path.join(data.env["MKO_DATA_DIR"], "mko.db")],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        yield f"http://127.0.0.1:{int(bare.stdout.readline())}", bare.pid
        bare.stdin.close()


def spread(values):
    """The median and the range of the rounds."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def versus(report, name, ours, bare, least, p99_ms):
    """Both in turn, `ROUNDS` times."""
    rows = [(ours(), bare()) for _ in range(ROUNDS)]
    ratios = [a.rate / b.rate for a, b in rows]
    p99 = statistics.median(a.p99_ms for a, _ in rows)
    report.line(name, f"{median(a.rate for a, _ in rows)}/s, p99 {p99:.1f} ms, {median(a.cpu_us for a, _ in rows)} us of CPU; "
                f"bare {median(b.rate for _, b in rows)}/s, {median(b.cpu_us for _, b in rows)} us; ratio {spread(ratios)}",
                statistics.median(ratios) >= least and p99 <= p99_ms, f"{least:.2f} of bare, p99 {p99_ms} ms")


def median(values):
    return f"{statistics.median(values):.0f}"


def reads(report, data, bearer, bare, bare_pid):
    last = json.loads(data.ask("GET", "/api/nodes?limit=1&sort=-id"))["items"][0]["id"]
    for name, path, least in (("GET /api/nodes/{id}", f"/api/nodes/{last}", 0.6), ("GET /api/nodes?limit=100", "/api/nodes?limit=100", 0.4)):
        versus(report, name, lambda: wrk(data.url + path, data.server.pid, bearer), lambda: wrk(bare + path, bare_pid), least, 50)


def growth(report, Data, bearer_of, large, large_bearer):
    """A page of a table of 10,000 rows against one of a table of 200 rows, at the beginning and far inside."""
    small = Data()
    try:
        fill(small, 200, 0)
        bearer = bearer_of(small)
        small.serve()
        page = "/api/nodes?limit=100"
        inside = page
        for _ in range(50):
            inside = page + "&cursor=" + json.loads(large.ask("GET", inside))["next_cursor"]
        for name, path in (("page 1", page), ("page 51", inside)):
            rows = [(wrk(large.url + path, large.server.pid, large_bearer), wrk(small.url + page, small.server.pid, bearer)) for _ in range(ROUNDS)]
            ratios = [a.cpu_us / b.cpu_us for a, b in rows]
            report.line(f"{name} of {ROWS} / of 200 nodes", f"CPU ratio {spread(ratios)}", statistics.median(ratios) <= 1.15, "no growth: 1.15")
    finally:
        small.close()


def creation(report, data, bearer):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(CREATE_LUA)
        script.flush()
        rows = [wrk(data.url, data.server.pid, bearer, script.name, i) for i in range(ROUNDS)]
    rates = [row.rate for row in rows]
    report.line("POST /api/nodes, durable", f"{spread(rates)} a second, p99 {median(row.p99_ms for row in rows)} ms, "
                f"{median(row.cpu_us for row in rows)} us of CPU", statistics.median(rates) >= 2000, "2000/s")


def bench_api(report, Data):
    data = Data()
    try:
        fill(data, ROWS, 0)
        bearer = token(data)
        data.serve()
        with bare_server(data) as (bare, bare_pid):
            reads(report, data, bearer, bare, bare_pid)
        growth(report, Data, token, data, bearer)
        creation(report, data, bearer)
    finally:
        data.close()


def memory_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as source:
        return int(re.search(r"VmRSS:\s+(\d+) kB", source.read()).group(1)) * 1024 / 1e6


def open_streams(data, bearer, n):
    """n open event streams, each with its answer begun."""
    host, port = data.url[len("http://"):].split(":")
    streams = []
    for _ in range(n):
        s = socket.create_connection((host, int(port)))
        s.sendall(f"GET /api/events HTTP/1.1\r\nHost: bench\r\nAuthorization: {bearer}\r\n\r\n".encode())
        streams.append(s)
    for s in streams:
        if not s.recv(12).startswith(b"HTTP/1.1 200"):
            sys.exit("a stream was refused")
    return streams


def bench_start(report, Data):
    """Start, memory and streams with 10,000 nodes and 10,000 operations."""
    data = Data()
    try:
        data.mko("node", "add", "--hostname", "seed", "--ip", "127.0.0.1", "--port", "1", "--user", "ubuntu", "--yes", check=False)
        data.mko("node", "test", "seed", check=False)  # the operation to copy
        fill(data, ROWS, ROWS)
        bearer = token(data)
        starts = []
        for _ in range(7):
            begun = time.monotonic()
            data.serve()
            starts.append((time.monotonic() - begun) * 1000)
            data.stop()
        report.line("start to the first 200", f"{statistics.median(starts):.0f} ms ({min(starts):.0f} to {max(starts):.0f})",
                    statistics.median(starts) <= 100, "100 ms")
        data.serve()
        time.sleep(2)
        idle = memory_mb(data.server.pid)
        report.line("memory when idle", f"{idle:.1f} MB", idle <= 20, "20 MB")
        streams = open_streams(data, bearer, 1000)
        more = memory_mb(data.server.pid) - idle
        report.line("memory of 1000 streams", f"{more:.1f} MB", more <= 20, "20 MB")
        for s in streams:
            s.close()
    finally:
        data.close()


class Follower:
    """Reads the live events of an operation: how many, in which order, and how long each was under way."""

    def __init__(self, data, bearer, operation):
        self.connection = http.client.HTTPConnection(data.url[len("http://"):], timeout=120)
        self.connection.request("GET", f"/api/operations/{operation}/events?follow=true&limit=1", headers={"Authorization": bearer})
        self.response = self.connection.getresponse()
        self.late_ms, self.seqs = [], []

    def follow(self):
        rest = b""
        while chunk := self.response.read1(1 << 16):
            now = time.monotonic_ns()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if not line:
                    continue
                self.seqs.append(int(re.search(rb'"seq":(\d+)', line).group(1)))
                sent = re.search(rb'"sent_ns":(\d+)', line)
                if sent:
                    self.late_ms.append((now - int(sent.group(1))) / 1e6)
        self.connection.close()


def run_events(data, bearer, hosts, rate, seconds):
    """One operation on `hosts` nodes whose playbook writes `rate` events a second; returns the follower and the operation."""
    fake_playbook.write(os.path.join(data.folder, "playbook"), rate, seconds)
    body = json.dumps({"nodes": [f"node-{i:06}" for i in range(hosts)]})
    answer = json.loads(data.ask("POST", "/api/nodes/actions/status", body))
    number = answer["operation"]["id"]
    path = os.path.join(data.env["MKO_DATA_DIR"], "operations", str(number), "events.jsonl")
    until = time.monotonic() + 30
    while not os.path.exists(path) and time.monotonic() < until:
        select.select([], [], [], 0.01)
    follower = Follower(data, bearer, number)
    follower.follow()
    with open(path, "rb") as source:
        stored = sum(1 for _ in source)
    return follower, json.loads(data.ask("GET", f"/api/operations/{number}")), stored


def bench_events(report, Data, seconds=60):
    data = Data()
    try:
        fill(data, 100, 0)
        bearer = token(data)
        config = os.path.join(data.folder, "mko.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(f"ansible:\n  playbook: {os.path.join(data.folder, 'playbook')}\n")
        data.env["MKO_CONFIG"] = config
        data.serve()
        for name, rate, duration, limit in (("100 hosts, 400 events/s", 400, 20, 250), (f"5000 events/s for {seconds} s", 5000, seconds, None)):
            follower, operation, stored = run_events(data, bearer, 100, rate, duration)
            total = int(rate * duration) + 5  # and run_start, playbook_start, task_start, stats, run_end
            whole = follower.seqs == list(range(1, total + 1)) and stored == total and operation["status"] == "succeeded"
            late = sorted(follower.late_ms)
            p50, p99 = (late[int(len(late) * q)] if late else 0 for q in (0.5, 0.99))
            report.line(name, f"{len(follower.seqs)} of {total} streamed, {stored} stored, operation {operation['status']}; "
                        f"line to stream p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {max(late, default=0):.0f} ms",
                        whole and (limit is None or p99 <= limit), "none lost" + (f", p99 {limit} ms" if limit else ""))
    finally:
        data.close()


def raise_limits():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
