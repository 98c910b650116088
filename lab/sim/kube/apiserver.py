"""The API server: TLS, authentication, and which part of the package answers which path."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from sim.kube import discovery, health, metrics
from sim.kube.auth import authenticate, authorize
from sim.kube.errors import ApiError, from_store, no_quorum, not_found_path
from sim.kube.httpd import HttpServer, Request, Response, json_response, server_context, text_response
from sim.kube.resources import BY_PATH
from sim.kube.rest import RestApi, Target
from sim.kube.store import ObjectStore, StoreError

NAMESPACE_PARTS = ("status", "finalize")


class ApiServer:
    """kube-apiserver of one node. `start` binds and returns; `stop` closes every connection (watches too), as a killed kubelite does.

    store               the cluster's objects
    host, port          where to listen ("0.0.0.0", 16443); port 0 = any free one, then see `.port`
    server_cert, server_key, client_ca   paths of PEM files, read at `start`
    authorization_mode  asked at every request: "AlwaysAllow" (then anonymous is off: 401) or "RBAC,Node"
    has_quorum          asked at every request; False: handshake ok, reads and writes fail, /readyz 500
    node_name           names the threads
    Optional: version ("v1.32.9", of /version), tokens (bearer token -> user name, asked at every request; default none),
    no_quorum_delay (seconds a read or write hangs before it fails without quorum), faults (`drain_stuck`=POD name prefix).
    One difference from the real one: a client certificate of a foreign CA fails the handshake instead of giving 401.
    """

    def __init__(
        self,
        store: ObjectStore,
        host: str,
        port: int,
        server_cert: str,
        server_key: str,
        client_ca: str,
        authorization_mode: Callable[[], str],
        has_quorum: Callable[[], bool],
        node_name: str,
        *,
        version: str = "v1.32.9",
        tokens: Callable[[], Mapping[str, str]] = dict,
        no_quorum_delay: Callable[[], float] = lambda: 1.0,
        faults: Any = None,
    ):
        self._store, self._version = store, version
        self._authorization_mode, self._has_quorum = authorization_mode, has_quorum
        self._tokens, self._no_quorum_delay = tokens, no_quorum_delay
        self._rest = RestApi(store, faults, has_quorum)
        self._stopping = threading.Event()
        self._server = HttpServer(
            host, port, self._answer, lambda: server_context(server_cert, server_key, client_ca), f"api-{node_name}"
        )

    @property
    def port(self) -> int:
        """The port in use."""
        return self._server.port

    def start(self) -> None:
        """Bind and serve. Raises OSError when the port is taken or a certificate cannot be read."""
        self._stopping.clear()
        self._server.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self._stopping.set()
        self._server.stop()

    def _answer(self, request: Request) -> Response:
        """Any request to a response; errors become Status bodies."""
        try:
            return self._route(request)
        except StoreError as problem:
            error = from_store(problem)
        except ApiError as problem:
            error = problem
        except Exception as problem:  # the door: a bug must show as a 500 with its text, not as a closed connection
            traceback.print_exc()
            error = ApiError(500, f"Internal error occurred: {problem!r}", "InternalError")
        return json_response(error.status(), error.code)

    def _route(self, request: Request) -> Response:
        mode = self._authorization_mode()
        user = authenticate(request, self._tokens(), mode)
        parts = [part for part in request.path.split("/") if part]
        root = parts[0] if parts else ""
        target = _target(parts)
        authorize(user, request, target, mode)
        if root in health.CHECKS:
            return health.answer(request, root, self._has_quorum())
        if target is not None:
            self._need_quorum()
            return self._rest.handle(request, target)
        page = self._PAGES.get(root)
        if page is None:
            return text_response("404 page not found\n", 404)
        body = page(self, request, parts[1:])
        if body is None:
            raise not_found_path()
        return body

    def _need_quorum(self) -> None:
        if not self._has_quorum():
            self._stopping.wait(self._no_quorum_delay())
            raise no_quorum()

    # Pages that name no resource: body, or None for "not found"

    def _root(self, request: Request, rest: list[str]) -> Response:
        return json_response({"paths": [f"/{name}" for name in (*self._PAGES, *health.CHECKS) if name]})

    def _version_page(self, request: Request, rest: list[str]) -> Response:
        return json_response(discovery.version_info(self._version))

    def _metrics_page(self, request: Request, rest: list[str]) -> Response:
        major, minor, *_ = self._version.lstrip("v").split(".")
        labels = f'git_version="{self._version}",major="{major}",minor="{minor}"'
        lines = ("# TYPE kubernetes_build_info gauge", f"kubernetes_build_info{{{labels}}} 1")
        return text_response("\n".join(lines) + "\n")

    def _api(self, request: Request, rest: list[str]) -> Response | None:
        if rest:
            return _raw(discovery.resource_list("", rest[0], False)) if len(rest) == 1 else None
        if _wants_aggregated(request):
            return _raw(discovery.aggregated(True, self._with_metrics()), discovery.AGGREGATED)
        return json_response(discovery.api_versions(request.headers.get("Host", "")))

    def _apis(self, request: Request, rest: list[str]) -> Response | None:
        with_metrics = self._with_metrics()
        if len(rest) == 2:
            return _raw(discovery.resource_list(rest[0], rest[1], with_metrics))
        if len(rest) == 1:
            return _raw(discovery.group(rest[0], with_metrics))
        if rest:
            return None
        if _wants_aggregated(request):
            return _raw(discovery.aggregated(False, with_metrics), discovery.AGGREGATED)
        return _raw(discovery.group_list(with_metrics))

    def _openapi(self, request: Request, rest: list[str]) -> Response | None:
        if rest == ["v2"]:
            if any(kind in request.headers.get("Accept", "") for kind in discovery.OPENAPI_V2_REQUESTS):
                return _raw(discovery.openapi_v2_protobuf(self._version), discovery.OPENAPI_V2_PROTOBUF)
            return _raw(discovery.openapi_v2(self._version))
        if rest == ["v3"]:
            return _raw(discovery.openapi_v3_index(self._with_metrics()))
        if rest[:1] == ["v3"]:
            return _raw(discovery.openapi_v3("/".join(rest[1:]), self._version, self._with_metrics()))
        return None

    def _with_metrics(self) -> bool:
        return self._has_quorum() and metrics.enabled(self._store)

    _PAGES: dict[str, Callable[[ApiServer, Request, list[str]], Response | None]] = {
        "": _root,
        "api": _api,
        "apis": _apis,
        "metrics": _metrics_page,
        "openapi": _openapi,
        "version": _version_page,
    }


def _raw(body: bytes | None, content_type: str = "application/json") -> Response | None:
    return None if body is None else Response(200, body, content_type)


def _wants_aggregated(request: Request) -> bool:
    return discovery.AGGREGATED in request.headers.get("Accept", "")


def _target(parts: list[str]) -> Target | None:
    """What a path under /api/v1 or /apis/GROUP/VERSION names; None when it names no resource."""
    if parts[:2] == ["api", "v1"]:
        group, version, rest = "", "v1", parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in NAMESPACE_PARTS:
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0])) if rest else None
    if resource is None or len(rest) > 3:
        return None
    name, subresource = (*rest[1:], "", "")[:2]
    return Target(resource, namespace, name, subresource)
