"""Faults that are made from outside a node: network, power, disk, clock, names.

The list of all faults is `sim.faults.KNOWN`; this file owns what the lab itself must do for some of them. Everything else is only
written to the node's /run/sim/faults.json and played by the simulator. Network faults are rules on the lab's bridge, so they hold for
a node that is off or reboots, and a node cannot see or remove them.
"""

import os
import pathlib
import re
import secrets
import subprocess
import sys
import time

from sim import faults as table

from . import network, rootfs
from .errors import LabError
from .node import DISK_SIZE
from .shell import clean_env, run, tool

CLOCK_LIBRARY = "usr/lib/mko-lab/skewclock.so"


class Effect:
    """What the lab does when a fault is set and cleared. `instant`: it is done when it is done, there is nothing to clear."""

    def __init__(self, pattern, apply, clear=None):
        self.pattern, self.apply, self.clear = pattern, apply, clear

    @property
    def instant(self):
        return self.clear is None


def set_fault(lab, node, name, args, count=None, seconds=None):
    """Set a fault on a node; a fault of the same name is replaced."""
    effect = EFFECTS.get(known(name))
    if effect is not None:
        check(name, effect, args, count)
        if name in table.read(node.sim) and not effect.instant:
            clear_fault(lab, node, name)
        effect.apply(lab, node, args)
        if effect.instant:
            return
    until = time.time() + seconds if seconds is not None else None
    with table.changing(node.sim) as faults:
        faults[name] = {"args": args, "count": count, "until": until}
    if seconds is not None and effect is not None:
        clear_later(lab, node, name, until)


def clear_fault(lab, node, name):
    """End a fault; fine when it is not on."""
    effect = EFFECTS.get(known(name))
    with table.changing(node.sim) as faults:
        entry = faults.pop(name, None)
    if entry is not None and effect is not None:
        effect.clear(lab, node, entry["args"])


def known(name):
    if name not in table.KNOWN:
        rows = "\n".join(f"    {key:24} {text}" for key, text in table.KNOWN.items())
        raise LabError(f"no fault is called '{name}'", "the known faults are\n" + rows, "use one of these names", 2)
    return name


def check(name, effect, args, count):
    if not re.fullmatch(effect.pattern, args):
        raise LabError(f"the fault '{name}' cannot have the argument '{args}'", table.KNOWN[name], "give the argument in that form", 2)
    if count is not None and not effect.instant:
        raise LabError(f"the fault '{name}' cannot be counted", "the lab makes it in the network or the node's system, where no use is seen",
                       "use --for SECONDS, or clear it with --clear", 2)


def clear_later(lab, node, name, until):
    """Leave a process behind that ends the fault. It lives in the lab's network namespace, so it goes when the lab goes."""
    argv = [tool("nsenter", "util-linux"), f"--net={network.NETNS_DIR / node.net.ctl}", "/usr/bin/python3", os.path.abspath(sys.argv[0]), "--lab", lab.name,
            "fault", node.name, name, "--clear-at", str(until)]
    subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_env(),
                     start_new_session=True, cwd="/")


# ---- network ---------------------------------------------------------------------------------------------------------------------

def nft(netns_path, script):
    """Run nft of the node image in a network namespace (the machine itself need not have nft)."""
    run([tool("nsenter", "util-linux"), f"--net={netns_path}", tool("chroot", "coreutils"), str(rootfs.rootfs(print)), "/usr/sbin/nft", "-f",
         "-"], stdin=script)


def bridge_rules(rules):
    """Effect: rules on the bridge; `rules(lab, node, args)` gives their text."""
    def table_name(node, args):
        return "bridge " + re.sub(r"[^a-z0-9]", "_", f"lab_{node.name}_{rules.__name__}_{args}")

    def apply(lab, node, args):
        lines = "\n".join(rules(lab, node, args))
        nft(network.NETNS_DIR / node.net.ctl, f"table {table_name(node, args)} {{\n chain c {{\n  type filter hook forward priority 0\n"
                                              f"{lines}\n }}\n}}\n")

    def clear(lab, node, args):
        nft(network.NETNS_DIR / node.net.ctl, f"delete table {table_name(node, args)}\n")
    return apply, clear


def ssh_drop(_lab, node, _args):
    return [f"  oifname v-{node.name} tcp dport 22 drop", f"  iifname v-{node.name} tcp sport 22 drop"]


def packet_loss(_lab, node, args):
    chance = f"numgen random mod 100 < {int(args)}" if int(args) < 100 else ""
    return [f"  {side} v-{node.name} {chance} drop" for side in ("iifname", "oifname")]


def partition(lab, _node, args):
    one, other = (lab.node(name).name for name in args.split(":"))
    return [f"  iifname v-{a} oifname v-{b} drop" for a, b in ((one, other), (other, one))]


def ssh_refuse(_lab, node, _args):
    nft(node.netns, "table inet lab_ssh_refuse {\n chain c {\n  type filter hook input priority 0\n  tcp dport 22 reject with tcp reset\n }\n}\n")


def ssh_accept(_lab, node, _args):
    nft(node.netns, "delete table inet lab_ssh_refuse\n")


def link_down(_lab, node, _args):
    node.net.set_node_link(node.name, False)


def link_up(_lab, node, _args):
    if node.pid() is not None:
        node.run("/usr/sbin/ip", "-force", "-batch", "/etc/network/lab.batch")


def ip_change(_lab, node, args):
    if not args.startswith(node.ip.rpartition(".")[0] + "."):
        raise LabError(f"the node cannot have the address {args}", f"it is outside the lab's network {node.net.subnet}",
                       "choose another one of that network", 2)
    network.ip_batch([f"neigh replace {args} lladdr {node.mac} dev {node.net.host_link} nud permanent"])
    set_address(node, args)


def ip_restore(_lab, node, args):
    set_address(node, node.ip)
    network.ip_batch([f"neigh del {args} dev {node.net.host_link}"])


def set_address(node, address):
    number = int(address.rpartition(".")[2])
    node.put("/etc/network/lab.batch", node.net.boot_batch(number))
    node.run("/usr/sbin/ip", "-force", "-batch", "/etc/network/lab.batch")


def forward_policy(policy):
    return lambda _lab, node, _args: node.run("/usr/sbin/iptables", "-P", "FORWARD", policy)


# ---- power, disk, hardware -------------------------------------------------------------------------------------------------------

def power_cut(_lab, node, _args):
    node.power_cut()


def power_cut_corrupt(_lab, node, _args):
    node.power_cut()
    segments = sorted((node.disk / "up/var/snap/microk8s").glob("[0-9]*/var/kubernetes/backend/0*-0*"))
    if segments:
        with open(segments[-1], "r+b") as segment:
            segment.truncate(max(0, os.fstat(segment.fileno()).st_size // 2))
    with table.changing(node.sim) as faults:
        faults["dqlite_corrupt"] = {"args": segments[-1].name if segments else "", "count": None, "until": None}


def reboot_slow(_lab, node, args):
    (node.dir / "reboot_delay").write_text(args)


def reboot_fast(_lab, node, _args):
    (node.dir / "reboot_delay").unlink(missing_ok=True)


def disk_full(_lab, node, args):
    mount = args or "/"
    if mount != "/":
        node.run("/usr/bin/sh", "-c", 'mount -o remount,size="$(df -B1 --output=used "$1" | tail -1)" "$1"', "sh", mount)
        return
    usage = os.statvfs(node.disk)
    used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
    run([tool("mount", "mount"), "-o", f"remount,size={used}", str(node.disk)])


def disk_free(_lab, node, args):
    if (args or "/") == "/":
        run([tool("mount", "mount"), "-o", f"remount,size={DISK_SIZE}", str(node.disk)])
    else:
        node.run("/usr/bin/mount", "-o", "remount,size=1g", args)


def hardware(path, text):
    """Effect: a file of /proc or /sys shows other hardware, now and after a reboot (labinit.c binds it at boot)."""
    store = path.rpartition("/")[2]

    def apply(_lab, node, args):
        directory = node.sim / "hardware"
        directory.mkdir(exist_ok=True)
        (directory / store).write_text(text(args))
        if node.pid() is not None:
            node.run("/usr/bin/mount", "--bind", f"/run/sim/hardware/{store}", path)

    def clear(_lab, node, _args):
        (node.sim / "hardware" / store).unlink(missing_ok=True)
        if node.pid() is not None:
            node.run("/usr/bin/sh", "-c", 'grep -q " $0 " /proc/mounts && umount "$0" || true', path)
    return apply, clear


def meminfo(args):
    total = int(args or 512) * 1024
    rows = {"MemTotal": total, "MemFree": total // 4, "MemAvailable": total // 3, "Buffers": 0, "Cached": total // 8, "SwapCached": 0,
            "SwapTotal": 0, "SwapFree": 0, "Shmem": 0, "SReclaimable": 0, "Slab": 0}
    return "".join(f"{name + ':':16}{value:8} kB\n" for name, value in rows.items())


def no_memory_cgroup(_args):
    return "cpuset cpu io hugetlb pids rdma misc\n"


INOTIFY = ("/proc/sys/fs/inotify/max_user_instances", "/proc/sys/fs/inotify/max_user_watches")


def inotify(mode):
    def change(_lab, node, _args):
        for path in INOTIFY:
            node.run("/usr/bin/mount", "-o", f"remount,bind,{mode}", path)
    return change


# ---- system ----------------------------------------------------------------------------------------------------------------------

def ssh_slow(_lab, node, args):
    node.put("/etc/ssh/sshrc", f"sleep {int(args or 2000) / 1000}\n")


def ssh_fast(_lab, node, _args):
    node.run("/usr/bin/rm", "-f", "/etc/ssh/sshrc")


def sudo_missing(_lab, node, _args):
    node.run("/usr/bin/mv", "/usr/bin/sudo", "/usr/bin/.sudo")


def sudo_back(_lab, node, _args):
    node.run("/usr/bin/mv", "/usr/bin/.sudo", "/usr/bin/sudo")


def sudo_password(lab, node, args):
    password = args or secrets.token_hex(8)
    hashed = run([tool("openssl", "openssl"), "passwd", "-6", "-stdin"], stdin=password).stdout.strip()
    node.run("/usr/sbin/usermod", "-p", hashed, "ubuntu")
    node.put("/etc/sudoers.d/ubuntu", "ubuntu ALL=(ALL) ALL\n", "440")
    describe_node(lab, node, sudo_password=password)


def sudo_free(lab, node, _args):
    node.run("/usr/sbin/usermod", "-p", "*", "ubuntu")
    node.put("/etc/sudoers.d/ubuntu", "ubuntu ALL=(ALL) NOPASSWD:ALL\n", "440")
    describe_node(lab, node, sudo_password=None)


def describe_node(lab, node, **facts):
    """Change keys of the node in lab.json; None removes one."""
    description = lab.description()
    entry = next(e for e in description["nodes"] if e["hostname"] == node.name)
    entry.update(facts)
    for key in [key for key, value in facts.items() if value is None]:
        del entry[key]
    lab.write_description(description)


def clock_skew(_lab, node, args):
    library = rootfs.binary("skewclock", ("-shared", "-fPIC", "-nostdlib", "-ffreestanding", "-fno-stack-protector"))
    node.put("/etc/mko-lab-clock", f"{args}\n")
    node.put(f"/{CLOCK_LIBRARY}", library.read_bytes(), "755")
    node.put("/etc/ld.so.preload", f"/{CLOCK_LIBRARY}\n")


def clock_right(_lab, node, _args):
    node.run("/usr/bin/rm", "-f", "/etc/ld.so.preload", "/etc/mko-lab-clock")


def module_hide(lab, node, args):
    """Also one that the machine has loaded or built in: then modprobe alone says what there is. Kernels without modules have no list."""
    if MODULES.exists():
        loaded = "".join(line for line in MODULES.read_text(encoding="ascii").splitlines(True) if line.split()[0] != args)
        hardware(str(MODULES), lambda _args: loaded)[0](lab, node, args)
    node.run("/usr/bin/mount", "-t", "tmpfs", "-o", "ro,size=4k", "tmpfs", "/sys/module")


def module_show(lab, node, args):
    if MODULES.exists():
        hardware(str(MODULES), lambda _args: "")[1](lab, node, args)
    node.run("/usr/bin/umount", "/sys/module")


def shims_start(_lab, node, args):
    node.run("/usr/bin/sh", "-c", 'cp /usr/bin/sleep "$0" && for i in $(seq "$1"); do setsid "$0" infinity </dev/null >/dev/null 2>&1 & done', SHIM, args or "1")


def shims_end(_lab, node, _args):
    node.run("/usr/bin/sh", "-c", 'for exe in /proc/[0-9]*/exe; do [ "$(readlink "$exe")" != "$0" ] || kill "$(echo "$exe" | cut -d/ -f3)"; done; rm "$0"', SHIM)


def hostname_change(_lab, node, args):
    node.put("/etc/hostname", f"{args}\n")
    node.run("/usr/bin/hostname", args)


def hostname_restore(lab, node, _args):
    hostname_change(lab, node, node.name)


def hostname_duplicate(lab, node, args):
    other = lab.node(args)
    hostname_change(lab, node, other.name)
    node.put("/etc/machine-id", (other.disk / "up/etc/machine-id").read_text(), "444")


def hostname_unique(lab, node, _args):
    hostname_change(lab, node, node.name)
    node.put("/etc/machine-id", f"{secrets.token_hex(16)}\n", "444")


NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}"
MODULES = pathlib.Path("/proc/modules")
SHIM = "/run/containerd-shim-runc-v2"
EFFECTS = {
    "disk_full": Effect(r"(/[a-z/]*)?", disk_full, disk_free),
    "ssh_drop": Effect("", *bridge_rules(ssh_drop)),
    "ssh_refuse": Effect("", ssh_refuse, ssh_accept),
    "ssh_slow": Effect(r"\d*", ssh_slow, ssh_fast),
    "sudo_missing": Effect("", sudo_missing, sudo_back),
    "sudo_password": Effect(r"\S*", sudo_password, sudo_free),
    "power_cut": Effect("", power_cut),
    "power_cut_corrupt": Effect("", power_cut_corrupt),
    "reboot_slow": Effect(r"\d+(\.\d+)?", reboot_slow, reboot_fast),
    "clock_skew": Effect(r"-?\d{1,15}", clock_skew, clock_right),
    "hostname_change": Effect(NAME, hostname_change, hostname_restore),
    "hostname_duplicate": Effect(NAME, hostname_duplicate, hostname_unique),
    "ip_change": Effect(r"\d+\.\d+\.\d+\.\d+", ip_change, ip_restore),
    "packet_loss": Effect(r"\d{1,2}|100", *bridge_rules(packet_loss)),
    "link_down": Effect("", link_down, link_up),
    "partition": Effect(r"[a-z0-9.-]+:[a-z0-9.-]+", *bridge_rules(partition)),
    "inotify_low": Effect("", inotify("ro"), inotify("rw")),
    "cgroup_memory_off": Effect("", *hardware("/sys/fs/cgroup/cgroup.controllers", no_memory_cgroup)),
    "memory_low": Effect(r"\d*", *hardware("/proc/meminfo", meminfo)),
    "module_missing": Effect(r"[a-z0-9_]+", module_hide, module_show),
    "shims_left": Effect(r"[1-9]?", shims_start, shims_end),
    "forward_drop": Effect("", forward_policy("DROP"), forward_policy("ACCEPT")),
}
