"""A small HTTP/1.1 server over TCP or TLS: one blocking thread a connection, nothing runs while nobody asks.

Owns sockets and framing. The application is a function Request -> Response. `stop` closes every connection at once.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import responses as REASON_PHRASES
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HANDSHAKE_SECONDS, IDLE_SECONDS = 10, 180
MAX_BODY = 8 << 20
JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """One request. `query` keeps the last value of each parameter; `certificate` is the verified client certificate, if any."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    certificate: Mapping[str, Any] | None
    peer: str = ""  # the client's address

    def flag(self, name: str) -> bool:
        """A boolean query parameter: `?watch`, `?watch=1`, `?watch=true`."""
        return self.query.get(name, "0").lower() in ("", "1", "true")


@dataclass(frozen=True)
class Response:
    """One answer; `stream` (given a Stream) sends the body in chunks instead of `body`."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Callable[[Stream], None] | None = None


def dumps(document: Any) -> bytes:
    """A JSON body as the API server sends it: compact, with a newline at the end."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def json_response(document: Any, status: int = 200, content_type: str = JSON) -> Response:
    return Response(status, dumps(document), content_type)


def text_response(text: str, status: int = 200) -> Response:
    return Response(status, text.encode(), "text/plain; charset=utf-8", {"X-Content-Type-Options": "nosniff"})


class Stream:
    """The sending side of a chunked answer."""

    def __init__(self, connection: socket.socket):
        self._connection = connection

    def send(self, data: bytes) -> None:
        """Send one chunk. Raises OSError when the client is gone."""
        self._connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def wait(self, fileno: int, timeout: float) -> bool:
        """Sleep until `fileno` is readable or `timeout` seconds passed; False = the client has left."""
        ready, _, _ = select.select([self._connection, fileno], [], [], max(timeout, 0))
        return self._connection not in ready or self._open()

    def _open(self) -> bool:
        self._connection.settimeout(0)
        try:
            return bool(self._connection.recv(1))
        except (ssl.SSLWantReadError, BlockingIOError):
            return True
        except OSError:
            return False
        finally:
            self._connection.settimeout(IDLE_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    """Reads requests from one connection until it closes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def _answer(self) -> None:
        body = self._read_body()
        if body is None:
            self._send(text_response("request entity too large\n", 413))
            self.close_connection = True
            return
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        certificate = self.server.certificate(self.connection)
        request = Request(self.command, unquote(url.path), query, self.headers, body, certificate, self.client_address[0])
        self._send(self.server.application(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length <= MAX_BODY else None

    def _read_chunks(self) -> bytes | None:
        body = b""
        while size := int(self.rfile.readline(32).split(b";")[0], 16):
            if len(body) + size > MAX_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(8)
        self.rfile.readline(8)
        return body

    def _send(self, response: Response) -> None:
        lines = [f"HTTP/1.1 {response.status} {REASON_PHRASES.get(response.status, '')}"]
        lines.append(f"Content-Type: {response.content_type}")
        lines.extend(f"{name}: {value}" for name, value in response.headers.items())
        lines.append(f"Date: {self.date_time_string()}")
        lines.append("Transfer-Encoding: chunked" if response.stream else f"Content-Length: {len(response.body)}")
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        if response.stream is None:
            self.connection.sendall(head + (b"" if self.command == "HEAD" else response.body))
            return
        self.connection.sendall(head)
        response.stream(Stream(self.connection))
        self.connection.sendall(b"0\r\n\r\n")

    def log_message(self, *args: Any) -> None:
        """Nothing: the real one logs to the journal, which belongs to the node daemon."""


class HttpServer:
    """Listens on (host, port) after `start`; `tls` makes the SSL context then (None = plain HTTP)."""

    def __init__(
        self,
        host: str,
        port: int,
        application: Callable[[Request], Response],
        tls: Callable[[], ssl.SSLContext] | None = None,
        name: str = "http",
    ):
        self.application = application
        self._address, self._tls, self._name = (host, port), tls, name
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._context: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        """The port in use (after `start`)."""
        return self._listener.getsockname()[1] if self._listener else self._address[1]

    def start(self) -> None:
        """Bind and accept. Raises OSError when the port is taken or a certificate cannot be read."""
        self._context = self._tls() if self._tls else None
        self._listener = socket.create_server(self._address, backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Close the port and all connections."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def certificate(self, connection: socket.socket) -> Mapping[str, Any] | None:
        return connection.getpeercert() or None if isinstance(connection, ssl.SSLSocket) else None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                if self._listener is not listener:
                    return
                continue
            threading.Thread(target=self._serve, args=(connection, address), name=self._name + "-conn", daemon=True).start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        """One connection from handshake to close."""
        with contextlib.suppress(OSError, ValueError):
            connection.settimeout(HANDSHAKE_SECONDS)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            connection.settimeout(IDLE_SECONDS)
            with self._lock:
                self._connections.add(connection)
            if self._listener is not None:
                _Handler(connection, address, self)
        with self._lock:
            self._connections.discard(connection)
        with contextlib.suppress(OSError):
            connection.close()


def server_context(certificate: str, key: str, client_ca: str) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client certificate is optional but must be signed by `client_ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context
