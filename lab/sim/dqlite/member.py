"""One running k8s-dqlite: joins, exchanges PINGs, knows quorum and leader, adjusts roles, hands over when it stops.

Threads: one accepts on :19001 (and one per inbound connection), one per peer sends PINGs, one (`_monitor`) thinks. All shared fields are
guarded by `_wake`'s lock. `available` is the one thing that others ask: True while this member exchanges messages with a majority of the
configured voters and with the leader. Only then may the node touch the cluster's shared data.
"""

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable

from sim import faults, root, timing
from sim.dqlite import files, raft, roles, wire


class Fatal(RuntimeError):
    """k8s-dqlite cannot start; the text is what it logs."""


def generate_id(address: str) -> int:
    """The ID of a member that joins."""
    return int.from_bytes(hashlib.sha1(address.encode()).digest()[:8], "big") >> 1


def failure_domain() -> int:
    """`failure-domain=N` of args/ha-conf; 1 when unset."""
    with contextlib.suppress(OSError, ValueError):
        for line in root.data("args/ha-conf").read_text().splitlines():
            if line.startswith("failure-domain="):
                return int(line.split("=", 1)[1])
    return 1


def local_address(address: str) -> str:
    """Where to bind: 127.0.0.1 stands for the node's own loopback, which in tests is another address."""
    return address.replace("127.0.0.1", root.loopback())


class Member:
    """`start` returns once the port is bound; joining and elections go on in the background."""

    def __init__(self, log: Callable[[str], None] = lambda text: None, revision: Callable[[str], int] = lambda cluster: 0):
        self._log = log
        self._revision = revision
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._peers: dict[str, _Peer] = {}
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._raft: raft.Raft | None = None
        self._joining: list[str] = []
        self._leaderless_since = 0.0
        self._next_adjust = 0.0
        self._seen_members: set[str] = set()
        self.address = ""
        self.id = 0
        self.cluster = ""
        self.term = 0
        self.version = 0
        self.index = 0
        self.members: list[dict] = []
        self.leading = False
        self.leader = ""
        self.available = False

    # ---- start ------------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read `$B`, bind and run. Raises Fatal with the log text."""
        if faults.active("dqlite_corrupt") is not None and files.damage(root.backend()):
            with faults.changing(faults.directory()) as every:  # the damage is on the disk now; a reinstalled node has none
                every.pop("dqlite_corrupt", None)
        self._load()
        self._bind()
        root.write(root.backend("kine.sock:12379"), "")
        self._tls = wire.context(root.backend(), server=False)
        for target in (self._accept, self._monitor):
            threading.Thread(target=target, name="dqlite", daemon=True).start()

    def _load(self) -> None:
        directory = root.backend()
        init = files.read_yaml("init.yaml")
        if init is not None:
            self._initialise(init)
            return
        info = files.read_yaml("info.yaml")
        try:
            state = files.load_state()
        except files.CorruptLog as error:
            raise Fatal(f"raft_start(): io: load closed segment {error}: entries batch 1 starting at byte 8: entries count in preamble is zero"
                        ) from error
        if info is None or state is None:
            raise Fatal(f"failed to open {directory}: no existing state")
        self.address, self.id = info["Address"], info["ID"]
        self._joining = state.get("joining", [])
        self._adopt(state)
        update = files.read_yaml("update.yaml")
        if update is not None:
            self._rebind(update["Address"])

    def _initialise(self, init: dict) -> None:
        """Bootstrap a cluster, or prepare to join one (init.yaml)."""
        if files.has_state(root.backend()):
            raise Fatal("data directory seems to have existing state")
        self.address = init.get("Address") or f"127.0.0.1:{root.DQLITE_PORT}"
        seeds = init.get("Cluster") or []
        self.id = generate_id(self.address) if seeds else root.BOOTSTRAP_ID
        if seeds:
            self._joining = list(seeds)
            files.write_yaml("cluster.yaml", [{"Address": a, "ID": 0, "Role": roles.VOTER} for a in seeds])
        else:
            me = raft.member(self.address, self.id, roles.VOTER, failure_domain())
            cluster = raft.new_cluster_id()
            self._adopt({"cluster": cluster, **raft.Raft(cluster).create([me])})
            files.write_cluster(self.members)
        self._write_info()
        self._save()
        root.backend("init.yaml").unlink()

    def _rebind(self, address: str) -> None:
        """update.yaml: this member alone, under a new address."""
        me = next(m for m in self.members if m["Address"] == self.address)
        self.address = address
        assert self._raft is not None
        self._adopt({"cluster": self.cluster, **self._raft.create([{**me, "Address": address, "Role": roles.VOTER}])})
        self._write_info()
        files.write_cluster(self.members)
        self._save()
        root.backend("update.yaml").unlink()

    def _bind(self) -> None:
        host, port = local_address(self.address).rsplit(":", 1)
        try:
            self._listener = socket.create_server((host, int(port)), reuse_port=False)
        except OSError as error:
            raise Fatal(f"listen tcp {self.address}: bind: {(error.strerror or str(error)).lower()}") from error

    def _write_info(self) -> None:
        files.write_yaml("info.yaml", {"Address": self.address, "ID": self.id, "Role": roles.VOTER})

    def _adopt(self, state: dict) -> None:
        """Take over a membership (with its cluster, when that is new to us)."""
        if state.get("cluster") and state["cluster"] != self.cluster:
            self.cluster = state["cluster"]
            self._raft = raft.Raft(self.cluster)
        self.members = state.get("members", self.members)
        self.version = state.get("version", self.version)
        self.term = max(self.term, state.get("term", 0))

    def _save(self) -> None:
        me = self._me()
        keeps_log = me is not None and me["Role"] != roles.SPARE
        files.save_state({"cluster": self.cluster, "term": self.term, "version": self.version, "members": self.members,
                          "joining": self._joining}, self.index, keeps_log)

    def _me(self) -> dict | None:
        return next((m for m in self.members if m["Address"] == self.address), None)

    # ---- stop -------------------------------------------------------------------------------------------------------------------

    def stop(self, graceful: bool = True) -> None:
        """End. Graceful (SIGTERM): hand over role and leadership first, which needs quorum and is given up after `handover_max`."""
        if graceful and self._me() is not None and len(self.members) > 1:
            deadline = time.monotonic() + timing.seconds("handover_max")
            while not self.available and time.monotonic() < deadline:
                time.sleep(0.1)
            if self.available:
                self._hand_over()
        self._stopping.set()
        with self._wake:
            self.available = self.leading = False
            self._wake.notify_all()
            doomed = [self._listener, *self._connections]
        for peer in self._peers.values():
            peer.stop()
        for sock in filter(None, doomed):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        if graceful:
            root.backend("kine.sock:12379").unlink(missing_ok=True)

    def _hand_over(self) -> None:
        assert self._raft is not None
        online = self._online()
        chosen = roles.handover(self.members, self.address, online)
        if chosen:
            self._raft.set_role(*chosen)
            self._adopt(self._raft.set_role(self.address, roles.SPARE))
            self._log(f"transferred role {roles.NAMES[chosen[1]]} to {chosen[0]}")
        heirs = [m["Address"] for m in roles.voters(self.members) if m["Address"] in online and m["Address"] != self.address]
        if self.leading and heirs:
            self._adopt(self._raft.change(lambda value: value.update(term=value["term"] + 1, leader=heirs[0])))
            self.leading = False
            with contextlib.suppress(wire.WireError):
                wire.ask_once(local_address(heirs[0]), root.backend(), {"op": "LEAD"}, self._source())
        self._save()

    # ---- what others see --------------------------------------------------------------------------------------------------------

    def _status(self) -> dict:
        return {"addr": self.address, "id": self.id, "term": self.term, "last_index": self.index, "leading": self.leading,
                "leader": self.leader, "available": self.available, "version": self.version}

    def _online(self) -> set[str]:
        return {self.address} | {address for address, peer in self._peers.items() if peer.status is not None}

    def planes(self) -> set[str]:
        """IPs of the control planes that answer; our own counts as the address we have on the network."""
        return {root.default_address() if a.startswith("127.") and a == self.address else a.rsplit(":", 1)[0] for a in self._online()}

    def _accept(self) -> None:
        tls = wire.context(root.backend(), server=True)
        assert self._listener is not None
        while not self._stopping.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw, tls), name="dqlite-conn", daemon=True).start()

    def _serve(self, raw: socket.socket, tls) -> None:
        with self._wake:
            self._connections.add(raw)
        try:
            raw.settimeout(wire.TIMEOUT_S)
            with tls.wrap_socket(raw, server_side=True) as sock:
                with self._wake:
                    self._connections.add(sock)
                sock.settimeout(None)
                connection = sock.makefile("rwb")
                for line in connection:
                    connection.write(wire.encode(self._answer(wire.decode(line))))
                    connection.flush()
        except (OSError, ValueError):
            pass
        finally:
            with self._wake:
                self._connections = {c for c in self._connections if c is not raw and c.fileno() != -1}

    def _answer(self, message: dict) -> dict:
        handler = _OPERATIONS.get(message.get("op", ""))
        if handler is None:
            return {"error": "unknown operation"}
        if self._stopping.is_set():
            return {"error": "stopping"}
        if (delay := faults.active("dqlite_slow")) is not None:
            time.sleep(float(delay or 200) / 1000)
        try:
            return handler(self, message)
        except (KeyError, OSError) as error:
            return {"error": str(error)}

    def _ping(self, message: dict) -> dict:
        with self._wake:
            self._learn(message)
            peer = self._peers.get(message["addr"])
            if peer is not None and peer.status is not None:  # both directions work: believe the newer news
                before, peer.status = peer.status, {key: message[key] for key in self._status()}
                if _changed(before, peer.status):
                    self._wake.notify_all()
            answer = self._status()
            if self.available and message.get("version") != self.version:
                answer.update(members=self.members, cluster=self.cluster)
        return answer

    def _learn(self, status: dict) -> None:
        """Take over a newer membership from a member that has quorum."""
        if status.get("available") and status.get("members") and status["version"] > self.version and status["cluster"] == self.cluster:
            self._adopt(status)
            self._save()
            self._wake.notify_all()

    def _require_leader(self) -> raft.Raft:
        if not self.available or self._raft is None:
            raise OSError("no available dqlite leader server found")
        return self._raft

    def _op_cluster(self, _: dict) -> dict:
        self._require_leader()
        return {"members": self.members}

    def _op_leader(self, _: dict) -> dict:
        self._require_leader()
        return {"leader": self.leader}

    def _op_join(self, message: dict) -> dict:
        value = self._require_leader().add(message["address"], message["id"], message["domain"])
        self._take(value)
        return {"cluster": self.cluster, **value}

    def _op_remove(self, message: dict) -> dict:
        if not any(m["Address"] == message["address"] for m in self._require_leader().read()["members"]):
            raise OSError(f"no node has address \"{message['address']}\"")
        self._take(self._require_leader().remove(message["address"]))
        return {}

    def _op_lead(self, _: dict) -> dict:
        """The leader that stops has made us its heir (in the shared record)."""
        assert self._raft is not None
        with self._wake:
            value = self._raft.read()
            if value["leader"] == self.address:
                self._adopt(value)
                self._lead()
                self._wake.notify_all()
        return {}

    def _op_describe(self, message: dict) -> dict:
        self._require_leader()
        entry = next((m for m in self.members if m["Address"] == message["address"]), None)
        if entry is None:
            raise OSError(f"no node has address \"{message['address']}\"")
        return {"FailureDomain": entry["domain"], "Weight": entry["weight"]}

    def _op_weight(self, message: dict) -> dict:
        def edit(value: dict) -> None:
            for entry in value["members"]:
                if entry["Address"] == message["address"]:
                    entry["weight"] = message["weight"]
        self._take(self._require_leader().change(edit))
        return {}

    def _take(self, value: dict) -> None:
        with self._wake:
            self._adopt(value)
            self._tell_peers()
            self._wake.notify_all()

    # ---- thinking ---------------------------------------------------------------------------------------------------------------

    def _monitor(self) -> None:
        poll = timing.seconds("dqlite_poll")
        refresh_at = 0.0
        while not self._stopping.is_set():
            try:
                if self._joining:
                    self._try_join()
                with self._wake:
                    self._think()
                if self.available and time.monotonic() >= refresh_at:
                    self._refresh()
                    refresh_at = time.monotonic() + timing.seconds("roles_adjust")
                if self.leading:
                    self._adjust_roles()
            except OSError as error:  # a full disk or a store that is gone must not end the thread
                self._log(f"dqlite: {error}")
            with self._wake:
                if not self._stopping.is_set():
                    self._wake.wait(poll)

    def _try_join(self) -> None:
        for seed in self._joining:
            try:
                answer = wire.ask_once(local_address(seed), root.backend(),
                                       {"op": "JOIN", "address": self.address, "id": self.id, "domain": failure_domain()}, self._source())
            except wire.WireError as error:
                self._log(f"failed to join {seed}: {error}")
                continue
            with self._wake:
                self._joining = []
                self._adopt(answer)
            files.write_cluster(self.members)
            self._save()
            return

    def _source(self) -> str:
        return local_address(self.address).rsplit(":", 1)[0]

    def _think(self) -> None:
        """One look at the world: membership, peers, quorum, leader."""
        if self._raft is None:
            return
        if self.available:
            self._sync()
        self._keep_peers()
        online = self._online()
        me = self._me()
        quorum = me is not None and len([m for m in roles.voters(self.members) if m["Address"] in online]) >= roles.majority(self.members)
        if self.leading and not (quorum and me["Role"] == roles.VOTER and self._raft.read()["leader"] == self.address):
            self.leading = False
        self.leader = self._find_leader()
        if quorum and not self.leader:
            self._elect(online, me)
        if self.leader or not quorum:
            self._leaderless_since = 0.0
        was, self.available = self.available, bool(quorum and self.leader and self.leader in online and not self._blocked())
        if self.available and not was:
            self._sync()
            self._tell_peers()
            self._wake.notify_all()

    def _blocked(self) -> bool:
        if faults.active("dqlite_lock") is None:
            return False
        self._log("error in transaction: database is locked")
        return True

    def _sync(self) -> None:
        assert self._raft is not None
        value = self._raft.read()
        self.index = value["version"] + self._revision(self.cluster)
        if value["version"] != self.version:
            self._adopt(value)
            self._save()

    def _keep_peers(self) -> None:
        wanted = {m["Address"] for m in self.members} - {self.address}
        for address in set(self._peers) - wanted:
            self._peers.pop(address).stop()
        for address in wanted - set(self._peers):
            self._peers[address] = _Peer(address, self)

    def _find_leader(self) -> str:
        """The leader that we or a peer with quorum see; a peer may see one that we cannot reach."""
        if self.leading:
            return self.address
        statuses = [p.status for p in self._peers.values() if p.status is not None]
        best = max((s for s in statuses if s["leading"]), key=lambda s: s["term"], default=None)
        if best:
            return best["addr"]
        told = max((s for s in statuses if s["available"] and s["leader"] not in ("", self.address)), key=lambda s: s["term"], default=None)
        return told["leader"] if told else ""

    def _elect(self, online: set[str], me: dict | None) -> None:
        now = time.monotonic()
        self._leaderless_since = self._leaderless_since or now
        delay = 0.0 if len(self.members) == 1 else timing.seconds("election")
        if me is None or me["Role"] != roles.VOTER or now - self._leaderless_since < delay:
            return
        indexes = {a: p.status["last_index"] for a, p in self._peers.items() if p.status is not None} | {self.address: self.index}
        candidates = [m for m in roles.voters(self.members) if m["Address"] in online]
        if min(candidates, key=lambda m: (-indexes[m["Address"]], m["ID"]))["Address"] != self.address:
            return
        assert self._raft is not None
        self._adopt(self._raft.change(lambda value: value.update(term=value["term"] + 1, leader=self.address)))
        self._lead()

    def _lead(self) -> None:
        self.leading, self.leader = True, self.address
        self._next_adjust = time.monotonic() + timing.seconds("roles_adjust")
        self._seen_members = {m["Address"] for m in self.members}
        self._log(f"became leader in term {self.term}")
        self._tell_peers()

    def _tell_peers(self) -> None:
        """Send the next PINGs now."""
        for peer in self._peers.values():
            peer.hurry()

    def _refresh(self) -> None:
        """Every 30 s: cluster.yaml, and what we must remember."""
        members = self._as_told()
        if files.read_yaml("cluster.yaml") != [files.info(m) for m in members]:
            files.write_cluster(members)
        if files.last_index(root.backend()) != self.index:
            self._save()

    def _as_told(self) -> list[dict]:
        """The members as cluster.yaml shows them; the fault dqlite_named shows our own by its host name."""
        if faults.active("dqlite_named") is None:
            return self.members
        return [m | {"Address": f"{root.node_name()}:{root.DQLITE_PORT}"} if m["Address"] == self.address else m for m in self.members]

    def _adjust_roles(self) -> None:
        """The leader's work: every 30 s, and when a new member answers for the first time."""
        online = self._online()
        fresh = {m["Address"] for m in self.members} & online - self._seen_members
        self._seen_members |= fresh
        if not fresh and time.monotonic() < self._next_adjust:
            return
        self._next_adjust = time.monotonic() + timing.seconds("roles_adjust")
        while (change := roles.adjust(self.members, self.address, online)) is not None:
            assert self._raft is not None
            self._log(f"assign role {roles.NAMES[change[1]]} to {change[0]}")
            self._take(self._raft.set_role(*change))


_OPERATIONS = {"PING": Member._ping, "CLUSTER": Member._op_cluster, "LEADER": Member._op_leader, "JOIN": Member._op_join,
               "REMOVE": Member._op_remove, "LEAD": Member._op_lead, "DESCRIBE": Member._op_describe, "WEIGHT": Member._op_weight}


class _Peer:
    """Keeps one connection to another member and PINGs it. `status` is its last answer, None while it does not answer."""

    def __init__(self, address: str, owner: Member):
        self.address = address
        self.status: dict | None = None
        self._owner = owner
        self._stopped = False
        self._due = threading.Event()
        threading.Thread(target=self._run, name=f"dqlite-peer-{address}", daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        self._due.set()

    def hurry(self) -> None:
        """PING now instead of at the next poll."""
        self._due.set()

    def _run(self) -> None:
        poll = timing.seconds("dqlite_poll")
        connection = None
        while not self._stopped:
            self._due.clear()
            try:
                connection = connection or wire.Connection(local_address(self.address), self._owner._tls, self._owner._source())
                self._note(connection.ask(self._question()))
            except (OSError, ValueError):
                connection = _closed(connection)
                self._note(None)
            if not self._stopped:
                self._due.wait(poll)
        _closed(connection)

    def _question(self) -> dict:
        owner = self._owner
        with owner._wake:
            question = {"op": "PING", **owner._status()}
            if owner.available and (self.status is None or self.status["version"] < owner.version):
                question.update(members=owner.members, cluster=owner.cluster)
        return question

    def _note(self, status: dict | None) -> None:
        if status is not None and "error" in status:
            status = None
        owner = self._owner
        with owner._wake:
            before, self.status = self.status, status
            if status is not None:
                owner._learn(status)
            if _changed(before, status):
                owner._wake.notify_all()


def _changed(before: dict | None, after: dict | None) -> bool:
    """True when a status says something that the owner must think about at once."""
    if before is None or after is None:
        return before is not after
    return any(before[key] != after[key] for key in ("leading", "leader", "available", "version"))


def _closed(connection: wire.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.close()
