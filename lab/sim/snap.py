"""The command `snap`: the part that people and playbooks use (facts 1.10), with the exact texts and exit codes of a non-terminal.

Owns words and tables only; what happens is done by snapd behind its socket.
"""

import os
import sys
import time

from sim import faults
from sim.snap_client import Refused, Unreachable, request

POLL_S = 0.1
RC_GENERAL, RC_RETRY, RC_USAGE = 1, 10, 64
FULL_NAMES = {"canonical": "canonical**"}

CLASSIC_WARNING = """\
This revision of snap "{name}" was published using classic confinement and thus may perform
arbitrary system changes outside of the security sandbox that snaps are usually confined to,
which may put your system at risk.

If you understand and want to proceed repeat the command including --classic."""
PATH_WARNING = """\
Warning: /snap/bin was not found in your $PATH. If you've not restarted your session since you
         installed snapd, try doing that. Please see https://forum.snapcraft.io/t/9469 for more
         details.
"""


class Failure(Exception):
    """The command ends with `error: TEXT` on stderr and this exit code."""

    def __init__(self, text, code=RC_GENERAL):
        super().__init__(text)
        self.text, self.code = text, code


class Options:
    """Arguments of one sub-command: positionals, and options by name. `flags` and `values` are the known ones; others are refused."""

    def __init__(self, argv, flags=(), values=()):
        self.names, self.set = [], {}
        rest = iter(argv)
        for arg in rest:
            name, equals, value = arg.partition("=")
            if arg == "--" or not arg.startswith("-"):
                self.names.append(arg)
            elif name in values:
                self.set[name] = value if equals else next(rest, "")
            elif name in flags:
                self.set[name] = value if equals else True
            else:
                raise Failure(f"unknown flag `{name.lstrip('-')}'", RC_USAGE)

    def __contains__(self, name):
        return name in self.set

    def get(self, name, default=None):
        return self.set.get(name, default)

    def one_name(self):
        if not self.names:
            raise Failure("the required argument `<snap>` was not provided", RC_USAGE)
        return self.names[0]


# ---- helpers ---------------------------------------------------------------------------------------------------------------------

def table(rows):
    """Columns as snap's tabwriter makes them: at least 5 wide, 2 spaces between, the last one not padded."""
    widths = [max(5, *(len(row[i]) + 2 for row in rows)) for i in range(len(rows[0]) - 1)]
    for row in rows:
        print("".join(cell.ljust(width) for cell, width in zip(row, widths)) + row[-1])


def wait_for(change):
    """Wait for a change as the command does; Failure when it did not end well."""
    if change is None:
        return
    while True:
        shown, _ = request("GET", f"/v2/changes/{change}")
        if shown["ready"]:
            break
        time.sleep(POLL_S)
    if shown["status"] != "Done":
        raise Failure(shown.get("err") or f'change finished in status "{shown["status"]}" with no error message')


def act(options, name, **body):
    """POST an action on a snap and wait, or print the change's number with --no-wait. True when there is something to report."""
    change = request("POST", f"/v2/snaps/{name}", body)[1]
    if "--no-wait" in options and change:
        print(change)
        return False
    wait_for(change)
    return True


def stamp(text):
    """A time as `snap changes` prints it."""
    when = time.gmtime(_epoch(text))
    day = time.strftime("%Y-%m-%d", when)
    if day == time.strftime("%Y-%m-%d", time.gmtime()):
        return time.strftime("today at %H:%M UTC", when)
    if day == time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400)):
        return time.strftime("yesterday at %H:%M UTC", when)
    return day


def _epoch(text):
    import calendar
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def notes(snap):
    shown = [] if snap["status"] == "active" else ["disabled"]
    if snap["confinement"] == "classic":
        shown.append("classic")
    if snap["type"] in ("base", "snapd"):
        shown.append(snap["type"])
    if snap.get("hold"):
        shown.append("held")
    return ",".join(shown) or "-"


# ---- sub-commands ----------------------------------------------------------------------------------------------------------------

def cmd_install(argv):
    options = Options(argv, ("--classic", "--no-wait", "--dangerous", "--devmode", "--edge", "--beta", "--candidate", "--stable"),
                      ("--channel", "--revision", "--cohort"))
    name = options.one_name()
    if "/snap/bin" not in os.environ.get("PATH", "").split(":"):
        sys.stderr.write(PATH_WARNING)
    try:
        if not act(options, name, action="install", channel=channel_of(options), classic="--classic" in options):
            return
    except Refused as refused:
        if refused.kind == "snap-already-installed":
            print(f"snap \"{name}\" is already installed, see 'snap help refresh'", file=sys.stderr)
            return
        if refused.kind == "snap-needs-classic":
            raise Failure(CLASSIC_WARNING.format(name=name)) from refused
        raise
    report(name, "installed")
    if "--classic" in options and request("GET", f"/v2/snaps/{name}")[0]["confinement"] != "classic":
        print(f"Warning:  flag --classic ignored for strictly confined snap {name}", file=sys.stderr)


def channel_of(options):
    for risk in ("edge", "beta", "candidate", "stable"):
        if f"--{risk}" in options:
            return risk
    return options.get("--channel", "")


def report(name, what):
    snap = request("GET", f"/v2/snaps/{name}")[0]
    channel = snap["tracking-channel"]
    shown = "" if channel == "latest/stable" else f" ({channel.removeprefix('latest/')})"
    print(f"{name}{shown} {snap['version']} from Canonical** {what}")


def cmd_refresh(argv):
    options = Options(argv, ("--classic", "--no-wait", "--list", "--time", "--unhold", "--ignore-validation", "--ignore-running", "--edge",
                             "--beta", "--candidate", "--stable", "--amend", "--hold"), ("--channel", "--revision"))
    if "--time" in options:
        print("timer: 00:00~24:00/4\nlast: n/a\nnext: today at 23:59 UTC")
    elif "--list" in options:
        list_updates()
    elif "--hold" in options or "--unhold" in options:
        hold(options)
    elif not options.names:
        for snap in request("GET", "/v2/snaps")[0]:
            if snap["type"] == "app" and not snap.get("hold"):
                refresh(options, snap["name"])
        print("All snaps up to date.", file=sys.stderr)
    else:
        refresh(options, options.names[0])


def list_updates():
    from sim import snap_store
    rows = [("Name", "Version", "Rev", "Size", "Publisher", "Notes")]
    for snap in request("GET", "/v2/snaps")[0]:
        release = snap_store.release(snap["tracking-channel"]) if snap["name"] == "microk8s" else None
        if release and release["revision"] != snap["revision"]:
            rows.append((snap["name"], release["version"], release["revision"], snap_store.SIZE, "canonical**", notes(snap)))
    if len(rows) == 1:
        print("All snaps up to date.", file=sys.stderr)
    else:
        table(rows)


def hold(options):
    if not options.names:
        raise Failure("holding general refreshes of all snaps is not part of this simulation", RC_USAGE)
    name = options.names[0]
    if "--unhold" in options:
        act(options, name, action="unhold")
        print(f'Removed general refresh hold of "{name}"')
        return
    until = options.get("--hold")
    act(options, name, action="hold", time="forever" if until in (True, "forever") else until)
    words = "indefinitely" if until in (True, "forever") else f"until {until}"
    print(f'General refreshes of "{name}" held {words}')


def refresh(options, name):
    try:
        if act(options, name, action="refresh", channel=channel_of(options)):
            report(name, "refreshed")
    except Refused as refused:
        if refused.kind != "snap-no-update-available":
            raise
        if options.names:
            print(refused.message, file=sys.stderr)


def cmd_remove(argv):
    options = Options(argv, ("--purge", "--no-wait", "--terminate"), ("--revision",))
    name = options.one_name()
    try:
        if act(options, name, action="remove", purge="--purge" in options):
            print(f"{name} removed")
    except Refused as refused:
        if refused.kind != "snap-not-installed":
            raise
        print(refused.message, file=sys.stderr)


def cmd_revert(argv):
    options = Options(argv, ("--classic", "--no-wait"), ("--revision",))
    name = options.one_name()
    if act(options, name, action="revert"):
        print(f"{name} reverted to {request('GET', f'/v2/snaps/{name}')[0]['version']}")


def cmd_enable(argv):
    switch(argv, "enable")


def cmd_disable(argv):
    switch(argv, "disable")


def switch(argv, action):
    options = Options(argv, ("--no-wait",))
    if act(options, options.one_name(), action=action):
        print(f"{options.names[0]} {action}d")


def cmd_switch(argv):
    options = Options(argv, ("--no-wait",), ("--channel",))
    raise Failure(f"cannot switch \"{options.one_name()}\": use snap refresh --channel", RC_USAGE)


def cmd_list(argv):
    options = Options(argv, ("--all",))
    snaps = [s for s in request("GET", "/v2/snaps")[0] if not options.names or s["name"] in options.names]
    if not snaps and options.names:
        raise Failure("no matching snaps installed")
    if not snaps:
        print("No snaps are installed yet. Try 'snap install hello-world'.", file=sys.stderr)
        return
    table([("Name", "Version", "Rev", "Tracking", "Publisher", "Notes")]
          + [(s["name"], s["version"], s["revision"], s["tracking-channel"], "canonical**", notes(s)) for s in snaps])


def cmd_info(argv):
    name = Options(argv, ("--verbose",)).one_name()
    try:
        found = request("GET", f"/v2/find?name={name}")[0][0]
    except Refused as refused:
        raise Failure(refused.message) from refused
    try:
        local = request("GET", f"/v2/snaps/{name}")[0]
    except Refused:
        local = None
    print(f"name:      {name}\nsummary:   {found['summary']}\npublisher: Canonical**\n"
          f"store-url: https://snapcraft.io/{name}\nlicense:   Apache-2.0\ndescription: |\n  MicroK8s is a small, fast, secure, certified "
          "Kubernetes distribution that installs on just about any\n  Linux box.")
    if local:
        info_local(local)
    info_channels(found, local)


def info_local(local):
    print("commands:\n  - microk8s")
    print("services:")
    for app in local["apps"]:
        if app.get("daemon"):
            print(f"  {'microk8s.' + app['name'] + ':':34} simple, {'enabled' if app.get('enabled') else 'disabled'}, "
                  f"{'active' if app.get('active') else 'inactive'}")
    print("snap-id:      EaXqgt1lyCaxKaQCU349mlodBkDCXRcg")
    print(f"tracking:     {local['tracking-channel']}\nrefresh-date: {stamp(local['install-date'])}")
    if local.get("hold"):
        print("hold:         forever" if local["hold"].startswith("2315") else f"hold:         {local['hold']}")


def info_channels(found, local):
    print("channels:")
    for track in found["tracks"]:
        for risk in ("stable", "candidate", "beta", "edge"):
            release = found["channels"][f"{track}/{risk}"]
            text = (f"{release['version']} {release['released']} ({release['revision']}) 174MB {release['confinement'].replace('strict', '-')}"
                    if risk == "stable" else "^")
            print(f"  {f'{track}/{risk}:':22} {text}")
    if local:
        print(f"installed:               {local['version']}            ({local['revision']}) 174MB {notes(local)}")


def cmd_services(argv):
    options = Options(argv)
    rows = [("Service", "Startup", "Current", "Notes")]
    for app in request("GET", "/v2/apps?select=service")[0]:
        full = f"{app['snap']}.{app['name']}"
        if app.get("daemon") and (not options.names or app["snap"] in options.names or full in options.names):
            rows.append((full, "enabled" if app.get("enabled") else "disabled", "active" if app.get("active") else "inactive", "-"))
    if len(rows) == 1 and options.names:
        raise Failure(f'snap "{options.names[0].partition(".")[0]}" not found')
    if len(rows) == 1:
        print("There are no services provided by installed snaps.", file=sys.stderr)
    else:
        table(rows)


def cmd_start(argv):
    control(argv, "start", "Started.")


def cmd_stop(argv):
    control(argv, "stop", "Stopped.")


def cmd_restart(argv):
    control(argv, "restart", "Restarted.")


def control(argv, action, done):
    options = Options(argv, ("--enable", "--disable", "--reload", "--no-wait"))
    options.one_name()
    change = request("POST", "/v2/apps", {"action": action, "names": options.names, "enable": "--enable" in options,
                                          "disable": "--disable" in options})[1]
    if "--no-wait" in options:
        print(change)
        return
    wait_for(change)
    print(done)


def cmd_changes(argv):
    options = Options(argv, ("--abs-time",))
    changes = request("GET", "/v2/changes?select=all")[0]
    if options.names:
        changes = [c for c in changes if f'"{options.names[0]}"' in c["summary"]]
    if not changes:
        raise Failure("no changes found")
    table([("ID", "Status", "Spawn", "Ready", "Summary")]
          + [(c["id"], c["status"], stamp(c["spawn-time"]), stamp(c["ready-time"]) if c["ready"] else "-", c["summary"]) for c in changes])
    print()


def change_of(options):
    """The change that `--last=KIND` or a number names."""
    if "--last" not in options:
        return options.names[0] if options.names else fail_usage("please provide change ID or type with --last=<type>")
    kinds = {"install": "install-snap", "refresh": "refresh-snap", "remove": "remove-snap"}
    wanted = kinds.get(options.get("--last"), options.get("--last"))
    for change in reversed(request("GET", "/v2/changes?select=all")[0]):
        if change["kind"] == wanted:
            return change["id"]
    raise Failure(f'no changes of type "{options.get("--last")}" found')


def fail_usage(text):
    raise Failure(text, RC_USAGE)


def cmd_tasks(argv):
    options = Options(argv, ("--abs-time",), ("--last",))
    change = request("GET", f"/v2/changes/{change_of(options)}")[0]
    table([("Status", "Spawn", "Ready", "Summary")]
          + [(t["status"], stamp(t["spawn-time"]), stamp(t["ready-time"]) if t.get("ready-time") else "-", t["summary"])
             for t in change["tasks"]])
    print()
    if change.get("err"):
        print("." * 70)
        print(change["err"].partition("\n")[2])


def cmd_abort(argv):
    options = Options(argv, (), ("--last",))
    request("POST", f"/v2/changes/{change_of(options)}", {"action": "abort"})


def cmd_watch(argv):
    wait_for(change_of(Options(argv, (), ("--last",))))


def cmd_wait(argv):
    options = Options(argv)
    if len(options.names) == 2 and options.names[1] == "seed.loaded":
        while not request("GET", "/v2/system-info")[0]["seeded"]:
            time.sleep(POLL_S)
        return
    while not get_conf(options.names[0], options.names[1]):
        time.sleep(POLL_S)


def get_conf(name, key):
    return request("GET", f"/v2/snaps/{name}/conf")[0].get(key)


def cmd_get(argv):
    options = Options(argv, ("-d", "-l", "-t"))
    name = options.one_name()
    conf = request("GET", f"/v2/snaps/{name}/conf")[0]
    if len(options.names) < 2:
        if not conf:
            raise Failure(f'snap "{name}" has no configuration')
        table([("Key", "Value")] + sorted((key, str(value)) for key, value in conf.items()))
    elif options.names[1] not in conf:
        raise Failure(f'snap "{name}" has no "{options.names[1]}" configuration option')
    else:
        print(conf[options.names[1]])


def cmd_set(argv):
    options = Options(argv, ("-s", "-t"))
    name, *pairs = options.names or [""]
    values = {key: value for key, equals, value in (pair.partition("=") for pair in pairs) if equals}
    if not values or len(values) != len(pairs):
        raise Failure(f"invalid configuration: {' '.join(pairs)!r} (want key=value)")
    wait_for(request("PUT", f"/v2/snaps/{name}/conf", values)[1])


def cmd_unset(argv):
    name, *keys = Options(argv).names or [""]
    wait_for(request("PUT", f"/v2/snaps/{name}/conf", dict.fromkeys(keys))[1])


def cmd_version(_argv):
    try:
        info = request("GET", "/v2/system-info")[0]
        rows = [("snapd", f"{info['version']}-1"), ("series", "16"), ("debian", "12"), ("kernel", info["kernel-version"])]
    except Unreachable:
        rows = [("snapd", "unavailable"), ("series", "-")]
    for name, value in [("snap", "2.63-1"), *rows]:
        print(f"{name:8}{value}")


def cmd_logs(argv):
    from sim.os import journalctl
    options = Options(argv, ("-f",), ("-n",))
    name = options.one_name()
    request("GET", f"/v2/snaps/{name.partition('.')[0]}")
    units = [] if "." not in name else [name.partition(".")[2]]
    for line in journalctl.snap_lines(units, options.get("-n", "10")):
        print(line)


def cmd_model(_argv):
    print("brand   generic\nmodel   generic-classic\nserial  -")


def cmd_help(_argv):
    print("The snap command lets you install, configure, refresh and remove snaps.\n\nUsage: snap <command> [<options>...]\n\nCommands: "
          + ", ".join(sorted(COMMANDS)))


COMMANDS = {name[4:]: function for name, function in globals().items() if name.startswith("cmd_")}


def main(argv):
    if len(argv) < 2:
        cmd_help(argv)
        return 0
    verb = argv[1].lstrip("-")
    if verb not in COMMANDS:
        print(f"error: unknown command \"{argv[1]}\", see 'snap help'.", file=sys.stderr)
        return RC_USAGE
    try:
        if faults.active("snapd_down") is not None and verb not in ("version", "help"):
            raise Unreachable('cannot communicate with server: Get "http://localhost/v2/snaps": dial unix /run/snapd.socket: connect: '
                              "connection refused")
        COMMANDS[verb](argv[2:])
        sys.stdout.flush()
        return 0
    except Failure as failure:
        text, code = failure.text, failure.code
    except Unreachable as unreachable:
        text, code = str(unreachable), RC_GENERAL
    except Refused as refused:
        text, code = words(refused)
    except KeyboardInterrupt:
        return 130
    print("error: " + text.replace("\n", "\n       ").replace("\n       \n", "\n\n") if not text.startswith("cannot perform")
          else "error: " + text, file=sys.stderr)
    return code


def words(refused):
    """Text and exit code of a refusal of snapd."""
    if refused.kind == "login-required":
        return "access denied (try with sudo)", RC_GENERAL
    return refused.message, RC_RETRY if refused.kind == "snap-change-conflict" else RC_GENERAL
