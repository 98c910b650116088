"""The Debian root file system that all nodes of all labs share, read only, and the helpers compiled for it.

Owns the cache directory. An entry is named after the hash of its recipe, is built once under a lock in a temporary directory
and gets its name by rename only when it is complete, so a killed build never leaves half an entry that somebody uses.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

from .errors import LabError
from .shell import clean_env, run, tool

SUITE = "bookworm"
MIRROR = os.environ.get("MKO_LAB_MIRROR", "http://deb.debian.org/debian")
PACKAGES = ("openssh-server python3 python3-apt sudo iproute2 util-linux procps openssl ca-certificates iputils-ping kmod curl "
            "nftables iptables").split()
USELESS = ("var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/debconf", "usr/share/info")
SSHD_CONFIG = """\
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
UsePAM no
PasswordAuthentication no
PrintMotd no
MaxStartups 100:30:200
"""
RECIPE_VERSION = 2
SOURCES = pathlib.Path(__file__).resolve().parent


def cache_dir():
    """Directory of all cache entries (env MKO_LAB_CACHE, else build/lab-cache of this checkout)."""
    default = SOURCES.parents[1] / "build" / "lab-cache"
    path = pathlib.Path(os.environ.get("MKO_LAB_CACHE", default))
    path.mkdir(parents=True, exist_ok=True)
    return path


def rootfs(say):
    """Path of the finished root file system; builds it (about a minute) when it is not there. `say` gets progress lines."""
    recipe = repr((RECIPE_VERSION, SUITE, PACKAGES, USELESS, SSHD_CONFIG))
    entry = cache_dir() / f"rootfs-{_hash(recipe)}"
    return cached(entry, lambda tmp: _build_rootfs(tmp, say))


def binary(name, flags):
    """Path of a C helper of this directory, compiled with `flags`; compiled again when its source or the flags change."""
    source = SOURCES / f"{name}.c"
    compiler = tool("gcc", "gcc libc6-dev")
    entry = cache_dir() / f"{name}-{_hash(source.read_text() + repr(flags))}"
    return cached(entry, lambda tmp: run([compiler, "-O2", "-Wall", "-Wextra", *flags, "-o", str(tmp), str(source)]))


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def cached(entry, build):
    """`entry` if it is complete, else let build(tmp) make it under the cache lock and give it its name at the end."""
    if entry.exists():
        return entry
    with _lock(entry.parent):
        if not entry.exists():
            tmp = entry.with_name(entry.name + ".building")
            _remove(tmp)
            build(tmp)
            tmp.rename(entry)
    return entry


@contextlib.contextmanager
def _lock(directory):
    with open(directory / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _build_rootfs(root, say):
    say(f"building the node image once ({SUITE}, about a minute) in {root.parent}")
    log = root.parent / "debootstrap.log"
    argv = [tool("debootstrap", "debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), MIRROR]
    with open(log, "w", encoding="utf-8") as out:
        code = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=clean_env(), check=False).returncode
    if code != 0:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise LabError("building the node image failed", f"debootstrap: {tail[0]} (all of it: {log})",
                       "check that the Debian mirror is reachable (env MKO_LAB_MIRROR chooses another one)")
    _customise(root)


def _customise(root):
    """Turn the plain tree into a lab node: user ubuntu with sudo, sshd for keys only, nothing that a node must have of its own."""
    def chroot(*argv):
        run([tool("chroot", "coreutils"), str(root), *argv])
    chroot("apt-get", "clean")
    for path in USELESS:
        shutil.rmtree(root / path, ignore_errors=True)
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    chroot("useradd", "-m", "-s", "/bin/bash", "ubuntu")
    chroot("usermod", "-p", "*", "ubuntu")  # a locked account ('!') is refused by sshd when PAM is off
    _write(root / "etc/sudoers.d/ubuntu", "ubuntu ALL=(ALL) NOPASSWD:ALL\n", 0o440)
    _write(root / "etc/ssh/sshd_config.d/lab.conf", SSHD_CONFIG, 0o644)
    config = root / "etc/ssh/sshd_config"
    config.write_text(config.read_text().replace("UsePAM yes", "#UsePAM yes"))
    for name in ("etc/machine-id", "etc/hostname"):
        (root / name).unlink(missing_ok=True)
    run([tool("chroot", "coreutils"), str(root), "python3", "-m", "compileall", "-q", "/usr/lib/python3.11"], check=False)


def _write(path, text, mode):
    path.write_text(text)
    path.chmod(mode)
