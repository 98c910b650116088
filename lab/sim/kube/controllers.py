"""The controller manager and the scheduler of one node: the loop that runs all controllers while the node leads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sim.kube.guard import tolerant
from sim.kube.housekeeping import sync_housekeeping
from sim.kube.nodelifecycle import NodeLifecycle
from sim.kube.scheduler import schedule
from sim.kube.store import ObjectStore, Reader
from sim.kube.workloads import prune_replica_sets, sync_workloads

WATCHED = (
    "nodes", "pods", "namespaces", "services", "configmaps", "persistentvolumeclaims", "storageclasses.storage.k8s.io",
    "deployments.apps", "replicasets.apps", "daemonsets.apps", "statefulsets.apps", "jobs.batch", "poddisruptionbudgets.policy",
)  # fmt: skip
CHECKS_PER_GRACE = 8  # the real node monitor period is 5 s of 40 s
SETTLE = 0.03


class Controllers:
    """Node lifecycle, taint eviction, scheduler, workloads -> pods, Endpoints. One thread; does nothing while `is_leader()` is False.

    timing  `.seconds(knob)`: node_grace, evict    faults  `.active(name)`: stale_ready (Ready is never set to Unknown)
    workloads  False: the controllers that make pods are switched off (`--controllers=*,-deployment,...`)
    is_leader() must be False while this node has no quorum: a leader that comes back gives all nodes the whole grace period.
    """

    def __init__(self, store: ObjectStore, is_leader: Callable[[], bool], timing: Any, faults: Any, workloads: bool = True):
        self._store, self._is_leader, self._timing = store, is_leader, timing
        self._reader = Reader(store)
        self._nodes = NodeLifecycle(store, self._reader, timing, faults)
        self._tasks = ((sync_workloads, prune_replica_sets) if workloads else ()) + (schedule, sync_housekeeping)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._subscription = None

    def start(self) -> None:
        """Run in a thread of its own. Returns at once."""
        self._stop.clear()
        self._subscription = self._store.subscribe(WATCHED)
        self._thread = threading.Thread(target=self._run, name="controllers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        if self._thread is None:
            return
        self._stop.set()
        self._subscription.wake()
        self._thread.join()
        self._subscription.close()
        self._thread = None

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._is_leader():
                self._subscription.clear()
                self._pass()
                self._subscription.wait(self._period())
                self._stop.wait(SETTLE)
            else:
                self._nodes.forget()
                self._stop.wait(self._period())

    def _period(self) -> float:
        return self._timing.seconds("node_grace") / CHECKS_PER_GRACE

    def _pass(self) -> None:
        """One round of all controllers."""
        with tolerant():
            self._nodes.sync()
        for task in self._tasks:
            with tolerant():
                task(self._store, self._reader)
