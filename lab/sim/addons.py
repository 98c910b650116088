"""Addons of a node: which there are, which are on, and where the API objects of one are made.

An addon either has objects in the cluster (`sim.kube.addons`) or is a file on this node (helm, host-access, ...).
"""

from pathlib import Path

from sim import defaults, root
from sim.dqlite import files
from sim.kube.addons import addon_enabled, disable_addon, enable_addon
from sim.kube.store import ObjectStore
from sim.dqlite import raft

REPOSITORY = "core"


class Addon:
    """One row of the catalogue."""

    def __init__(self, name: str, description: str, version: str, check: tuple[str, str] | str):
        self.name, self.description, self.version, self.check = name, description, version, check

    def file(self) -> Path | None:
        """The file that means "enabled", for addons that are no objects."""
        if isinstance(self.check, str) and self.check != "always":
            text = self.check.replace("${SNAP_DATA}", "/var/snap/microk8s/current").replace("${SNAP_COMMON}", "/var/snap/microk8s/common")
            return root.path(text)
        return None

    def is_on(self, store: ObjectStore) -> bool:
        """What `status` finds: a row of `kubectl get all,ingress` (a pending pod counts), or the file."""
        if self.check == "always":
            return True
        file = self.file()
        if file is not None:
            return file.exists()
        found = addon_enabled(store, self.name)
        return bool(found) if found is not None else marker(self.name).exists()

    def switch(self, store: ObjectStore, on: bool, arguments: list[str]) -> None:
        """Create or delete what the addon is."""
        known = (enable_addon if on else disable_addon)(store, self.name, arguments)
        file = self.file() or (None if known else marker(self.name))
        if file is None or self.check == "always":
            return
        if on:
            root.write(file, "")
        else:
            file.unlink(missing_ok=True)


def marker(name: str) -> Path:
    """Remembers an addon whose objects nobody simulates; in the cluster's shared directory, because it is the cluster's."""
    return cluster_directory() / "addons" / name


def cluster_directory() -> Path:
    return raft.directory((files.load_state() or {}).get("cluster", "none"))


def open_store() -> ObjectStore:
    """The objects of this node's cluster. Only for callers that have just seen the API server ready."""
    return ObjectStore(cluster_directory())


def catalogue() -> list[Addon]:
    """All addons of the core repository, by name."""
    return sorted((Addon(*row) for row in defaults.ADDONS), key=lambda addon: addon.name)


def find(name: str) -> Addon | None:
    return next((addon for addon in catalogue() if addon.name == name), None)
