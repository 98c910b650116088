"""The command `systemctl`, for the units of `sim.os.units`: what playbooks and people ask of a MicroK8s node (facts 6.3)."""

import os
import signal
import sys
import time

from sim.os import power, units

VALUE_OPTIONS = ("-p", "--property", "-s", "--signal", "-t", "--type", "--state", "-n", "--lines", "-o", "--output", "--kill-who",
                 "--kill-whom")
RC_INACTIVE, RC_NO_UNIT, RC_NOT_FOUND = 3, 4, 5


def split(argv):
    """(words, options) of the command line; options is a list of (name, value)."""
    words, options, rest = [], [], iter(argv)
    for arg in rest:
        name, equals, value = arg.partition("=")
        if not arg.startswith("-"):
            words.append(arg)
        elif name in VALUE_OPTIONS:
            options.append((name, value if equals else next(rest, "")))
        elif arg[:2] in ("-p", "-n", "-t", "-s") and len(arg) > 2 and not arg.startswith("--"):
            options.append((arg[:2], arg[2:].lstrip("=")))
        else:
            options.append((arg, ""))
    return words, options


def has(options, *names):
    return any(name in names for name, _ in options)


def value(options, *names, default=""):
    return next((val for name, val in options if name in names), default)


def need_root(verb, unit):
    if os.geteuid() != 0:
        print(f"Failed to {verb} {unit}: Interactive authentication required.\nSee system logs and 'systemctl status {unit}' for "
              "details.", file=sys.stderr)
        return False
    return True


def full(name):
    return name if "." in name.rpartition("/")[2] and name.endswith((".service", ".socket", ".timer", ".target")) else f"{name}.service"


# ---- questions -------------------------------------------------------------------------------------------------------------------

def is_active(names, options):
    found_active = False
    for name in names:
        try:
            state = units.find(name).state()["active"]
        except units.NoUnit:
            state = "inactive"
        found_active |= state == "active"
        if not has(options, "-q", "--quiet"):
            print(state)
    return 0 if found_active else RC_INACTIVE


def is_failed(names, options):
    states = []
    for name in names:
        try:
            states.append(units.find(name).state()["active"])
        except units.NoUnit:
            states.append("inactive")
    if not has(options, "-q", "--quiet"):
        print("\n".join(states))
    return 0 if "failed" in states else 1


def is_enabled(names, options):
    code = 1
    for name in names:
        try:
            enabled = units.find(name).state()["enabled"]
        except units.NoUnit:
            print(f"Failed to get unit file state for {full(name)}: No such file or directory", file=sys.stderr)
            continue
        code = 0 if enabled else code
        if not has(options, "-q", "--quiet"):
            print("enabled" if enabled else "disabled")
    return code


def show(names, options):
    wanted = [name for option, val in options if option in ("-p", "--property") for name in val.split(",")]
    blocks = []
    for name in names:
        properties = properties_of(name)
        rows = [(key, properties.get(key, "")) for key in wanted if key in properties] if wanted else properties.items()
        blocks.append("\n".join(val if has(options, "--value") else f"{key}={val}" for key, val in rows))
    print("\n\n".join(blocks))
    return 0


def properties_of(name):
    """The properties of a unit; those of an unknown one say LoadState=not-found, as systemd does."""
    try:
        unit = units.find(name)
    except units.NoUnit:
        return {"Id": full(name), "Names": full(name), "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "NRestarts": "0",
                "UnitFileState": "", "Description": full(name), "MainPID": "0", "Result": "success", "ExecMainStartTimestamp": ""}
    state = unit.state()
    started = stamp(state["since"])
    active = state["active"] == "active"
    entered = int((time.monotonic() - time.time() + state["since"]) * 1e6) if active else 0
    return {"Type": "simple", "Restart": "always" if "containerd" in unit.name else "on-failure", "NRestarts": str(state["restarts"]), "MainPID":
            str(state["pid"]), "Result": state["result"], "ExecMainStartTimestamp": started, "ExecMainPID": str(state["pid"]),
            "ExecMainStatus": "0", "Id": unit.name, "Names": unit.name, "Description": unit.description, "LoadState": "loaded",
            "ActiveState": state["active"], "SubState": state["sub"], "FragmentPath": unit.path,
            "UnitFileState": "enabled" if state["enabled"] else "disabled",
            "ActiveEnterTimestamp": started if active else "", "ActiveEnterTimestampMonotonic": str(entered), "CanStart": "yes", "CanStop": "yes"}


def stamp(seconds):
    return time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds)) if seconds else ""


def status(names, options):
    code = 0
    if not names:
        print(f"* {os.uname().nodename}\n    State: {system_state()}\n    Units: {len(units.all_units())} loaded")
    for name in names:
        try:
            unit = units.find(name)
        except units.NoUnit:
            print(f"Unit {full(name)} could not be found.", file=sys.stderr)
            code = RC_NO_UNIT
            continue
        state = unit.state()
        print_status(unit, state, value(options, "-n", "--lines", default="10"))
        code = code or (0 if state["active"] in ("active", "activating") else RC_INACTIVE)
    return code


def print_status(unit, state, lines):
    from sim.os import journalctl
    bullet = {"active": "●", "failed": "×"}.get(state["active"], "○")
    enabled = "enabled" if state["enabled"] else "disabled"
    since = f" since {stamp(state['since'])}; {age(state['since'])} ago" if state["since"] else ""
    print(f"{bullet} {unit.name} - {unit.description}\n     Loaded: loaded ({unit.path}; {enabled}; preset: enabled)\n"
          f"     Active: {state['active']} ({state['sub']}){since}")
    if state["pid"]:
        print(f"   Main PID: {state['pid']}")
    tail = journalctl.unit_lines(unit.name, lines)
    if tail:
        print("\n" + "\n".join(tail))


def age(since):
    seconds = max(0, int(time.time() - since))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}min {seconds % 60}s"
    return f"{seconds // 3600}h {seconds % 3600 // 60}min"


def system_state():
    return "degraded" if any(u.state()["active"] == "failed" for u in units.all_units()) else "running"


def is_system_running(_names, _options):
    print(system_state())
    return 0 if system_state() == "running" else 1


def list_units(names, options):
    rows = []
    for unit in units.all_units():
        state = unit.state()
        if (state["active"] != "inactive" or has(options, "--all", "-a")) and (not names or any(match(unit.name, n) for n in names)):
            rows.append(f"  {unit.name:50} loaded {state['active']:8} {state['sub']:8} {unit.description}")
    if not has(options, "--no-legend"):
        print(f"  {'UNIT':50} LOAD   {'ACTIVE':8} {'SUB':8} DESCRIPTION")
    print("\n".join(rows))
    if not has(options, "--no-legend"):
        print(f"\n{len(rows)} loaded units listed.")
    return 0


def list_unit_files(names, options):
    rows = [f"{u.name:50} {'enabled' if u.state()['enabled'] else 'disabled'}" for u in units.all_units()
            if not names or any(match(u.name, n) for n in names)]
    if not has(options, "--no-legend"):
        print(f"{'UNIT FILE':50} STATE")
    print("\n".join(rows))
    return 0 if rows else 1


def match(name, pattern):
    from fnmatch import fnmatch
    return fnmatch(name, pattern) or name == full(pattern)


def cat(names, _options):
    for name in names:
        try:
            unit = units.find(name)
        except units.NoUnit:
            print(f"No files found for {full(name)}.", file=sys.stderr)
            return 1
        print(f"# {unit.path}\n[Unit]\nDescription={unit.description}\n\n[Service]\nType=simple\nRestart=on-failure")
    return 0


# ---- changes ---------------------------------------------------------------------------------------------------------------------

def changing(verb):
    """start, stop, restart, reload and their kin."""
    action = {"reload": "restart", "try-restart": "restart", "reload-or-restart": "restart"}.get(verb, verb)

    def run(names, options):
        now = {key: True for key in ("enable", "disable") if has(options, f"--{key}")}
        for name in names:
            try:
                unit = units.find(name)
            except units.NoUnit:
                print(f"Failed to {verb} {full(name)}: Unit {full(name)} not found.", file=sys.stderr)
                return RC_NOT_FOUND
            if not need_root(verb, unit.name):
                return 1
            if not perform(unit, verb, lambda unit=unit: unit.act(action, **now)):
                return 1
        return 0
    return run


def perform(unit, verb, action):
    try:
        action()
        return True
    except RuntimeError as error:
        print(f"Job for {unit.name} failed: {error}\nSee \"systemctl status {unit.name}\" for details.", file=sys.stderr)
        return False


def enabling(on):
    def run(names, options):
        verb = "enable" if on else "disable"
        for name in names:
            try:
                unit = units.find(name)
            except units.NoUnit:
                print(f"Failed to {verb} unit: Unit file {full(name)} does not exist.", file=sys.stderr)
                return 1
            if not need_root(verb, unit.name) or not perform(unit, verb, lambda unit=unit: unit.enable(on)):
                return 1
            if has(options, "--now") and not perform(unit, verb, lambda unit=unit: unit.act("start" if on else "stop")):
                return 1
        return 0
    return run


def kill(names, options):
    text = value(options, "-s", "--signal", default="SIGTERM")
    number = int(text) if text.isdigit() else getattr(signal, text if text.startswith("SIG") else f"SIG{text}")
    for name in names:
        try:
            unit = units.find(name)
        except units.NoUnit:
            print(f"Failed to kill unit {full(name)}: Unit {full(name)} not loaded.", file=sys.stderr)
            return 1
        if not need_root("kill", unit.name) or not perform(unit, "kill", lambda unit=unit: unit.kill(int(number))):
            return 1
    return 0


def nothing(_names, _options):
    return 0


VERBS = {
    "is-active": is_active, "is-failed": is_failed, "is-enabled": is_enabled, "show": show, "status": status, "cat": cat,
    "is-system-running": is_system_running, "list-units": list_units, "list-unit-files": list_unit_files, "kill": kill,
    "enable": enabling(True), "disable": enabling(False), "daemon-reload": nothing, "reset-failed": nothing, "daemon-reexec": nothing,
    "mask": nothing, "unmask": nothing,
    **{verb: changing(verb) for verb in ("start", "stop", "restart", "reload", "try-restart", "reload-or-restart")},
}


def main(argv):
    words, options = split(argv[1:])
    if has(options, "--version"):
        print("systemd 252 (252.38-1~deb12u1)")
        return 0
    verb = words[0] if words else "list-units"
    if verb in ("reboot", "poweroff", "halt"):
        return power.main([verb])
    if verb not in VERBS:
        print(f"Unknown command verb {verb}.", file=sys.stderr)
        return 1
    return VERBS[verb](words[1:], options)
