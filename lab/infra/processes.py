"""Finding and ending the processes of a lab. A process belongs to a lab if and only if it is in one of the lab's network namespaces,
which the lab made; so nothing is ever killed by name, and no pid file can be stale."""

import os
import pathlib
import signal
import time

from .errors import LabError


def in_netns(paths):
    """Pids of all processes in the network namespaces bound at `paths`, as {pid: path}."""
    inodes = _inodes(paths)
    found = {}
    for entry in os.listdir("/proc") if inodes else []:
        if entry.isdigit():
            inode = _netns_inode(entry)
            if inode in inodes:
                found[int(entry)] = inodes[inode]
    return found


def _inodes(paths):
    inodes = {}
    for path in paths:
        try:
            inodes[os.stat(path).st_ino] = path
        except FileNotFoundError:
            continue
    return inodes


def _netns_inode(pid):
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return None


def init_pid(netns_path):
    """Host pid of PID 1 of the node in that network namespace, or None when the node is off."""
    for pid in in_netns([netns_path]):
        chain = _namespace_pids(pid)
        if len(chain) == 2 and chain[-1] == "1":
            return pid
    return None


def _namespace_pids(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])


def send(pid, number, *netns_paths):
    """Send a signal to `pid` if it is still in one of these namespaces; a pid that the kernel gave to somebody else is never hit."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _netns_inode(pid) in _inodes(netns_paths):
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def kill_all(netns_paths, timeout_s=10.0):
    """Kill every process in these namespaces and wait until all are gone."""
    deadline = time.monotonic() + timeout_s
    paths = list(netns_paths)
    while members := in_netns(paths):
        if time.monotonic() > deadline:
            raise LabError("some processes of the lab do not end", f"still there: pids {sorted(members)}",
                           "look at them with 'ps', then run 'lab.py down' again")
        for pid in members:
            send(pid, signal.SIGKILL, *paths)
        time.sleep(0.005)


def signal_all(netns_path, number):
    """Send one signal to every process of a namespace (freeze and thaw)."""
    done = set()
    while new := set(in_netns([netns_path])) - done:  # again, because a process may have been born in between
        done |= new
        for pid in new:
            send(pid, number, netns_path)
