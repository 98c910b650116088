"""The scheduler: a node for each pod that has none."""

from __future__ import annotations

from collections import Counter

from sim.kube import conditions, events
from sim.kube.guard import tolerant
from sim.kube.placement import obstacle
from sim.kube.podtemplate import controller_uid
from sim.kube.store import Object, ObjectStore, Reader

NO_PREEMPTION = "Preemption is not helpful for scheduling."


def schedule(store: ObjectStore, reader: Reader) -> None:
    """Bind every waiting pod to an admissible node: one with few pods of the same owner, then with few pods; say why when there is none."""
    pods, nodes = reader.list("pods"), reader.list("nodes")
    load = Counter(pod["spec"].get("nodeName") for pod in pods)
    siblings = Counter((controller_uid(pod), pod["spec"].get("nodeName")) for pod in pods)
    for pod in pods:
        if pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
            continue
        reasons = {node["metadata"]["name"]: obstacle(pod["spec"], node) for node in nodes}
        free = [name for name, reason in reasons.items() if reason is None]
        with tolerant():
            if free:
                owner = controller_uid(pod)
                node = min(free, key=lambda name, owner=owner: (siblings[owner, name], load[name], name))
                load[node] += 1
                siblings[owner, node] += 1
                _bind(store, pod, node)
            else:
                _wait(store, pod, Counter(filter(None, reasons.values())), len(nodes))


def _bind(store: ObjectStore, pod: Object, node: str) -> None:
    def change(draft: Object) -> None:
        draft["spec"]["nodeName"] = node
        conditions.put(draft, "PodScheduled", "True")
        for key in ("reason", "message"):
            conditions.find(draft, "PodScheduled").pop(key, None)

    meta = pod["metadata"]
    store.patch("pods", meta["name"], change, meta["namespace"])
    text = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
    events.record(store, pod, "Normal", "Scheduled", text, "default-scheduler")


def _wait(store: ObjectStore, pod: Object, reasons: Counter[str], total: int) -> None:
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    message = f"0/{total} nodes are available: {why}. preemption: 0/{total} nodes are available: {total} {NO_PREEMPTION}"
    known = conditions.find(pod, "PodScheduled")
    if known and known.get("message") == message:
        return

    def change(draft: Object) -> None:
        conditions.put(draft, "PodScheduled", "False", reason="Unschedulable", message=message)

    store.patch("pods", pod["metadata"]["name"], change, pod["metadata"]["namespace"])
    events.record(store, pod, "Warning", "FailedScheduling", message, "default-scheduler")
