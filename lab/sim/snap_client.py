"""The connection of the command `snap` to snapd: one HTTP request over the Unix socket, as small and fast as possible."""

import json
import os
import socket
import time

from sim import faults

SOCKET = "/run/snapd.socket"
START_S = 30  # how long snapd may take to begin after a boot


class Unreachable(Exception):
    """snapd does not answer."""


class Refused(Exception):
    """snapd answered with an error: its kind (maybe '') and text."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind, self.message = kind, message


def connect(connection):
    """On a real machine systemd holds the socket from early boot on, and who comes before snapd waits. So does this, unless snapd was stopped."""
    base = os.environ.get("SIM_ROOT", "")
    deadline = time.monotonic() + START_S
    while True:
        try:
            return connection.connect(base + SOCKET)
        except (FileNotFoundError, ConnectionRefusedError):
            stopped = os.path.exists(base + "/run/labinit/snapd.stop") or faults.active("snapd_down") is not None
            if stopped or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def request(method, path, body=None):
    """(result, change id or None); raises Refused or Unreachable."""
    data = json.dumps(body).encode() if body is not None else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connect(connection)
            connection.sendall(head + data)
            with connection.makefile("rb") as reader:
                answer = reader.read()
    except OSError as error:
        raise Unreachable(f'cannot communicate with server: {method.capitalize()} "http://localhost{path}": dial unix {SOCKET}: '
                          f"connect: {os.strerror(error.errno or 0).lower()}") from error
    if not answer:
        raise Unreachable("cannot communicate with server: EOF")
    document = json.loads(answer.partition(b"\r\n\r\n")[2])
    if document["type"] == "error":
        raise Refused(document["result"].get("kind", ""), document["result"]["message"])
    return document.get("result"), document.get("change")
