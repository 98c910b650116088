"""Taints and tolerations."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
PREFIX = "node.kubernetes.io/"
NOT_READY, UNREACHABLE = PREFIX + "not-ready", PREFIX + "unreachable"
UNSCHEDULABLE, DISK_PRESSURE = PREFIX + "unschedulable", PREFIX + "disk-pressure"
MEMORY_PRESSURE, PID_PRESSURE = PREFIX + "memory-pressure", PREFIX + "pid-pressure"
# What the DaemonSet controller adds to its pods
DAEMON_TOLERATIONS = tuple(
    {"key": key, "operator": "Exists", "effect": effect}
    for key, effect in (
        (NOT_READY, "NoExecute"),
        (UNREACHABLE, "NoExecute"),
        (DISK_PRESSURE, "NoSchedule"),
        (MEMORY_PRESSURE, "NoSchedule"),
        (PID_PRESSURE, "NoSchedule"),
        (UNSCHEDULABLE, "NoSchedule"),
    )
)


def of_node(node: Object) -> list[Object]:
    """The node's taints."""
    return node.get("spec", {}).get("taints") or []


def tolerates(toleration: Object, taint: Object) -> bool:
    """Does one toleration cover one taint?"""
    if toleration.get("effect") not in (None, "", taint["effect"]) or toleration.get("key") not in (None, "", taint["key"]):
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def toleration_of(pod_spec: Object, taint: Object) -> Object | None:
    """The pod's first toleration that covers the taint."""
    return next((t for t in pod_spec.get("tolerations") or () if tolerates(t, taint)), None)


def blocking(pod_spec: Object, node: Object, effects: tuple[str, ...] = ("NoSchedule", "NoExecute")) -> Object | None:
    """The first taint that keeps a pod off a node."""
    return next((t for t in of_node(node) if t["effect"] in effects and toleration_of(pod_spec, t) is None), None)
