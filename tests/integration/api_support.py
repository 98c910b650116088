"""A server of its own and plain HTTP against it, without any client of ours."""
import http.client
import json
import os
import re
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import Mko, wait_until  # noqa: E402


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class ServerCase(unittest.TestCase):
    """One server for each test; `self.token[role]` are API tokens."""

    def setUp(self):
        self.mko = Mko()
        self.addCleanup(self.mko.done)
        self.mko.start_daemon()
        self.socket = os.path.join(self.mko.data, "mko.sock")
        self.token = {}
        for role in ("viewer", "operator", "admin"):
            made = self.local("POST", "/api/tokens", {"name": role, "role": role})
            self.assertEqual(made.status, 201, made.body)
            self.token[role] = made.json["token"]

    @property
    def address(self):
        with open(os.path.join(self.mko.folder, "web.log"), encoding="utf-8") as log:
            host, port = re.findall(r"http://([\d.]+):(\d+)", log.read())[-1]
        return host, int(port)

    def _send(self, connection, method, path, body, headers):
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        try:
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def local(self, method, path, body=None, headers=None):
        return self._send(UnixConnection(self.socket), method, path, body, headers)

    def http(self, method, path, body=None, role="admin", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if role:
            headers.setdefault("Authorization", f"Bearer {self.token[role]}")
        return self._send(http.client.HTTPConnection(*self.address, timeout=20), method, path, body, headers)

    def raw(self, data, timeout=20):
        """Send bytes, return all that comes until the server closes or stays silent."""
        with socket.create_connection(self.address, timeout=timeout) as s:
            s.sendall(data)
            answer = b""
            try:
                while chunk := s.recv(65536):
                    answer += chunk
                    if b"Content-Length" in answer and b"\r\n\r\n" in answer:
                        head, _, body = answer.partition(b"\r\n\r\n")
                        if len(body) >= int(re.search(rb"Content-Length: (\d+)", head).group(1)):
                            break
            except (socket.timeout, ConnectionResetError):
                pass
            return answer

    def problem(self, answer, status):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        self.assertEqual(answer.json["request_id"], answer.headers["X-Request-Id"])
        return answer.json

    def add_node(self, n, **more):
        made = self.http("POST", "/api/nodes", {"hostname": f"n{n}", "ip_address": f"10.1.{n // 250}.{n % 250 + 1}"}, **more)
        self.assertEqual(made.status, 201, made.body)
        return made.json

    def stream(self, path, **headers):
        return Stream(self.address, path, {"Authorization": f"Bearer {self.token['viewer']}", **headers})


class Stream:
    """An open event stream."""

    def __init__(self, address, path, headers):
        self.connection = http.client.HTTPConnection(*address, timeout=20)
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()

    def line(self):
        return self.response.readline().decode()

    def events(self, n):
        """The next n events as (id, data)."""
        found = []
        while len(found) < n:
            line = self.line()
            if line == "":
                raise AssertionError(f"the stream ended after {found}")
            if line.startswith("id:"):
                number = int(line[3:])
            elif line.startswith("data:"):
                found.append((number, json.loads(line[5:])))
        return found

    def close(self):
        self.connection.close()
        self.response.close()


__all__ = ["ServerCase", "UnixConnection", "Stream", "wait_until"]
