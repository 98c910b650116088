"""The command `ufw`: active while the fault ufw_on is set. Rules are remembered, no packet is filtered."""

import os
import sys

from sim import faults

RULES = "/var/lib/sim/ufw.rules"


def rules():
    try:
        with open(RULES, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []


def status():
    if faults.active("ufw_on") is None:
        print("Status: inactive")
        return
    print("Status: active")
    if rules():
        print("\nTo                         Action      From\n--                         ------      ----")
        print("\n".join(rules()))


def add(argv):
    row = f"{' '.join(argv[1:]):26} {argv[0].upper():11} Anywhere"
    if row in rules():
        print("Skipping adding existing rule")
        return
    os.makedirs(os.path.dirname(RULES), exist_ok=True)
    with open(RULES, "a", encoding="utf-8") as file:
        file.write(row + "\n")
    print("Rule added" if faults.active("ufw_on") is not None else "Rules updated")


def disable():
    with faults.changing(faults.directory()) as every:
        every.pop("ufw_on", None)
    print("Firewall stopped and disabled on system startup")


def enable():
    with faults.changing(faults.directory()) as every:
        every["ufw_on"] = {"args": "", "count": None, "until": None}
    print("Firewall is active and enabled on system startup")


def main(argv):
    words = [arg for arg in argv[1:] if not arg.startswith("-")]
    if os.geteuid() != 0:
        print("ERROR: You need to be root to run this script", file=sys.stderr)
        return 1
    if words[:1] == ["status"]:
        status()
    elif words[:1] in (["allow"], ["deny"], ["reject"], ["limit"]):
        add(words)
    elif words[:1] == ["default"]:
        print(f"Default {words[-1]} policy changed to '{words[1]}'\n(be sure to update your rules accordingly)")
    elif words[:1] in (["enable"], ["disable"]):
        {"enable": enable, "disable": disable}[words[0]]()
    elif words[:1] == ["reload"]:
        print("Firewall reloaded" if faults.active("ufw_on") is not None else "Firewall not enabled (skipping reload)")
    else:
        print("ERROR: Invalid syntax", file=sys.stderr)
        return 1
    return 0
