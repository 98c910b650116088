"""Which nodes a pod may run on: selectors, affinity, taints. Used by the scheduler and by the DaemonSet controller."""

from __future__ import annotations

from typing import Any

from sim.kube import taints
from sim.kube.selectors import matches

Object = dict[str, Any]


def selects(pod_spec: Object, node: Object) -> bool:
    """Does the pod's nodeSelector and required node affinity admit the node?"""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (pod_spec.get("nodeSelector") or {}).items()):
        return False
    required = _path(pod_spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = required.get("nodeSelectorTerms") or ()
    return not terms or any(_term(term, node) for term in terms)


def _path(value: Object, *steps: str) -> Object:
    for step in steps:
        value = value.get(step) or {}
    return value


def _term(term: Object, node: Object) -> bool:
    fields = {"metadata.name": node["metadata"]["name"]}
    return matches({"matchExpressions": term.get("matchExpressions") or ()}, node["metadata"].get("labels")) and matches(
        {"matchExpressions": term.get("matchFields") or ()}, fields
    )


def obstacle(pod_spec: Object, node: Object) -> str | None:
    """Why the pod cannot go to the node, in the scheduler's words; None = it can."""
    if not selects(pod_spec, node):
        return "node(s) didn't match Pod's node affinity/selector"
    unschedulable = {"key": taints.UNSCHEDULABLE, "effect": "NoSchedule"}
    if node["spec"].get("unschedulable") and taints.toleration_of(pod_spec, unschedulable) is None:
        return "node(s) were unschedulable"
    taint = taints.blocking(pod_spec, node)
    if taint is None:
        return None
    return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"


def on_node(node_name: str) -> Object:
    """The affinity that pins a DaemonSet's pod to its node."""
    field = {"key": "metadata.name", "operator": "In", "values": [node_name]}
    terms = [{"matchFields": [field]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
