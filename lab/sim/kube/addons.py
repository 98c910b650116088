"""The objects of the common addons."""

from __future__ import annotations

from collections.abc import Sequence

from sim.kube.store import ObjectStore


def enable_addon(store: ObjectStore, name: str, args: Sequence[str] = ()) -> bool:
    """Create the addon's objects (idempotent). False = it has none here (helm, host-access, ...): the caller keeps a file for it."""
    raise NotImplementedError


def disable_addon(store: ObjectStore, name: str, args: Sequence[str] = ()) -> bool:
    """Delete the addon's objects. False as in `enable_addon`."""
    raise NotImplementedError


def addon_enabled(store: ObjectStore, name: str) -> bool | None:
    """What `microk8s status` finds by the addon's check_status row; None = not to be seen in the cluster."""
    raise NotImplementedError
