"""The protocol on :19001: one JSON line each way over mutual TLS with the cluster's shared certificate.

Owns connecting, sending and receiving; knows nothing of what the messages mean. A real dqlite speaks its own binary protocol here,
but to everybody outside the port looks the same: open, and TLS that only holders of cluster.crt pass.
"""

import json
import socket
import ssl
from pathlib import Path

TIMEOUT_S = 2.0
_LINE_MAX = 1 << 20


class WireError(OSError):
    """The peer cannot be reached, does not trust us, or answered nonsense; or it refused, then the text is its reason."""


def context(directory: Path, server: bool) -> ssl.SSLContext:
    """TLS that accepts only holders of the cluster's own certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(directory / "cluster.crt")
    made.load_cert_chain(directory / "cluster.crt", directory / "cluster.key")
    return made


def encode(message: dict) -> bytes:
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict:
    """A message of a line. Raises ValueError."""
    return json.loads(line)


class Connection:
    """One connection to a member. Not for several threads at once."""

    def __init__(self, address: str, tls: ssl.SSLContext, source: str | None = None, timeout: float = TIMEOUT_S):
        host, port = address.rsplit(":", 1)
        raw = socket.create_connection((host, int(port)), timeout, (source, 0) if source else None)
        try:
            self.sock = tls.wrap_socket(raw)
        except (OSError, ValueError):
            raw.close()
            raise
        self.reader = self.sock.makefile("rb")

    def ask(self, message: dict) -> dict:
        """Send a message and return the answer. Raises WireError."""
        self.sock.sendall(encode(message))
        line = self.reader.readline(_LINE_MAX)
        if not line.endswith(b"\n"):
            raise WireError("connection closed")
        try:
            return decode(line)
        except ValueError as error:
            raise WireError("bad answer") from error

    def close(self) -> None:
        self.reader.close()
        self.sock.close()


def ask_once(address: str, directory: Path, message: dict, source: str | None = None, timeout: float = TIMEOUT_S) -> dict:
    """Connect, ask, close. Raises WireError for every failure, also when the answer has an `error`."""
    try:
        connection = Connection(address, context(directory, server=False), source, timeout)
        try:
            answer = connection.ask(message)
        finally:
            connection.close()
    except (OSError, ValueError) as error:
        raise WireError(str(error)) from error
    if "error" in answer:
        raise WireError(answer["error"])
    return answer
