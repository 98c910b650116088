"""The hooks of the microk8s snap: `python3 -m sim.hooks HOOK [--revision R] [--version V] [--config FILE]`.

`snap` runs `install` and `configure` at installation, `post-refresh` and `configure` after a refresh (when `$D` is already the copied
directory of the new revision), `configure --config FILE` after `snap set microk8s config=...`, and `remove` before removal. Hooks are
idempotent, print what a hook would log on stderr, and end with code 1 and a text when they fail. They wait for nothing: the durations
of a hook belong to `snap`.
"""

import argparse
import grp
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sim import defaults, launcher, pki, root, services, yaml_lite
from sim.dqlite import files


class HookError(RuntimeError):
    """Why the hook failed; snapd shows the text."""


# ---- the revision's own files ---------------------------------------------------------------------------------------------------

def make_snap_tree(revision: str, version: str) -> None:
    """Fill `/snap/microk8s/REV` with the few files that people call by path, and `current` when the caller did not link it."""
    base = root.path(f"/snap/microk8s/{revision}")
    for folder in ("bin", "meta", "default-args", "actions/common"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "meta/snap.yaml").write_text(f"name: microk8s\nversion: {version}\nsummary: Kubernetes for workstations and appliances\n"
                                         "confinement: classic\n")
    (base / "microk8s.default.yaml").write_text(defaults.LAUNCH_CONFIG)
    for name, text in defaults.ARGS.items():
        target = base / "default-args" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    _program(base / "bin/dqlite", "sim.dqlite.shell")
    _link(base / "kubectl", "/opt/sim/bin/kubectl")
    (base / "connect-all-interfaces.sh").write_text("#!/bin/sh\nexit 0\n")
    (base / "connect-all-interfaces.sh").chmod(0o755)
    _link_if_absent(root.path("/snap/microk8s/current"), revision)


def _program(target: Path, module: str) -> None:
    target.write_text(f"#!/usr/bin/python3 -S\nimport sys\nsys.path.insert(0, \"/opt\")\n"
                      f"from {module} import main\nsys.exit(main())\n")
    target.chmod(0o755)


def _link(target: Path, to: str) -> None:
    target.unlink(missing_ok=True)
    target.symlink_to(to)


def _link_if_absent(target: Path, to: str) -> None:
    if not target.is_symlink() and not target.exists():
        target.symlink_to(to)


# ---- install --------------------------------------------------------------------------------------------------------------------

def install(revision: str, version: str) -> None:
    make_snap_tree(revision, version)
    root.path(f"/var/snap/microk8s/{revision}").mkdir(parents=True, exist_ok=True)
    _link_if_absent(root.path("/var/snap/microk8s/current"), revision)
    if root.installed():
        return
    _make_group()
    for folder in defaults.DIRECTORIES_DATA:
        root.data(folder).mkdir(parents=True, exist_ok=True)
    for folder in defaults.DIRECTORIES_COMMON:
        root.common(folder).mkdir(parents=True, exist_ok=True)
    _link_kubelet_directory()
    for name, text in defaults.ARGS.items():
        root.write(root.data("args", name), text)
    _copy_launch_config()
    _copy_sideload()
    pki.make_all()
    pki.write_kubeconfigs()
    pki.make_callback_token()
    _init_dqlite()
    for name in defaults.REQUIRED_LOCKS:
        root.set_lock(name)
    if _memory_kib() <= 524288:
        root.set_lock("low-memory-guard.lock")
    for folder in ("credentials", "certs", "args"):
        _restrict(root.data(folder))
    _restrict(root.common("hooks"))


def _make_group() -> None:
    """Create group `microk8s` with the system's own tool; in tests (SIM_ROOT) there is none."""
    if "SIM_ROOT" in os.environ:
        return
    try:
        grp.getgrnam("microk8s")
    except KeyError:
        subprocess.run(["/usr/sbin/groupadd", "--system", "microk8s"], check=False)


def _link_kubelet_directory() -> None:
    link = root.path("/var/lib/kubelet")
    link.parent.mkdir(parents=True, exist_ok=True)
    _link_if_absent(link, str(root.common("var/lib/kubelet")))


def _copy_launch_config() -> None:
    """The first of the well-known files wins; a file that is not valid makes the installation fail."""
    for candidate in ("/etc/microk8s.yaml", "/root/snap/microk8s/common/.microk8s.yaml", "/var/snap/microk8s/common/.microk8s.yaml",
                      "/snap/microk8s/current/microk8s.default.yaml"):
        source = root.path(candidate)
        if source.is_file():
            print(f"Found config file {candidate}, will use to initialize cluster.", file=sys.stderr)
            try:
                launcher.parse(source.read_text())
            except launcher.ConfigError as error:
                raise HookError(f"Error: failed to parse configuration file: {error}") from error
            root.write(launcher.install_file(), source.read_text())
            return


def _copy_sideload() -> None:
    for folder in ("/root/snap/microk8s/common", "/var/snap/microk8s/common"):
        for tar in sorted(root.path(folder).glob("sideload/*.tar")):
            shutil.copy(tar, root.common("etc/sideload", tar.name))


def _init_dqlite() -> None:
    pki.make_dqlite_pair(root.backend())
    files.write_yaml("init.yaml", {"Address": f"127.0.0.1:{root.DQLITE_PORT}"})


def _memory_kib() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    return 0


def _restrict(directory: Path) -> None:
    """chmod -R ug+rwX,o-rwX, and the group."""
    for folder, _, names in os.walk(directory):
        Path(folder).chmod(0o770)
        root.own_by_group(Path(folder))
        for name in names:
            file = Path(folder, name)
            file.chmod(0o770 if os.access(file, os.X_OK) and file.suffix == "" and "hooks" in folder else 0o660)
            root.own_by_group(file)


# ---- the other hooks ------------------------------------------------------------------------------------------------------------

def configure(config: str | None) -> None:
    """Take over `snap set microk8s config=...`, ask the pods to see new mounts, restart kubelite when it runs."""
    if config:
        text = Path(config).read_text()
        try:
            launcher.parse(text)
        except launcher.ConfigError as error:
            raise HookError(f"Error: failed to parse configuration file: {error}") from error
        root.write(launcher.snap_set_file(), text)
    if services.load()["daemon-kubelite"]["active"] == "active":
        root.set_lock("snapdata-mounts-need-reload")
        services.request("restart", "daemon-kubelite")


def post_refresh(revision: str, version: str) -> None:
    """`$D` was copied by snapd; default hooks are renewed, arguments that a new version needs are added."""
    make_snap_tree(revision, version)
    for name, text in defaults.ARGS.items():
        if not root.data("args", name).exists():
            root.write(root.data("args", name), text)
    for hook in sorted(root.common("hooks/post-refresh.d").glob("[0-9]*")):
        if os.access(hook, os.X_OK):
            subprocess.run([str(hook)], check=False, timeout=120)


def remove() -> None:
    """Runs after the services have been stopped, before snapd deletes the data."""
    for hook in sorted(root.common("hooks/remove.d").glob("[0-9]*")):
        if os.access(hook, os.X_OK):
            subprocess.run([str(hook)], check=False, timeout=120)
    link = root.path("/var/lib/kubelet")
    if link.is_symlink():
        link.unlink()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sim.hooks")
    parser.add_argument("hook", choices=("install", "configure", "post-refresh", "remove"))
    parser.add_argument("--revision", default="8511")
    parser.add_argument("--version", default="v1.32.9")
    parser.add_argument("--config", default=None, help="file with the launch configuration of `snap set`")
    options = parser.parse_args(argv)
    try:
        if options.hook == "install":
            install(options.revision, options.version)
        elif options.hook == "configure":
            configure(options.config)
        elif options.hook == "post-refresh":
            post_refresh(options.revision, options.version)
        else:
            remove()
    except (HookError, pki.PkiError, services.ControlError, yaml_lite.YamlError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
