"""The node lifecycle controller: silent nodes become Unknown, conditions become taints, taints drive pods away."""

from __future__ import annotations

import time
from typing import Any

from sim.kube import conditions, events, taints
from sim.kube.clock import timestamp
from sim.kube.deletion import delete_pod
from sim.kube.guard import tolerant
from sim.kube.kubelet import LEASE_NAMESPACE, LEASES
from sim.kube.store import Object, ObjectStore, Reader

SILENT = "Kubelet stopped posting node status."
HEARTBEAT_CONDITIONS = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
EVICT_DEFAULT = 300
COMPONENT = "node-controller"
# Ready status -> (taint, effects)
READY_TAINTS = {"False": taints.NOT_READY, "Unknown": taints.UNREACHABLE, "": taints.NOT_READY}
MANAGED = frozenset({taints.NOT_READY, taints.UNREACHABLE, taints.UNSCHEDULABLE, taints.DISK_PRESSURE, taints.MEMORY_PRESSURE,
                     taints.PID_PRESSURE})  # fmt: skip
PRESSURE_TAINTS = {
    "DiskPressure": taints.DISK_PRESSURE,
    "MemoryPressure": taints.MEMORY_PRESSURE,
    "PIDPressure": taints.PID_PRESSURE,
}


class NodeLifecycle:
    """Remembers since when each lease and each doomed pod has been as it is, by this controller's own clock, as the real one does:
    a new leader therefore gives every node the whole grace period."""

    def __init__(self, store: ObjectStore, reader: Reader, timing: Any, faults: Any):
        self._store, self._reader, self._timing, self._faults = store, reader, timing, faults
        self._heard: dict[str, tuple[str, float]] = {}
        self._doomed: dict[str, float] = {}

    def forget(self) -> None:
        """Leadership was lost: observations are worth nothing later."""
        self._heard.clear()
        self._doomed.clear()

    def sync(self) -> None:
        """One pass."""
        now = time.monotonic()
        self._watch_leases(now)
        for node in self._reader.list("nodes"):
            with tolerant():
                self._taint(node)
        self._mark_pods()
        self._evict(now)

    def _watch_leases(self, now: float) -> None:
        """Mark nodes Unknown whose lease has not moved for `node_grace`."""
        grace = self._timing.seconds("node_grace")
        leases = {lease["metadata"]["name"]: lease for lease in self._store.list(LEASES, LEASE_NAMESPACE)}
        for node in self._reader.list("nodes"):
            name = node["metadata"]["name"]
            renewed = leases.get(name, {}).get("spec", {}).get("renewTime", "")
            if self._heard.get(name, ("", 0.0))[0] != renewed or name not in self._heard:
                self._heard[name] = (renewed, now)
            silent = now - self._heard[name][1] >= grace
            known = conditions.status_of(node, "Ready") == "Unknown"
            if silent and not known and self._faults.active("stale_ready") is None:
                with tolerant():
                    self._mark_unknown(node)

    def _mark_unknown(self, node: Object) -> None:
        def change(draft: Object) -> None:
            for kind in HEARTBEAT_CONDITIONS:
                conditions.put(draft, kind, "Unknown", reason="NodeStatusUnknown", message=SILENT)

        name = node["metadata"]["name"]
        self._store.patch("nodes", name, change)
        text = f"Node {name} status is now: NodeNotReady"
        events.record(self._store, node, "Normal", "NodeNotReady", text, COMPONENT)

    def _taint(self, node: Object) -> None:
        """Make the managed taints agree with the conditions and with spec.unschedulable."""
        wanted = _wanted_taints(node)
        have = [(t["key"], t["effect"]) for t in taints.of_node(node) if t["key"] in MANAGED]
        if sorted(have) == sorted(wanted):
            return

        def change(draft: Object) -> None:
            present = taints.of_node(draft)
            kept = [t for t in present if t["key"] not in MANAGED or (t["key"], t["effect"]) in wanted]
            known = {(t["key"], t["effect"]) for t in kept}
            added = [
                {"key": key, "effect": effect, "timeAdded": timestamp()} for key, effect in wanted if (key, effect) not in known
            ]
            draft["spec"]["taints"] = [*kept, *added]
            if not draft["spec"]["taints"]:
                del draft["spec"]["taints"]

        self._store.patch("nodes", node["metadata"]["name"], change)

    def _mark_pods(self) -> None:
        """Pods on nodes that are not ready are not ready."""
        bad = {n["metadata"]["name"] for n in self._reader.list("nodes") if conditions.status_of(n, "Ready") == "Unknown"}
        for pod in self._reader.list("pods"):
            if pod["spec"].get("nodeName") in bad and conditions.status_of(pod, "Ready") == "True":
                with tolerant():
                    self._store.patch("pods", pod["metadata"]["name"], _unready, pod["metadata"]["namespace"])

    def _evict(self, now: float) -> None:
        """Delete pods whose node has a NoExecute taint that they do not tolerate (any longer)."""
        nodes = {node["metadata"]["name"]: node for node in self._reader.list("nodes")}
        doomed: dict[str, float] = {}
        for pod in self._reader.list("pods"):
            seconds = self._tolerated_seconds(pod, nodes.get(pod["spec"].get("nodeName", "")))
            if seconds is None or pod["metadata"].get("deletionTimestamp"):
                continue
            uid = pod["metadata"]["uid"]
            doomed[uid] = self._doomed.get(uid, now)
            if doomed[uid] + seconds > now:
                continue
            meta = pod["metadata"]
            text = f"Marking for deletion Pod {meta['namespace']}/{meta['name']}"
            events.record(self._store, pod, "Normal", "TaintManagerEviction", text, "taint-eviction-controller")
            delete_pod(self._store, pod)
        self._doomed = doomed

    def _tolerated_seconds(self, pod: Object, node: Object | None) -> float | None:
        """How long the pod may stay on its node; None = as long as it likes."""
        scale = self._timing.seconds("evict") / EVICT_DEFAULT
        seconds: list[float] = []
        for taint in taints.of_node(node) if node else ():
            if taint["effect"] != "NoExecute":
                continue
            toleration = taints.toleration_of(pod["spec"], taint)
            if toleration is None:
                return 0.0
            if toleration.get("tolerationSeconds") is not None:
                seconds.append(toleration["tolerationSeconds"] * scale)
        return min(seconds, default=None)


def _wanted_taints(node: Object) -> list[tuple[str, str]]:
    wanted = []
    ready = conditions.status_of(node, "Ready")
    if ready != "True":
        key = READY_TAINTS[ready]
        wanted += [(key, "NoSchedule"), (key, "NoExecute")]
    if node["spec"].get("unschedulable"):
        wanted.append((taints.UNSCHEDULABLE, "NoSchedule"))
    for kind, key in PRESSURE_TAINTS.items():
        if conditions.status_of(node, kind) == "True":
            wanted.append((key, "NoSchedule"))
    return wanted


def _unready(pod: Object) -> None:
    conditions.put(pod, "Ready", "False")
