"""The read-only layer that a lab puts above the shared root file system: simulator, shims, keys, package list.

Built at each `up` from the checkout, so an edit in lab/sim is in the next lab. Owns which command of a node is a shim.
"""

import compileall
import hashlib
import os
import pathlib
import shutil

from . import rootfs
from .errors import LabError
from .shell import SYSTEM_PATH, run

SIM = pathlib.Path(__file__).resolve().parents[1] / "sim"
UBUNTU_UID = 1000

# Path in the node -> module of the package `sim` whose main(argv) is the command.
SHIMS = {
    "usr/bin/snap": "sim.snap",
    "usr/bin/systemctl": "sim.os.systemctl",
    "usr/bin/journalctl": "sim.os.journalctl",
    "usr/bin/timedatectl": "sim.os.timedatectl",
    "usr/bin/apt-get": "sim.os.apt",
    "usr/bin/apt": "sim.os.apt",
    "usr/sbin/reboot": "sim.os.power",
    "usr/sbin/poweroff": "sim.os.power",
    "usr/sbin/halt": "sim.os.power",
    "usr/sbin/shutdown": "sim.os.power",
    "usr/sbin/modprobe": "sim.os.modules",
    "usr/sbin/modinfo": "sim.os.modules",
    "usr/sbin/ufw": "sim.os.ufw",
}
SHIM_TEXT = """\
#!/usr/bin/python3 -IS
import sys
sys.path.insert(0, "/opt")
from {module} import main
sys.exit(main(sys.argv))
"""

# Packages that a real node has and the image does not: listed as installed, their commands are shims.
LISTED_PACKAGES = {"snapd": "2.63-1", "systemd": "252.38-1~deb12u1", "systemd-timesyncd": "252.38-1~deb12u1", "ufw": "0.36.2-1"}


def build(target, public_key):
    """Fill the directory `target` with the layer; `public_key` is the line of the lab's SSH key."""
    shutil.copytree(SIM, target / "opt/sim", ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    compileall.compile_dir(target / "opt/sim", quiet=2, ddir="/opt/sim")
    for path, module in SHIMS.items():
        if (SIM / pathlib.Path(*module.split(".")[1:])).with_suffix(".py").exists():
            _write(target / path, SHIM_TEXT.format(module=module), 0o755)
    _write(target / "home/ubuntu/.ssh/authorized_keys", public_key, 0o600)
    (target / "home/ubuntu/.ssh").chmod(0o700)
    for path in ("home/ubuntu", "home/ubuntu/.ssh", "home/ubuntu/.ssh/authorized_keys"):
        os.chown(target / path, UBUNTU_UID, UBUNTU_UID)
    _write(target / "snap/README", "Snap applications live here.\n", 0o644)
    _list_packages(target)


def _write(path, text, mode):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _list_packages(target):
    base = (rootfs.rootfs(print) / "var/lib/dpkg/status").read_text()
    entry = ("Package: {}\nStatus: install ok installed\nPriority: optional\nSection: admin\nMaintainer: lab\n"
             "Architecture: all\nVersion: {}\nDescription: listed by the lab\n\n")
    extra = "".join(entry.format(name, version) for name, version in LISTED_PACKAGES.items())
    _write(target / "var/lib/dpkg/status", base.rstrip("\n") + "\n\n" + extra, 0o644)


def kubectl_layer():
    """Directory (a cache entry) that holds opt/sim/bin/kubectl, or None when the machine has no kubectl."""
    source = find_kubectl()
    if source is None:
        return None
    info = source.stat()
    key = hashlib.sha256(f"{source}:{info.st_size}:{info.st_mtime_ns}".encode()).hexdigest()[:12]
    entry = rootfs.cache_dir() / f"kubectl-{key}"

    def fill(tmp):
        (tmp / "opt/sim/bin").mkdir(parents=True)
        shutil.copy(source, tmp / "opt/sim/bin/kubectl")
        (tmp / "opt/sim/bin/kubectl").chmod(0o755)
    return rootfs.cached(entry, fill)


def find_kubectl():
    """The kubectl for the nodes: MKO_LAB_KUBECTL, else the machine's. A dispatcher is replaced by the binary of its own version."""
    chosen = os.environ.get("MKO_LAB_KUBECTL")
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise LabError("MKO_LAB_KUBECTL names no program", f"'{chosen}' is not an executable file", "give the path of a kubectl", 2)
        return pathlib.Path(chosen).resolve()
    found = shutil.which("kubectl", path=SYSTEM_PATH)
    if found is None:
        return None
    binary = pathlib.Path(found).resolve()
    if not list(binary.parent.glob("kubectl.1.*")):
        return binary
    version = run([str(binary), "version", "--client"], check=False).stdout.partition("Client Version: v")[2].split(".")
    plain = binary.with_name("kubectl." + ".".join(version[:2]))
    return plain if plain.exists() else binary
