#!/usr/bin/env python3
"""./dev bench: measures what the project promises to be fast. Prints numbers and whether each promise holds.

Not part of the tests: times depend on the machine. Ratios are measured in one run on the same nodes.

    bench.py [store] [list] [status] [join] [health] [parse] [hardware] [api] [start] [events] [--nodes N] [--rows N]
"""
import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import bench_api

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MKO = os.environ.get("MKO_BIN", os.path.join(ROOT, "build/mko"))


# A process inherits the peak memory of the one that started it, so a bare Python starts mko, not this one with its modules.
WATCH = """
import posix, sys, time
began = time.monotonic()
child = posix.posix_spawn(sys.argv[1], sys.argv[1:], posix.environ)
_, status, used = posix.wait4(child, 0)
print(status, time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Data:
    """A data directory of its own, with a running server when asked for."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mko-bench-")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("MKO_")}
        self.env["MKO_DATA_DIR"] = os.path.join(self.folder, "data")
        self.server = self.url = None
        self.mko("init")

    def mko(self, *args, check=True):
        done = subprocess.run([MKO, *args], env=self.env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            sys.exit(f"mko {' '.join(args)}: exit {done.returncode}\n{done.stderr}")
        return done

    def start(self):
        self.server = subprocess.Popen([MKO, "web", "--listen", "127.0.0.1:0"], env=self.env, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(self.env["MKO_DATA_DIR"], "mko.sock")
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                connection = UnixConnection(path)
                connection.request("GET", "/api/health")
                connection.getresponse().read()
                return connection
            except OSError:
                time.sleep(0.05)
        sys.exit("mko web did not come up")

    def serve(self):
        """Start on a free port, as fast as it goes, until /api/health answers 200; the address is in `url`."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "%s:%d" % free.getsockname()
        self.server = subprocess.Popen([MKO, "web", "--listen", address], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.url = f"http://{address}"
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                connection = http.client.HTTPConnection(address, timeout=10)
                connection.request("GET", "/api/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.001)
        sys.exit("mko web did not come up")

    def ask(self, method, path, body=None):
        """Ask the running server over its own socket; the text of a good answer."""
        connection = UnixConnection(os.path.join(self.env["MKO_DATA_DIR"], "mko.sock"))
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {text[:300]!r}")
        return text

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait(10)
            self.server = None

    def measured(self, *args):
        """Runs mko; returns (wall s, CPU s of it and its children, peak memory in bytes)."""
        with open(os.path.join(self.folder, "out"), "wb") as out:
            done = subprocess.run([sys.executable, "-I", "-S", "-c", WATCH, MKO, *args], env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=subprocess.PIPE, text=True)
        status, wall, cpu, memory = done.stderr.splitlines()[-1].split()
        if status != "0":
            sys.exit(f"mko {' '.join(args)}: exit {status}\n{done.stderr}")
        return float(wall), float(cpu), int(memory) * 1024

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Report:
    def __init__(self):
        self.broken = 0

    def line(self, name, text, holds=None, promise=""):
        mark = {None: "    ", True: "pass", False: "FAIL"}[holds]
        self.broken += holds is False
        print(f"{mark}  {name:32} {text}" + (f"  (promised: {promise})" if promise else ""), flush=True)


def create(connection, path, fields):
    connection.request("POST", path, json.dumps(fields), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 201:
        sys.exit(f"POST {path}: {answer.status} {text[:300]!r}")


def bench_list(report, args):
    """`mko node list` with many rows, without and with a server."""
    data = Data()
    try:
        connection = data.start()
        for i in range(10):
            create(connection, "/api/clusters", {"name": f"cluster-{i}"})
        for i in range(args.rows):
            create(connection, "/api/nodes", {"hostname": f"node-{i:04}", "ip_address": f"10.{i >> 8 & 255}.{i & 255}.7",
                                              "ssh_user": "ubuntu", "cluster_id": f"cluster-{i % 10}"})
        for name, serve in (("with a server", True), ("in process", False)):
            if not serve:
                data.stop()
            runs = [data.measured("node", "list", "--limit", str(args.rows)) for _ in range(5)]
            wall, cpu, memory = (sorted(column)[2] for column in zip(*runs))
            with open(os.path.join(data.folder, "out"), encoding="utf-8") as out:
                shown = sum(1 for _ in out) - 1
            if shown < args.rows:
                report.line(f"node list, {name}", f"shows {shown} of {args.rows} rows", False)
            report.line(f"node list of {args.rows}, {name}", f"CPU {cpu * 1000:.0f} ms, {memory / 1e6:.1f} MB, {wall * 1000:.0f} ms",
                        cpu <= 0.020 and memory <= 20e6, "20 ms of CPU, 20 MB")
    finally:
        data.close()


def plain_ssh(nodes):
    """The same nodes asked by plain ssh, all at once: what no orchestrator can beat."""
    def ask(node):
        return subprocess.run(
            ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
             "-o", "LogLevel=ERROR", "-i", node["key_path"], "-p", str(node["port"]), f"{node['user']}@{node['ip']}",
             "sudo -n true; uname -r; cat /etc/os-release; df -B1 /; free -b; ls /snap 2>/dev/null"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        codes = list(pool.map(ask, nodes))
    if any(code not in (0, 1, 2) for code in codes):
        sys.exit(f"plain ssh failed: {sorted(set(codes))}")
    return time.monotonic() - started


@contextlib.contextmanager
def lab_nodes(*options):
    """The nodes of a lab of its own, as its description lists them."""
    lab, env = [os.path.join(ROOT, "dev"), "lab"], {**os.environ, "MKO_LAB": "bench"}
    subprocess.run([*lab, "up", *options], env=env, check=True, stdout=subprocess.DEVNULL)
    try:
        with open(os.path.join(ROOT, "build/lab-bench/lab.json"), encoding="utf-8") as source:
            yield json.load(source)["nodes"]
    finally:
        subprocess.run([*lab, "down"], env=env, stdout=subprocess.DEVNULL)


def add_node(data, node, *where):
    data.mko("node", "add", "--hostname", node["hostname"], "--ip", node["ip"], "--user", node["user"], "--port", str(node["port"]),
             "--key-path", node["key_path"], "--yes", *where)


def bench_status(report, args):
    """`mko node status --all` on nodes that have only SSH, against plain parallel ssh."""
    with contextlib.closing(Data()) as data, lab_nodes("--nodes", str(args.nodes), "--bare") as nodes:
        for node in nodes:
            add_node(data, node)
        ssh = min(plain_ssh(nodes) for _ in range(2))
        wall, cpu, _ = data.measured("node", "status", "--all")
        runs = json.loads(data.mko("operation", "list", "-o", "json").stdout)
        runs = runs["items"] if isinstance(runs, dict) else runs
        status = [r for r in runs if r["type"] == "node.status"]
        report.line(f"node status --all, {len(nodes)} nodes", f"{wall:.1f} s, CPU {cpu:.1f} s, {len(status)} run of Ansible", len(status) == 1, "1 run")
        report.line("plain parallel ssh, same nodes", f"{ssh:.1f} s")
        report.line("ratio", f"{wall / ssh:.1f}")


def bench_join(report, _args):
    """What joining one node costs in host-tasks (tasks times hosts that a run of Ansible works off), in a small and in a large cluster."""
    def join(*names):
        started = time.monotonic()
        data.mko("cluster", "join", "prod", *names)
        wall = time.monotonic() - started
        newest = json.loads(data.ask("GET", "/api/operations?type=cluster.join&sort=-id&limit=1"))["items"][0]["id"]
        return wall, sum(host["ok"] + host["skipped"] for host in json.loads(data.ask("GET", f"/api/operations/{newest}"))["hosts"])

    with contextlib.closing(Data()) as data, lab_nodes("--nodes", "10") as nodes:
        data.start()
        data.mko("cluster", "add", "--name", "prod", "--ha")
        for node in nodes:
            add_node(data, node, *(("--cluster-id", "prod") if node in nodes[:3] else ()))
        data.mko("cluster", "setup", "prod")
        names = [node["hostname"] for node in nodes]
        fourth = join(names[3])
        join(*names[4:9])
        tenth = join(names[9])
        report.line("joining the 4th node", f"{fourth[1]} host-tasks, {fourth[0]:.1f} s")
        report.line("joining the 10th node", f"{tenth[1]} host-tasks, {tenth[0]:.1f} s", tenth[1] == fourth[1], "as the 4th")


def bench_store(report, _args):
    """The store against the bare SQLite statements: tests/bench/bench_store.c prints times and ratios itself."""
    build = os.path.join(ROOT, "build")
    subprocess.run(["ninja", "-C", build, "tests/bench/bench_store"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([os.path.join(build, "tests/bench/bench_store")], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench_store: exit {done.returncode}\n{done.stderr}")
    for line in done.stdout.splitlines():
        report.line(line[:30].rstrip(), line[30:].strip())


def run_program(name, *args):
    """Build and run a measuring program; the words of its lines."""
    build = os.path.join(ROOT, "build")
    subprocess.run(["ninja", "-C", build, f"tests/bench/{name}"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([os.path.join(build, "tests/bench", name), *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{name}: exit {done.returncode}\n{done.stderr}")
    return [line.split() for line in done.stdout.splitlines()]


def bench_health(report, _args):
    """Rounds of health checks of endpoints on loopback, half of them TLS; 10,000 each 10 s on one core with at most 150 MB."""
    costs = []
    for line in run_program("bench_health", "100", "1000", "10000"):
        endpoints, answered, cpu, wall, cost, memory = int(line[0]), int(line[1]), float(line[2]), float(line[3]), float(line[4]), int(line[5]) * 1024
        costs.append(cost)
        report.line(f"health round, {endpoints} endpoints", f"CPU {cpu:.2f} s, {wall:.2f} s, {cost:.0f} us each, {memory / 1e6:.0f} MB",
                    answered == endpoints and cpu <= 10 * endpoints / 10000 and memory <= 150e6, "10,000 in 10 s of one core, 150 MB, all answer")
    report.line("cost of an endpoint, 10,000 / 100", f"{costs[-1] / costs[0]:.2f}", costs[-1] <= 1.3 * costs[0], "flat")


def bench_parse(report, _args):
    """Parsers of hardware reports; where a section is JSON the library alone is the reference."""
    for section, speed, library in run_program("bench_parse"):
        reference = f", the JSON library alone {library} MB/s, ratio {float(speed) / float(library):.2f}" if library != "0" else ""
        ours = float(speed) >= 100 if library == "0" else None
        report.line(f"parser of {section}", f"{speed} MB/s{reference}", ours, "100 MB/s" if library == "0" else "")


def ssh_script(nodes, script):
    """The collector on all nodes at once by plain ssh."""
    def ask(node):
        return subprocess.run(
            ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
             "-o", "LogLevel=ERROR", "-i", node["key_path"], "-p", str(node["port"]), f"{node['user']}@{node['ip']}", "sudo -n sh -s"],
            input=script, stdout=subprocess.DEVNULL, text=True).returncode

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        codes = list(pool.map(ask, nodes))
    if any(codes):
        sys.exit(f"plain ssh failed: {sorted(set(codes))}")
    return time.monotonic() - started


def ansible_start():
    """ansible-playbook with a playbook that does nothing: what it costs to start it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "empty.yml")
        with open(path, "w", encoding="utf-8") as playbook:
            playbook.write("- hosts: localhost\n  gather_facts: false\n  tasks: []\n")
        started = time.monotonic()
        subprocess.run(["ansible-playbook", "-i", "localhost,", path], check=True, capture_output=True)
        return time.monotonic() - started


def bench_hardware(report, args):
    """`mko hardware collect` of many nodes against the same script by plain parallel ssh, and of one against the start of ansible-playbook."""
    with open(os.path.join(ROOT, "ansible/ansible_collections/mko/microk8s/roles/node_hardware/files/collect.sh"), encoding="utf-8") as source:
        script = source.read()
    with contextlib.closing(Data()) as data, lab_nodes("--nodes", str(args.nodes), "--bare") as nodes:
        for node in nodes:
            add_node(data, node)
        data.mko("node", "status", "--all")  # host keys are known
        ours, ssh, one, start = [], [], [], []
        for _ in range(3):
            ours.append(data.measured("hardware", "collect", "--all")[0])
            ssh.append(ssh_script(nodes, script))
            one.append(data.measured("hardware", "collect", nodes[0]["hostname"])[0])
            start.append(ansible_start())
        ours, ssh, one, start = (sorted(times)[1] for times in (ours, ssh, one, start))
        report.line(f"hardware of {len(nodes)} nodes", f"{ours:.1f} s; plain parallel ssh {ssh:.1f} s; ratio {ours / ssh:.2f}", ours <= 3 * ssh, "ratio 3")
        report.line("hardware of 1 node", f"{one:.2f} s; ansible-playbook starts in {start:.2f} s", one <= start + 1, "start + 1 s")


BENCHES = {
    "store": bench_store,
    "list": bench_list,
    "status": bench_status,
    "join": bench_join,
    "health": bench_health,
    "parse": bench_parse,
    "hardware": bench_hardware,
    "api": lambda report, _args: bench_api.bench_api(report, Data),
    "start": lambda report, _args: bench_api.bench_start(report, Data),
    "events": lambda report, _args: bench_api.bench_events(report, Data),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--rows", type=int, default=1000)
    args = parser.parse_args()
    for name in args.names:
        if name not in BENCHES:
            parser.error(f"no such bench: {name}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bench_api.raise_limits()
    report = Report()
    for name in args.names or BENCHES:
        BENCHES[name](report, args)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
