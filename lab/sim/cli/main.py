"""The table of subcommands of `microk8s`, its help, and the door through which every failure leaves with its code."""

import importlib
import os
import sys

from sim import root
from sim.cli.common import Exit

# subcommand -> (module, function)
COMMANDS = {
    "add-node": ("tokens", "run"),
    "addons": ("addon", "manage"),
    "config": ("misc", "config"),
    "ctr": ("misc", "ctr"),
    "dbctl": ("database", "run"),
    "disable": ("addon", "disable"),
    "enable": ("addon", "enable"),
    "helm": ("misc", "helm"),
    "helm3": ("misc", "helm"),
    "images": ("misc", "images"),
    "inspect": ("misc", "inspect"),
    "join": ("join", "run"),
    "kubectl": ("misc", "kubectl"),
    "leave": ("leave", "leave"),
    "refresh-certs": ("certs", "run"),
    "remove-node": ("leave", "remove_node"),
    "reset": ("misc", "reset"),
    "start": ("power", "start"),
    "status": ("status", "run"),
    "stop": ("power", "stop"),
    "version": ("misc", "version"),
}
LISTED = ("add-node", "addons", "config", "ctr", "dashboard-proxy", "dbctl", "disable", "enable", "helm", "helm3", "images", "istioctl",
          "join", "kubectl", "leave", "linkerd", "refresh-certs", "remove-node", "reset", "start", "status", "stop", "version", "inspect")


def print_help() -> None:
    print("Usage: microk8s [OPTIONS] COMMAND [ARGS]\n\nOptions:\n  --help  Shows the available COMMANDS.\n\nAvailable subcommands are:")
    print("\n".join(f"\t{name}" for name in LISTED))


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand; the program may also be called as `microk8s.SUBCOMMAND`."""
    program = os.path.basename(sys.argv[0])
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None and program.startswith("microk8s."):
        words.insert(0, program.removeprefix("microk8s."))
    if not words:
        print_help()
        return 1
    if words[0] in ("help", "--help", "-h"):
        print_help()
        return 0
    if words[0] not in COMMANDS:
        print(f"'{words[0]}' is not a valid MicroK8s subcommand.")
        print_help()
        return 1
    if not root.installed():
        print(f"/snap/bin/{program}: cannot find the microk8s snap", file=sys.stderr)
        return 127
    module, function = COMMANDS[words[0]]
    try:
        return getattr(importlib.import_module(f"sim.cli.{module}"), function)(words[1:])
    except Exit as ended:
        return ended.code
    except KeyboardInterrupt:
        return 130
