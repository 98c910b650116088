"""Time as the API writes it, and as kubectl prints it."""

from __future__ import annotations

import time
from calendar import timegm


def timestamp(seconds: float | None = None) -> str:
    """RFC 3339 in UTC with whole seconds, as in `creationTimestamp`; None = now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def micro_timestamp(seconds: float | None = None) -> str:
    """RFC 3339 in UTC with microseconds, as in a lease's `renewTime`; None = now."""
    seconds = time.time() if seconds is None else seconds
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z"


def parse(text: str | None) -> float:
    """Seconds since the epoch of either form; 0.0 for None or an empty text."""
    if not text:
        return 0.0
    whole, _, fraction = text.rstrip("Z").partition(".")
    return timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (fraction or "0"))


def human_duration(seconds: float) -> str:
    """A duration in kubectl's words (apimachinery `duration.HumanDuration`): 45s, 3m12s, 59m, 5h7m, 2d4h, 3y10d."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    total = max(total, 0)
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return f"{days // 365}y{days % 365}d" if days % 365 else f"{days // 365}y"
    return f"{days // 365}y"


def age(text: str | None) -> str:
    """How long ago a timestamp was, in kubectl's words; `<unknown>` when there is none."""
    return human_duration(time.time() - parse(text)) if text else "<unknown>"
