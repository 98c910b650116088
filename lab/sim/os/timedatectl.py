"""The command `timedatectl`: the state of the clock's synchronisation. `set-ntp true` ends the fault clock_skew, as real NTP would."""

import os
import sys
import time

from sim import faults
from sim.os import units


def synchronised():
    running = units.RecordUnit("systemd-timesyncd").state()["active"] == "active"
    return running and all(faults.active(name) is None for name in ("ntp_off", "clock_skew"))


def properties():
    running = units.RecordUnit("systemd-timesyncd").state()["active"] == "active"
    yes = {True: "yes", False: "no"}
    return {"Timezone": "Etc/UTC", "LocalRTC": "no", "CanNTP": "yes", "NTP": yes[running], "NTPSynchronized": yes[synchronised()],
            "TimeUSec": time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime())}


def status():
    shown = properties()
    now = time.gmtime()
    print(f"               Local time: {time.strftime('%a %Y-%m-%d %H:%M:%S UTC', now)}\n"
          f"           Universal time: {time.strftime('%a %Y-%m-%d %H:%M:%S UTC', now)}\n"
          f"                 RTC time: {time.strftime('%a %Y-%m-%d %H:%M:%S', now)}\n"
          f"                Time zone: Etc/UTC (UTC, +0000)\nSystem clock synchronized: {shown['NTPSynchronized']}\n"
          f"              NTP service: {'active' if shown['NTP'] == 'yes' else 'inactive'}\n          RTC in local TZ: no")


def show(argv):
    wanted = [arg.partition("=")[2] if "=" in arg else argv[i + 1] for i, arg in enumerate(argv) if arg.startswith(("-p", "--property"))]
    shown = properties()
    for key in (name for text in wanted for name in text.split(",")) if wanted else shown:
        print(shown.get(key, "") if "--value" in argv else f"{key}={shown.get(key, '')}")


def set_ntp(on):
    unit = units.RecordUnit("systemd-timesyncd")
    unit.enable(on)
    unit.act("start" if on else "stop")
    if on:
        with faults.changing(faults.directory()) as every:
            every.pop("ntp_off", None)
            every.pop("clock_skew", None)
        for path in ("/etc/ld.so.preload", "/etc/mko-lab-clock"):
            if os.path.exists(path):
                os.unlink(path)


def main(argv):
    verb = next((arg for arg in argv[1:] if not arg.startswith("-")), "status")
    if verb == "show":
        show(argv[2:])
    elif verb == "status":
        status()
    elif verb in ("set-ntp", "set-timezone") and os.geteuid() != 0:
        print("Failed to set ntp: Interactive authentication required.", file=sys.stderr)
        return 1
    elif verb == "set-ntp":
        set_ntp(argv[-1].lower() in ("1", "true", "yes", "on"))
    elif verb != "set-timezone":
        print(f"Unknown command verb {verb}.", file=sys.stderr)
        return 1
    return 0
