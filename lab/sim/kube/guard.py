"""One bad object must not stop a controller: the errors that a pass over many objects survives."""

from __future__ import annotations

import contextlib
import sqlite3
import traceback
from collections.abc import Iterator

from sim.kube.errors import ApiError
from sim.kube.store import StoreError


@contextlib.contextmanager
def tolerant() -> Iterator[None]:
    """Go on after the block when an object has gone or changed meanwhile (silently; the next pass sees it), when the store was busy,
    or when an object's content is not what it should be (told on stderr)."""
    try:
        yield
    except (StoreError, sqlite3.OperationalError):
        pass
    except (ApiError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        traceback.print_exc()
