"""What the API says of itself: /version, /api, /apis, resource lists (both forms) and OpenAPI.

The bodies are made once per (set of groups) and kept as bytes, because every fresh kubectl asks for all of them.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sim.kube.resources import METRICS, RESOURCES, Resource, Subresource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def served(with_metrics: bool) -> tuple[Resource, ...]:
    """The resources served now; metrics.k8s.io exists only with the metrics-server."""
    return (*RESOURCES, *METRICS) if with_metrics else RESOURCES


def version_info(version: str) -> dict[str, str]:
    """The body of /version for a git version such as v1.32.9."""
    major, minor, *_ = version.lstrip("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": version,
        "gitCommit": "cd6a0bd2b9c8a0f4c7ae6f7a2f6ff9d1bb1d0f3e",
        "gitTreeState": "clean",
        "buildDate": "2025-09-10T06:12:48Z",
        "goVersion": "go1.23.12",
        "compiler": "gc",
        "platform": "linux/" + GO_ARCHITECTURES.get(platform.machine(), platform.machine()),
    }


def api_versions(address: str) -> dict[str, Any]:
    """The body of /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def _groups(with_metrics: bool) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for resource in served(with_metrics):
        versions = groups.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    return groups


def _group(name: str, versions: Iterable[str]) -> dict[str, Any]:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


@lru_cache(maxsize=None)
def group_list(with_metrics: bool) -> bytes:
    """The body of /apis."""
    groups = [_group(name, versions) for name, versions in _groups(with_metrics).items() if name]
    return json.dumps({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}).encode()


@lru_cache(maxsize=None)
def group(name: str, with_metrics: bool) -> bytes | None:
    """The body of /apis/NAME, None for an unknown group."""
    versions = _groups(with_metrics).get(name)
    if not name or versions is None:
        return None
    return json.dumps({"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}).encode()


@lru_cache(maxsize=None)
def resource_list(group_name: str, version: str, with_metrics: bool) -> bytes | None:
    """The body of /api/v1 or /apis/GROUP/VERSION, None for an unknown one."""
    rows = [r for r in served(with_metrics) if (r.group, r.version) == (group_name, version)]
    if not rows:
        return None
    entries = [entry for resource in rows for entry in _resource_entries(resource)]
    body = {"kind": "APIResourceList", "groupVersion": rows[0].api_version, "resources": entries}
    if group_name:
        body["apiVersion"] = "v1"
    return json.dumps(body).encode()


def _resource_entries(resource: Resource) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return [entry, *(_subresource_entry(resource, sub) for sub in resource.subresources)]


def _subresource_entry(resource: Resource, sub: Subresource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": f"{resource.plural}/{sub.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": sub.kind,
        "verbs": list(sub.verbs),
    }
    if sub.group_version:
        entry["group"], entry["version"] = sub.group_version
    return entry


@lru_cache(maxsize=None)
def aggregated(core: bool, with_metrics: bool) -> bytes:
    """The body of /api (core) or /apis in the aggregated form of kubectl 1.26 and newer: one request instead of one per group."""
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None},
            "versions": [_aggregated_version(name, version, with_metrics) for version in versions],
        }
        for name, versions in _groups(with_metrics).items()
        if (not name) is core
    ]
    body = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}
    return json.dumps(body).encode()


def _aggregated_version(group_name: str, version: str, with_metrics: bool) -> dict[str, Any]:
    rows = [r for r in served(with_metrics) if (r.group, r.version) == (group_name, version)]
    return {"version": version, "freshness": "Current", "resources": [_aggregated_resource(r) for r in rows]}


def _aggregated_resource(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [_aggregated_subresource(resource, sub) for sub in resource.subresources]
    return entry


def _aggregated_subresource(resource: Resource, sub: Subresource) -> dict[str, Any]:
    group_name, version = sub.group_version or (resource.group, resource.version)
    return {
        "subresource": sub.name,
        "responseKind": {"group": group_name, "version": version, "kind": sub.kind},
        "verbs": list(sub.verbs),
    }


# OpenAPI. The documents describe paths but no schemas: kubectl skips client-side validation of a kind without a schema, and
# leaves validation to the server when the v3 path says that PATCH takes `fieldValidation`.

# kubectl 1.20 asks with an `@` that Go's own parser refuses in an answer; since 1.26 the API server answers with a dot.
OPENAPI_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OPENAPI_V2_REQUESTS = (OPENAPI_V2_PROTOBUF, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")


@lru_cache(maxsize=None)
def openapi_v2(version: str) -> bytes:
    """A swagger document without paths and definitions."""
    return json.dumps({"swagger": "2.0", "info": {"title": "Kubernetes", "version": version}, "paths": {}}).encode()


@lru_cache(maxsize=None)
def openapi_v2_protobuf(version: str) -> bytes:
    """The same as protobuf (gnostic `openapi_v2.Document`), with a PATCH operation per kind: kubectl 1.20 looks there whether a kind
    supports a server-side dry run."""
    info = _field(1, b"Kubernetes") + _field(2, version.encode())
    paths = b"".join(_field(2, _openapi_v2_path(resource)) for resource in RESOURCES)
    return _field(1, b"2.0") + _field(2, info) + _field(8, paths)


def _openapi_v2_path(resource: Resource) -> bytes:
    """A NamedPathItem with `patch`, its query parameter `dryRun` and its kind. The numbers are those of OpenAPIv2.proto."""
    query_parameter = _field(2, b"query") + _field(4, b"dryRun")
    parameter = _field(1, _field(2, _field(3, query_parameter)))
    kind = f"group: '{resource.group}'\nkind: {resource.kind}\nversion: {resource.version}\n"
    extension = _field(1, b"x-kubernetes-group-version-kind") + _field(2, _field(2, kind.encode()))
    operation = _field(8, parameter) + _field(13, extension)
    prefix = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    return _field(1, f"{prefix}/{_openapi_path(resource)}".encode()) + _field(2, _field(8, operation))


def _field(number: int, value: bytes) -> bytes:
    """A length-delimited protobuf field with a number below 16."""
    length, rest = b"", len(value)
    while rest > 0x7F:
        length += bytes((rest & 0x7F | 0x80,))
        rest >>= 7
    return bytes((number << 3 | 2,)) + length + bytes((rest,)) + value


@lru_cache(maxsize=None)
def openapi_v3_index(with_metrics: bool) -> bytes:
    """The body of /openapi/v3."""
    names = {"api/v1" if not r.group else f"apis/{r.api_version}" for r in served(with_metrics)}
    return json.dumps({"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}"} for name in sorted(names)}}).encode()


@lru_cache(maxsize=None)
def openapi_v3(path: str, version: str, with_metrics: bool) -> bytes | None:
    """The body of /openapi/v3/PATH, None for an unknown group version."""
    rows = [r for r in served(with_metrics) if path == ("api/v1" if not r.group else f"apis/{r.api_version}")]
    if not rows:
        return None
    paths = {f"/{path}/{_openapi_path(r)}": {"patch": _openapi_patch(r)} for r in rows}
    info = {"title": "Kubernetes", "version": version}
    return json.dumps({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}).encode()


def _openapi_path(resource: Resource) -> str:
    return ("namespaces/{namespace}/" if resource.namespaced else "") + resource.plural + "/{name}"


def _openapi_patch(resource: Resource) -> dict[str, Any]:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    return {
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
    }
