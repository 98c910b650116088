"""A upsd of our own on loopback for the black-box tests of power: says what it is told to, at once, and counts who asks."""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from support import Mko, wait_until

NUT = next((folder for folder in ("/lib/nut", "/usr/lib/nut", "/usr/libexec/nut") if os.access(f"{folder}/upsd", os.X_OK)), None)


class Upsd:
    """Serves UPSes by name: `ups[name]` holds variables; `manner` is "good", "stale" or "silent" (as if it were stopped)."""

    def __init__(self, **ups):
        self.ups = {name: {"ups.status": status, "battery.charge": "90", "battery.runtime": "1800"} for name, status in ups.items()}
        self.manner = "good"
        self.users = {}
        self.logins = []
        self.polls = 0
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def set(self, name, status, **values):
        self.ups[name] = {**self.ups[name], **{key.replace("_", "."): str(value) for key, value in values.items()}, "ups.status": status}

    def kill(self):
        """As SIGKILL does: every connection ends, nobody listens."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.open:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def again(self):
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        state = {}
        with client, client.makefile("rw", encoding="utf-8", newline="\n") as stream:
            try:
                for line in stream:
                    if self.manner == "silent":
                        continue
                    stream.write(self._answer(line.split(), state) + "\n")
                    stream.flush()
            except (OSError, ValueError):
                return

    def _answer(self, words, state):
        if words[0] in ("USERNAME", "PASSWORD"):
            state[words[0]] = words[1].strip('"')
            return "OK"
        if words[0] == "LOGIN":
            good = self.users.get(state.get("USERNAME")) == state.get("PASSWORD")
            self.logins.append((words[1], good))
            return "OK" if good else "ERR ACCESS-DENIED"
        name, variable = words[2], words[3]
        if name not in self.ups:
            return "ERR UNKNOWN-UPS"
        if self.manner == "stale":
            return "ERR DATA-STALE"
        self.polls += variable == "ups.status"
        value = self.ups[name].get(variable)
        return "ERR VAR-NOT-SUPPORTED" if value is None else f'VAR {name} {variable} "{value}"'


class Case(unittest.TestCase):
    def setUp(self):
        self.mko = Mko()
        self.addCleanup(self.mko.done)
        key = os.path.join(self.mko.folder, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.mko("init")
        self.mko("cluster", "add", "--name", "prod")
        # nothing listens there: the operation ends soon, which is all that is asked of it
        self.mko("node", "add", "--hostname", "n1", "--ip", "127.0.0.1", "--port", "1", "--user", "nobody", "--key-path", key, "--cluster-id", "prod")

    def add_ups(self, name, port, *more):
        return self.mko("ups", "add", "--name", name, "--nut-port", str(port), "--nut-name", "ups", *more)

    def operations(self):
        return [op for op in self.mko.items("operation", "list", "--limit", "100") if op["requested_via"] == "rule"]

    def status(self, name="rack"):
        return self.mko.json("ups", "status", name, code=None)

    def wait_for(self, name, power):
        wait_until(lambda: self.status(name)["power"] == power, 40, f"{name} is {power}")

    def events(self, kind):
        return self.mko.items("ups", "events", "--event", kind)


class NutCase(Case):
    """With NUT itself: upsd with its driver dummy-ups."""

    def start(self, name):
        folder = tempfile.mkdtemp(prefix="mko-nut-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        files = {"nut.conf": "MODE=netserver\n", "upsd.conf": f"LISTEN 127.0.0.1 {port}\n", "upsd.users": "",
                 "ups.conf": f"pollinterval = 1\n[ups]\n  driver = dummy-ups\n  port = {folder}/ups.dev\n"}
        for file, text in files.items():
            with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                out.write(text)
        self.say(folder, "OL")
        env = {**os.environ, "NUT_CONFPATH": folder, "NUT_STATEPATH": folder, "NUT_ALTPIDPATH": folder}
        for argv in ([f"{NUT}/dummy-ups", "-a", "ups", "-F", "-u", "root"], [f"{NUT}/upsd", "-F", "-u", "root"]):
            child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(child.wait)
            self.addCleanup(child.kill)
            wait_until(lambda: os.path.exists(os.path.join(folder, "dummy-ups-ups")), 10, "the driver is there")
        self.add_ups(name, port)
        return folder, child

    def say(self, folder, status):
        path = os.path.join(folder, "ups.dev")
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"ups.status: {status}\nbattery.charge: 90\nbattery.runtime: 1800\ndevice.mfr: mko\ndevice.model: test\n")
        later = int(time.time()) + 1  # the driver looks at whole seconds
        os.utime(path, (later, later))
