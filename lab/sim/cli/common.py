"""The tests that MicroK8s' wrappers make first, and the questions that several commands ask."""

import argparse
import getpass
import os
import sys
import time

from sim import kubeclient, pki, root, timing

NOT_RUNNING = "microk8s is not running. Use microk8s inspect for a deeper inspection."
STOPPED = "microk8s is not running, try microk8s start"
ACTING_AS_NODE = "This MicroK8s deployment is acting as a node in a cluster."
USE_CONTROL_PLANE = "Please use the control plane node."


class Exit(Exception):
    """End the command with this code."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


def say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


def complain(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def exit_if_no_permission() -> None:
    """The permission test is: can I read the admin's kubeconfig."""
    if os.access(pki.credential("client.config"), os.R_OK):
        return
    user = user_name()
    complain("Insufficient permissions to access MicroK8s.",
             f"You can either try again with sudo or add the user {user} to the 'microk8s' group:",
             "",
             f"    sudo usermod -a -G microk8s {user}",
             "    sudo chown -f -R $USER ~/.kube",
             "",
             "After this, reload the user groups either via a reboot or by running 'newgrp microk8s'.")
    raise Exit(1)


def exit_if_not_root(code: int = 50) -> None:
    if os.geteuid() != 0:
        say("Elevated permissions are needed for this command. Please use sudo.")
        raise Exit(code)


def exit_if_worker(code: int, *lines: str) -> None:
    if root.is_worker():
        say(*(lines or (ACTING_AS_NODE, USE_CONTROL_PLANE)))
        raise Exit(code)


def exit_if_stopped() -> None:
    """The loud form: stderr, rc 1."""
    if root.locked("stopped.lock"):
        complain(STOPPED)
        raise Exit(1)


def exit_if_low_memory() -> None:
    if root.locked("low-memory-guard.lock"):
        say("This node does not have enough RAM to host the Kubernetes control plane services",
            "and join the database quorum. You may consider joining this node as a worker instead:",
            "",
            "    microk8s join <token> --worker",
            "",
            "If you would still like to start the control plane services, start MicroK8s with:",
            "",
            "    microk8s start --disable-low-memory-guard")
        raise Exit(1)


def is_ready() -> bool:
    """`kubectl get all` shows service/kubernetes and `kubectl get nodes` shows ` Ready `: any node's, and not a cordoned one's."""
    api = kubeclient.Api()
    try:
        if api.get("/api/v1/namespaces/default/services/kubernetes") is None:
            return False
        return any(_plainly_ready(node) for node in api.items("/api/v1/nodes"))
    except kubeclient.ApiError:
        return False


def _plainly_ready(node: dict) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", []))
    return ready and not node.get("spec", {}).get("unschedulable", False)


def wait_ready(seconds: float) -> bool:
    """Poll until ready; 0 = for ever. The limit is only tested between polls."""
    start = time.monotonic()
    while not is_ready():
        if seconds and time.monotonic() > start + seconds:
            return False
        timing.sleep("status_poll")
    return True


class Parser(argparse.ArgumentParser):
    """argparse with the program name of the real script (`microk8s X`); argparse itself makes the subparsers, with `prog`."""

    def __init__(self, command: str = "", **options):
        super().__init__(**{"prog": f"microk8s {command}", **options})
