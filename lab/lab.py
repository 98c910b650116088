#!/usr/bin/python3
"""The lab: simulated nodes on this machine, with real SSH, sudo, addresses and power switches. `lab.py --help` shows the verbs."""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from infra import faults  # noqa: E402
from infra.core import Lab  # noqa: E402
from infra.errors import LabError  # noqa: E402
from infra.ups import Ups  # noqa: E402
from infra.wakeonlan import listen  # noqa: E402
from sim import faults as fault_table  # noqa: E402


def cmd_up(lab, args):
    if args.workers > args.nodes:
        raise LabError(f"{args.workers} workers do not fit into {args.nodes} nodes", "--workers says how many of the nodes are workers",
                       "give fewer workers or more nodes", 2)
    lab.up(args.nodes, args.workers, args, say)
    print(f"lab '{lab.name}' is up: {args.nodes} nodes, {lab.network().subnet}, described in {lab.dir}/lab.json")


def cmd_down(lab, _args):
    lab.down()


def cmd_list(lab, _args):
    rows = [("NODE", "ADDRESS", "ROLE", "POWER", "NETWORK", "FAULTS")]
    net = lab.network()
    for node in lab.nodes():
        rows.append((node.name, node.ip, node.role, "on" if node.pid() else "off", "up" if net.port_is_up(node.name) else "cut",
                     ",".join(fault_table.read(node.sim)) or "-"))
    print_table(rows)


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def cmd_exec(lab, args):
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise LabError("nothing to execute", "no command after the node's name", "lab.py exec n1 -- hostname", 2)
    argv = lab.node(args.node).exec_argv(command)
    os.execv(argv[0], argv)


def cmd_cut(lab, args):
    lab.network().set_port(lab.node(args.node).name, False)


def cmd_heal(lab, args):
    lab.network().set_port(lab.node(args.node).name, True)


def cmd_fault(lab, args):
    node = lab.node(args.node)
    if args.clear_at is not None:
        clear_at(lab, node, args.name, args.clear_at)
    elif args.clear:
        faults.clear_fault(lab, node, args.name)
    else:
        count = 1 if args.once else args.count
        faults.set_fault(lab, node, args.name, " ".join(args.args), count, args.seconds)


def clear_at(lab, node, name, until):
    """Clear the fault when its time is over, unless it was cleared or set anew in the meantime."""
    time.sleep(max(0.0, until - time.time()))
    if fault_table.read(node.sim, with_expired=True).get(name, {}).get("until") == until:
        faults.clear_fault(lab, node, name)


def cmd_faults(lab, args):
    rows = [("NODE", "FAULT", "ARGUMENTS", "USES LEFT", "SECONDS LEFT")]
    for node in [lab.node(args.node)] if args.node else lab.nodes():
        for name, entry in fault_table.read(node.sim).items():
            left = f"{entry['until'] - time.time():.0f}" if entry["until"] is not None else "-"
            rows.append((node.name, name, entry["args"] or "-", str(entry["count"] or "-"), left))
    print_table(rows)


def cmd_ups(lab, args):
    power = Ups(lab, lab.network())
    if args.action == "set":
        if len(args.args) != 2:
            raise LabError("ups set wants a variable and a value", f"there are {len(args.args)} arguments",
                           'lab.py ups set ups.status "OB DISCHRG"', 2)
        power.set(*args.args)
    elif len(args.args) != 1:
        raise LabError(f"ups {args.action} wants one file", f"there are {len(args.args)} arguments", f"lab.py ups {args.action} FILE", 2)
    else:
        getattr(power, args.action)(args.args[0])


def on_node(method):
    """A verb that is one method of the node."""
    def call(lab, args):
        getattr(lab.node(args.node), method)()
    return call


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


NODE_VERBS = {
    "cut": (cmd_cut, "pull a node's network cable (silent for everybody else)"),
    "heal": (cmd_heal, "plug a node's network cable in again"),
    "power-off": (on_node("power_off"), "press a node's power button: orderly end, the disk stays"),
    "power-on": (on_node("power_on"), "boot a node that is off"),
    "reboot": (on_node("reboot"), "reboot a node in order"),
    "freeze": (on_node("freeze"), "hang a node: its kernel accepts connections, nothing answers"),
    "thaw": (on_node("thaw"), "end a freeze"),
}


def parser():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--lab", metavar="NAME", default=argparse.SUPPRESS, help="which lab (default: $MKO_LAB, else 'lab')")
    top = argparse.ArgumentParser(prog="lab.py", description=__doc__, parents=[common],
                                  epilog="exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such lab or node, 4 not possible now")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name, function, text, **options):
        added = verbs.add_parser(name, help=text, description=text, parents=[common], **options)
        added.set_defaults(function=function)
        return added
    up = verb("up", cmd_up, "start a fresh lab (an old one of this name is taken down)")
    up.add_argument("--nodes", type=number(1, 200), default=3, metavar="N", help="number of nodes n1..nN (default 3)")
    up.add_argument("--workers", type=number(0, 200), default=0, metavar="W", help="how many of them, the last ones, are meant as workers")
    up.add_argument("--bare", action="store_true", help="only Linux and SSH: no MicroK8s simulation")
    up.add_argument("--ups", action="store_true", help="also a UPS: a real upsd with the driver dummy-ups")
    up.add_argument("--scale", type=scale, default=0.05, metavar="X", help="simulated durations are multiplied by X (default 0.05)")
    verb("down", cmd_down, "end the lab and remove everything it made")
    verb("list", cmd_list, "show the nodes")
    execute = verb("exec", cmd_exec, "run a command as root inside a node")
    execute.add_argument("node")
    execute.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    for name, (function, text) in NODE_VERBS.items():
        verb(name, function, text).add_argument("node")
    fault = verb("fault", cmd_fault, "set or clear a fault; an unknown name lists all of them")
    fault.add_argument("node")
    fault.add_argument("name")
    fault.add_argument("args", nargs="*")
    how = fault.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="it is over after it was met once")
    how.add_argument("--count", type=number(1, 10**6), metavar="N", help="it is over after it was met N times")
    how.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="it is over after this time")
    how.add_argument("--clear", action="store_true", help="end it")
    how.add_argument("--clear-at", type=float, help=argparse.SUPPRESS)
    verb("faults", cmd_faults, "show the faults that are on").add_argument("node", nargs="?")
    verbs.add_parser("listen-for-wakes", parents=[common]).set_defaults(function=lambda lab, _args: listen(lab))
    power = verb("ups", cmd_ups, "play the UPS: set VAR VALUE, load FILE.dev, replay FILE.seq")
    power.add_argument("action", choices=("set", "load", "replay"))
    power.add_argument("args", nargs="+", metavar="ARG")
    return top


def number(low, high):
    def parse(text):
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be {low} to {high}")
        return value
    return parse


def scale(text):
    value = float(text)
    if not 0 < value <= 10:
        raise argparse.ArgumentTypeError("must be more than 0 and at most 10")
    return value


def main():
    args = parser().parse_args()
    try:
        return args.function(Lab(getattr(args, "lab", os.environ.get("MKO_LAB", "lab"))), args) or 0
    except LabError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
