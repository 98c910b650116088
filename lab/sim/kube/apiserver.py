"""The API server: TLS, who may do what, and the routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim.kube.store import ObjectStore


class ApiServer:
    """kube-apiserver of one node. `start` binds and returns; `stop` closes every connection (watches too), as a killed kubelite does.

    store               the cluster's objects
    host, port          where to listen ("0.0.0.0", 16443); port 0 = any free one, then see `.port`
    server_cert, server_key, client_ca   paths of PEM files, read at `start`
    authorization_mode  asked at every request: "AlwaysAllow" (then anonymous is off: 401) or "RBAC,Node"
    has_quorum          asked at every request; False: handshake ok, reads and writes fail, /readyz 500
    node_name           for the log only
    Optional: version ("v1.32.9", of /version), tokens (bearer token -> user name, asked at every request; default none),
    no_quorum_delay (seconds a read or write hangs before it fails without quorum), faults (`drain_stuck`=POD name prefix)
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
        faults=None,
    ):
        raise NotImplementedError
