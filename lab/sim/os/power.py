"""The commands reboot, poweroff, halt and shutdown: they tell PID 1 of the node (labinit), which really ends or reboots it.

PID 1 is only signalled when it is labinit, so that these commands can never do anything to a real machine.
"""

import os
import signal
import sys
import time

REBOOT, POWER_OFF = signal.SIGRTMIN + 5, signal.SIGRTMIN + 4


def main(argv):
    command = argv[0].rpartition("/")[2]
    if os.geteuid() != 0:
        print(f"Call to {command.capitalize()} failed: Interactive authentication required.", file=sys.stderr)
        return 1
    with open("/proc/1/comm", encoding="ascii") as comm:
        if comm.read().strip() != "labinit":
            print(f"{command}: this is not a lab node", file=sys.stderr)
            return 1
    delay = 0.0
    if command == "shutdown":
        if "-c" in argv:
            return 0
        delay = shutdown_delay(argv[1:])
    number = REBOOT if command == "reboot" or {"-r", "--reboot"} & set(argv) else POWER_OFF
    later(number, delay)
    return 0


def shutdown_delay(argv):
    """Seconds until a `shutdown [now|+M]`; without a time it is a minute."""
    when = next((arg for arg in argv if not arg.startswith("-")), "+1")
    minutes = when.lstrip("+")
    return 0.0 if when == "now" or not minutes.isdigit() else 60.0 * int(minutes)


def later(number, delay):
    """Signal PID 1 from a process of its own, a moment later, so that the caller's answer still gets out."""
    if os.fork():
        return
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    time.sleep(delay + 0.2)
    os.kill(1, number)
    os._exit(0)
