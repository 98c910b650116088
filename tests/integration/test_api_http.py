"""The API over real sockets: what it refuses, what it promises, and what survives a kill."""
import concurrent.futures
import contextlib
import gzip
import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_support import ServerCase, Stream, wait_until  # noqa: E402
from support import MKO  # noqa: E402

NODE = {"hostname": "n1", "ip_address": "10.0.0.1"}


class Refusals(ServerCase):
    def test_who_may_do_what(self):
        problem = self.problem(self.http("GET", "/api/nodes", role=None), 401)
        self.assertEqual(problem["code"], "unauthenticated")
        self.problem(self.http("POST", "/api/nodes", NODE, role="viewer"), 403)
        self.assertEqual(self.http("GET", "/api/nodes", role="viewer").status, 200)
        self.assertEqual(self.http("GET", "/api/health", role=None).status, 200)
        for header in ("Bearer mko_wrong", "Bearer", "Basic YTpi", "Bearer " + "x" * 5000):
            self.problem(self.http("GET", "/api/nodes", role=None, Authorization=header), 401)
        self.assertEqual(self.http("DELETE", "/api/tokens/viewer").status, 204)
        self.problem(self.http("GET", "/api/nodes", role="viewer"), 401)

    def test_malformed_requests(self):
        self.problem(self.http("GET", "/api/nowhere"), 404)
        answer = self.http("PUT", "/api/nodes")
        self.problem(answer, 405)
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, POST, OPTIONS")
        self.problem(self.http("POST", "/api/nodes", json.dumps(NODE), Content_Type="text/plain"), 415)
        self.problem(self.http("POST", "/api/nodes", '{"a":', Content_Type="application/json"), 400)
        self.problem(self.http("POST", "/api/nodes", '{"a":' * 50000, Content_Type="application/json"), 400)
        problem = self.problem(self.http("POST", "/api/nodes", {"hostname": "N!", "ip_address": "x", "bogus": 1}), 422)
        self.assertEqual({e["field"] for e in problem["errors"]}, {"hostname", "ip_address", "bogus"})
        for path in ("/api/nodes/%zz", "/api/nodes/..", "/api//nodes", "/api/nodes/%00", "/api/nodes?limit=1&limit=2", "/api/nodes?a=%ff"):
            self.problem(self.http("GET", path), 400)
        self.problem(self.http("GET", "/api/nodes?zzz=1"), 422)

    def test_large_bodies(self):
        self.problem(self.http("POST", "/api/nodes", b"x" * (2 << 20), Content_Type="application/json"), 413)
        head = b"POST /api/nodes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n" % self.token["admin"].encode()
        refused = self.raw(head + b"Content-Length: 99999999999\r\n\r\n")
        self.assertIn(b" 413 ", refused.split(b"\r\n")[0])
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        refused = self.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20 + b"0\r\n\r\n")
        self.assertIn(b" 413 ", refused.split(b"\r\n")[0])

    def test_repeated_headers_and_oversized_headers(self):
        token = self.token["admin"].encode()
        twice = self.raw(b"GET /api/nodes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nAuthorization: Bearer %s\r\n\r\n" % (token, token))
        self.assertIn(b" 400 ", twice.split(b"\r\n")[0])
        huge = self.raw(b"GET /api/nodes HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n")
        self.assertRegex(huge.split(b"\r\n")[0], rb" (431|413|400) |^$")
        self.raw(b"\x16\x03\x01\x00\xff\r\n\r\n")  # TLS on a plain port
        self.assertEqual(self.http("GET", "/api/health").status, 200)

    def test_a_request_that_is_cut_changes_nothing(self):
        body = json.dumps(NODE).encode()
        head = b"POST /api/nodes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        with socket.create_connection(self.address) as s:
            s.sendall(head % (self.token["admin"].encode(), len(body)) + body[:-1])
        self.assertEqual(self.http("GET", "/api/nodes").json["items"], [])

    def test_only_the_owner_may_use_the_socket(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o600)
        me = self.local("GET", "/api/me").json
        self.assertEqual(me["role"], "admin")

    def test_security_headers(self):
        headers = self.http("GET", "/api/nodes").headers
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])
        self.assertEqual(headers["Referrer-Policy"], "no-referrer")


class Promises(ServerCase):
    def test_etag_saves_and_guards(self):
        self.add_node(1)
        first = self.http("GET", "/api/nodes/n1")
        same = self.http("GET", "/api/nodes/n1", If_None_Match=first.headers["ETag"])
        self.assertEqual((same.status, same.body), (304, b""))
        self.problem(self.http("PATCH", "/api/nodes/n1", {"notes": "a"}), 428)
        self.assertEqual(self.http("PATCH", "/api/nodes/n1", {"notes": "a"}, If_Match=first.headers["ETag"]).status, 200)
        self.problem(self.http("PATCH", "/api/nodes/n1", {"notes": "b"}, If_Match=first.headers["ETag"]), 412)
        head = self.http("HEAD", "/api/nodes/n1")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(self.http("OPTIONS", "/api/nodes/n1").status, 204)

    def test_pages(self):
        for n in range(1, 26):
            self.add_node(n)
        names, cursor = [], ""
        while cursor is not None:
            page = self.http("GET", "/api/nodes?limit=10&sort=-hostname" + (f"&cursor={cursor}" if cursor else "")).json
            names += [node["hostname"] for node in page["items"]]
            cursor = page["next_cursor"]
        self.assertEqual(names, sorted((f"n{n}" for n in range(1, 26)), reverse=True))

    def test_large_replies_are_compressed_for_who_takes_it(self):
        for n in range(1, 31):
            self.add_node(n)
        plain = self.http("GET", "/api/nodes")
        self.assertNotIn("Content-Encoding", plain.headers)
        self.assertEqual(plain.headers["Vary"], "Accept-Encoding")
        small = self.http("GET", "/api/nodes", Accept_Encoding="br, gzip;q=0.5")
        self.assertEqual((small.headers["Content-Encoding"], small.headers["Vary"]), ("gzip", "Accept-Encoding"))
        self.assertLess(len(small.body), len(plain.body) / 4)
        self.assertEqual(gzip.decompress(small.body), plain.body)
        self.assertNotEqual(small.headers["ETag"], plain.headers["ETag"])
        for tag in (small.headers["ETag"], plain.headers["ETag"]):  # both mean the same state
            self.assertEqual(self.http("GET", "/api/nodes", If_None_Match=tag, Accept_Encoding="gzip").status, 304)
        self.assertNotIn("Content-Encoding", self.http("GET", "/api/nodes/n1", Accept_Encoding="gzip").headers)  # fits a packet
        self.assertNotIn("Content-Encoding", self.http("GET", "/api/nodes", Accept_Encoding="gzip;q=0").headers)
        head = self.http("HEAD", "/api/nodes", Accept_Encoding="gzip")
        self.assertEqual((head.headers["Content-Encoding"], head.headers["Content-Length"], head.body), ("gzip", str(len(small.body)), b""))
        stream = self.stream("/api/events?after=0", **{"Accept-Encoding": "gzip"})
        self.assertNotIn("Content-Encoding", stream.response.headers)
        stream.close()

    def test_what_the_client_takes(self):
        problem = self.problem(self.http("POST", "/api/nodes", NODE, Accept="text/html"), 406)
        self.assertIn("application/json", problem["detail"])
        self.assertEqual(self.http("GET", "/api/nodes", Accept="text/html, */*;q=0.1").json["items"], [])

    def test_curl_as_documented_with_a_token(self):
        """The seed's way of calling: curl, a JSON header, a body; here plus the token header."""
        base = "http://%s:%d" % self.address

        def curl(*args):
            done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {self.token['admin']}", *args], capture_output=True, text=True)
            body, _, status = done.stdout.rpartition("\n")
            return int(status), json.loads(body) if body else None
        header = ["-H", "Content-Type: application/json"]
        self.assertEqual(curl("-X", "GET", f"{base}/api/health")[1]["status"], "ok")
        self.assertEqual(curl("-X", "POST", f"{base}/api/clusters", *header, "-d", '{"name": "production", "description": "Main cluster"}')[0], 201)
        status, node = curl("-X", "POST", f"{base}/api/nodes", *header, "-d", '{"hostname": "node-1", "ip_address": "10.0.0.10", "ssh_user": "ubuntu", "cluster_id": 1}')
        self.assertEqual((status, node["cluster_name"]), (201, "production"))
        self.assertEqual(curl(f"{base}/api/nodes")[1]["items"][0]["hostname"], "node-1")
        status, reply = curl("-X", "POST", f"{base}/api/nodes/{node['id']}/host_key")
        self.assertEqual(status, 202)
        number = reply["operation"]["id"]
        self.assertEqual(curl("-X", "GET", f"{base}/api/operations/{number}")[1]["type"], "node.host_key")
        self.assertIn(curl("-X", "POST", f"{base}/api/operations/{number}/cancel")[0], (202, 409))
        status, _ = curl("-X", "PATCH", f"{base}/api/nodes/node-1", *header, "-H", "If-Match: *", "-d", '{"notes": "rack 2"}')
        self.assertIn(status, (200, 409))  # 409 while the operation above still holds it
        self.assertEqual(curl(f"{base}/api/clusters/1")[1]["node_count"], 1)

    def test_a_key_makes_a_retry_safe(self):
        first = self.http("POST", "/api/nodes", NODE, Idempotency_Key="abc")
        again = self.http("POST", "/api/nodes", NODE, Idempotency_Key="abc")
        self.assertEqual((first.status, again.status, first.body), (201, 201, again.body))
        self.problem(self.http("POST", "/api/nodes", {**NODE, "hostname": "n2"}, Idempotency_Key="abc"), 422)
        self.problem(self.http("POST", "/api/nodes", NODE), 409)

    def test_an_action_answers_before_it_starts(self):
        self.add_node(1)
        plan = self.http("POST", "/api/nodes/n1/status?dry_run=true")
        self.assertEqual((plan.status, plan.json["playbook"]), (200, "node_status"))
        begun = time.monotonic()
        answer = self.http("POST", "/api/nodes/n1/status")
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.headers["Location"], f"/api/operations/{answer.json['operation']['id']}")
        self.assertEqual(self.http("POST", answer.headers["Location"] + "/cancel").status, 202)

    def test_login_and_its_cookie(self):
        code = self.local("GET", "/api/setup-code").json["code"]
        self.problem(self.http("POST", "/api/setup", {"code": "x", "password": "correct horse battery"}, role=None), 403)
        self.assertEqual(self.http("POST", "/api/setup", {"code": code, "password": "correct horse battery"}, role=None).status, 201)
        self.problem(self.http("POST", "/api/setup", {"code": code, "password": "correct horse battery"}, role=None), 409)
        self.problem(self.http("POST", "/api/login", {"name": "admin", "password": "wrong"}, role=None), 401)
        answer = self.http("POST", "/api/login", {"name": "admin", "password": "correct horse battery"}, role=None)
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        host = "%s:%d" % self.address
        self.assertEqual(self.http("GET", "/api/me", role=None, Cookie=cookie).json["name"], "admin")
        self.problem(self.http("POST", "/api/nodes", NODE, role=None, Cookie=cookie), 403)
        self.problem(self.http("POST", "/api/nodes", NODE, role=None, Cookie=cookie, Origin="http://evil.example"), 403)
        self.assertEqual(self.http("POST", "/api/nodes", NODE, role=None, Cookie=cookie, Origin=f"http://{host}").status, 201)
        self.assertEqual(self.http("POST", "/api/logout", role=None, Cookie=cookie, Origin=f"http://{host}").status, 204)
        self.problem(self.http("GET", "/api/me", role=None, Cookie=cookie), 401)

    def test_logins_do_not_hold_up_others(self):
        self.local("POST", "/api/setup", {"password": "correct horse battery"})
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            logins = [pool.submit(self.http, "POST", "/api/login", {"name": "admin", "password": "correct horse battery"}, role=None) for _ in range(4)]
            took = []
            while not all(login.done() for login in logins):
                begun = time.monotonic()
                self.http("GET", "/api/nodes")
                took.append(time.monotonic() - begun)
            self.assertEqual({login.result().status for login in logins}, {200})
        self.assertLess(sorted(took)[len(took) // 2], 0.5)


class Events(ServerCase):
    def test_a_stream_resumes_with_nothing_lost_or_doubled(self):
        stream = self.stream("/api/events?after=0&topics=nodes")
        self.assertEqual(stream.response.headers["Content-Type"], "text/event-stream")
        for n in range(1, 6):
            self.add_node(n)
        seen = stream.events(3)
        stream.close()
        for n in range(6, 11):
            self.add_node(n)
        again = self.stream("/api/events?after=0&topics=nodes", **{"Last-Event-ID": str(seen[-1][0])})
        seen += again.events(7)
        again.close()
        self.assertEqual([data["data"]["hostname"] for _, data in seen], [f"n{n}" for n in range(1, 11)])
        self.assertEqual(len({number for number, _ in seen}), 10)

    def test_a_stream_survives_no_restart_but_resumes_after_it(self):
        self.add_node(1)
        stream = self.stream("/api/events?after=0")
        last = stream.events(1)[0][0]
        self.mko.kill_daemon()
        self.mko.start_daemon()
        self.add_node(2)
        again = self.stream("/api/events", **{"Last-Event-ID": str(last)})
        self.assertEqual(again.events(1)[0][1]["data"]["hostname"], "n2")
        again.close()
        stream.close()

    def test_a_backlog_longer_than_the_first_page(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.add_node, range(1, 1201)))
        stream = self.stream("/api/events?after=0&topics=nodes")
        seen = stream.events(1200)
        stream.close()
        self.assertEqual([number for number, _ in seen], sorted(number for number, _ in seen))
        self.assertEqual(len({data["object_id"] for _, data in seen}), 1200)

    def test_a_thousand_streams_and_an_orderly_stop(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        streams = [self.stream("/api/events") for _ in range(1000)]
        self.add_node(1)
        for stream in streams:
            self.assertEqual(stream.events(1)[0][1]["topic"], "nodes")
        daemon = self.mko.daemon
        daemon.send_signal(signal.SIGTERM)
        for stream in streams:
            while stream.line():
                pass
            stream.close()
        self.assertEqual(daemon.wait(15), 0)
        self.mko.daemon = None
        self.assertFalse(os.path.exists(self.socket))

    def restart_with(self, text):
        config = os.path.join(self.mko.folder, "mko.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(text)
        self.mko.kill_daemon()
        self.mko.env["MKO_CONFIG"] = config
        self.mko.start_daemon()

    def test_a_quiet_stream_shows_that_it_lives(self):
        self.restart_with("web:\n  heartbeat_s: 1\n")
        stream = self.stream("/api/events")
        lines = [stream.line() for _ in range(6)]
        stream.close()
        self.assertEqual(lines, ["retry: 2000\n", "\n", ": heartbeat\n", "\n", ": heartbeat\n", "\n"])

    def test_a_reader_that_takes_nothing_is_cut_off_and_the_log_says_why(self):
        self.restart_with("web:\n  idle_timeout_s: 1\n  body_max_bytes: 100000\n")
        for n in range(1, 121):  # a megabyte: more than the sockets hold
            self.assertEqual(self.http("POST", "/api/nodes", {"hostname": f"n{n}", "ip_address": f"10.5.0.{n}", "notes": "x" * 4000, "tags": ["y" * 60] * 60}).status, 201)
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(self.address)
        slow.sendall(b"GET /api/events?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % self.token["viewer"].encode())
        log_path = os.path.join(self.mko.folder, "web.log")

        def said():
            with open(log_path, encoding="utf-8") as log:
                return "/api/events cut off: the reader took nothing for 1 s" in log.read()
        wait_until(said, 30, "the reader is cut off")
        slow.close()
        self.assertEqual(self.http("GET", "/api/health").status, 200)

    def test_topics_are_a_filter(self):
        stream = self.stream("/api/events?after=0&topics=clusters,ups")
        self.add_node(1)
        self.http("POST", "/api/clusters", {"name": "prod"})
        self.add_node(2)
        self.http("POST", "/api/clusters", {"name": "test"})
        self.assertEqual([(data["topic"], data["data"]["name"]) for _, data in stream.events(2)], [("clusters", "prod"), ("clusters", "test")])
        stream.close()

    def test_who_leaves_is_forgotten_and_topics_are_checked(self):
        self.problem(self.http("GET", "/api/events?topics=a%20b"), 422)
        self.problem(self.http("GET", "/api/events", Last_Event_ID="x"), 422)
        self.problem(self.http("GET", "/api/events", role=None), 401)


class EndOfRights(ServerCase):
    """Who may no longer read is told so on the stream that is open, at once: not at the next heartbeat."""

    def setUp(self):
        super().setUp()
        made = self.http("POST", "/api/users", {"name": "ann", "password": "correct mule battery", "role": "viewer"})
        self.assertEqual(made.status, 201, made.body)
        self.assertEqual(self.http("POST", "/api/clusters", {"name": "prod"}).status, 201)

    def cookie(self):
        done = self.http("POST", "/api/login", {"name": "ann", "password": "correct mule battery"}, role=None)
        self.assertEqual(done.status, 200, done.body)
        return done.headers["Set-Cookie"].split(";")[0]

    def opened(self, path="/api/events", **headers):
        stream = Stream(self.address, path, headers)
        self.addCleanup(stream.close)
        self.assertEqual(stream.response.status, 200)
        return stream

    def ends_with(self, stream, reason):
        self.assertIn('event: end\ndata: {"reason":"%s"}\n\n' % reason, stream.response.read().decode())

    def test_a_revoked_token_ends_its_streams_and_no_other(self):
        stream, other = self.opened(Authorization=f"Bearer {self.token['viewer']}"), self.opened(Authorization=f"Bearer {self.token['operator']}")
        self.assertEqual(self.http("DELETE", "/api/tokens/viewer").status, 204)
        self.ends_with(stream, "the token has ended")
        self.add_node(1)
        self.assertEqual(other.events(1)[0][1]["topic"], "nodes")

    def test_a_session_that_ends_ends_its_streams(self):
        for method, path, body, reason in (
                ("DELETE", "/api/users/ann/sessions", None, "the session has ended"),
                ("PATCH", "/api/users/ann", {"clusters": ["prod"]}, "the account is now limited to fewer clusters"),
                ("PATCH", "/api/users/ann", {"disabled": True}, "the session has ended"),
                ("PATCH", "/api/users/ann", {"disabled": False, "clusters": None}, None),
                ("DELETE", "/api/users/ann", None, "the session has ended")):
            with self.subTest(path=path, body=body):
                stream = self.opened(Cookie=self.cookie()) if reason else None
                match = {"If_Match": "*"} if method == "PATCH" else {}
                self.assertIn(self.http(method, path, body, **match).status, (200, 204))
                if reason:
                    self.ends_with(stream, reason)


class StartAndStop(ServerCase):
    def run_web(self, *args, timeout=20):
        return subprocess.run([MKO, "web", *args], env={**self.mko.env, "MKO_DATA_DIR": os.path.join(self.mko.folder, "second")}, capture_output=True,
                              text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def test_a_taken_port_is_a_clear_conflict(self):
        done = self.run_web("--listen", "%s:%d" % self.address)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("in use by another program", done.stderr)

    def test_a_stop_ends_streams_with_the_reason(self):
        stream = self.stream("/api/events")
        self.assertEqual(stream.line(), "retry: 2000\n")
        self.mko.daemon.terminate()
        rest = stream.response.read().decode()
        self.assertIn('event: end\ndata: {"reason":"the server is stopping"}\n\n', rest)
        self.assertEqual(self.mko.daemon.wait(20), 0)
        stream.close()

    def test_a_second_server_on_the_data_directory_is_refused(self):
        done = subprocess.run([MKO, "web", "--listen", "127.0.0.1:0"], env=self.mko.env, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(f"another mko serves {self.mko.data} already", done.stderr)

    def test_other_machines_need_tls(self):
        done = self.run_web("--listen", "0.0.0.0:0")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--insecure-http", done.stderr)

    def test_bad_addresses(self):
        for address in ("nonsense", "127.0.0.1", "127.0.0.1:99999", "300.1.1.1:80"):
            self.assertEqual(self.run_web("--listen", address).returncode, 2, address)

    def test_a_kill_with_requests_in_flight_loses_no_acknowledged_write(self):
        acknowledged = []

        def write(worker):
            connection = http.client.HTTPConnection(*address, timeout=20)
            for n in range(100000):
                body = json.dumps({"hostname": f"w{worker}-{n}", "ip_address": f"10.{worker + 2}.{n // 250}.{n % 250 + 1}"})
                try:
                    connection.request("POST", "/api/nodes", body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
                    response = connection.getresponse()
                    response.read()
                except (OSError, http.client.HTTPException):
                    return
                if response.status == 201:
                    acknowledged.append(f"w{worker}-{n}")

        address, token = self.address, self.token["admin"]
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            writers = [pool.submit(write, worker) for worker in range(200)]
            wait_until(lambda: len(acknowledged) > 1000, 60, "1,000 writes")
            self.mko.kill_daemon(signal.SIGKILL)
            for writer in writers:
                writer.result()
        self.mko.start_daemon()
        stored, cursor = set(), ""
        while cursor is not None:
            page = self.http("GET", "/api/nodes?limit=1000" + (f"&cursor={cursor}" if cursor else "")).json
            stored |= {node["hostname"] for node in page["items"]}
            cursor = page["next_cursor"]
        self.assertGreater(len(acknowledged), 1000)
        self.assertEqual(set(acknowledged) - stored, set())
        # nothing half-written: each node has its one row in the audit log and its one event, and no other has
        for table, column, kind in (("audit", "object", "action"), ("events", "object_id", "kind")):
            rows = self.mko.sql(f"select count(*), count(distinct {column}) from {table} where {kind} = 'node.create'")
            self.assertEqual(rows, [(len(stored), len(stored))], table)
        self.assertTrue(self.http("GET", "/api/audit/verify").json["ok"])


class Watchdog(ServerCase):
    """WATCHDOG=1 says that the worker lives too, not only the loop. The worker is held up by a lock on the database."""

    def setUp(self):
        super().setUp()
        self.mko.kill_daemon(signal.SIGTERM)
        path = os.path.join(self.mko.folder, "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.bind(path)
        self.mko.env.update(NOTIFY_SOCKET=path, WATCHDOG_USEC="100000")
        self.mko.start_daemon()
        if not self.said():
            self.skipTest("built without libsystemd")

    def said(self):
        """All that was said since the last time."""
        found = []
        self.notify.setblocking(False)
        while True:
            try:
                found.append(self.notify.recv(100))
            except BlockingIOError:
                return found

    def silences(self):
        with open(os.path.join(self.mko.folder, "web.log"), encoding="utf-8") as log:
            return log.read().count("the worker has not answered for")

    def fed(self):
        return b"WATCHDOG=1" in self.said()

    def held_up(self, pool):
        """What was said while the worker was held up for sure; None: it came free too early to tell."""
        before = self.silences()
        write = pool.submit(self.add_node_status, before)
        wait_until(lambda: self.silences() > before or write.done(), 20, "the silence of the worker is noticed")
        self.said()
        seen = self.silences()
        wait_until(lambda: self.silences() > seen + 1 or write.done(), 20, "it is noticed again")
        said = self.said()
        return None if write.done() else said

    def add_node_status(self, n):
        return self.http("POST", "/api/nodes", {"hostname": f"n{n}", "ip_address": f"10.1.{n // 250}.{n % 250 + 1}"}).status

    def test_the_watchdog_is_fed_only_while_the_worker_answers(self):
        wait_until(self.fed, 20, "it is fed")
        with contextlib.closing(sqlite3.connect(os.path.join(self.mko.data, "mko.db"), isolation_level=None)) as other, \
                concurrent.futures.ThreadPoolExecutor(1) as pool:
            other.execute("BEGIN IMMEDIATE")
            said = None
            for _ in range(5):
                said = self.held_up(pool) if said is None else said
            other.execute("ROLLBACK")
        self.assertEqual(said, [])
        wait_until(self.fed, 20, "it is fed again")


class ServiceManager(ServerCase):
    def test_an_inherited_socket_and_readiness(self):
        """What systemd does: a listening socket as descriptor 3, and a datagram socket to report to."""
        notify_path = os.path.join(self.mko.folder, "notify")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(notify_path)
        notify.settimeout(20)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        env = {**self.mko.env, "MKO_DATA_DIR": os.path.join(self.mko.folder, "second"), "NOTIFY_SOCKET": notify_path, "LISTEN_FDS": "1"}
        pid = os.fork()
        if pid == 0:
            os.dup2(listening.fileno(), 3)
            env["LISTEN_PID"] = str(os.getpid())
            os.execve(MKO, [MKO, "web", "--listen", "127.0.0.1:0"], env)
        try:
            said = notify.recv(100)
            if said != b"READY=1":
                self.skipTest("built without libsystemd")
            connection = http.client.HTTPConnection(*listening.getsockname(), timeout=20)
            connection.request("GET", "/api/health")
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
        finally:
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            listening.close()
        self.assertEqual(notify.recv(100), b"STOPPING=1")
        notify.close()


if __name__ == "__main__":
    unittest.main()
