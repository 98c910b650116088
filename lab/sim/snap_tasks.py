"""What the tasks of a snapd change do to the node, and how each is undone.

Owns the order of tasks of install, refresh, revert and remove, and the directories /snap/microk8s and /var/snap/microk8s. The cluster
side (certificates, arguments, services) belongs to `sim.hooks` and `simnoded`, which are called here as snapd calls hooks and systemd.
A task is run again after a crash or a power cut, so each is idempotent. The state of snaps is a dictionary that snapd passes in.
"""

import importlib.util
import os
import shutil
import subprocess
import time

from sim import faults, root, services, snap_store, timing

COMMANDS = ("add-node", "addons", "cilium", "config", "ctr", "dashboard-proxy", "dbctl", "disable", "enable", "helm", "helm3",
            "images", "inspect", "join", "kubectl", "leave", "linkerd", "refresh-certs", "remove-node", "reset", "start", "status",
            "stop", "version")
MICROK8S = "/opt/sim/bin/microk8s"
PARTIAL_BYTES = 1 << 20


class TaskError(RuntimeError):
    """Why a task failed; snapd shows the text in parentheses behind the task's summary."""


class Aborted(RuntimeError):
    """The change was aborted while the task ran."""


class Context:
    """What a task may touch: the change's parameters, the record of the snap (or None), and a way to learn of an abort."""

    def __init__(self, params, snaps, aborted):
        self.params, self.snaps, self.aborted = params, snaps, aborted

    @property
    def record(self):
        return self.snaps.get("microk8s")

    def wait(self, knob):
        """Take the time of a knob, in slices, so that an abort is noticed."""
        end = time.monotonic() + timing.seconds(knob)
        while (left := end - time.monotonic()) > 0:
            self.stop_if_aborted()
            time.sleep(min(0.1, left))

    def stop_if_aborted(self):
        if self.aborted():
            raise Aborted


# ---- tasks -----------------------------------------------------------------------------------------------------------------------

def nothing(_context):
    """Tasks of which nothing can be seen."""


def download(context):
    if (code := faults.take("snap_download_fail")) is not None:
        raise TaskError(f"received an unexpected http response code ({code or 503}) when trying to download "
                        "https://api.snapcraft.io/api/v1/snaps/download/EaXqgt1lyCaxKaQCU349mlodBkDCXRcg_"
                        f"{context.params['revision']}.snap")
    partial = root.path(f"/var/lib/snapd/snaps/microk8s_{context.params['revision']}.snap.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.write_bytes(b"\0" * PARTIAL_BYTES)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TaskError(f"write {partial}: {os.strerror(error.errno).lower()}") from error
    while faults.active("snap_refresh_hang") is not None:
        context.stop_if_aborted()
        time.sleep(0.1)
    context.wait("snap_download")
    partial.replace(partial.with_suffix(""))


def undo_download(context):
    root.path(f"/var/lib/snapd/snaps/microk8s_{context.params['revision']}.snap").unlink(missing_ok=True)


def mount(context):
    root.path(f"/snap/microk8s/{context.params['revision']}").mkdir(parents=True, exist_ok=True)


def unmount(context):
    shutil.rmtree(root.path(f"/snap/microk8s/{context.params['revision']}"), ignore_errors=True)


def copy_data(context):
    """The data directory of the new revision is a copy of the old one's."""
    target = root.path(f"/var/snap/microk8s/{context.params['revision']}")
    old = context.record["revision"] if context.record else None
    if old in (None, context.params["revision"]):
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        context.wait("snap_refresh")
        fresh = target.with_name(f".{target.name}.copying")
        shutil.rmtree(fresh, ignore_errors=True)
        subprocess.run(["/usr/bin/cp", "-a", str(target.with_name(old)), str(fresh)], check=True)
        fresh.rename(target)
    root.common().mkdir(parents=True, exist_ok=True)


def drop_data(context):
    if not context.record or context.record["revision"] != context.params["revision"]:
        shutil.rmtree(root.path(f"/var/snap/microk8s/{context.params['revision']}"), ignore_errors=True)


def link(context):
    """Make the revision the current one: links, commands, record."""
    params, old = context.params, context.record
    if old and old["revision"] == params["revision"]:  # resumed after a crash behind this task
        old = old.get("previous")
    set_current(params["revision"])
    make_commands()
    revisions = [r for r in (old or {}).get("revisions", []) if r != params["revision"]] + [params["revision"]]
    context.snaps["microk8s"] = {
        "name": "microk8s", "version": params["version"], "revision": params["revision"], "channel": params["channel"],
        "tracking-channel": params["channel"], "confinement": params["confinement"], "status": "active",
        "versions": {**(old or {}).get("versions", {}), params["revision"]: params["version"]}, "revisions": revisions,
        "hold": (old or {}).get("hold"), "install-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "previous": {key: value for key, value in old.items() if key != "previous"} if old else None}
    for name, (version, revision, channel, kind) in snap_store.BASES.items():
        context.snaps.setdefault(name, {"name": name, "version": version, "revision": revision, "channel": channel,
                                        "tracking-channel": channel, "confinement": "strict", "status": "active", "type": kind})


def unlink(context):
    """Back to the revision before, or to no snap at all."""
    old = context.record.get("previous") if context.record else None
    if old is None:
        context.snaps.pop("microk8s", None)
        remove_links()
        return
    context.snaps["microk8s"] = old
    set_current(old["revision"])
    make_commands()


def run_hook(hook):
    def task(context):
        refused = faults.active("snap_hook_fail")
        if refused is not None and refused in (hook, ""):
            faults.take("snap_hook_fail")
            raise TaskError(f'run hook "{hook}": exit status 1')
        if hook == "install":
            context.wait("snap_install_hook")
        call_hook(hook, context.params["revision"], context.params["version"])
    return task


def call_hook(hook, revision="", version="", config=None):
    """Run a hook of the simulated snap; TaskError with its last words when it fails. No hooks in this lab: nothing happens."""
    if importlib.util.find_spec("sim.hooks") is None:
        return
    argv = ["/usr/bin/python3", "-S", "-m", "sim.hooks", hook]
    argv += ["--revision", revision, "--version", version] if revision else []
    argv += ["--config", config] if config else []
    done = subprocess.run(argv, env={**os.environ, "PYTHONPATH": "/opt"}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr.strip().splitlines() or ["exit status 1"])[-1]
        raise TaskError(f'run hook "{hook}": {words}')


def stop_services(context):
    """Stop what runs and remember it, so that an update leaves stopped services stopped."""
    if context.record is None:
        return
    running = [name for name, record in services.load().items() if record["active"] == "active" or record["enabled"]]
    context.params.setdefault("running", running)
    control("stop")


def start_services(context):
    """Start all services of a first installation; after an update those which ran or were enabled before."""
    wanted = context.params.get("running")
    if context.params["confinement"] == "strict" and wanted is None:
        return  # the daemons of the strict snap are disabled until its interfaces are connected
    if wanted is None or len(wanted) == len(services.NAMES):
        control("start", enable=True)
    else:
        for name in wanted:
            control("start", name, enable=True)


def control(command, service=services.ALL, **options):
    """Ask simnoded, which may be starting just now, to start or stop services."""
    deadline = time.monotonic() + 10
    while True:
        try:
            services.request(command, service, **options)
            return
        except services.ControlError as error:
            if "cannot reach" not in str(error) or time.monotonic() > deadline:
                raise TaskError(str(error)) from error
            time.sleep(0.2)


def leave_disabled(context):
    """The fault refresh_leaves_disabled: the update breaks down between unlinking and linking."""
    if faults.take("refresh_leaves_disabled") is not None:
        disable(context.record)
        context.params["broken"] = True
        raise TaskError("cannot update snap: internal error")


def discard(context):
    """Remove everything of the snap from the disk."""
    context.snaps.pop("microk8s", None)
    remove_links()
    for path in ("/snap/microk8s", "/var/snap/microk8s"):
        shutil.rmtree(root.path(path), ignore_errors=True)
    for blob in root.path("/var/lib/snapd/snaps").glob("microk8s_*"):
        blob.unlink()


def snapshot(context):
    if not context.params.get("purge"):
        context.wait("stop")


def revert_link(context):
    record = context.record
    revision = context.params["revision"]
    set_current(revision)
    record.update(revision=revision, version=context.params["version"], status="active")


# ---- files -----------------------------------------------------------------------------------------------------------------------

def set_current(revision):
    for path in ("/snap/microk8s/current", "/var/snap/microk8s/current"):
        link_path = root.path(path)
        link_path.parent.mkdir(parents=True, exist_ok=True)
        if link_path.is_dir() and not link_path.is_symlink():  # a service wrote its last words after the data was removed
            shutil.rmtree(link_path)
        fresh = link_path.with_name(".current.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(revision)
        fresh.replace(link_path)


def make_commands():
    directory = root.path("/snap/bin")
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("microk8s", *(f"microk8s.{command}" for command in COMMANDS)):
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(MICROK8S)


def remove_links():
    for path in root.path("/snap/bin").glob("microk8s*"):
        path.unlink()
    for path in ("/snap/microk8s/current", "/var/snap/microk8s/current"):
        root.path(path).unlink(missing_ok=True)


def disable(record):
    """`snap disable`: the data stays, the commands and the current links go."""
    record["status"] = "installed"
    remove_links()


def enable(record):
    record["status"] = "active"
    set_current(record["revision"])
    make_commands()


# ---- plans -----------------------------------------------------------------------------------------------------------------------

def plan(kind, params):
    """The tasks of a change: [(summary, run, undo)]. The same for the same parameters, so a change can be resumed after a crash."""
    rev, channel = f'"microk8s" ({params.get("revision")})', params.get("channel")
    fetch = [
        (f'Ensure prerequisites for {rev} are available', nothing, nothing),
        (f'Download snap {rev} from channel "{channel}"', download, undo_download),
        (f'Fetch and check assertions for snap {rev}', nothing, nothing),
        (f'Mount snap {rev}', mount, unmount),
    ]
    activate = [
        ('Copy snap "microk8s" data', copy_data, drop_data),
        (f'Setup snap {rev} security profiles', nothing, nothing),
        (f'Make snap {rev} available to the system', link, unlink),
        ('Automatically connect eligible plugs and slots of snap "microk8s"', nothing, nothing),
        ('Set automatic aliases for snap "microk8s"', nothing, nothing),
        ('Setup snap "microk8s" aliases', nothing, nothing),
    ]
    start = (f'Start snap {rev} services', start_services, stop_services)
    configure = ('Run configure hook of "microk8s" snap if present', run_hook("configure"), nothing)
    check = ('Run health check of "microk8s" snap', nothing, nothing)
    stop = ('Stop snap "microk8s" services', stop_services, start_services)
    return {
        "install-snap": [*fetch, *activate, ('Run install hook of "microk8s" snap if present', run_hook("install"), nothing),
                         start, configure, check],
        "refresh-snap": [*fetch, ('Run pre-refresh hook of "microk8s" snap if present', nothing, nothing), stop,
                         ('Remove aliases for snap "microk8s"', nothing, nothing),
                         ('Make current revision for snap "microk8s" unavailable', leave_disabled, nothing), *activate,
                         ('Run post-refresh hook of "microk8s" snap if present', run_hook("post-refresh"), nothing), start,
                         ('Clean up "microk8s" (%s) install' % params.get("revision"), nothing, nothing), configure, check],
        "revert-snap": [stop, (f'Make snap {rev} available to the system', revert_link, nothing), start, configure],
        "remove-snap": [stop, ('Run remove hook of "microk8s" snap if present', run_hook("remove"), nothing),
                        ('Save data of snap "microk8s" in automatic snapshot set #1', snapshot, nothing),
                        (f'Remove data for snap {rev}', discard, nothing)],
        "enable-snap": [(f'Make snap {rev} available to the system', lambda c: enable(c.record), nothing), start],
        "disable-snap": [stop, (f'Make snap {rev} unavailable to the system', lambda c: disable(c.record), nothing)],
        "service-control": [(params.get("task", ""), run_service_control, nothing)],
        "configure-snap": [('Run configure hook of "microk8s" snap', configure_snap, nothing)],
    }[kind]


def run_service_control(context):
    """`snap start|stop|restart`: params verb, services (['*'] for all), enable, disable."""
    verb = context.params["verb"]
    options = {key: True for key in ("enable", "disable") if context.params.get(key)}
    for service in context.params["services"]:
        control(verb, service, **options)


def configure_snap(context):
    config = root.path("/run/snap-config.yaml")
    config.write_text(context.params["config"])
    try:
        call_hook("configure", config=str(config))
    finally:
        config.unlink(missing_ok=True)
