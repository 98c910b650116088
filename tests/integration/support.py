"""What the black-box tests share: a lab of their own, a data directory of their own, and the program as a person runs it."""
import contextlib
import glob
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MKO = os.environ.get("MKO_BIN", os.path.join(ROOT, "build/mko"))
LAB_PY = ["/usr/bin/python3", os.path.join(ROOT, "lab/lab.py")]


def wait_until(check, seconds, what):
    """Ask until the answer is true; the test fails with `what` after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = check()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Lab:
    """Nodes of our own; down() leaves nothing behind."""

    def __init__(self, name, nodes, *options):
        self.name = name
        self.run("up", "--nodes", str(nodes), *options)
        with open(os.path.join(ROOT, "build", f"lab-{name}", "lab.json"), encoding="utf-8") as source:
            self.nodes = json.load(source)["nodes"]

    def run(self, *args, check=True):
        done = subprocess.run([*LAB_PY, "--lab", self.name, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"lab {' '.join(args)}: exit {done.returncode}\n{done.stderr}")
        return done

    def sh(self, node, *command, check=True):
        """Output of a command as root in a node."""
        return self.run("exec", node, "--", *command, check=check).stdout

    def fault(self, node, name, *args):
        self.run("fault", node, name, *args)

    def clear(self, node, name):
        self.run("fault", node, name, "--clear")

    def tell(self):
        """Print what a failure may come from: who is on, who was woken, the ends of the consoles."""
        print(self.run("list", check=False).stdout)
        run = os.path.join(ROOT, "build", f"lab-{self.name}")
        for path in sorted(glob.glob(f"{run}/run/wakes.*") + glob.glob(f"{run}/**/console.log", recursive=True)):
            with open(path, encoding="utf-8", errors="replace") as source:
                print(f"--- {os.path.relpath(path, run)}", *source.read().splitlines()[-8:], sep="\n", flush=True)

    def down(self):
        self.run("down", check=False)


class Mko:
    """The program with a data directory of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mko-it-")
        self.data = os.path.join(self.folder, "data")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("MKO_")}
        self.env["MKO_DATA_DIR"] = self.data
        self.daemon = None

    def __call__(self, *args, code=0, text=None, timeout=300):
        """Run `mko ARGS`, expect this exit code, return the finished process."""
        done = subprocess.run([MKO, *args], env=self.env, capture_output=True, text=True, timeout=timeout,
                              **({"input": text} if text is not None else {"stdin": subprocess.DEVNULL}))
        if code is not None and done.returncode != code:
            raise AssertionError(f"mko {' '.join(args)}: exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *args, **more):
        return json.loads(self(*args, "-o", "json", **more).stdout)

    def items(self, *args):
        answer = self.json(*args)
        return answer["items"] if isinstance(answer, dict) else answer

    def operation(self, number):
        return self.json("operation", "show", str(number))

    def last_operation(self):
        return max(self.items("operation", "list"), key=lambda op: op["id"])

    def events(self, number):
        """The event file of an operation, as it lies on the disk."""
        with open(os.path.join(self.data, "operations", str(number), "events.jsonl"), encoding="utf-8") as source:
            return [json.loads(line) for line in source]

    def sql(self, statement, *values):
        """Look into, or meddle with, the database behind the program's back."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "mko.db"), timeout=10)) as db, db:
            return db.execute(statement, values).fetchall()

    def runner_pid(self, number):
        with open(os.path.join(self.data, "operations", str(number), "runner.json"), encoding="utf-8") as source:
            return json.load(source)["pid"]

    def spawn(self, *args):
        return subprocess.Popen([MKO, *args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def until_task(self, running, kind, task):
        """Wait until the command `running` (of spawn) is at this task of its operation of type `kind`."""
        def there():
            if running.poll() is not None:
                raise AssertionError(f"ended with {running.returncode} before the task \"{task}\"\n{''.join(running.communicate())}")
            op = self.last_operation()
            if op["type"] != kind or not os.path.exists(os.path.join(self.data, "operations", str(op["id"]), "events.jsonl")):
                return False
            return any(event.get("task") == task for event in self.events(op["id"]))
        wait_until(there, 300, f"{kind} is at the task \"{task}\"")

    def start_daemon(self, *args):
        log = open(os.path.join(self.folder, "web.log"), "a", encoding="utf-8")
        self.daemon = subprocess.Popen([MKO, "web", "--listen", "127.0.0.1:0", *args], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        socket = os.path.join(self.data, "mko.sock")
        curl = ["curl", "-s", "-f", "-o", "/dev/null", "--unix-socket", socket, "http://localhost/api/health"]
        wait_until(lambda: os.path.exists(socket) and subprocess.run(curl).returncode == 0, 20, "the server answers")

    def kill_daemon(self, how=signal.SIGKILL):
        self.daemon.send_signal(how)
        self.daemon.wait(20)
        self.daemon = None

    def add_nodes(self, lab, cluster=None, hosts=None):
        for node in lab.nodes:
            if hosts is not None and node["hostname"] not in hosts:
                continue
            self.add_node(node, cluster)

    def add_node(self, node, cluster=None, code=0, **change):
        node = {**node, **change}
        where = ["--cluster-id", cluster] if cluster else []
        return self("node", "add", "--hostname", node["hostname"], "--ip", node["ip"], "--port", str(node["port"]), "--user", node["user"],
                    "--key-path", node["key_path"], *where, code=code)

    def done(self):
        if self.daemon:
            self.kill_daemon()
        shutil.rmtree(self.folder, ignore_errors=True)


class LabCase(unittest.TestCase):
    """Tests that share one lab (`lab_nodes` nodes, options `lab_options`); each gets a data directory of its own."""
    lab_nodes = 1
    lab_options = ()

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("a lab needs root")
        cls.lab = Lab(f"it-{cls.__name__.lower()}", cls.lab_nodes, *cls.lab_options)
        cls.addClassCleanup(cls.lab.down)

    def setUp(self):
        self.mko = Mko()
        self.addCleanup(self.mko.done)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result is not None else 0
        super().run(result)
        if result is not None and len(result.failures) + len(result.errors) > before:
            self.lab.tell()
        return result

    def assert_no_trace(self, *secrets):
        """Nothing is left half-done: no lock, no running operation, no secret in any file but the sealed database."""
        for op in self.mko.items("operation", "list"):
            self.assertIn(op["status"], ("succeeded", "partial", "failed", "cancelled", "timed_out", "interrupted"))
        self.assertEqual(self.mko.sql("select count(*) from operation_locks"), [(0,)])
        for secret in secrets:
            found = subprocess.run(["grep", "-rlF", secret, self.mko.data], capture_output=True, text=True).stdout
            self.assertEqual(found, "", f"a secret lies in {found}")

    def assert_three_lines(self, done):
        """An error says what failed, why, and what to type next."""
        self.assertRegex(done.stderr, r"(?m)^mko: ")
        self.assertRegex(done.stderr, r"(?m)^  try: ")


@contextlib.contextmanager
def clock(limit_s):
    """The block must end within so many seconds (a promise of the product, not a benchmark)."""
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    if took > limit_s:
        raise AssertionError(f"took {took:.1f} s, promised {limit_s} s")


if __name__ == "__main__":
    sys.exit("not a test")
