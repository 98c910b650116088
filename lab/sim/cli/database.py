"""`microk8s dbctl` (facts 1.8): a backup is one `N.key` and one `N.data` file per object, in a tar.gz in the current directory."""

import json
import tarfile
import tempfile
import time
from pathlib import Path

from sim import addons, faults, kubeclient, root, timing
from sim.cli import common
from sim.cli.common import say

PREFIX = "/registry"
# Where the API server's storage has another word than its resource; the groups of Kubernetes itself are not part of a key.
STORED_AS = {"nodes": "minions", "services": "services/specs", "endpoints": "services/endpoints", "ingresses": "ingress"}
OWN_GROUPS = ("apps", "batch", "policy", "autoscaling")


def key_of(resource: str, obj: dict) -> str:
    """The datastore key of an object, as kine would have it."""
    meta = obj["metadata"]
    word, _, group = resource.partition(".")
    kind = STORED_AS.get(word, word) if not group or group in OWN_GROUPS or group.endswith(".k8s.io") else f"{group}/{word}"
    return "/".join(filter(None, (PREFIX, kind, meta.get("namespace", ""), meta["name"])))


def backup(name: str | None) -> int:
    say("Backing up the datastore")
    name = (name or f"backup-{time.strftime('%Y-%m-%d-%H-%M-%S')}").removesuffix(".tar.gz")
    failed = _migrator("Backup")
    if failed:
        return 1
    objects = addons.open_store().dump()["objects"]
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder, Path(name).name)
        base.mkdir()
        rows = [(resource, obj) for resource, listed in objects.items() for obj in listed]
        for number, (resource, obj) in enumerate(rows):
            (base / f"{number}.key").write_text(key_of(resource, obj))
            (base / f"{number}.data").write_text(json.dumps({"resource": resource, "object": obj}))
        with tarfile.open(f"{name}.tar.gz", "w:gz") as tar:
            tar.add(base, arcname=base.name)
    say(f"The backup is: {name}.tar.gz")
    return 0


def restore(name: str) -> int:
    """Put the keys of a backup back; newer keys stay (facts 1.8)."""
    say(f"Restoring from {name}")
    with tarfile.open(name, "r:gz") as tar:
        rows = {int(Path(member.name).stem): json.load(tar.extractfile(member)) for member in tar if member.name.endswith(".data")}
    if _migrator("Restore"):
        return 3
    store = addons.open_store()
    for number in sorted(rows):
        store.put_back(rows[number]["resource"], rows[number]["object"])
    return 0


def _migrator(what: str) -> bool:
    """Run what stands for `$SNAP/bin/migrator`; True when it failed."""
    timing.sleep("dbctl")
    if faults.take("dbctl_fail") is not None or not kubeclient.Api().ready():
        say(f"{what} process failed. 1")
        return True
    return False


def run(argv: list[str]) -> int:
    common.exit_if_no_permission()
    common.exit_if_worker(1)
    if not root.backend("kine.sock:12379").exists() or not root.is_ha():
        say("Please ensure the kubernetes apiserver is running and HA is enabled.")
        return 10
    parser = common.Parser("dbctl", description="backup and restore the Kubernetes datastore.")
    parser.add_argument("--debug", action="store_true", help="print debug output")
    commands = parser.add_subparsers(title="commands", dest="command")
    commands.add_parser("restore").add_argument("file", metavar="backup-file", help="name of file with the backup")
    commands.add_parser("backup").add_argument("-o", dest="output", metavar="backup-file", help="output filename")
    options = parser.parse_args(argv)
    if options.command == "restore":
        return restore(options.file)
    if options.command == "backup":
        return backup(options.output)
    parser.print_help()
    return 0
