"""The membership of one dqlite cluster: what a real one keeps in its replicated log.

Lives in `/run/sim/shared/clusters/CLUSTER/raft.json`, changed under a file lock. Only a member that has quorum may read or change it
(`member` sees to that). Keys: `members` in configuration order, `version` (grows with every change), `term`, `leader` (address).
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from sim import root
from sim.dqlite import roles


def new_cluster_id() -> str:
    return uuid.uuid4().hex


def directory(cluster: str) -> Path:
    """The shared directory of a cluster, which is also that of its object store."""
    return root.shared("clusters", cluster)


def member(address: str, member_id: int, role: int, domain: int = 1, weight: int = 0) -> dict:
    return {"ID": member_id, "Address": address, "Role": role, "domain": domain, "weight": weight}


class Raft:
    """The shared record of one cluster. `read` is cheap: the file is parsed again only when it has changed."""

    def __init__(self, cluster: str):
        self.cluster = cluster
        self.file = directory(cluster) / "raft.json"
        self._stamp: tuple[int, int] | None = None
        self._value: dict = {}

    def create(self, members: list[dict]) -> dict:
        """Start a cluster with these members."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        return self.change(lambda value: value.update(members=members, term=value.get("term", 0)))

    def read(self) -> dict:
        """The record; never change what is returned."""
        stat = self.file.stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._value = json.loads(self.file.read_text())
            self._stamp = stamp
        return self._value

    def change(self, edit: Callable[[dict], object]) -> dict:
        """Apply `edit` to the record under the lock; returns the new record. `edit` may raise to give up."""
        with open(self.file.with_suffix(".lock"), "w", encoding="utf-8") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            value = json.loads(self.file.read_text()) if self.file.exists() else {"members": [], "version": 0, "term": 0, "leader": ""}
            edit(value)
            value["version"] += 1
            temporary = self.file.with_suffix(f".{os.getpid()}.new")
            temporary.write_text(json.dumps(value))
            temporary.replace(self.file)
        return value

    def set_role(self, address: str, role: int) -> dict:
        def edit(value: dict) -> None:
            for entry in value["members"]:
                if entry["Address"] == address:
                    entry["Role"] = role
        return self.change(edit)

    def add(self, address: str, member_id: int, domain: int) -> dict:
        """Add a member as spare, or update the one with this address."""
        def edit(value: dict) -> None:
            value["members"] = [m for m in value["members"] if m["Address"] != address]
            value["members"].append(member(address, member_id, roles.SPARE, domain))
        return self.change(edit)

    def remove(self, address: str) -> dict:
        def edit(value: dict) -> None:
            value["members"] = [m for m in value["members"] if m["Address"] != address]
        return self.change(edit)


def fork(cluster: str, members: list[dict]) -> str:
    """Copy a cluster's data under a new id with new members (`.reconfigure`): the old members can never meet the new ones."""
    fresh = new_cluster_id()
    shutil.copytree(directory(cluster), directory(fresh), ignore=shutil.ignore_patterns("raft.*", "notify"))
    Raft(fresh).create(members)
    return fresh
