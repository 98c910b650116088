"""How long things take in a simulated node (facts 6.4): real durations times the lab's scale.

`/run/sim/timing.json` is `{"scale": 0.05, "knobs": {NAME: SECONDS}}`; `knobs` replaces values of the table below before scaling. A knob
with a floor never gets shorter than that, so that a busy small machine does not take its own slowness for a dead node, and so that the
order of things (a poll is shorter than what it watches) stays as in reality.
"""

import json
import os
import time
from pathlib import Path

FILE = "/run/sim/timing.json"

# name -> (seconds on a real machine, least seconds after scaling)
KNOBS: dict[str, tuple[float, float]] = {
    "snap_download": (60, 0),
    "snap_install_hook": (20, 0),
    "snap_refresh": (90, 0),
    "first_ready": (45, 0),
    "launcher_tick": (5, 0.5),
    "dns_enable": (20, 0),
    "addon_enable": (15, 0),
    "join_http": (3, 0),
    "seed_rebind_gap": (15, 0),
    "join_stop_wait": (10, 0),
    "join_poll_error": (2, 0.3),
    "join_poll": (5, 0.3),
    "join_worker": (10, 0),
    "leave": (10, 0),
    "stop": (20, 0),
    "start_to_api": (25, 0),
    "kubelite_wait_api": (360, 10),
    "dqlite_start_delay": (6, 0),
    "dqlite_poll": (1, 1),
    "dqlite_request": (2, 0.8),
    "handover_max": (30, 1),
    "roles_adjust": (30, 2),
    "election": (5, 0.5),
    "lease": (10, 2),
    "node_grace": (40, 8),
    "evict": (300, 10),
    "drain_per_pod": (2, 0),
    "kicker_tick": (5, 1.5),
    "provider_refresh": (30, 2),
    "restart_delay": (1, 0.2),
    "dbctl": (5, 0),
    "inspect": (30, 0),
    "start_wait_ready": (60, 5),
    "addon_wait_api": (30, 5),
    "status_poll": (2, 0.5),
}

_cache: tuple[tuple[int, int], dict] = ((0, 0), {})


def _settings() -> dict:
    global _cache
    file = Path(os.environ.get("SIM_ROOT", "/")) / FILE.lstrip("/")
    try:
        stat = file.stat()
    except FileNotFoundError:
        return {}
    stamp = (stat.st_mtime_ns, stat.st_ino)
    if stamp != _cache[0]:
        _cache = (stamp, json.loads(file.read_text() or "{}"))
    return _cache[1]


def seconds(knob: str) -> float:
    """The scaled duration of a knob."""
    base, floor = KNOBS[knob]
    settings = _settings()
    return max(floor, settings.get("knobs", {}).get(knob, base) * settings.get("scale", 1.0))


def sleep(knob: str) -> None:
    """Wait as long as the knob says."""
    time.sleep(seconds(knob))
