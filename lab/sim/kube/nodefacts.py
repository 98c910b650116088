"""What a kubelet says of its machine: labels, addresses, capacity and nodeInfo of the Node object."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Mapping
from typing import Any

from sim.kube import conditions
from sim.kube.clock import timestamp
from sim.kube.discovery import GO_ARCHITECTURES

Object = dict[str, Any]
RESERVED_MEMORY_KI = 100 * 1024
CONDITIONS_AT_START = "KubeletNotReady"


class NodeFacts:
    """The facts of one node; missing ones are read from the machine."""

    def __init__(self, name: str, address: str, version: str, labels: Mapping[str, str], facts: Mapping[str, Any]):
        self._name, self._address, self._version = name, address, version
        self._extra_labels, self._given = labels, facts
        machine = platform.machine()
        self._architecture = str(facts.get("architecture") or GO_ARCHITECTURES.get(machine, machine))

    def new_node(self) -> Object:
        """A Node object for the first registration."""
        annotations = {
            "node.alpha.kubernetes.io/ttl": "0",
            "projectcalico.org/IPv4Address": f"{self._address}/24",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        }
        taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule", "timeAdded": timestamp()}
        node: Object = {
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": self._name, "annotations": annotations},
            "spec": {"taints": [taint]}, "status": {},
        }  # fmt: skip
        self.refresh(node)
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
            conditions.put(node, kind, "False", reason=CONDITIONS_AT_START, message="node is starting")
        return node

    def refresh(self, node: Object) -> None:
        """Bring the parts that the kubelet owns up to date."""
        labels = node["metadata"].setdefault("labels", {})
        labels.update(self._labels())
        capacity = self._capacity()
        memory = int(capacity["memory"].removesuffix("Ki"))
        node["status"].update(
            addresses=[
                {"type": "InternalIP", "address": self._address},
                {"type": "Hostname", "address": self._name},
            ],
            capacity=capacity,
            allocatable={**capacity, "memory": f"{max(memory - RESERVED_MEMORY_KI, 0)}Ki"},
            daemonEndpoints={"kubeletEndpoint": {"Port": 10250}},
            nodeInfo=self._info(),
        )

    def _labels(self) -> dict[str, str]:
        return {
            "beta.kubernetes.io/arch": self._architecture,
            "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": self._architecture,
            "kubernetes.io/hostname": self._name,
            "kubernetes.io/os": "linux",
            "microk8s.io/cluster": "true",
            **self._extra_labels,
        }

    def _capacity(self) -> dict[str, str]:
        disk = os.statvfs("/")
        memory = self._given.get("memory_bytes") or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        disk_bytes = self._given.get("disk_bytes") or disk.f_blocks * disk.f_frsize
        return {
            "cpu": str(self._given.get("cpu") or os.cpu_count() or 1),
            "ephemeral-storage": f"{int(disk_bytes) // 1024}Ki",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "memory": f"{int(memory) // 1024}Ki",
            "pods": "110",
        }

    def _info(self) -> dict[str, str]:
        machine_id = str(self._given.get("machine_id") or uuid.uuid5(uuid.NAMESPACE_DNS, self._name).hex)
        return {
            "architecture": self._architecture,
            "bootID": str(self._given.get("boot_id") or _read("/proc/sys/kernel/random/boot_id")),
            "containerRuntimeVersion": str(self._given.get("container_runtime_version") or "containerd://1.7.29"),
            "kernelVersion": str(self._given.get("kernel_version") or platform.release()),
            "kubeProxyVersion": self._version,
            "kubeletVersion": self._version,
            "machineID": machine_id,
            "operatingSystem": "linux",
            "osImage": str(self._given.get("os_image") or platform.freedesktop_os_release()["PRETTY_NAME"]),
            "systemUUID": str(uuid.UUID(machine_id)) if len(machine_id) == 32 else machine_id,
        }


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read().strip()
