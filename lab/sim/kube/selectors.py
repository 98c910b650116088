"""Label and field selectors, as query parameters and as `spec.selector` objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
Test = Callable[[Object], bool]


class BadSelector(ValueError):
    """The text is no selector, or names a field that the resource cannot be selected by."""


_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<op>!=|==|=)\s*(?P<value>[^\s,()]*)$")
_EXISTS = re.compile(r"^(?P<not>!?)\s*(?P<key>[^\s!=,()]+)$")

# resource key -> fields besides metadata.name and metadata.namespace
FIELDS: dict[str, tuple[str, ...]] = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
             "status.podIP", "status.nominatedNodeName"),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"),
    "replicasets.apps": ("status.replicas",),
    "jobs.batch": ("status.successful",),
}  # fmt: skip


def label_selector(text: str) -> Test:
    """`a=b,c!=d,e in (f,g),h,!i` -> a test of objects by their labels."""
    tests = [_requirement(part.strip()) for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    return lambda obj: all(test(obj.get("metadata", {}).get("labels") or {}) for test in tests)


def _requirement(text: str) -> Callable[[dict[str, str]], bool]:
    if match := _SET.match(text):
        values = {value.strip() for value in match["values"].split(",")}
        return _operator({"in": "In", "notin": "NotIn"}[match["op"]], match["key"], values)
    if match := _EQUAL.match(text):
        return _operator("NotIn" if match["op"] == "!=" else "In", match["key"], {match["value"]})
    if match := _EXISTS.match(text):
        return _operator("DoesNotExist" if match["not"] else "Exists", match["key"], set())
    raise BadSelector(f"unable to parse requirement: {text}")


def _operator(operator: str, key: str, values: set[str]) -> Callable[[dict[str, str]], bool]:
    return {
        "In": lambda labels: labels.get(key) in values,
        "NotIn": lambda labels: labels.get(key) not in values,
        "Exists": lambda labels: key in labels,
        "DoesNotExist": lambda labels: key not in labels,
    }[operator]


def matches(selector: Object | None, labels: dict[str, str] | None) -> bool:
    """A LabelSelector object (matchLabels, matchExpressions) against labels. An empty selector matches everything."""
    selector, labels = selector or {}, labels or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(
        _operator(rule["operator"], rule["key"], set(rule.get("values") or ()))(labels)
        for rule in selector.get("matchExpressions") or ()
    )


def field_selector(text: str, resource_key: str) -> Test:
    """`spec.nodeName=n1,status.phase!=Failed` -> a test of objects."""
    allowed = ("metadata.name", "metadata.namespace", *FIELDS.get(resource_key, ()))
    terms = []
    for part in filter(None, text.split(",")):
        match = _EQUAL.match(part.strip())
        if match is None:
            raise BadSelector(f"invalid selector: '{text}'; can't understand '{part}'")
        if match["key"] not in allowed:
            raise BadSelector(f"field label not supported: {match['key']}")
        terms.append((match["key"].split("."), match["op"] != "!=", match["value"]))
    return lambda obj: all((field(obj, path) == value) is positive for path, positive, value in terms)


def field(obj: Object, path: list[str]) -> str:
    """A field as field selectors see it: a text, empty when it is absent."""
    value: Any = obj
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def selection(labels: str, fields: str, resource_key: str) -> Test:
    """Both selectors of a request as one test."""
    by_label, by_field = label_selector(labels), field_selector(fields, resource_key)
    return lambda obj: by_label(obj) and by_field(obj)
