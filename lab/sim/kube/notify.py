"""Waking other threads and processes when a resource changes, without polling.

Owns a directory with one empty file per resource. A writer touches the file; every process that has subscribers learns it by inotify
(which works across mount and PID namespaces: it follows the inode) and wakes the eventfds that asked for that resource.
Where inotify is used up, the thread compares modification times every POLL_SECONDS instead.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Iterable

POLL_SECONDS = 0.2
IN_ATTRIB, IN_CREATE = 0x4, 0x100
EVENT_HEADER = struct.Struct("iIII")

_libc = ctypes.CDLL(None, use_errno=True)


class Notifier:
    """`touch` on one side; `add`/`remove` of (eventfd, resources) on the other. The thread exists only once there are subscribers."""

    def __init__(self, directory: str):
        self._directory = directory
        os.makedirs(directory, exist_ok=True)
        self._lock = threading.Lock()
        self._subscribers: dict[int, frozenset[str]] = {}
        self._thread: threading.Thread | None = None
        self._stop_read, self._stop_write = os.pipe()
        self._closed = False

    def touch(self, resource: str) -> None:
        """Tell everybody that `resource` changed."""
        path = os.path.join(self._directory, resource)
        try:
            os.utime(path)
        except FileNotFoundError:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))

    def add(self, fd: int, resources: Iterable[str]) -> None:
        with self._lock:
            self._subscribers[fd] = frozenset(resources)
            if self._thread is None and not self._closed:
                watch = self._start_inotify()
                target = self._poll_files if watch is None else lambda: self._follow(watch)
                self._thread = threading.Thread(target=target, name="kube-notify", daemon=True)
                self._thread.start()

    def remove(self, fd: int) -> None:
        with self._lock:
            self._subscribers.pop(fd, None)

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._subscribers.clear()
            thread = self._thread
        os.close(self._stop_write)
        if thread is not None:
            thread.join()
        os.close(self._stop_read)

    def _start_inotify(self) -> int | None:
        fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            return None
        if _libc.inotify_add_watch(fd, os.fsencode(self._directory), IN_ATTRIB | IN_CREATE) < 0:
            os.close(fd)
            return None
        return fd

    def _follow(self, fd: int) -> None:
        while True:
            ready, _, _ = select.select([fd, self._stop_read], [], [])
            if self._stop_read in ready:
                os.close(fd)
                return
            self._wake(self._names(os.read(fd, 65536)))

    @staticmethod
    def _names(data: bytes) -> set[str]:
        names, offset = set(), 0
        while offset < len(data):
            _, _, _, length = EVENT_HEADER.unpack_from(data, offset)
            offset += EVENT_HEADER.size
            names.add(data[offset : offset + length].rstrip(b"\0").decode())
            offset += length
        return names

    def _poll_files(self) -> None:
        seen = self._modified()
        while not select.select([self._stop_read], [], [], POLL_SECONDS)[0]:
            now = self._modified()
            self._wake({name for name, when in now.items() if seen.get(name) != when})
            seen = now

    def _modified(self) -> dict[str, int]:
        with os.scandir(self._directory) as entries:
            return {entry.name: entry.stat().st_mtime_ns for entry in entries}

    def _wake(self, names: set[str]) -> None:
        with self._lock:
            for fd, resources in self._subscribers.items():
                if not names.isdisjoint(resources):
                    os.eventfd_write(fd, 1)
