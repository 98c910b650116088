"""Hostile clients: whatever bytes they send, the answer is a clear refusal or a closed connection, nothing is stored by halves, and
the server goes on."""
import json
import os
import re
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_support import ServerCase  # noqa: E402
from support import wait_until  # noqa: E402

NODE = {"hostname": "n1", "ip_address": "10.0.0.1"}


class Hostile(ServerCase):
    def head(self, method="POST", path="/api/nodes", *lines):
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.token['admin']}", "Content-Type: application/json", *lines]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def post(self, body):
        return self.http("POST", "/api/nodes", body, Content_Type="application/json")

    def status_of(self, answer):
        found = re.match(rb"HTTP/1.1 (\d+) ", answer)
        return int(found.group(1)) if found else None

    def assert_alive_and_empty(self):
        self.assertEqual(self.http("GET", "/api/nodes").json["items"], [])

    def assert_refused(self, data, *statuses):
        """One of these answers, or none for now (None): the server may wait for more, or close."""
        self.assertIn(self.status_of(self.raw(data, timeout=5 if None not in statuses else 0.5)), statuses, data[:200])


class Bodies(Hostile):
    def test_json_of_every_wrong_kind_is_refused_with_its_reason(self):
        for body in ("", "nul", "[]", '"a"', "1", "{", '{"hostname":"n1",}', "{'hostname':'n1'}", '{"hostname":"n1"} x', '{"hostname":"a","hostname":"b"}',
                     '{"hostname":"\\u0000"}', '{"hostname":"\\ud800"}', '{"ssh_port":1e999}', '{"ssh_port":99999999999999999999}', '{"a":' * 100 + "1" + "}" * 100,
                     "[" * 1000000):
            problem = self.problem(self.post(body), 400)
            self.assertTrue(problem["detail"], body[:40])
        for body in (b'{"hostname":"\xff"}', b'{"hostname":"\xc3"}', b'{"hostname":"\xed\xa0\x80"}', b"\xff\xfe{\x00}\x00", b"\x00", b'{"hostname":"n1"}\x00'):
            self.problem(self.post(body), 400)
        self.assert_alive_and_empty()

    def test_values_of_the_wrong_type_are_all_named_at_once(self):
        wrong = {"hostname": 1, "ip_address": [], "ssh_port": "22", "tags": "a", "notes": {}, "cluster_id": 1.5, "role": 0, "ssh_user": True}
        problem = self.problem(self.post(json.dumps(wrong)), 422)
        self.assertEqual({e["field"] for e in problem["errors"]}, set(wrong))
        self.assert_alive_and_empty()

    def test_a_body_with_very_many_fields_is_answered_soon(self):
        body = json.dumps({**NODE, **{f"field{i}": i for i in range(40000)}})
        begun = time.monotonic()
        self.problem(self.post(body), 422)
        self.assertLess(time.monotonic() - begun, 15)
        self.assert_alive_and_empty()

    def test_a_request_cut_anywhere_changes_nothing(self):
        body = json.dumps(NODE).encode()
        whole = self.head("POST", "/api/nodes", f"Content-Length: {len(body)}") + body
        for cut in [*range(0, len(whole) - len(body), 7), *range(len(whole) - len(body), len(whole))]:
            with socket.create_connection(self.address) as s:
                s.sendall(whole[:cut])
        chunked = self.head("POST", "/api/nodes", "Transfer-Encoding: chunked") + b"%x\r\n" % len(body) + body + b"\r\n"
        with socket.create_connection(self.address) as s:
            s.sendall(chunked)  # the last chunk never comes
        self.assert_alive_and_empty()

    def test_lengths_that_lie_or_contradict_each_other(self):
        body = json.dumps(NODE).encode()
        for lines in (["Content-Length: -1"], ["Content-Length: 0x10"], ["Content-Length: 99999999999999999999999"], ["Content-Length: 1 2"],
                      [f"Content-Length: {len(body)}", "Content-Length: 0"], ["Content-Length: 0", f"Content-Length: {len(body)}"],
                      [f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]):
            self.assert_refused(self.head("POST", "/api/nodes", *lines) + body, 400, 413, None)
        for chunk in (b"zz\r\n", b"-5\r\nabcde\r\n", b"fffffffffffffffff\r\n", b"5\r\nabcdefgh\r\n"):
            self.assert_refused(self.head("POST", "/api/nodes", "Transfer-Encoding: chunked") + chunk + b"0\r\n\r\n", 400, 413, None)
        self.assert_alive_and_empty()


class Heads(Hostile):
    def test_tricks_with_the_path_reach_nothing(self):
        for path in ("/api/nodes/..", "/api/nodes/../users", "/api/nodes/%2e%2e", "/api/nodes/%2E%2E/users", "/api//nodes", "//api/nodes", "/api/nodes/",
                     "/api/nodes/%00", "/api/nodes/a%0a", "/api/nodes/%zz", "/api/nodes/%", "/api/./nodes", "/api/nodes/%c0%ae%c0%ae", "/api/nodes?a=%ff",
                     "/api/nodes?limit=1&limit=2", "/api/nodes?=1", "/api/nodes?" + "&".join(f"a{i}=1" for i in range(200))):
            self.assertEqual(self.http("GET", path).status, 400, path)
        for path in ("/api/nodes/%2fetc%2fpasswd", "/api/nodes/..%2f..%2fusers", "/etc/passwd", "/api/nodes/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u", "/API/NODES", "/"):
            self.assertIn(self.http("GET", path).status, (400, 404), path)
        for target in ("http://evil.example/api/nodes", "*", "api/nodes", "", "/" + "x" * 8000, "/" + "x" * 100000, "/api/nodes/" + "%41" * 2000):
            self.assert_refused(self.head("GET", target), 400, 404, 414, 431, None)
        self.assertEqual(self.http("GET", "/api/users", role="viewer").status, 403)

    def test_methods_nobody_knows(self):
        for method in ("FOO", "get", "TRACE", "CONNECT", "PROPFIND", "X" * 5000):
            self.assert_refused(self.head(method), 400, 405, 414, 431, 501, None)
        self.assert_alive_and_empty()

    def test_headers_that_are_repeated_huge_or_malformed(self):
        token = self.token["admin"]
        for name, value in (("Authorization", f"Bearer {token}"), ("Host", "x"), ("Cookie", "a=b"), ("Content-Type", "application/json"),
                            ("If-None-Match", '"a"'), ("Origin", "http://x"), ("Idempotency-Key", "k"), ("If-Match", "*")):
            lines = [f"{name}: {value}"] * 2
            self.assert_refused(self.head("GET", "/api/nodes", *lines), 400)
        for data in (b"GET /api/nodes HTTP/1.1\r\nHost: x\r\nX" + b"y" * 100000 + b": 1\r\n\r\n", b"GET /api/nodes HTTP/1.1\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
                     b"GET /api/nodes HTTP/1.1\r\n\r\n", b"GET /api/nodes\r\n\r\n", b"GET /api/nodes HTTP/9.9\r\nHost: x\r\n\r\n", b"\r\n" * 1000, b"\x00" * 5000,
                     b"\xff" * 5000, b"GET /api/nodes HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", b"GET  /api/nodes  HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET /api/nodes HTTP/1.1\r\nHost : x\r\n\r\n"):
            self.assert_refused(data, 400, 401, 404, 405, 413, 414, 431, 501, 505, None)
        self.assert_alive_and_empty()

    def test_a_header_cannot_be_smuggled_into_the_answer(self):
        answer = self.http("GET", "/api/nodes/x%0d%0aSet-Cookie:%20a=b")
        self.assertEqual(answer.status, 400)
        self.assertIsNone(answer.headers["Set-Cookie"])

    def test_pipelined_requests_are_answered_in_order(self):
        body = json.dumps(NODE).encode()
        data = (self.head("POST", "/api/nodes", f"Content-Length: {len(body)}") + body + self.head("GET", "/api/nodes/n1") + self.head("GET", "/api/nowhere")
                + self.head("DELETE", "/api/nodes/n1", "If-Match: *") + self.head("GET", "/api/nodes/n1", "Connection: close"))
        with socket.create_connection(self.address, timeout=20) as s:
            s.sendall(data)
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+) ", answer), [b"201", b"200", b"404", b"204", b"404"])


class Credentials(Hostile):
    def test_tokens_that_are_wrong_expired_or_revoked(self):
        token = self.token["viewer"]
        for header in ("", "Bearer ", "Bearer mko_", f"Bearer {token}x", f"Bearer {token[:-1]}", f"Token {token}", token, f"Bearer {token} {token}",
                       "Bearer mko_" + "a" * 10000, "Bearer \xe4"):
            self.problem(self.http("GET", "/api/nodes", role=None, Authorization=header), 401)
        self.assertEqual(self.http("GET", f"/api/nodes?token={token}", role=None).status, 401)
        self.assertEqual(self.http("GET", "/api/nodes", role="viewer").status, 200)
        self.mko.sql("update tokens set expires_at = 1000 where name = 'viewer'")  # behind the server's back: counts after a second
        wait_until(lambda: self.http("GET", "/api/nodes", role="viewer").status == 401, 5, "the token has expired")
        self.problem(self.http("GET", "/api/nodes", role="viewer"), 401)
        self.assertEqual(self.http("DELETE", "/api/tokens/operator").status, 204)
        self.problem(self.http("GET", "/api/nodes", role="operator"), 401)

    def test_a_cookie_is_worth_nothing_after_logout_expiry_or_from_elsewhere(self):
        self.local("POST", "/api/setup", {"password": "correct horse battery"})
        login = {"name": "admin", "password": "correct horse battery"}
        host = "%s:%d" % self.address

        def cookie():
            return self.http("POST", "/api/login", login, role=None).headers["Set-Cookie"].split(";")[0]

        mine = cookie()
        for origin in ("null", "http://evil.example", f"https://{host}", f"http://{host}.evil.example", f"http://evil.example/{host}", f"http://{host}0",
                       f"http://x@{host}", "http://127.0.0.1", ""):
            self.problem(self.http("POST", "/api/nodes", NODE, role=None, Cookie=mine, Origin=origin), 403)
        self.problem(self.http("POST", "/api/nodes", NODE, role=None, Cookie=mine), 403)
        self.assert_alive_and_empty()
        self.assertEqual(self.http("POST", "/api/logout", role=None, Cookie=mine, Origin=f"http://{host}").status, 204)
        self.problem(self.http("GET", "/api/nodes", role=None, Cookie=mine), 401)
        again = cookie()
        self.assertNotEqual(mine, again)
        self.mko.sql("update sessions set expires_at = 1000")
        self.problem(self.http("GET", "/api/nodes", role=None, Cookie=again), 401)
        for bad in ("mko_session=", "mko_session=" + "a" * 3000, "mko_session=%00", "mko_session=a; mko_session=b"):
            self.problem(self.http("GET", "/api/nodes", role=None, Cookie=bad), 401)


if __name__ == "__main__":
    unittest.main()
