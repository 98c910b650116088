"""`microk8s start` and `microk8s stop` (facts 1.6)."""

from sim import root, services, timing
from sim.cli import common
from sim.cli.common import say


def stop(argv: list[str]) -> int:
    """Stop and disable all services; containers are killed without grace."""
    common.exit_if_no_permission()
    common.exit_if_worker(0)
    common.Parser("stop", usage="microk8s stop", description="Stop the MicroK8s services.").parse_args(argv)
    services.request("stop", "daemon-kubelite", disable=True)
    say("Stopped.")
    timing.sleep("stop")
    services.request("stop", services.ALL, disable=True)
    say("Stopped.")
    root.set_lock("stopped.lock")
    return 0


def start(argv: list[str]) -> int:
    """Start and enable all services; wait up to 60 s for any Ready node and say nothing, whatever came of it."""
    common.exit_if_no_permission()
    common.exit_if_worker(0)
    parser = common.Parser("start", description="Start the MicroK8s services.")
    parser.add_argument("--disable-low-memory-guard", action="store_true")
    if parser.parse_args(argv).disable_low_memory_guard:
        root.set_lock("low-memory-guard.lock", False)
    common.exit_if_low_memory()
    services.request("start", services.ALL, enable=True)
    root.set_lock("stopped.lock", False)
    common.wait_ready(timing.seconds("start_wait_ready"))
    return 0
