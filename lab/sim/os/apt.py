"""The commands apt-get and apt: nothing is downloaded. A package that dpkg lists is the newest version; another one is added to dpkg's
list as if it had been installed. What was asked for is in /var/log/apt/history.log."""

import os
import sys
import time

from sim import faults

STATUS = "/var/lib/dpkg/status"
HISTORY = "/var/log/apt/history.log"
ENTRY = ("\nPackage: {}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: lab\nArchitecture: all\n"
         "Version: 1.0-1\nDescription: listed by the lab\n")
LOCKED = ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)\n"
          "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?")


def installed():
    """{package: version} of dpkg's list."""
    found, name = {}, None
    with open(STATUS, encoding="utf-8", errors="replace") as file:
        for text in file:
            if text.startswith("Package: "):
                name = text[9:].strip()
            elif text.startswith("Version: ") and name:
                found[name] = text[9:].strip()
    return found


def read_lists():
    print("Reading package lists...\nBuilding dependency tree...\nReading state information...")


def install(names):
    have = installed()
    read_lists()
    new = []
    for name in (full.partition("=")[0].partition(":")[0] for full in names):
        if name in have:
            print(f"{name} is already the newest version ({have[name]}).")
        else:
            new.append(name)
    if new:
        print("The following NEW packages will be installed:\n  " + " ".join(new))
        with open(STATUS, "a", encoding="utf-8") as file:
            file.write("".join(ENTRY.format(name) for name in new))
    print(f"0 upgraded, {len(new)} newly installed, 0 to remove and 0 not upgraded.")
    for name in new:
        print(f"Setting up {name} (1.0-1) ...")


def remove(names):
    read_lists()
    with open(STATUS, encoding="utf-8") as file:
        blocks = file.read().split("\n\n")
    kept = [b for b in blocks if not any(b.lstrip().startswith(f"Package: {name}\n") for name in names)]
    with open(STATUS + ".new", "w", encoding="utf-8") as file:
        file.write("\n\n".join(kept))
    os.replace(STATUS + ".new", STATUS)
    print(f"0 upgraded, 0 newly installed, {len(blocks) - len(kept)} to remove and 0 not upgraded.")


def remember(argv):
    os.makedirs(os.path.dirname(HISTORY), exist_ok=True)
    with open(HISTORY, "a", encoding="utf-8") as file:
        file.write(f"Start-Date: {time.strftime('%Y-%m-%d  %H:%M:%S')}\nCommandline: {' '.join(argv)}\n\n")


def main(argv):
    words, rest = [], iter(argv[1:])
    for arg in rest:
        if arg in ("-o", "--option", "-t", "--target-release", "-c"):
            next(rest, "")
        elif not arg.startswith("-"):
            words.append(arg)
    verb, names = (words[0] if words else "help"), words[1:]
    if verb in ("help", "--version"):
        print("apt 2.6.1 (amd64)")
        return 0
    if os.geteuid() != 0:
        print("E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg "
              "frontend lock (/var/lib/dpkg/lock-frontend), are you root?", file=sys.stderr)
        return 100
    if faults.take("apt_locked") is not None:
        print(LOCKED, file=sys.stderr)
        return 100
    if (text := faults.take("apt_fail")) is not None:
        print(f"E: {text or 'Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Connection timed out'}", file=sys.stderr)
        return 100
    remember(argv)
    if verb == "update":
        print("Hit:1 http://deb.debian.org/debian bookworm InRelease\nReading package lists...")
    elif verb == "install":
        install(names)
    elif verb in ("remove", "purge"):
        remove(names)
    else:
        read_lists()
        print("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.")
    return 0
