"""Launch configuration (facts 1.9): what `$C/etc/launcher/*.yaml` asks for, applied by the cluster-agent service.

`install.yaml` is written by the install hook and becomes `install.yaml.applied`; `snap-set.yaml` comes from `snap set microk8s config=`.
Until everything in a file is done the file stays and is tried again at the next tick.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sim import args, pki, root, yaml_lite

# key of the configuration -> argument file
ARGUMENT_KEYS = {
    "extraKubeletArgs": "kubelet", "extraKubeAPIServerArgs": "kube-apiserver", "extraKubeProxyArgs": "kube-proxy",
    "extraKubeControllerManagerArgs": "kube-controller-manager", "extraKubeSchedulerArgs": "kube-scheduler",
    "extraContainerdArgs": "containerd", "extraDqliteArgs": "k8s-dqlite", "extraMicroK8sClusterAgentArgs": "cluster-agent",
    "extraEtcdArgs": "etcd", "extraFlanneldArgs": "flanneld",
}
ENVIRONMENT_KEYS = {"extraKubeliteEnv": "kubelite-env", "extraContainerdEnv": "containerd-env", "extraDqliteEnv": "k8s-dqlite-env",
                    "extraCNIEnv": "cni-env", "extraFIPSEnv": "fips-env"}
OTHER_KEYS = ("version", "addons", "addonRepositories", "extraSANs", "containerdRegistryConfigs", "extraConfigFiles",
              "persistentClusterToken", "join")
VERSIONS = ("0.1.0", "0.2.0")


class ConfigError(ValueError):
    """The configuration is not valid."""


class NotYet(RuntimeError):
    """Something could not be done now; the file is tried again."""


def install_file() -> Path:
    return root.common("etc/launcher/install.yaml")


def snap_set_file() -> Path:
    return root.common("etc/launcher/snap-set.yaml")


def parse(text: str) -> dict:
    """A launch configuration. Raises ConfigError."""
    try:
        value = yaml_lite.load(text)
    except yaml_lite.YamlError as error:
        raise ConfigError(f"could not parse YAML: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError("could not parse YAML: not a mapping")
    for key in value:
        if key not in ARGUMENT_KEYS and key not in ENVIRONMENT_KEYS and key not in OTHER_KEYS:
            raise ConfigError(f"could not parse YAML: field {key} not found in type k8sinit.Configuration")
    if str(value.get("version")) not in VERSIONS:
        raise ConfigError(f"config file version is {value.get('version')!r}, supported versions are {VERSIONS[0]} to {VERSIONS[-1]}")
    for addon in value.get("addons") or []:
        if not isinstance(addon, dict) or not addon.get("name"):
            raise ConfigError("addon has no name")
    return value


def pending() -> Path | None:
    """The next file to apply."""
    return next((f for f in (install_file(), snap_set_file()) if f.exists()), None)


def apply(file: Path, restart: Callable[[str], None], log: Callable[[str], None]) -> None:
    """Apply one file and rename it to `.applied`. Raises NotYet."""
    config = parse(file.read_text())
    for service in _apply_settings(config):
        restart(service)
    for addon in config.get("addons") or []:
        _apply_addon(addon, log)
    if config.get("join"):
        _run(["join", config["join"]["url"], *(["--worker"] if config["join"].get("worker") else [])], log)
    file.replace(file.with_name(file.name + ".applied"))
    log(f"Applied launch configuration {file.name}")


def _apply_settings(config: dict) -> list[str]:
    """Write arguments, environments and files; returns the services to restart."""
    changed = [name for key, name in ARGUMENT_KEYS.items() for k, v in (config.get(key) or {}).items()
               if args.put(name, k, None if v is None else str(v))]
    for key, name in ENVIRONMENT_KEYS.items():
        changed += [name for k, v in (config.get(key) or {}).items() if args.put(name, k, None if v is None else str(v))]
    for registry, text in (config.get("containerdRegistryConfigs") or {}).items():
        root.write(root.data("args/certs.d", registry, "hosts.toml"), text)
    for name, text in (config.get("extraConfigFiles") or {}).items():
        root.write(root.data("args", name), text)
    if config.get("persistentClusterToken"):
        root.write(pki.credential("persistent-cluster-tokens.txt"), str(config["persistentClusterToken"]) + "\n")
    if config.get("extraSANs"):
        _add_sans([str(name) for name in config["extraSANs"]])
        changed += ["cluster-agent", "kube-apiserver"]
    restarts = {_SERVICE_OF.get(name, "daemon-kubelite") for name in changed}
    return sorted(restarts)


_SERVICE_OF = {"containerd": "daemon-containerd", "containerd-env": "daemon-containerd", "k8s-dqlite": "daemon-k8s-dqlite",
               "k8s-dqlite-env": "daemon-k8s-dqlite", "cluster-agent": "daemon-cluster-agent"}


def _add_sans(names: list[str]) -> None:
    template = pki.cert("csr.conf.template")
    text = template.read_text()
    rows = [f"{'IP' if name.replace('.', '').isdigit() else 'DNS'}.{100 + i} = {name}" for i, name in enumerate(names)]
    missing = [row for row in rows if row not in text]
    if missing:
        root.write(template, text.replace("#MOREIPS", "\n".join([*missing, "#MOREIPS"])))
        pki.make_server()


def _apply_addon(addon: dict, log: Callable[[str], None]) -> None:
    verb = "disable" if addon.get("disable") else "enable"
    _run([verb, str(addon["name"]), *map(str, addon.get("args") or [])], log)


def _run(command: list[str], log: Callable[[str], None]) -> None:
    """Run `microk8s ...` as the agent does."""
    program = Path(__file__).parent / "bin/microk8s"
    done = subprocess.run([sys.executable, "-S", str(program), *command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    log(f"microk8s {' '.join(command)}: rc {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    if done.returncode != 0:
        raise NotYet(" ".join(command))
