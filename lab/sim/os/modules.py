"""The commands modprobe and modinfo: every module that Kubernetes asks for is there, unless the fault module_missing names it."""

import os
import sys

from sim import faults

LOADED = "/run/labinit/modules"


def missing(name):
    wanted = faults.active("module_missing")
    return wanted is not None and name.replace("-", "_") in wanted.replace("-", "_").replace(",", " ").split()


def modinfo(names, release):
    for name in names:
        if missing(name):
            print(f"modinfo: ERROR: Module {name} not found.", file=sys.stderr)
            return 1
        print(f"filename:       /lib/modules/{release}/kernel/{name}.ko\nlicense:        GPL\nname:           {name}")
    return 0


def modprobe(argv, names, release):
    for name in names:
        if missing(name):
            print(f"modprobe: FATAL: Module {name} not found in directory /lib/modules/{release}", file=sys.stderr)
            return 1
    if not {"-n", "--dry-run", "--show"} & set(argv):
        if os.geteuid() != 0:
            print(f"modprobe: ERROR: could not insert '{names[0] if names else ''}': Operation not permitted", file=sys.stderr)
            return 1
        with open(LOADED, "a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in names)
    return 0


def main(argv):
    names = [arg for arg in argv[1:] if not arg.startswith("-")]
    release = os.uname().release
    if argv[0].endswith("modinfo"):
        return modinfo(names, release)
    if "-a" not in argv and "--all" not in argv:
        names = names[:1]  # the rest are parameters of the module
    return modprobe(argv, names, release)
