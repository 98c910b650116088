"""Reading the protobuf bodies that kubectl 1.32 and newer send from typed commands (drain, `create deployment`, ...).

Owns KINDS, the field numbers (k8s.io/api generated.proto) of the kinds that kubectl sends this way. Anything else is refused by name:
silently dropping a field would be worse. Answers stay JSON, which every client accepts.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

MAGIC = b"k8s\x00"
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"


class BadBody(ValueError):
    """Not protobuf, or a kind or field that is not in the table."""


# A message type is {field number: (JSON name, type)}. Types: "str" "int" "bool" (empty = absent), "int?" (0 counts), "map" (string to
# string), "bytesmap", "skip" (known, of no use here), or a message type; a list around a type = repeated.
META: dict[int, tuple[str, Any]] = {
    1: ("name", "str"), 2: ("generateName", "str"), 3: ("namespace", "str"), 4: ("selfLink", "skip"), 5: ("uid", "str"),
    6: ("resourceVersion", "str"), 8: ("creationTimestamp", "skip"), 11: ("labels", "map"),
    12: ("annotations", "map"), 14: ("finalizers", ["str"]), 17: ("managedFields", "skip"),
}  # fmt: skip
EXPRESSION = {1: ("key", "str"), 2: ("operator", "str"), 3: ("values", ["str"])}
SELECTOR = {1: ("matchLabels", "map"), 2: ("matchExpressions", [EXPRESSION])}
INT_OR_STRING = {1: ("type", "int"), 2: ("intVal", "int"), 3: ("strVal", "str")}
PRECONDITIONS = {1: ("uid", "str"), 2: ("resourceVersion", "str")}
DELETE_OPTIONS = {
    1: ("gracePeriodSeconds", "int?"), 2: ("preconditions", PRECONDITIONS), 3: ("orphanDependents", "bool"),
    4: ("propagationPolicy", "str"), 5: ("dryRun", ["str"]),
}  # fmt: skip
CONTAINER_PORT = {
    1: ("name", "str"), 2: ("hostPort", "int"), 3: ("containerPort", "int"), 4: ("protocol", "str"), 5: ("hostIP", "str"),
}  # fmt: skip
ENV = {1: ("name", "str"), 2: ("value", "str")}
CONTAINER = {
    1: ("name", "str"), 2: ("image", "str"), 3: ("command", ["str"]), 4: ("args", ["str"]), 5: ("workingDir", "str"),
    6: ("ports", [CONTAINER_PORT]), 7: ("env", [ENV]), 8: ("resources", "skip"), 13: ("terminationMessagePath", "str"),
    14: ("imagePullPolicy", "str"), 16: ("stdin", "bool"), 17: ("stdinOnce", "bool"), 18: ("tty", "bool"),
    20: ("terminationMessagePolicy", "str"),
}  # fmt: skip
POD_SPEC = {
    2: ("containers", [CONTAINER]), 3: ("restartPolicy", "str"), 4: ("terminationGracePeriodSeconds", "int?"),
    6: ("dnsPolicy", "str"), 7: ("nodeSelector", "map"), 8: ("serviceAccountName", "str"), 10: ("nodeName", "str"),
    11: ("hostNetwork", "bool"), 14: ("securityContext", "skip"), 16: ("hostname", "str"), 19: ("schedulerName", "str"),
}  # fmt: skip
TEMPLATE = {1: ("metadata", META), 2: ("spec", POD_SPEC)}
DEPLOYMENT_SPEC = {
    1: ("replicas", "int?"), 2: ("selector", SELECTOR), 3: ("template", TEMPLATE), 4: ("strategy", "skip"),
    5: ("minReadySeconds", "int"),
}  # fmt: skip
JOB_SPEC = {
    1: ("parallelism", "int?"), 2: ("completions", "int?"), 6: ("template", TEMPLATE), 7: ("backoffLimit", "int?"),
}  # fmt: skip
SERVICE_PORT = {
    1: ("name", "str"), 2: ("protocol", "str"), 3: ("port", "int"), 4: ("targetPort", INT_OR_STRING), 5: ("nodePort", "int"),
}  # fmt: skip
SERVICE_SPEC = {
    1: ("ports", [SERVICE_PORT]), 2: ("selector", "map"), 3: ("clusterIP", "str"), 4: ("type", "str"),
    5: ("externalIPs", ["str"]), 7: ("sessionAffinity", "str"), 10: ("externalName", "str"),
}  # fmt: skip
BUDGET_SPEC = {1: ("minAvailable", INT_OR_STRING), 2: ("selector", SELECTOR), 3: ("maxUnavailable", INT_OR_STRING)}
RULE = {
    1: ("verbs", ["str"]), 2: ("apiGroups", ["str"]), 3: ("resources", ["str"]), 4: ("resourceNames", ["str"]),
    5: ("nonResourceURLs", ["str"]),
}  # fmt: skip
SUBJECT = {1: ("kind", "str"), 2: ("apiGroup", "str"), 3: ("name", "str"), 4: ("namespace", "str")}
ROLE_REF = {1: ("apiGroup", "str"), 2: ("kind", "str"), 3: ("name", "str")}
BINDING = {1: ("metadata", META), 2: ("subjects", [SUBJECT]), 3: ("roleRef", ROLE_REF)}
ROLE = {1: ("metadata", META), 2: ("rules", [RULE])}


def _with_spec(spec: Any) -> dict[int, tuple[str, Any]]:
    return {1: ("metadata", META), 2: ("spec", spec), 3: ("status", "skip")}


KINDS: dict[str, dict[int, tuple[str, Any]]] = {
    "DeleteOptions": DELETE_OPTIONS,
    "Eviction": {1: ("metadata", META), 2: ("deleteOptions", DELETE_OPTIONS)},
    "ConfigMap": {1: ("metadata", META), 2: ("data", "map"), 3: ("binaryData", "bytesmap"), 4: ("immutable", "bool")},
    "Secret": {1: ("metadata", META), 2: ("data", "bytesmap"), 3: ("type", "str"), 4: ("stringData", "map")},
    "Namespace": _with_spec("skip"),
    "ServiceAccount": {1: ("metadata", META)},
    "Deployment": _with_spec(DEPLOYMENT_SPEC),
    "Job": _with_spec(JOB_SPEC),
    "Service": _with_spec(SERVICE_SPEC),
    "PodDisruptionBudget": _with_spec(BUDGET_SPEC),
    "ClusterRole": ROLE,
    "Role": ROLE,
    "ClusterRoleBinding": BINDING,
    "RoleBinding": BINDING,
    "SelfSubjectAccessReview": _with_spec("skip"),
}
_TYPE_META = {1: ("apiVersion", "str"), 2: ("kind", "str")}
_ENVELOPE = {1: ("typeMeta", _TYPE_META), 2: ("raw", "raw"), 3: ("contentEncoding", "str"), 4: ("contentType", "str")}


def decode(body: bytes) -> dict[str, Any]:
    """A `runtime.Unknown` envelope to the JSON form of the object in it. Raises BadBody."""
    if not body.startswith(MAGIC):
        raise BadBody("provided data does not appear to be a protobuf message")
    try:
        envelope = _message(body[len(MAGIC) :], _ENVELOPE)
        kind = envelope["typeMeta"].get("kind", "")
        if kind not in KINDS:
            raise BadBody(f"no protobuf table for kind {kind!r}")
        return {**envelope["typeMeta"], **_message(envelope.get("raw", b""), KINDS[kind])}
    except (IndexError, KeyError, UnicodeDecodeError) as problem:
        raise BadBody(f"broken protobuf message: {problem}") from problem


def _message(data: bytes, fields: dict[int, tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for number, value in _fields(data):
        if number not in fields:
            if not value:  # Go writes every plain field, also an empty one
                continue
            raise BadBody(f"protobuf field {number} is not in the table")
        name, kind = fields[number]
        if isinstance(kind, list):
            result.setdefault(name, []).append(_value(value, kind[0]))
        elif kind in ("map", "bytesmap"):
            result.setdefault(name, {}).update(_pair(value, kind))
        elif kind != "skip" and ((converted := _value(value, kind)) or kind == "int?"):
            result[name] = converted
    return result


def _pair(data: bytes, kind: str) -> dict[str, str]:
    pair = dict(_fields(data))
    value = pair.get(2, b"")
    return {pair.get(1, b"").decode(): base64.b64encode(value).decode() if kind == "bytesmap" else value.decode()}


def _value(value: Any, kind: Any) -> Any:
    if kind is INT_OR_STRING:
        parts = _message(value, INT_OR_STRING)
        return parts.get("strVal", "") if parts.get("type") else parts.get("intVal", 0)
    if isinstance(kind, dict):
        return _message(value, kind)
    return {"str": bytes.decode, "int": _signed, "int?": _signed, "bool": bool, "raw": bytes}[kind](value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, int or bytes) of each field of a message."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        if tag & 7 == 0:
            value, position = _varint(data, position)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, position = _varint(data, position)
            yield tag >> 3, data[position : position + length]
            position += length
        else:
            raise BadBody(f"protobuf wire type {tag & 7} is not used by these kinds")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
