"""Faults of a simulated node: which exist, which are on, and using one up.

Owns the table KNOWN and the file `/run/sim/faults.json` (`{NAME: {"args": "...", "count": N|null, "until": epoch|null}}`), which
lab.py writes from outside and the node reads. A fault with a count is gone after so many `take`s; one with `until` is over then.
Whoever implements a fault adds its row here; lab.py refuses names that are not here.
"""

import contextlib
import fcntl
import json
import os
import time

KNOWN = {
    # operating system, network, power
    "disk_full": "[MOUNT] the file system (default /) is full; real: its tmpfs gets no more room",
    "ssh_drop": "packets to port 22 vanish: connections time out",
    "ssh_refuse": "connections to port 22 are refused",
    "ssh_slow": "[MILLISECONDS] each SSH login takes so much longer (default 2000)",
    "sudo_missing": "the program sudo is not installed",
    "sudo_password": "[PASSWORD] sudo wants a password (in lab.json as sudo_password; random when not given)",
    "power_cut": "the power is gone at once; the disk keeps what was written (power-on starts it again)",
    "power_cut_corrupt": "as power_cut, and the last dqlite segment is damaged",
    "reboot_slow": "SECONDS between the end of the system and its new boot",
    "clock_skew": "SECONDS the node's clock is ahead (negative: behind), for every program that is started from now on",
    "hostname_change": "NAME the node calls itself from now on (also after a reboot)",
    "hostname_duplicate": "NODE the node takes the hostname and machine-id of that node",
    "ip_change": "ADDRESS the node has from now on (the lab still knows it by its name)",
    "packet_loss": "PERCENT of packets are lost, in each direction",
    "link_down": "the node's own network interface is down",
    "partition": "A:B packets between these two nodes vanish, both ways (set it on either node)",
    "module_missing": "NAME modprobe and modinfo do not find this kernel module",
    "inotify_low": "fs.inotify limits are at the small defaults and cannot be raised",
    "cgroup_memory_off": "the memory cgroup is not enabled, until it boots with cgroup_enable=memory in /boot/firmware/cmdline.txt",
    "memory_low": "[MEGABYTES] the node shows so little memory (default 512)",
    "ufw_on": "the firewall ufw is active",
    "forward_drop": "the iptables policy of FORWARD is DROP",
    "apt_fail": "[TEXT] apt-get fails",
    "apt_locked": "another process holds the dpkg lock",
    "ntp_off": "the clock is not synchronised",
    # snap
    "snap_download_fail": "[503] the store answers with this HTTP status to a download",
    "snap_store_timeout": "the store cannot be reached",
    "snap_conflict": "[auto-refresh] another change of the snap is in progress (exit code 10)",
    "snap_disk_full": "snapd refuses because of low disk space",
    "snap_hook_fail": "install|configure|post-refresh this hook of the snap fails",
    "snap_refresh_hang": "a refresh never ends",
    "refresh_leaves_disabled": "a refresh fails half way and leaves the snap disabled",
    "snap_not_seeded": "snapd is not seeded yet",
    "snapd_down": "snapd does not run",
    # cluster agent and join
    "agent_down": "the cluster agent does not listen",
    "join_refused": "TEXT:CODE the cluster agent answers a join with this",
    "join_slow": "SECONDS the cluster agent needs for a join",
    "join_blackhole": "the cluster agent accepts a join and never answers",
    "join_crash": "before_post|after_post|after_move|before_start the join command is killed at this point",
    "join_silent_fail": "join says success and the node never appears",
    "token_expired": "every join token has expired",
    "fingerprint_mismatch": "the cluster agent shows another certificate",
    "hostname_unresolved": "the control plane cannot resolve the joining hostname",
    "known_to_dqlite": "the control plane believes that the joining address is a member already",
    # services
    "not_ready": "MicroK8s never becomes ready",
    "kubelite_crashloop": "[cgroup|cpuset] kubelite ends soon after each start, with that complaint",
    "kubelite_hang": "kubelite runs and does not answer",
    "containerd_down": "containerd does not run",
    "dqlite_corrupt": "[SEGMENT] k8s-dqlite refuses its data directory",
    "dqlite_slow": "MILLISECONDS each dqlite request takes longer",
    "dqlite_lock": "dqlite answers 'database is locked'",
    "dqlite_down": "k8s-dqlite does not run",
    "dqlite_named": "the node's member is known by its host name instead of an address",
    "sandbox_reserved": "containerd still holds the names of pods, so that kubelite starts and ends none",
    "shims_left": "[NUMBER] so many containerd-shim processes run (default 1), whatever becomes of MicroK8s",
    "stale_ready": "a node that is gone stays Ready",
    "stuck_notready": "the node stays NotReady after a heal until it is stopped and started",
    "provider_yaml_empty": "the worker's list of control planes is empty",
    "cert_days": "NAME:N the certificate (server, front-proxy-client, ca) ends in N days",
    "oom": "kubelite is killed for lack of memory",
    # commands
    "drain_stuck": "POD a drain cannot evict pods whose name begins so",
    "leave_fail": "[CODE] microk8s leave fails (default 2)",
    "remove_api_down": "microk8s remove-node cannot reach the API",
    "addon_hang": "NAME enabling this addon never ends",
    "addon_fail": "NAME:CODE enabling this addon fails with this exit code",
    "dbctl_fail": "microk8s dbctl fails",
}


def directory():
    return os.environ.get("SIM_ROOT", "").rstrip("/") + "/run/sim"


def active(name):
    """The arguments (maybe '') of the fault when it is on, else None."""
    if name not in KNOWN:
        raise KeyError(f"no fault is called {name}")
    entry = read(directory()).get(name)
    return entry["args"] if entry is not None else None


def take(name):
    """As `active`, and one of its counted uses is used up."""
    if active(name) is None:
        return None
    with changing(directory()) as faults:
        entry = faults.get(name)
        if entry is None:
            return None
        if entry.get("count") is not None:
            entry["count"] -= 1
            if entry["count"] <= 0:
                del faults[name]
        return entry["args"]


def read(where, with_expired=False):
    """All faults that are on now, of the node whose /run/sim is `where`."""
    try:
        with open(f"{where}/faults.json", encoding="utf-8") as file:
            faults = json.load(file)
    except (OSError, ValueError):
        return {}
    now = time.time()
    return {name: entry for name, entry in faults.items() if with_expired or entry.get("until") is None or entry["until"] > now}


@contextlib.contextmanager
def changing(where):
    """The faults as a dictionary to change; written back atomically. Safe between the node and the host (lock on the directory)."""
    handle = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        faults = read(where, with_expired=True)
        yield faults
        new = f"{where}/.faults.{os.getpid()}.new"
        with open(new, "w", encoding="utf-8") as file:
            json.dump(faults, file)
        os.chmod(new, 0o644)
        os.replace(new, f"{where}/faults.json")
    finally:
        os.close(handle)
