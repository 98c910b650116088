"""The files of the dqlite directory `$B`, in the formats of facts 2.4.

The log itself is not simulated. What a member must remember over a restart (its cluster and the membership it last saw) stands as JSON
in the newest segment file, so copying, moving, restoring or deleting segments means to the simulator what it means to dqlite.
"""

import json
import re
from pathlib import Path

from sim import root, yaml_lite

_SEGMENT = re.compile(r"^(\d{16})-(\d{16})$")
_SNAPSHOT = re.compile(r"^snapshot-(\d+)-(\d+)-(\d+)$")


def read_yaml(name: str, directory: Path | None = None):
    """A YAML file of the directory, or None when it is absent."""
    file = (directory or root.backend()) / name
    return yaml_lite.load(file.read_text()) if file.exists() else None


def write_yaml(name: str, value, directory: Path | None = None) -> None:
    root.write((directory or root.backend()) / name, yaml_lite.dump(value))


def info(member: dict) -> dict:
    """A member as info.yaml and cluster.yaml show it."""
    return {"Address": member["Address"], "ID": member["ID"], "Role": member["Role"]}


def write_cluster(members: list[dict], directory: Path | None = None) -> None:
    write_yaml("cluster.yaml", [info(m) for m in members], directory)


def cluster_addresses(role: int | None = None) -> list[str]:
    """The addresses in cluster.yaml, perhaps only those of one role."""
    return [m["Address"] for m in read_yaml("cluster.yaml") or [] if role is None or m.get("Role") == role]


def has_state(directory: Path) -> bool:
    """True when the directory holds a log already."""
    return any(_SEGMENT.match(f.name) or _SNAPSHOT.match(f.name) for f in directory.iterdir())


def last_index(directory: Path) -> int:
    """The end of the last closed segment; 0 when there is none."""
    return max((int(m.group(2)) for f in directory.iterdir() if (m := _SEGMENT.match(f.name))), default=0)


def load_state(directory: Path | None = None) -> dict | None:
    """What this member last knew: `{"cluster", "term", "version", "members"}`, from the newest segment or snapshot, else (a spare has
    no log) from metadata1. None when there is nothing. Raises CorruptLog."""
    directory = directory or root.backend()
    found = [(int(m.group(2)), f) for f in directory.iterdir() if (m := _SEGMENT.match(f.name) or _SNAPSHOT.match(f.name))]
    newest = [file for _, file in sorted(found, reverse=True)][:1]
    for file in newest or [directory / "metadata1"]:
        try:
            return json.loads(file.read_text())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise CorruptLog(file.name) from error
    return None


def save_state(state: dict, index: int, keeps_log: bool, directory: Path | None = None) -> None:
    """Remember `state`. A member that keeps a log closes a segment that ends at `index`; older ones go, as after a snapshot."""
    directory = directory or root.backend()
    text = json.dumps(state)
    root.write(directory / "metadata1", text)
    name = f"{1:016d}-{max(index, 1):016d}"
    if keeps_log:
        root.write(directory / name, text)
        for extra in ("metadata2", "open-1"):
            root.write(directory / extra, "0" * 64)
    for file in directory.iterdir():
        if (_SEGMENT.match(file.name) or _SNAPSHOT.match(file.name)) and (not keeps_log or file.name != name):
            file.unlink()


def damage(directory: Path) -> bool:
    """Overwrite the newest segment with zeros; False when there is none."""
    newest = max((f for f in directory.iterdir() if _SEGMENT.match(f.name)), key=lambda f: f.name, default=None)
    if newest is not None:
        newest.write_bytes(bytes(64))
    return newest is not None


class CorruptLog(RuntimeError):
    """A segment that cannot be read; the text is its name."""
