"""`/snap/microk8s/current/bin/dqlite`: the shell of go-dqlite, as far as MicroK8s and its manuals use it.

`dqlite -s SERVERS -c CERT -k KEY [-f tabular|json] DATABASE [QUERY]`. The words are those of facts 1.4 and 3.8.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from sim import root, timing, yaml_lite
from sim.dqlite import files, member, raft, roles, wire


class ShellError(RuntimeError):
    """The text after `Error: `."""


class Shell:
    """One connection context: servers in order, and the folder with the certificate."""

    def __init__(self, servers: list[str], directory: Path, as_json: bool = False):
        self.servers, self.directory, self.as_json = servers, directory, as_json

    def ask(self, message: dict) -> dict:
        """Ask the first member that has quorum; look for one as long as the real client does."""
        deadline = time.monotonic() + timing.seconds("dqlite_request")
        while True:
            for server in self.servers:
                try:
                    return wire.ask_once(member.local_address(server), self.directory, message)
                except wire.WireError as error:
                    if str(error).startswith("no node has address"):
                        raise ShellError(str(error)) from error
            if time.monotonic() > deadline:
                raise ShellError("no available dqlite leader server found")
            time.sleep(0.1)

    def cluster(self) -> list[dict]:
        """The members in configuration order, as `[{"ID", "Address", "Role"}]`."""
        return [{key: m[key] for key in ("ID", "Address", "Role")} for m in self.ask({"op": "CLUSTER"})["members"]]

    def remove(self, address: str) -> None:
        self.ask({"op": "REMOVE", "address": address})

    def run(self, query: str) -> str:
        """Run one word and return what it prints."""
        word, *args = query.split()
        command = _WORDS.get(word)
        if command is None:
            raise ShellError(f"unsupported query: {query}")
        try:
            return command(self, *args)
        except TypeError as error:
            raise ShellError(f"bad command format, should be: {word} ...") from error

    def _cluster(self) -> str:
        members = self.cluster()
        if self.as_json:
            return json.dumps(members, indent="\t", separators=(",", ": "))
        return "\n".join(f"{m['ID']:x}|{m['Address']}|{roles.NAMES[m['Role']]}" for m in members)

    def _leader(self) -> str:
        return self.ask({"op": "LEADER"})["leader"]

    def _remove(self, address: str) -> str:
        self.remove(address)
        return ""

    def _describe(self, address: str) -> str:
        return json.dumps(self.ask({"op": "DESCRIBE", "address": address}), indent="\t")

    def _weight(self, address: str, weight: str) -> str:
        self.ask({"op": "WEIGHT", "address": address, "weight": int(weight)})
        return ""

    def _dump(self, address: str) -> str:
        self.ask({"op": "DESCRIBE", "address": address})
        state = files.load_state() or {}
        source = raft.directory(state["cluster"]) / "objects.db"
        Path("k8s").write_bytes(source.read_bytes())
        return ""

    def _reconfigure(self, directory: str, cluster_yaml: str) -> str:
        """Rewrite the membership in a stopped member's log to what a YAML file says (facts 3.8)."""
        folder = Path(directory)
        if not files.has_state(folder):
            raise ShellError(f"failed to reconfigure membership: no log in {directory}")
        listed = yaml_lite.load(Path(cluster_yaml).read_text())
        members = [raft.member(m["Address"], m["ID"], m.get("Role", roles.VOTER)) for m in listed]
        state = files.load_state(folder) or {}
        cluster = raft.fork(state["cluster"], members)
        fresh = raft.Raft(cluster).read()
        files.save_state({"cluster": cluster, "term": 0, "version": fresh["version"], "members": members},
                         files.last_index(folder) + 1, True, folder)
        return "OK"


_WORDS = {".cluster": Shell._cluster, ".leader": Shell._leader, ".remove": Shell._remove, ".describe": Shell._describe,
          ".weight": Shell._weight, ".dump": Shell._dump, ".reconfigure": Shell._reconfigure}


def parse_servers(text: str) -> list[str]:
    """`host:port,host:port` or `file://FILE.yaml`."""
    if not text.startswith("file://"):
        return text.split(",")
    listed = yaml_lite.load(Path(text.removeprefix("file://")).read_text()) or []
    return [m["Address"] for m in listed]


def local() -> Shell:
    """The shell as MicroK8s' own scripts open it: `-s file://$B/cluster.yaml`."""
    return Shell(files.cluster_addresses(), root.backend())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="dqlite")
    parser.add_argument("-s", "--servers", required=True)
    parser.add_argument("-c", "--cert", default="")
    parser.add_argument("-k", "--key", default="")
    parser.add_argument("-f", "--format", choices=("tabular", "json"), default="tabular")
    parser.add_argument("-t", "--timeout", type=int, default=2000)
    parser.add_argument("database")
    parser.add_argument("query", nargs="?", default="")
    options = parser.parse_args(argv)
    try:
        shell = Shell(parse_servers(options.servers), Path(options.cert).parent, options.format == "json")
        for query in [options.query] if options.query else [line.strip() for line in sys.stdin if line.strip()]:
            text = shell.run(query)
            if text:
                print(text)
    except (ShellError, OSError, yaml_lite.YamlError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
