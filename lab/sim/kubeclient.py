"""A few requests to the API server with the admin certificate: what MicroK8s' scripts do through kubectl.

Knows HTTP and TLS; callers know the objects.
"""

import http.client
import json
import ssl

from sim import pki, root

TIMEOUT_S = 10


class ApiError(RuntimeError):
    """The request failed; `status` is the HTTP status, 0 when no API server answered."""

    def __init__(self, text: str, status: int = 0):
        super().__init__(text)
        self.status = status


def refused_text() -> str:
    """What kubectl prints when nothing listens."""
    return (f"The connection to the server 127.0.0.1:{root.API_PORT} was refused - did you specify the right host or port?")


class Api:
    """The local API server, as client.config names it."""

    def __init__(self, cert: str = "client", ca: str = "ca.crt"):
        self._cert, self._ca = cert, ca
        self._tls: ssl.SSLContext | None = None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=str(pki.cert(self._ca)))
            self._tls.check_hostname = False
            self._tls.load_cert_chain(pki.cert(f"{self._cert}.crt"), pki.cert(f"{self._cert}.key"))
        return self._tls

    def request(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """One request. Raises ApiError when there is no answer."""
        try:
            connection = http.client.HTTPSConnection(root.loopback(), root.API_PORT, timeout=TIMEOUT_S, context=self._context())
            try:
                connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(refused_text()) from error

    def get(self, path: str) -> dict | None:
        """The object at a path, None when there is none. Raises ApiError."""
        status, body = self.request("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise ApiError(_message(body), status)
        return json.loads(body)

    def items(self, path: str) -> list[dict]:
        """The items of a list. Raises ApiError."""
        return (self.get(path) or {}).get("items", [])

    def delete(self, path: str) -> bool:
        """Delete an object; False when it is not there. Raises ApiError."""
        status, body = self.request("DELETE", path)
        if status not in (200, 202, 404):
            raise ApiError(_message(body), status)
        return status != 404

    def ready(self) -> bool:
        """Whether /readyz says ok."""
        try:
            return self.request("GET", "/readyz")[0] == 200
        except ApiError:
            return False


def _message(body: bytes) -> str:
    try:
        return json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
