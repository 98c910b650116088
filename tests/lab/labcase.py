"""A lab of its own for a test file: started once, taken down at the end, reached as users do (lab.py, ssh)."""

import json
import os
import pathlib
import subprocess
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "lab/lab.py"


def lab(name, *argv, timeout=90):
    """Run lab.py for the lab `name`; CompletedProcess with text."""
    return subprocess.run(["/usr/bin/python3", str(LAB), "--lab", name, *argv], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, check=False)


class LabCase(unittest.TestCase):
    """Tests that share one lab. A subclass names it and says how to start it."""

    name = ""
    up = ()

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("the lab needs root")
        cls.addClassCleanup(lab, cls.name, "down")
        started = lab(cls.name, "up", *cls.up, timeout=400)
        if started.returncode != 0:
            raise AssertionError(started.stderr)
        cls.dir = ROOT / "build" / f"lab-{cls.name}"
        cls.description = json.loads((cls.dir / "lab.json").read_text())
        cls.ips = [node["ip"] for node in cls.description["nodes"]]

    def lab(self, *argv):
        """Run lab.py and expect success; its output."""
        done = lab(self.name, *argv)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def ssh(self, number, command, timeout=20, connect=3):
        """Run a shell command on node `number` (from 1) over SSH; CompletedProcess with text."""
        argv = ["ssh", "-F", "none", "-i", str(self.dir / "id_ed25519"), "-o", f"UserKnownHostsFile={self.dir}/known_hosts", "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", "-o", "KexAlgorithms=curve25519-sha256",  # a quarter of the default's time
                "-o", f"ConnectTimeout={connect}", f"ubuntu@{self.ips[number - 1]}",
                command]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False)

    def ask(self, number, command):
        """Output of a command on a node that must succeed."""
        done = self.ssh(number, command)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def eventually(self, test, timeout_s=10):
        """Wait until `test()` is true."""
        deadline = time.monotonic() + timeout_s
        while not test():
            self.assertLess(time.monotonic(), deadline, "it did not become true in time")
            time.sleep(0.1)
