"""The controller manager and the scheduler of one node."""

from __future__ import annotations

from collections.abc import Callable

from sim.kube.store import ObjectStore


class Controllers:
    """Node lifecycle, taint eviction, scheduler, workloads -> pods, Endpoints. One thread; does nothing while `is_leader()` is False.

    timing  `.seconds(knob)`: node_grace, evict    faults  `.active(name)`: stale_ready (Ready is never set to Unknown)
    """

    def __init__(self, store: ObjectStore, is_leader: Callable[[], bool], timing, faults):
        raise NotImplementedError

    def start(self) -> None:
        """Run in a thread of its own. Returns at once."""

    def stop(self) -> None:
        """End the thread."""
