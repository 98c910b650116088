"""Reading and setting `status.conditions`."""

from __future__ import annotations

from typing import Any

from sim.kube.clock import timestamp

Object = dict[str, Any]


def find(obj: Object, kind: str) -> Object | None:
    """The condition of that type."""
    return next((c for c in (obj.get("status") or {}).get("conditions") or () if c["type"] == kind), None)


def status_of(obj: Object, kind: str) -> str:
    """"True", "False", "Unknown", or "" when there is no such condition."""
    condition = find(obj, kind)
    return condition["status"] if condition else ""


def put(obj: Object, kind: str, status: str, **values: Any) -> None:
    """Set a condition; lastTransitionTime moves only when the status does. Values of None are left out."""
    conditions = obj.setdefault("status", {}).setdefault("conditions", [])
    condition = next((c for c in conditions if c["type"] == kind), None)
    if condition is None:
        condition = {"type": kind}
        conditions.append(condition)
    if condition.get("status") != status:
        condition["lastTransitionTime"] = timestamp()
    condition["status"] = status
    condition.update({key: value for key, value in values.items() if value is not None})
