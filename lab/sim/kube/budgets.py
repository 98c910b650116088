"""Pod disruption budgets: how many pods may go, and the refusal of an eviction that would be one too many."""

from __future__ import annotations

import math
from typing import Any

from sim.kube.errors import ApiError
from sim.kube.selectors import matches
from sim.kube.store import Object, ObjectStore

BUDGETS = "poddisruptionbudgets.policy"
MESSAGE = "Cannot evict pod as it would violate the pod's disruption budget."


def healthy(pod: Object) -> bool:
    """Ready and not on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def budget_status(budget: Object, pods: list[Object]) -> dict[str, int]:
    """The counters of a budget's status from the pods of its namespace."""
    spec = budget["spec"]
    chosen = [pod for pod in pods if matches(spec.get("selector"), pod["metadata"].get("labels"))]
    current = sum(1 for pod in chosen if healthy(pod))
    if spec.get("minAvailable") is not None:
        desired = _count(spec["minAvailable"], len(chosen))
    else:
        desired = max(len(chosen) - _count(spec.get("maxUnavailable", 1), len(chosen)), 0)
    return {
        "currentHealthy": current,
        "desiredHealthy": desired,
        "disruptionsAllowed": max(current - desired, 0),
        "expectedPods": len(chosen),
    }


def _count(value: int | str, total: int) -> int:
    return math.ceil(total * int(value.rstrip("%")) / 100) if isinstance(value, str) else value


def refuse_eviction(store: ObjectStore, pod: Object, faults: Any) -> None:
    """Raise ApiError 429 when a budget (or the fault `drain_stuck`=POD prefix) protects the pod."""
    meta = pod["metadata"]
    stuck = faults.active("drain_stuck") if faults else None
    if stuck is not None and meta["name"].startswith(_first(stuck)):
        raise _refusal(f"The disruption budget {meta['name']} needs 1 healthy pods and has 1 currently")
    if not healthy(pod):
        return
    pods = store.list("pods", meta["namespace"])
    for budget in store.list(BUDGETS, meta["namespace"]):
        if not matches(budget["spec"].get("selector"), meta.get("labels")):
            continue
        status = budget_status(budget, pods)
        if status["disruptionsAllowed"] <= 0:
            needs, has = status["desiredHealthy"], status["currentHealthy"]
            name = budget["metadata"]["name"]
            raise _refusal(f"The disruption budget {name} needs {needs} healthy pods and has {has} currently")


def _first(args: Any) -> str:
    """The fault's argument: a text, or a list of them; empty = every pod."""
    return str(args[0]) if isinstance(args, (list, tuple)) and args else args if isinstance(args, str) else ""


def _refusal(cause: str) -> ApiError:
    return ApiError(429, MESSAGE, details={"causes": [{"reason": "DisruptionBudget", "message": cause}]})
