#!/usr/bin/env python3
"""Run the test suites and count every single case: `suites.py BUILD_DIR [-v] [SUITE|ROOM|SUITE:PATTERN...]`.

C programs run under `meson test`, Python files under pyrun.py, both speak TAP. A program that crashed, ran out of
time, or ran fewer cases than it had planned counts as failed, and so does a suite that ran nothing. A report of a
sanitizer counts too, wherever it came from. The last line is `N passed, N failed` (`, N skipped`).
"""
import concurrent.futures
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ["base", "model", "power", "hardware", "loop", "store", "driver", "service", "api", "cli", "app"]
MESON_SUITES = ["unit", "store", "fuzz"]
PYTHON_SUITES = ["tools", "ansible", "lab", "integration"]
ROOT_SUITES = ["lab", "integration"]  # they make network namespaces
FILES_AT_ONCE = min(max(os.cpu_count() or 1, 2), 4)
FILE_TIMEOUT_S = 2700
CASE = re.compile(r"^(not ok|ok)\b\s*(\d+)?\s*-?\s*(.*)$")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def fail(self, name):
        self.failed += 1
        self.failures.append(name)

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def count_tap(text, program, ended_well):
    """Counts the cases in TAP output; ended_well = exit code and time were as they should be."""
    count = Count()
    plan = None
    seen = 0
    for line in text.splitlines():
        found = re.match(r"^1\.\.(\d+)", line)
        if found:
            plan = (plan or 0) + int(found.group(1))
            continue
        found = CASE.match(line)
        if not found or (found.group(2) is None and "SKIP" not in line.upper()):
            continue
        seen += 1
        name = f"{program}: {found.group(3)}"
        if re.match(r"^(not )?ok\b\s*\d*\s*-?\s*#\s*SKIP", line, re.I) or (found.group(1) == "ok" and re.search(r"#\s*SKIP", line, re.I)):
            count.skipped += 1  # cmocka says "not ok 3 # SKIP name"
        elif found.group(1) == "not ok":
            count.fail(name)
        else:
            count.passed += 1
    if plan is None:
        count.fail(f"{program}: printed no plan")
    elif seen < plan:
        count.fail(f"{program}: ended after {seen} of {plan} cases")
    elif seen == 0:
        count.fail(f"{program}: has no case")
    if not ended_well and count.failed == 0:
        count.fail(f"{program}: crashed, or ended with an error")
    return count


def show_block(text, limit=200):
    lines = text.rstrip().splitlines()
    for line in lines[-limit:]:
        print(f"    {line}")


class Runner:
    def __init__(self, build_dir, verbose):
        self.build_dir = build_dir
        self.verbose = verbose
        self.reports = os.path.join(build_dir, "sanitizer-reports")
        shutil.rmtree(self.reports, ignore_errors=True)
        os.makedirs(self.reports)
        self.env = self.environment()

    def environment(self):
        log = os.path.join(self.reports, "report")
        env = dict(os.environ)
        env.update(
            MKO_BIN=os.path.join(self.build_dir, "mko"),
            MKO_ROOT=ROOT,
            MKO_BUILD=os.path.join(ROOT, "build"),
            LC_ALL="C.UTF-8",
            PYTHONDONTWRITEBYTECODE="1",
            ASAN_OPTIONS=f"detect_leaks=1:detect_stack_use_after_return=1:log_path={log}",
            TSAN_OPTIONS=f"halt_on_error=1:log_path={log}",
            UBSAN_OPTIONS=f"print_stacktrace=1:halt_on_error=1:log_path={log}",
        )
        for name in ("MKO_CONFIG", "MKO_SERVER", "MKO_TOKEN", "MKO_DATA_DIR", "MKO_LAB"):
            env.pop(name, None)
        tmp = os.path.join(ROOT, "build", "tmp")
        if len(tmp) < 48:  # below it lie Unix sockets, whose paths end at 107 bytes
            os.makedirs(tmp, exist_ok=True)
            env["TMPDIR"] = tmp
        return env

    def compile(self, targets):
        command = ["ninja", "-C", self.build_dir, "--quiet", *targets]
        if os.environ.get("JOBS"):
            command += ["-j", os.environ["JOBS"]]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            show_block(done.stdout)
        return done.returncode == 0

    def reconfigure(self):
        """Lists may have changed; what is wrong with them is told."""
        done = subprocess.run(["ninja", "-C", self.build_dir, "build.ninja"], capture_output=True, text=True)
        if done.returncode != 0:
            show_block(done.stdout + done.stderr, 12)
        return done.returncode == 0

    def meson(self, suite, room=None):
        """suite unit, store or fuzz; room limits unit tests to those of one room."""
        wanted = [suite, room] if room else [suite]
        total = Count()
        if not self.reconfigure():
            total.fail(f"{suite}: meson does not configure")
            return total
        listed = subprocess.run(["meson", "introspect", "--tests", self.build_dir], capture_output=True, text=True)
        tests = []
        for test in json.loads(listed.stdout or "[]"):
            suites = [s.split(":")[-1] for s in test["suite"]]
            if all(w in suites for w in wanted) and (suite != "store" or "unit" not in suites):
                tests.append(test)
        if not tests:
            return total
        if not self.compile([os.path.relpath(t["cmd"][0], self.build_dir) for t in tests]):
            total.fail(f"{suite}: does not compile")
            return total
        wrap = os.environ.get("MKO_TEST_WRAP")
        log = os.path.join(self.build_dir, "meson-logs", f"testlog-{wrap.split()[0]}.json" if wrap else "testlog.json")
        if os.path.exists(log):
            os.unlink(log)
        names = [t["name"] for t in tests]
        slower = ["--wrap", wrap, "-t", "10"] if wrap else []
        done = subprocess.run(
            ["meson", "test", "-C", self.build_dir, "--no-rebuild", "--quiet", *slower, *names],
            env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        if not os.path.exists(log):
            show_block(done.stdout)
            total.fail(f"{suite}: meson test did not run")
            return total
        ran = []
        with open(log, encoding="utf-8") as lines:
            for line in lines:
                test = json.loads(line)
                name = test["name"].split(" / ")[-1]
                ran.append(name)
                count = count_tap(test.get("stdout", ""), name, test["returncode"] == 0 and test["result"] in ("OK", "SKIP"))
                total.add(count)
                print(f"  {name}: {count}  ({test['duration']:.1f} s)", flush=True)
                if count.failed or self.verbose:
                    show_block(test.get("stdout", "") + test.get("stderr", ""))
        for name in sorted(set(names) - set(ran)):
            total.fail(f"{name}: did not run")
        return total

    def python(self, suite, pattern=""):
        folder = os.path.join(ROOT, "tests", suite)
        total = Count()
        case = ""
        files = sorted(glob.glob(os.path.join(folder, "test_*.py")))
        if pattern:
            file_part, _, case = pattern.partition(".")
            files = [f for f in files if file_part in os.path.basename(f)]
        if suite == "integration" and files and not self.compile(["mko"]):
            total.fail(f"{suite}: mko does not compile")
            return total
        # Files wait far more than they compute: several at a time. The largest first, for it ends last.
        files.sort(key=os.path.getsize, reverse=True)
        with concurrent.futures.ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            running = {pool.submit(self.python_file, path, case, as_root=suite in ROOT_SUITES): path for path in files}
            for done in concurrent.futures.as_completed(running):
                count, text, seconds = done.result()
                total.add(count)
                print(f"  {os.path.basename(running[done])[:-3]}: {count}  ({seconds:.1f} s)", flush=True)
                if count.failed or self.verbose:
                    show_block(text)
        return total

    def python_file(self, path, case, as_root):
        name = os.path.basename(path)[:-3]
        started = time.monotonic()
        command = [sys.executable, os.path.join(ROOT, "tools/dev/pyrun.py"), path, *([case] if case else [])]
        if as_root and os.geteuid() != 0:
            kept = [f"{key}={value}" for key, value in self.env.items() if key.startswith(("MKO_", "ASAN_", "UBSAN_", "LC_", "PYTHON", "TMPDIR", "PATH"))]
            command = ["sudo", "env", *kept, *command]
        child = subprocess.Popen(
            command,
            cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        )
        late = False
        try:
            text, _ = child.communicate(timeout=FILE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            late = True
            # Politely first: a file's own clean-up takes its lab down.
            os.killpg(child.pid, signal.SIGINT)
            try:
                text, _ = child.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                text, _ = child.communicate()
        seconds = time.monotonic() - started
        count = count_tap(text, name, child.returncode == 0)
        if late:
            count.fail(f"{name}: not done after {FILE_TIMEOUT_S} s")
        return count, text, seconds

    def sanitizers(self):
        count = Count()
        for path in sorted(glob.glob(os.path.join(self.reports, "*"))):
            with open(path, encoding="utf-8", errors="replace") as report:
                text = report.read()
            if not text.strip():
                continue
            print(f"  report of a sanitizer ({os.path.relpath(path, ROOT)}):")
            show_block(text, 60)
            count.fail(f"sanitizer report {os.path.basename(path)}")
        return count


def plan(args):
    """What to run: (label, suite, room or pattern)."""
    if not args:
        return [(s, s, "") for s in MESON_SUITES + PYTHON_SUITES]
    chosen = []
    for arg in args:
        suite, _, pattern = arg.partition(":")
        if suite in PYTHON_SUITES:
            chosen.append((arg, suite, pattern))
        elif arg == "store":
            chosen += [("store", "store", ""), ("unit of store (if any)", "unit", "store")]
        elif suite in MESON_SUITES and not pattern:
            chosen.append((arg, suite, ""))
        elif arg in ROOMS:
            chosen.append((f"unit of {arg}", "unit", arg))
        else:
            print(f"no such suite or room: {arg} (suites: {' '.join(MESON_SUITES + PYTHON_SUITES)}; "
                  f"rooms: {' '.join(ROOMS)})", file=sys.stderr)
            sys.exit(2)
    return chosen


def main():
    args = sys.argv[2:]
    verbose = "-v" in args
    chosen = plan([a for a in args if a != "-v"])
    runner = Runner(os.path.abspath(sys.argv[1]), verbose)
    total = Count()
    for label, suite, rest in chosen:
        started = time.monotonic()
        print(f"== {label}", flush=True)
        count = runner.meson(suite, rest or None) if suite in MESON_SUITES else runner.python(suite, rest)
        if count.passed + count.failed + count.skipped == 0 and not label.endswith("(if any)"):
            count.fail(f"{label}: no test ran")
        print(f"   {label}: {count}  ({time.monotonic() - started:.0f} s)", flush=True)
        total.add(count)
    total.add(runner.sanitizers())
    for name in total.failures:
        print(f"FAILED {name}")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
