"""The pods of one node: containers that start, run, finish and end, without any container.

Owns the part of a pod's status that a kubelet writes. A pod takes `step()` seconds to start and to end.
"""

from __future__ import annotations

import secrets
import time
import zlib
from collections.abc import Callable

from sim.kube import conditions, events
from sim.kube.clock import timestamp
from sim.kube.guard import tolerant
from sim.kube.store import Object, ObjectStore, Reader

IDLE = 3600.0
POD_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


class PodRuntime:
    """`sync` looks at the node's pods, moves each as far as it is due, and says when it wants to be called again."""

    def __init__(self, store: ObjectStore, node_name: str, address: str, step: Callable[[], float]):
        self._store, self._node, self._address, self._step = store, node_name, address, step
        self._reader = Reader(store)
        self._since: dict[tuple[str, str], float] = {}  # (pod uid, what it waits for) -> since when

    def sync(self) -> float:
        """Advance the pods; the seconds until the next one is due."""
        pods = [pod for pod in self._reader.list("pods") if pod["spec"].get("nodeName") == self._node]
        alive = {pod["metadata"]["uid"] for pod in pods}
        self._since = {key: when for key, when in self._since.items() if key[0] in alive}
        used = {(pod.get("status") or {}).get("podIP", "") for pod in pods}
        waits = [IDLE]
        for pod in pods:
            with tolerant():
                waits.append(self._advance(pod, used))
        return min(waits)

    def _advance(self, pod: Object, used: set[str]) -> float:
        """Move one pod one step; the seconds until it needs another look."""
        phase = (pod.get("status") or {}).get("phase")
        if pod["metadata"].get("deletionTimestamp"):
            grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
            return self._when_due(pod, "end", min(self._step(), grace), lambda: self._end(pod))
        if phase == "Pending":
            if not conditions.find(pod, "Initialized"):
                self._create_containers(pod, used)
            return self._when_due(pod, "start", self._step(), lambda: self._run(pod))
        if phase == "Running" and pod["spec"].get("restartPolicy") != "Always":
            return self._when_due(pod, "finish", self._step(), lambda: self._finish(pod))
        if phase == "Running" and conditions.status_of(pod, "Ready") != "True":
            self._patch(pod, _ready)
        return IDLE

    def _when_due(self, pod: Object, what: str, after: float, act: Callable[[], None]) -> float:
        now = time.monotonic()
        left = self._since.setdefault((pod["metadata"]["uid"], what), now) + after - now
        if left > 0:
            return left
        act()
        return IDLE

    def _patch(self, pod: Object, change: Callable[[Object], None]) -> None:
        self._store.patch("pods", pod["metadata"]["name"], change, pod["metadata"]["namespace"])

    def _event(self, pod: Object, reason: str, message: str) -> None:
        events.record(self._store, pod, "Normal", reason, message, "kubelet", self._node)

    def _create_containers(self, pod: Object, used: set[str]) -> None:
        address = self._address if pod["spec"].get("hostNetwork") else self._free_ip(used)
        used.add(address)

        def change(draft: Object) -> None:
            waiting = {"waiting": {"reason": "ContainerCreating"}}
            draft["status"].update(
                hostIP=self._address,
                hostIPs=[{"ip": self._address}],
                podIP=address,
                podIPs=[{"ip": address}],
                startTime=timestamp(),
                containerStatuses=[_container(c, waiting, ready=False) for c in draft["spec"]["containers"]],
            )
            for kind in POD_CONDITIONS:
                unready = kind in ("Ready", "ContainersReady")
                names = " ".join(c["name"] for c in draft["spec"]["containers"])
                why = ("ContainersNotReady", f"containers with unready status: [{names}]") if unready else (None, None)
                conditions.put(draft, kind, "False" if unready else "True", reason=why[0], message=why[1])

        self._patch(pod, change)

    def _free_ip(self, used: set[str]) -> str:
        """An address of the node's /26, as Calico gives it."""
        block = zlib.crc32(self._node.encode())
        prefix, base = f"10.1.{block % 256}.", (block >> 8) % 4 * 64
        return next((ip for ip in (f"{prefix}{base + i}" for i in range(1, 64)) if ip not in used), f"{prefix}{base + 63}")

    def _run(self, pod: Object) -> None:
        def change(draft: Object) -> None:
            state = {"running": {"startedAt": timestamp()}}
            draft["status"]["phase"] = "Running"
            draft["status"]["containerStatuses"] = [_container(c, state, ready=True) for c in draft["spec"]["containers"]]
            _ready(draft)

        self._patch(pod, change)
        for container in pod["spec"]["containers"]:
            text = f"Container image \"{container.get('image', '')}\" already present on machine"
            self._event(pod, "Pulled", text)
            self._event(pod, "Created", f"Created container: {container['name']}")
            self._event(pod, "Started", f"Started container {container['name']}")

    def _finish(self, pod: Object) -> None:
        def change(draft: Object) -> None:
            ended = {"exitCode": 0, "reason": "Completed", "startedAt": draft["status"]["startTime"], "finishedAt": timestamp()}
            draft["status"]["phase"] = "Succeeded"
            draft["status"]["containerStatuses"] = [
                _container(c, {"terminated": ended}, ready=False) for c in draft["spec"]["containers"]
            ]
            for kind in ("Ready", "ContainersReady"):
                conditions.put(draft, kind, "False", reason="PodCompleted")

        self._patch(pod, change)

    def _end(self, pod: Object) -> None:
        meta = pod["metadata"]
        for container in pod["spec"]["containers"]:
            self._event(pod, "Killing", f"Stopping container {container['name']}")
        self._store.delete("pods", meta["name"], meta["namespace"], meta["uid"])


def _ready(pod: Object) -> None:
    for kind in POD_CONDITIONS:
        conditions.put(pod, kind, "True")
        condition = conditions.find(pod, kind)
        condition.pop("reason", None)
        condition.pop("message", None)


def _container(container: Object, state: Object, ready: bool) -> Object:
    image = container.get("image", "")
    status = {
        "name": container["name"], "image": image, "imageID": "", "ready": ready, "restartCount": 0, "started": ready,
        "state": state, "lastState": {},
    }  # fmt: skip
    if "waiting" not in state:
        status["imageID"] = f"{image.partition(':')[0]}@sha256:{zlib.crc32(image.encode()):064x}"
        status["containerID"] = "containerd://" + secrets.token_hex(32)
    return status
