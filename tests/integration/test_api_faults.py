"""Faults around the server: clients that are slow or very many, a database that is locked, a disk that is full or read-only. It stays
responsive and bounded, says 503 with Retry-After while it cannot write, stores nothing by halves, and recovers by itself."""
import concurrent.futures
import contextlib
import json
import os
import re
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_support import ServerCase, wait_until  # noqa: E402
from support import MKO, Mko  # noqa: E402

NODE = {"hostname": "n1", "ip_address": "10.0.0.1"}


class Faults(ServerCase):
    settings = ""  # of mko.yaml

    def setUp(self):
        super().setUp()
        if self.settings:
            self.mko.kill_daemon()
            self.mko.env["MKO_CONFIG"] = os.path.join(self.mko.folder, "mko.yaml")
            with open(self.mko.env["MKO_CONFIG"], "w", encoding="utf-8") as out:
                out.write(self.settings)
            self.mko.start_daemon()

    def assert_small(self, limit_mb):
        """The server's memory; a sanitizer would need many times that."""
        with open(f"/proc/{self.mko.daemon.pid}/maps", encoding="utf-8") as source:
            if re.search(r"/lib[at]san\.", source.read()):
                return
        with open(f"/proc/{self.mko.daemon.pid}/status", encoding="ascii") as source:
            self.assertLess(int(next(line.split()[1] for line in source if line.startswith("VmRSS"))) / 1024, limit_mb)

    def unavailable(self, answer):
        problem = self.problem(answer, 503)
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        return problem

    def closed(self, s):
        """The server has closed this connection (waits for it)."""
        s.settimeout(20)
        try:
            while s.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


class SlowClients(Faults):
    settings = "web:\n  request_timeout_s: 1\n"

    def test_a_request_that_dribbles_in_is_cut_off_while_others_are_served(self):
        head = b"POST /api/nodes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n" % self.token["admin"].encode()
        cases = (b"GET /api/nodes HTTP/1.1\r\n", head + b"Content-Length: 50\r\n\r\n{", head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{")
        begun = [socket.create_connection(self.address) for _ in range(60)]
        for i, s in enumerate(begun):
            s.sendall(cases[i % len(cases)])

        def dribble(s, i):
            try:
                while True:  # one more byte again and again: the connection is never silent
                    s.sendall(b"X-A: b\r\n" if i % len(cases) == 0 else b" ")
                    s.settimeout(0.2)
                    with contextlib.suppress(socket.timeout):
                        if s.recv(65536) == b"":
                            return True
            except (ConnectionResetError, BrokenPipeError):
                return True

        with concurrent.futures.ThreadPoolExecutor(len(begun)) as pool:
            cut = [pool.submit(dribble, s, i) for i, s in enumerate(begun)]
            self.assertEqual(self.http("GET", "/api/nodes").json["items"], [])
            self.assertTrue(all(c.result(timeout=30) for c in cut))
        for s in begun:
            s.close()
        self.assertEqual(self.http("GET", "/api/nodes").json["items"], [])

    def test_a_connection_that_keeps_alive_outlives_the_limit_of_one_request(self):
        with socket.create_connection(self.address, timeout=20) as s:
            for _ in range(2):
                s.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b" 200 ", s.recv(65536))
                self.assertRaises(socket.timeout, self.silence, s, 2)

    def silence(self, s, seconds):
        s.settimeout(seconds)
        try:
            return s.recv(1)
        finally:
            s.settimeout(20)

    def test_readers_that_take_nothing_hold_up_nobody_and_cost_little(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.add_node, range(1, 301)))
        readers = []
        for path in ("/api/nodes?limit=1000", "/api/events?after=0") * 40:
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.connect(self.address)
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token['viewer']}\r\n\r\n".encode())
            readers.append(s)
        for i in range(301, 321):
            self.add_node(i)
        self.assertEqual(len(self.http("GET", "/api/nodes?limit=1000").json["items"]), 320)
        self.assert_small(60)
        for s in readers:
            s.close()


class VeryMany(Faults):
    def test_ten_thousand_connections_leave_the_server_responsive_and_bounded(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 10500:
            self.skipTest(f"this machine allows a process {hard} open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (10500, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        crowd = []
        try:
            for i in range(10000):
                crowd.append(socket.create_connection(self.address, timeout=20))
                if i % 3 == 0:
                    crowd[-1].sendall(b"GET /api/nodes HTTP/1.1\r\nHost:")
            self.assertEqual(self.http("GET", "/api/health", role=None).status, 200)
            self.add_node(1)
            self.assertEqual(self.local("GET", "/api/nodes/n1").status, 200)
            self.assert_small(300)
        finally:
            for s in crowd:
                s.close()
        self.assertEqual(self.http("GET", "/api/nodes/n1").status, 200)


class FewFiles(Faults):
    def test_more_connections_than_open_files_cannot_starve_anybody(self):
        env = {**self.mko.env}
        self.mko.kill_daemon()
        web = ["sh", "-c", 'ulimit -n 320; exec "$@"', "sh", MKO, "web", "--listen", "127.0.0.1:0"]
        with open(os.path.join(self.mko.folder, "web.log"), "a", encoding="utf-8") as log:
            self.mko.daemon = subprocess.Popen(web, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.answers(), 20, "the server answers")
        crowd = [socket.create_connection(self.address, timeout=20) for _ in range(600)]
        for n in range(1, 6):
            self.add_node(n)
        self.assertEqual(len(self.local("GET", "/api/nodes").json["items"]), 5)
        self.assertTrue(self.closed(crowd[0]))  # who waited longest made room
        for s in crowd:
            s.close()

    def answers(self):
        try:
            return self.local("GET", "/api/health").status == 200
        except OSError:
            return False


class Locked(Faults):
    def test_a_database_that_another_process_holds_gives_503_and_works_again_after(self):
        self.add_node(1)
        with contextlib.closing(sqlite3.connect(os.path.join(self.mko.data, "mko.db"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            problem = self.unavailable(self.http("POST", "/api/nodes", {"hostname": "n2", "ip_address": "10.0.0.2"}))
            self.assertIn("locked", problem["detail"])
            self.assertEqual(self.http("GET", "/api/nodes/n1", role="viewer").status, 200)  # who only reads is not held up
            other.execute("ROLLBACK")
        self.assertEqual([n["hostname"] for n in self.http("GET", "/api/nodes").json["items"]], ["n1"])
        self.add_node(2)
        self.assertTrue(self.http("GET", "/api/audit/verify").json["ok"])


@unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
class Disk(unittest.TestCase):
    """A data directory on a file system of 4 MiB."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mko-disk-")
        self.addCleanup(os.rmdir, self.folder)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", self.folder], capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {made.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder], check=True)
        self.server = ServerCase()
        self.mko = self.server.mko = Mko()
        self.addCleanup(self.mko.done)
        self.mko.data = self.mko.env["MKO_DATA_DIR"] = os.path.join(self.folder, "data")

    def start(self):
        self.mko.start_daemon()
        self.server.socket = os.path.join(self.mko.data, "mko.sock")

    def create(self, n, notes=""):
        return self.server.local("POST", "/api/nodes", {"hostname": f"n{n}", "ip_address": f"10.0.{n // 250}.{n % 250 + 1}", "notes": notes})

    def test_a_full_disk_refuses_writes_with_503_and_recovers_when_there_is_space(self):
        self.start()
        self.assertEqual(self.create(1).status, 201)
        filler = os.path.join(self.folder, "filler")
        with open(filler, "wb", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(b"x" * 4096)
        acknowledged, refused = [1], None
        for n in range(2, 400):  # what is left of the last blocks of the log
            answer = self.create(n, "x" * 2000)
            if answer.status != 201:
                refused = answer
                break
            acknowledged.append(n)
        self.assertIsNotNone(refused)
        self.assertEqual(refused.status, 503, refused.body)
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.assertIn("space", refused.json["detail"])
        for _ in range(3):
            self.assertEqual(self.create(900, "x" * 2000).status, 503)
        listed = self.server.local("GET", "/api/nodes?limit=1000")
        self.assertEqual(listed.status, 200, listed.body)
        self.assertEqual(sorted(n["hostname"] for n in listed.json["items"]), sorted(f"n{n}" for n in acknowledged))
        os.unlink(filler)
        self.assertEqual(self.create(901).status, 201)
        self.assertTrue(self.server.local("GET", "/api/audit/verify").json["ok"])
        events = json.loads(self.mko("node", "list", "-o", "json").stdout)
        self.assertEqual(len(events["items"] if isinstance(events, dict) else events), len(acknowledged) + 1)

    def test_a_read_only_data_directory_is_a_clear_message(self):
        self.start()
        self.mko.kill_daemon()
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
        for command in (["web", "--listen", "127.0.0.1:0"], ["node", "list"]):
            done = self.mko(*command, code=None, timeout=30)
            self.assertNotIn(done.returncode, (0, 70), done.stderr)
            self.assertRegex(done.stderr, "(?i)read-only")
            self.assertIn(self.mko.data, done.stderr)
        subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)
        self.mko("node", "list")

    def test_a_disk_that_turns_read_only_under_the_server_gives_503(self):
        self.start()
        self.assertEqual(self.create(1).status, 201)
        # SQLite holds the file open for writing, so the kernel would refuse a remount: a limit on the size of files has the same effect
        resource.prlimit(self.mko.daemon.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        answer = self.create(2, "x" * 2000)
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn("Retry-After", answer.headers)
        resource.prlimit(self.mko.daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(self.create(3).status, 201)
        self.assertEqual(sorted(n["hostname"] for n in self.server.local("GET", "/api/nodes").json["items"]), ["n1", "n3"])


if __name__ == "__main__":
    unittest.main()
