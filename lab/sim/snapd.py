"""The simulated snapd: the REST socket /run/snapd.socket, and the changes it works off.

Owns /var/lib/snapd/state.json (snaps, changes, configuration). A change belongs to this daemon, not to the command that asked for it: it
goes on when the command dies, and is resumed after a reboot. What tasks do is in `sim.snap_tasks`.
"""

import json
import os
import socket
import socketserver
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from sim import faults, root, services, snap_store, snap_tasks

VERSION = "2.63"
SOCKET = "/run/snapd.socket"
KEEP_CHANGES = 50


class Refusal(Exception):
    """An answer of the daemon that is an error: HTTP status, kind, text."""

    def __init__(self, status, message, kind=""):
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind


class Daemon:
    """The state and the work of snapd. All methods may be called from any thread; `lock` guards the state."""

    def __init__(self):
        self.lock = threading.RLock()
        self.path = root.path("/var/lib/snapd/state.json")
        self.state = {"snaps": {}, "changes": [], "conf": {}, "last-id": 1}
        try:
            self.state.update(json.loads(self.path.read_text()))
        except (OSError, ValueError):
            pass
        if not self.state["changes"]:
            self.state["changes"].append({"id": "1", "kind": "seed", "summary": "Initialize system state", "status": "Done",
                                          "spawn": time.time(), "ready": time.time(), "params": {}, "tasks": [], "err": None})
        for change in self.state["changes"]:
            if change["ready"] is None:
                self.work(change)

    def save(self):
        """Write the state; a full disk only means that it is not remembered."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(self.state))
            fresh.replace(self.path)
        except OSError as error:
            complain(f"cannot save state: {error}")

    # -- changes -----------------------------------------------------------------------------------------------------------

    def begin(self, kind, summary, params, snap="microk8s"):
        """Make a change and start to work on it; its id."""
        with self.lock:
            self.refuse_conflict(snap, kind)
            self.state["last-id"] += 1
            tasks = [{"id": str(i), "kind": "task", "summary": text, "status": "Do", "progress": 0} for i, (text, _, _)
                     in enumerate(snap_tasks.plan(kind, params))]
            change = {"id": str(self.state["last-id"]), "kind": kind, "summary": summary, "status": "Doing", "spawn": time.time(),
                      "ready": None, "params": params, "tasks": tasks, "err": None, "snap": snap, "abort": False}
            self.state["changes"] = (self.state["changes"] + [change])[-KEEP_CHANGES:]
            self.save()
        self.work(change)
        return change["id"]

    def refuse_conflict(self, snap, kind):
        """Only one change at a time for a snap."""
        running = next((c["kind"] for c in self.state["changes"] if c["ready"] is None and c.get("snap") == snap), None)
        if running is None and (taken := faults.take("snap_conflict")) is not None:
            running = taken or "auto-refresh"
        if running is not None:
            raise Refusal(409, f'snap "{snap}" has "{running}" change in progress', "snap-change-conflict")

    def work(self, change):
        threading.Thread(target=self._run, args=(change,), daemon=True).start()

    def _run(self, change):
        context = snap_tasks.Context(change["params"], self.state["snaps"], lambda: change["abort"])
        plan = snap_tasks.plan(change["kind"], change["params"])
        for index, ((text, run, _), task) in enumerate(zip(plan, change["tasks"])):
            if task["status"] == "Done":
                continue
            try:
                context.stop_if_aborted()
                self._status(task, "Doing")
                run(context)
                self._status(task, "Done")
            except snap_tasks.Aborted:
                self._undo(change, plan, context, index, None)
                return
            except Exception as error:  # whatever goes wrong in a task is the task's failure, never the daemon's
                self._status(task, "Error")
                self._undo(change, plan, context, index, f"- {text} ({error})")
                return
        self._end(change, "Done", None)

    def _undo(self, change, plan, context, failed, err):
        for later in change["tasks"][failed + (1 if err else 0):]:
            later["status"] = "Hold"
        undo_range = range(failed - 1, -1, -1) if not change["params"].get("broken") else ()
        for index in undo_range:
            try:
                plan[index][2](context)
            except Exception as error:
                complain(f"cannot undo {plan[index][0]}: {error}")
            self._status(change["tasks"][index], "Undone")
        self._end(change, "Error" if err else "Undone", err)

    def _status(self, task, status):
        with self.lock:
            task["status"] = status
            task["spawn"] = task.get("spawn") or time.time()
            if status not in ("Do", "Doing"):
                task["ready"] = time.time()
            self.save()

    def _end(self, change, status, err):
        with self.lock:
            text = f"cannot perform the following tasks:\n{err}" if err else None
            change.update(status=status, err=text, ready=time.time())
            self.save()

    def change(self, ident):
        for change in self.state["changes"]:
            if change["id"] == ident:
                return change
        raise Refusal(404, f"cannot find change with id \"{ident}\"", "not-found")

    def abort(self, ident):
        change = self.change(ident)
        if change["ready"] is not None:
            raise Refusal(400, f"cannot abort change {ident} with nothing pending")
        change["abort"] = True
        return change

    # -- actions on snaps --------------------------------------------------------------------------------------------------

    def act(self, name, body):
        """POST /v2/snaps/NAME: the id of the change, or None when it was done at once."""
        self.refuse_unready()
        action = body.get("action")
        handler = getattr(self, "act_" + str(action).replace("-", "_"), None)
        if handler is None:
            raise Refusal(400, f"unknown action {action}")
        return handler(name, body)

    def refuse_unready(self):
        if faults.active("snap_not_seeded") is not None:
            raise Refusal(400, "too early for operation, device not yet seeded or device model not acknowledged")

    def installed(self, name):
        record = self.state["snaps"].get(name)
        if record is None:
            raise Refusal(400, f'snap "{name}" is not installed', "snap-not-installed")
        return record

    def ask_store(self, name, channel):
        """The release in a channel; the store's refusals as snapd words them."""
        if faults.take("snap_store_timeout") is not None:
            raise Refusal(500, "unable to contact snap store", "network-timeout")
        if name != "microk8s":
            raise Refusal(404, f'snap "{name}" not found', "snap-not-found")
        release = snap_store.release(channel)
        if release is None:
            raise Refusal(404, f'snap "{name}" is not available on {channel} but is available to install on the following '
                          "channels:\n" + "\n".join(f"{track + '/stable':20} snap install --channel={track} {name}"
                                                   for track in snap_store.TRACKS if track != "latest"),
                          "snap-channel-not-available")
        return release

    def refuse_low_disk(self, verb):
        if faults.take("snap_disk_full") is not None:
            raise Refusal(507, f'cannot {verb} "microk8s" due to low disk space', "insufficient-disk-space")

    def act_install(self, name, body):
        if name in self.state["snaps"]:
            raise Refusal(400, f'snap "{name}" is already installed', "snap-already-installed")
        channel = snap_store.full_channel(body.get("channel") or "stable")
        release = self.ask_store(name, self.valid(channel, body))
        if release["confinement"] == "classic" and not body.get("classic"):
            raise Refusal(400, f'snap "{name}" requires classic confinement', "snap-needs-classic")
        self.refuse_low_disk("install")
        return self.begin("install-snap", f'Install "{name}" snap from "{channel}" channel', release, name)

    def valid(self, channel, body):
        if channel is None:
            raise Refusal(400, f"cannot parse channel \"{body.get('channel')}\"")
        return channel

    def act_refresh(self, name, body):
        record = self.installed(name)
        channel = self.valid(snap_store.full_channel(body["channel"], record["tracking-channel"]) if body.get("channel")
                             else record["tracking-channel"], body)
        release = self.ask_store(name, channel)
        if release["revision"] == record["revision"]:
            if channel == record["tracking-channel"]:
                raise Refusal(400, f'snap "{name}" has no updates available', "snap-no-update-available")
            record.update({"tracking-channel": channel, "channel": channel})
            self.save()
            return None
        if record["status"] != "active":
            raise Refusal(400, f'refreshing disabled snap "{name}" not supported')
        self.refuse_low_disk("refresh")
        return self.begin("refresh-snap", f'Refresh "{name}" snap from "{channel}" channel', release, name)

    def act_remove(self, name, body):
        record = self.installed(name)
        self.state["conf"].pop(name, None)
        return self.begin("remove-snap", f'Remove "{name}" snap', {"revision": record["revision"], "version": record["version"],
                          "purge": bool(body.get("purge")), "confinement": record["confinement"]}, name)

    def act_revert(self, name, _body):
        record = self.installed(name)
        older = [r for r in record.get("revisions", []) if r != record["revision"]]
        if not older:
            raise Refusal(400, "no revision to revert to")
        return self.begin("revert-snap", f'Revert "{name}" snap', {"revision": older[-1], "version": record["versions"][older[-1]],
                          "confinement": record["confinement"]}, name)

    def act_enable(self, name, _body):
        record = self.installed(name)
        if record["status"] == "active":
            raise Refusal(400, f'cannot enable "{name}": snap "{name}" is already enabled')
        return self.begin("enable-snap", f'Enable "{name}" snap', dict(record, previous=None), name)

    def act_disable(self, name, _body):
        record = self.installed(name)
        if record["status"] != "active":
            raise Refusal(400, f'cannot disable "{name}": snap "{name}" is already disabled')
        return self.begin("disable-snap", f'Disable "{name}" snap', dict(record, previous=None), name)

    def act_hold(self, name, body):
        self.installed(name)["hold"] = body.get("time", "forever")
        self.save()

    def act_unhold(self, name, _body):
        self.installed(name)["hold"] = None
        self.save()

    def control(self, body):
        """POST /v2/apps: start, stop or restart services."""
        self.refuse_unready()
        wanted = []
        for name in body["names"]:
            snap, _, service = name.partition(".")
            if snap not in self.state["snaps"]:
                raise Refusal(404, f'snap "{snap}" not found', "snap-not-found")
            if service and service not in services.NAMES:
                raise Refusal(404, f'snap "{snap}" has no service "{service}"', "app-not-found")
            wanted.append(service or services.ALL)
        params = {"verb": body["action"], "services": wanted, "enable": bool(body.get("enable")), "disable": bool(body.get("disable")),
                  "task": f'Run service command "{body["action"]}" for services {json.dumps(wanted)} of snap "microk8s"'}
        return self.begin("service-control", 'Running service command for snap "microk8s"', params)

    def configure(self, name, values):
        """PUT /v2/snaps/NAME/conf."""
        if name not in ("system", "core"):
            self.installed(name)
        conf = self.state["conf"].setdefault("system" if name == "core" else name, {})
        for key, value in values.items():
            conf.pop(key, None) if value is None else conf.__setitem__(key, value)
        self.save()
        if name != "microk8s":
            return None
        return self.begin("configure-snap", f'Change configuration of "{name}" snap', {"config": str(values.get("config", ""))})

    # -- answers -----------------------------------------------------------------------------------------------------------

    def snap_json(self, record):
        """A snap as GET /v2/snaps shows it."""
        shown = {key: record.get(key) for key in ("name", "version", "revision", "channel", "tracking-channel", "confinement", "status",
                                                   "install-date")}
        shown.update(id="EaXqgt1lyCaxKaQCU349mlodBkDCXRcg", type=record.get("type", "app"), devmode=False, jailmode=False,
                     publisher={"id": "canonical", "username": "canonical", "display-name": "Canonical", "validation": "verified"},
                     summary=snap_store.SUMMARY if record["name"] == "microk8s" else record["name"])
        if record.get("hold"):
            shown["hold"] = "2315-01-01T00:00:00Z" if record["hold"] == "forever" else record["hold"]
        if record["name"] == "microk8s":
            shown["apps"] = self.apps(record)
        return shown

    def apps(self, record):
        states = services.load()
        rows = [{"snap": "microk8s", "name": "microk8s"}]
        for name in services.NAMES:
            state = states[name]
            row = {"snap": "microk8s", "name": name, "daemon": "simple", "daemon-scope": "system"}
            row.update({key: True for key, on in (("enabled", state["enabled"]), ("active", state["active"] == "active")) if on})
            rows.append(row)
        return rows if record["status"] == "active" else rows[:1]

    def change_json(self, change):
        shown = {"id": change["id"], "kind": change["kind"], "summary": change["summary"], "status": change["status"],
                 "ready": change["ready"] is not None, "spawn-time": rfc3339(change["spawn"]), "tasks": [self.task_json(change, t)
                                                                                                     for t in change["tasks"]]}
        if change["ready"] is not None:
            shown["ready-time"] = rfc3339(change["ready"])
        if change["err"]:
            shown["err"] = change["err"]
        return shown

    def task_json(self, change, task):
        shown = {"id": f"{change['id']}{task['id']:0>2}", "kind": task["kind"], "summary": task["summary"], "status": task["status"],
                 "progress": {"label": "", "done": 1 if task["status"] == "Done" else 0, "total": 1},
                 "spawn-time": rfc3339(task.get("spawn") or change["spawn"])}
        if task.get("ready"):
            shown["ready-time"] = rfc3339(task["ready"])
        return shown


def complain(text):
    """A line for the log; a full disk must not stop the daemon."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        pass


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z"


class Handler(BaseHTTPRequestHandler):
    """One request. Reading is for everybody, changing for root (peer credentials), as in snapd."""

    protocol_version = "HTTP/1.1"
    daemon = None

    def do_GET(self):
        self._answer(self.get)

    def do_POST(self):
        self._answer(self.post)

    def do_PUT(self):
        self._answer(self.post)

    def _answer(self, method):
        try:
            result, change = method(*self._parse())
            status, document = (202, {"type": "async", "status-code": 202, "status": "Accepted", "result": None, "change": change}) \
                if change else (200, {"type": "sync", "status-code": 200, "status": "OK", "result": result})
        except Refusal as refusal:
            status = refusal.status
            document = {"type": "error", "status-code": status, "status": self.responses.get(status, ("Error",))[0],
                        "result": {"message": refusal.message, **({"kind": refusal.kind} if refusal.kind else {})}}
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _parse(self):
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "{}") if length else {}
        return [part for part in url.path.split("/") if part], {k: v[0] for k, v in parse_qs(url.query).items()}, body

    def get(self, path, query, _body):
        daemon = self.daemon
        match path:
            case ["v2", "system-info"]:
                return {"series": "16", "version": VERSION, "os-release": {"id": "debian", "version-id": "12"}, "on-classic": True,
                        "kernel-version": os.uname().release, "architecture": "amd64", "confinement": "partial",
                        "managed": False, "refresh": {"timer": "00:00~24:00/4"},
                        "seeded": faults.active("snap_not_seeded") is None}, None
            case ["v2", "snaps"]:
                return [daemon.snap_json(r) for r in sorted(daemon.state["snaps"].values(), key=lambda r: r["name"])], None
            case ["v2", "snaps", name]:
                if name not in daemon.state["snaps"]:
                    raise Refusal(404, f'snap "{name}" not found' if name else "snap not installed", "snap-not-found")
                return daemon.snap_json(daemon.state["snaps"][name]), None
            case ["v2", "snaps", name, "conf"]:
                return daemon.state["conf"].get(name, {}), None
            case ["v2", "changes"]:
                return self._changes(query.get("select", "in-progress")), None
            case ["v2", "changes", ident]:
                return daemon.change_json(daemon.change(ident)), None
            case ["v2", "find"]:
                return self._find(query.get("name", query.get("q", ""))), None
            case ["v2", "apps"]:
                return [app for r in daemon.state["snaps"].values() if r["name"] == "microk8s" for app in daemon.apps(r)], None
        raise Refusal(404, "not found")

    def _changes(self, select):
        test = {"all": lambda c: True, "ready": lambda c: c["ready"] is not None}.get(select, lambda c: c["ready"] is None)
        return [self.daemon.change_json(c) for c in self.daemon.state["changes"] if test(c)]

    def _find(self, name):
        if faults.take("snap_store_timeout") is not None:
            raise Refusal(500, "unable to contact snap store", "network-timeout")
        if name != "microk8s":
            raise Refusal(404, f'no snap found for "{name}"', "snap-not-found")
        channels = {f"{track}/{risk}": snap_store.release(f"{track}/{risk}") for track in snap_store.TRACKS for risk in snap_store.RISKS}
        return [{"name": name, "summary": snap_store.SUMMARY, "channels": channels, "tracks": list(snap_store.TRACKS),
                 "publisher": {"username": "canonical", "validation": "verified"}}]

    def post(self, path, _query, body):
        if self._peer_uid() != 0:
            raise Refusal(401, "access denied", "login-required")
        daemon = self.daemon
        with daemon.lock:
            match path:
                case ["v2", "snaps", name]:
                    return None, daemon.act(name, body)
                case ["v2", "snaps", name, "conf"]:
                    return None, daemon.configure(name, body)
                case ["v2", "apps"]:
                    return None, daemon.control(body)
                case ["v2", "changes", ident]:
                    return daemon.change_json(daemon.abort(ident)), None
        raise Refusal(404, "not found")

    def _peer_uid(self):
        data = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", data)[1]

    def address_string(self):
        return "local"

    def log_message(self, *_args):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def listen():
    """A server on the socket, which everybody may connect to."""
    path = str(root.path(SOCKET))
    if os.path.exists(path):
        os.unlink(path)
    server = Server(path, Handler)
    os.chmod(path, 0o666)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
    return server


def main():
    Handler.daemon = Daemon()
    server = None
    while True:  # the fault snapd_down closes the socket while it is on
        down = faults.active("snapd_down") is not None
        if down and server is not None:
            server.shutdown()
            server.server_close()
            server = None
        elif not down and server is None:
            server = listen()
        time.sleep(0.3)


if __name__ == "__main__":
    main()
