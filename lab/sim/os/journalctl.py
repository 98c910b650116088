"""The command `journalctl`, for the journals of the simulated services and the logs of PID 1's services."""

import os
import re
import sys
import time

LOGS = {"ssh.service": "/var/log/ssh.log", "snapd.service": "/var/log/snapd.log"}
UNITS_AGO = {"s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600,
             "hours": 3600, "d": 86400, "day": 86400, "days": 86400}


def entries(unit):
    """[(epoch, identifier, text)] of a unit, oldest first."""
    if unit in LOGS:
        return log_entries(unit)
    if not unit.startswith("snap.microk8s."):
        return []
    from sim import services
    name = unit.removeprefix("snap.microk8s.").removesuffix(".service")
    try:
        with open(services.journal_file(name), encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n").partition("\t") for line in file]
    except OSError:
        return []
    return [(float(when), f"microk8s.{name}", text) for when, tab, text in lines if tab]


def log_entries(unit):
    try:
        when = os.stat(LOGS[unit]).st_mtime
        with open(LOGS[unit], encoding="utf-8", errors="replace") as file:
            return [(when, unit.removesuffix(".service"), line.rstrip("\n")) for line in file]
    except OSError:
        return []


def pid_of(identifier):
    from sim import services
    return services.load().get(identifier.removeprefix("microk8s."), {}).get("pid") or 1


def line(entry, form):
    when, identifier, text = entry
    if form == "cat":
        return text
    iso = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(when))
    if form == "json":
        import json
        return json.dumps({"__REALTIME_TIMESTAMP": str(int(when * 1e6)), "SYSLOG_IDENTIFIER": identifier, "MESSAGE": text})
    shown = iso if form == "short-iso" else time.strftime("%b %d %H:%M:%S", time.gmtime(when))
    return f"{shown} {os.uname().nodename} {identifier}[{pid_of(identifier)}]: {text}"


def unit_lines(unit, count):
    """The last lines of a unit as `systemctl status` shows them."""
    return [line(entry, "short") for entry in entries(unit)[-int(count):]] if int(count) else []


def snap_lines(names, count):
    """The lines of `snap logs`: all services, or those named."""
    from sim import services
    found = sorted(entry for name in names or services.NAMES for entry in entries(f"snap.microk8s.{name}.service"))
    return [f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(when))} {ident}[{pid_of(ident)}]: {text}"
            for when, ident, text in (found if count == "all" else found[-int(count):])]


def since(text):
    """Epoch of a --since argument: '-5min', '5 minutes ago', '2025-01-01 10:00:00', '@epoch', 'today', 'now'."""
    text = text.strip()
    if text.startswith("@"):
        return float(text[1:])
    if text in ("now", "today"):
        return time.time() if text == "now" else time.time() // 86400 * 86400
    ago = re.fullmatch(r"-?(\d+)\s*([a-z]+)(?:\s+ago)?", text)
    if ago and ago[2] in UNITS_AGO:
        return time.time() - int(ago[1]) * UNITS_AGO[ago[2]]
    import calendar
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return float(calendar.timegm(time.strptime(text.removesuffix(" UTC").removesuffix("Z"), form)))
        except ValueError:
            continue
    raise ValueError(f"Failed to parse timestamp: {text}")


def parse(argv):
    """The options of a command line: units, n, form, since, and flags."""
    found = {"units": [], "n": None, "form": "short", "since": None, "reverse": False, "grep": None}
    rest = iter(argv)
    for arg in rest:
        name, equals, val = arg.partition("=")
        if re.match(r"-[unog].", arg):
            name, equals, val = arg[:2], "=", arg[2:]

        def get():
            return val if equals else next(rest, "")
        if name in ("-u", "--unit"):
            unit = get()
            found["units"].append(unit if unit.endswith(".service") else f"{unit}.service")
        elif name in ("-n", "--lines"):
            found["n"] = get()
        elif name in ("-o", "--output"):
            found["form"] = get()
        elif name in ("-S", "--since"):
            found["since"] = since(get())
        elif name in ("-g", "--grep"):
            found["grep"] = get()
        elif name in ("-r", "--reverse"):
            found["reverse"] = True
        elif name in ("-t", "--identifier"):
            found["units"].append(f"snap.{get()}.service")
        elif name in ("-p", "--priority", "-U", "--until", "-b", "--boot", "--vacuum-time", "--vacuum-size") and name not in ("-b", "--boot"):
            get()
    return found


def main(argv):
    try:
        options = parse(argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    from sim import services
    names = options["units"] or [f"snap.microk8s.{name}.service" for name in services.NAMES] + list(LOGS)
    found = sorted(entry for unit in dict.fromkeys(names) for entry in entries(unit))
    if options["since"] is not None:
        found = [entry for entry in found if entry[0] >= options["since"]]
    if options["grep"]:
        found = [entry for entry in found if re.search(options["grep"], entry[2])]
    if options["n"] not in (None, "all"):
        found = found[-int(options["n"]):] if int(options["n"]) else []
    if not found and options["form"] != "json":
        print("-- No entries --")
    try:
        for entry in reversed(found) if options["reverse"] else found:
            print(line(entry, options["form"]))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    return 0
