"""The workload controllers: Deployment -> ReplicaSet -> pods, DaemonSet, StatefulSet, Job.

Each sync function compares what is with what should be, makes one step, and writes the status; the write wakes the next pass.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections import defaultdict
from collections.abc import Callable

from sim.kube import conditions, events, taints
from sim.kube.clock import timestamp
from sim.kube.deletion import delete_pod, remove
from sim.kube.guard import tolerant
from sim.kube.placement import on_node, selects
from sim.kube.podtemplate import controller_uid, create_pod, new_object, owner_reference, template_hash
from sim.kube.store import AlreadyExists, Object, ObjectStore, Reader

DEPLOYMENTS, REPLICA_SETS = "deployments.apps", "replicasets.apps"
DAEMON_SETS, STATEFUL_SETS, JOBS = "daemonsets.apps", "statefulsets.apps", "jobs.batch"
REVISION = "deployment.kubernetes.io/revision"
ENDED = ("Succeeded", "Failed")


def sync_workloads(store: ObjectStore, reader: Reader) -> None:
    """One pass over all workloads."""
    for resource, controller in _CONTROLLERS.items():
        children = _by_owner(reader.list(REPLICA_SETS if resource == DEPLOYMENTS else "pods"))
        for obj in reader.list(resource):
            if obj["metadata"].get("deletionTimestamp"):
                continue
            with tolerant():
                status = controller(store, reader, obj, children[obj["metadata"]["uid"]])
                _write_status(store, resource, obj, status)


def _by_owner(objects: list[Object]) -> defaultdict[str, list[Object]]:
    owned: defaultdict[str, list[Object]] = defaultdict(list)
    for obj in objects:
        owned[controller_uid(obj)].append(obj)
    return owned


def _write_status(store: ObjectStore, resource: str, obj: Object, status: Object) -> None:
    status["observedGeneration"] = obj["metadata"].get("generation", 1)
    present = obj.get("status") or {}
    if all(present.get(key) == value for key, value in status.items()):
        return

    def change(draft: Object) -> None:
        draft["status"] = {**(draft.get("status") or {}), **status}

    store.patch(resource, obj["metadata"]["name"], change, obj["metadata"].get("namespace", ""))


def _ready(pod: Object) -> bool:
    return conditions.status_of(pod, "Ready") == "True" and not pod["metadata"].get("deletionTimestamp")


def _live(pods: list[Object]) -> list[Object]:
    return [p for p in pods if not p["metadata"].get("deletionTimestamp") and (p.get("status") or {}).get("phase") not in ENDED]


def _event(store: ObjectStore, obj: Object, reason: str, message: str, component: str) -> None:
    events.record(store, obj, "Normal", reason, message, component)


# ReplicaSet


def _replica_set(store: ObjectStore, reader: Reader, owner: Object, pods: list[Object]) -> Object:
    wanted, live = owner["spec"].get("replicas", 1), _live(pods)
    for _ in range(wanted - len(live)):
        pod = create_pod(store, owner)
        _event(store, owner, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", "replicaset-controller")
    if len(live) > wanted:
        for pod in sorted(live, key=_worth)[: len(live) - wanted]:
            delete_pod(store, pod)
            _event(store, owner, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", "replicaset-controller")
    ready = sum(map(_ready, live))
    return {"replicas": len(live), "fullyLabeledReplicas": len(live), "readyReplicas": ready, "availableReplicas": ready}


def _worth(pod: Object) -> tuple[bool, bool, int]:
    """Pods that are deleted first come first: unscheduled, not ready, newest."""
    return bool(pod["spec"].get("nodeName")), _ready(pod), -int(pod["metadata"]["resourceVersion"])


# Deployment


def _deployment(store: ObjectStore, reader: Reader, obj: Object, sets: list[Object]) -> Object:
    spec = obj["spec"]
    digest = template_hash(spec["template"])
    current = next((s for s in sets if s["metadata"]["labels"].get("pod-template-hash") == digest), None)
    if current is None:
        current = _new_replica_set(store, obj, digest, sets)
        sets = [*sets, current]
    old = [s for s in sets if s is not current]
    _mark_revision(store, obj, current)
    if not spec.get("paused"):
        _roll(store, obj, current, old)
    return _deployment_status(obj, current, sets)


def _new_replica_set(store: ObjectStore, obj: Object, digest: str, sets: list[Object]) -> Object:
    meta, template = obj["metadata"], copy.deepcopy(obj["spec"]["template"])
    labels = {**(template["metadata"].get("labels") or {}), "pod-template-hash": digest}
    template["metadata"]["labels"] = labels
    selector = copy.deepcopy(obj["spec"]["selector"])
    selector.setdefault("matchLabels", {})["pod-template-hash"] = digest
    revision = max((_revision(s) for s in sets), default=0) + 1
    replica_set = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{digest}", "namespace": meta["namespace"], "labels": labels,
            "annotations": {REVISION: str(revision)}, "ownerReferences": [owner_reference(obj)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }  # fmt: skip
    return new_object(store, replica_set)


def _revision(obj: Object) -> int:
    return int((obj["metadata"].get("annotations") or {}).get(REVISION, 0))


def _mark_revision(store: ObjectStore, obj: Object, current: Object) -> None:
    if _revision(obj) == _revision(current):
        return

    def change(draft: Object) -> None:
        draft["metadata"].setdefault("annotations", {})[REVISION] = str(_revision(current))

    store.patch(DEPLOYMENTS, obj["metadata"]["name"], change, obj["metadata"]["namespace"])


def _roll(store: ObjectStore, obj: Object, current: Object, old: list[Object]) -> None:
    """One step of a rolling update (or of a plain scaling): grow the new set, shrink the old ones as pods become available."""
    wanted = obj["spec"].get("replicas", 1)
    surge, unavailable = _limits(obj, wanted)
    sets = [current, *old]
    total_old = sum(s["spec"]["replicas"] for s in old)
    _scale(store, obj, current, min(wanted, max(wanted + surge - total_old, 0)) if old else wanted)
    spare = sum((s.get("status") or {}).get("availableReplicas", 0) for s in sets) - (wanted - unavailable)
    for replica_set in old:
        replicas = replica_set["spec"]["replicas"]
        broken = replicas - (replica_set.get("status") or {}).get("availableReplicas", 0)
        fewer = min(replicas, max(spare, 0) + max(broken, 0))
        spare -= max(fewer - broken, 0)
        _scale(store, obj, replica_set, replicas - fewer)


def _limits(obj: Object, wanted: int) -> tuple[int, int]:
    strategy = obj["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, wanted
    rolling = strategy.get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), wanted, math.ceil)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), wanted, math.floor)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _share(value: int | str, total: int, rounded: Callable[[float], int]) -> int:
    return rounded(total * int(value.rstrip("%")) / 100) if isinstance(value, str) else value


def _scale(store: ObjectStore, obj: Object, replica_set: Object, replicas: int) -> None:
    before, meta = replica_set["spec"]["replicas"], replica_set["metadata"]
    if before == replicas:
        return

    def change(draft: Object) -> None:
        draft["spec"]["replicas"] = replicas
        draft["metadata"]["generation"] = draft["metadata"].get("generation", 1) + 1

    store.patch(REPLICA_SETS, meta["name"], change, meta["namespace"])
    direction = "up" if replicas > before else "down"
    text = f"Scaled {direction} replica set {meta['name']} from {before} to {replicas}"
    _event(store, obj, "ScalingReplicaSet", text, "deployment-controller")


def _deployment_status(obj: Object, current: Object, sets: list[Object]) -> Object:
    def total(field: str) -> int:
        return sum((s.get("status") or {}).get(field, 0) for s in sets)

    wanted, available = obj["spec"].get("replicas", 1), total("availableReplicas")
    updated = (current.get("status") or {}).get("replicas", 0)
    status = {
        "replicas": total("replicas"), "updatedReplicas": updated, "readyReplicas": total("readyReplicas"),
        "availableReplicas": available, "unavailableReplicas": max(wanted - available, 0),
        "conditions": copy.deepcopy((obj.get("status") or {}).get("conditions") or []),
    }  # fmt: skip
    enough = available >= wanted - _limits(obj, wanted)[1]
    which = ("MinimumReplicasAvailable", "has minimum availability.")
    lacking = ("MinimumReplicasUnavailable", "does not have minimum availability.")
    reason, text = which if enough else lacking
    draft = {"status": status}
    conditions.put(draft, "Available", str(enough), reason=reason, message=f"Deployment {text}")
    done = updated == wanted == available and status["replicas"] == wanted
    name = current["metadata"]["name"]
    progress = f'ReplicaSet "{name}" has successfully progressed.' if done else f'ReplicaSet "{name}" is progressing.'
    reason = "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"
    conditions.put(draft, "Progressing", "True", reason=reason, message=progress)
    return status


# DaemonSet


def _daemon_set(store: ObjectStore, reader: Reader, obj: Object, pods: list[Object]) -> Object:
    digest = template_hash(obj["spec"]["template"])
    spec = _daemon_pod_spec(obj)
    live = _live(pods)
    by_node = {_daemon_node(pod): pod for pod in live}
    wanted = [n["metadata"]["name"] for n in reader.list("nodes") if selects(spec, n) and not taints.blocking(spec, n)]
    running_on_tainted = [n for n in by_node if n not in wanted and _may_stay(reader, spec, n)]
    occupied = {_daemon_node(pod) for pod in pods}
    for name in wanted:
        if name not in occupied:
            _create_daemon_pod(store, obj, name, digest)
    eligible = {*wanted, *running_on_tainted}
    for name, pod in by_node.items():
        if name not in eligible:
            delete_pod(store, pod)
    mine = [pod for name, pod in by_node.items() if name in eligible]
    updated = [p for p in mine if p["metadata"]["labels"].get("controller-revision-hash") == digest]
    ready = sum(map(_ready, mine))
    _replace_outdated(store, obj, [p for p in mine if p not in updated], len(eligible) - ready)
    return {
        "desiredNumberScheduled": len(eligible), "currentNumberScheduled": len(mine), "numberReady": ready,
        "numberAvailable": ready, "updatedNumberScheduled": len(updated), "numberMisscheduled": 0,
        "numberUnavailable": len(eligible) - ready,
    }  # fmt: skip


def _daemon_pod_spec(obj: Object) -> Object:
    spec = obj["spec"]["template"]["spec"]
    return {**spec, "tolerations": [*(spec.get("tolerations") or ()), *taints.DAEMON_TOLERATIONS]}


def _may_stay(reader: Reader, spec: Object, name: str) -> bool:
    """A NoSchedule taint that came later does not drive a running pod away."""
    node = next((n for n in reader.list("nodes") if n["metadata"]["name"] == name), None)
    return node is not None and selects(spec, node) and not taints.blocking(spec, node, ("NoExecute",))


def _daemon_node(pod: Object) -> str:
    if pod["spec"].get("nodeName"):
        return pod["spec"]["nodeName"]
    terms = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return terms[0]["matchFields"][0]["values"][0]


def _create_daemon_pod(store: ObjectStore, obj: Object, node: str, digest: str) -> None:
    labels = {"controller-revision-hash": digest, "pod-template-generation": str(obj["metadata"].get("generation", 1))}
    tolerations = _daemon_pod_spec(obj)["tolerations"]
    pod = create_pod(store, obj, labels=labels, affinity=on_node(node), tolerations=tolerations)
    _event(store, obj, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", "daemonset-controller")


def _replace_outdated(store: ObjectStore, obj: Object, outdated: list[Object], unavailable: int) -> None:
    """Rolling update: one pod at a time, and only while all others are ready."""
    if outdated and unavailable == 0 and obj["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
        delete_pod(store, outdated[0])


# StatefulSet


def _stateful_set(store: ObjectStore, reader: Reader, obj: Object, pods: list[Object]) -> Object:
    meta, wanted = obj["metadata"], obj["spec"].get("replicas", 1)
    digest = f"{meta['name']}-{template_hash(obj['spec']['template'])}"
    by_name = {pod["metadata"]["name"]: pod for pod in pods}
    names = [f"{meta['name']}-{index}" for index in range(wanted)]
    _next_ordinal(store, obj, names, by_name, digest)
    surplus = [pod for name, pod in by_name.items() if name not in names]
    for pod in surplus[-1:]:
        if not pod["metadata"].get("deletionTimestamp"):
            delete_pod(store, pod)
    mine = [by_name[name] for name in names if name in by_name]
    updated = [p for p in mine if p["metadata"]["labels"].get("controller-revision-hash") == digest]
    ready = sum(map(_ready, mine))
    outdated = [p for p in mine if p not in updated]
    if outdated and ready == wanted:
        delete_pod(store, outdated[-1])
    return {
        "replicas": len(mine), "readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": len(updated),
        "currentReplicas": len(updated), "currentRevision": digest, "updateRevision": digest, "collisionCount": 0,
    }  # fmt: skip


def _next_ordinal(store: ObjectStore, obj: Object, names: list[str], present: dict[str, Object], digest: str) -> None:
    """Create missing pods in order; unless the policy is Parallel, each only after the one before is ready."""
    for index, name in enumerate(names):
        if name not in present:
            _create_claims(store, obj, name)
            labels = {
                "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(index),
                "controller-revision-hash": digest,
            }  # fmt: skip
            volumes = [*(obj["spec"]["template"]["spec"].get("volumes") or ()), *_claim_volumes(obj, name)]
            create_pod(store, obj, name, labels, hostname=name, **({"volumes": volumes} if volumes else {}))
            text = f"create Pod {name} in StatefulSet {obj['metadata']['name']} successful"
            _event(store, obj, "SuccessfulCreate", text, "statefulset-controller")
        in_order = obj["spec"].get("podManagementPolicy") != "Parallel"
        if in_order and not (name in present and _ready(present[name])):
            return


def _claim_volumes(obj: Object, name: str) -> list[Object]:
    templates = obj["spec"].get("volumeClaimTemplates") or ()
    names = [template["metadata"]["name"] for template in templates]
    return [{"name": volume, "persistentVolumeClaim": {"claimName": f"{volume}-{name}"}} for volume in names]


def _create_claims(store: ObjectStore, obj: Object, name: str) -> None:
    for template in obj["spec"].get("volumeClaimTemplates") or ():
        meta = {"name": f"{template['metadata']['name']}-{name}", "namespace": obj["metadata"]["namespace"]}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": template["spec"]}
        with contextlib.suppress(AlreadyExists):
            new_object(store, claim)


# Job


def _job(store: ObjectStore, reader: Reader, obj: Object, pods: list[Object]) -> Object:
    spec, status = obj["spec"], copy.deepcopy(obj.get("status") or {})
    status.setdefault("startTime", timestamp())
    succeeded = sum(1 for pod in pods if (pod.get("status") or {}).get("phase") == "Succeeded")
    active, wanted = len(_live(pods)), spec.get("completions") or 1
    labels = {"batch.kubernetes.io/job-name": obj["metadata"]["name"], "job-name": obj["metadata"]["name"]}
    for _ in range(min(spec.get("parallelism", 1), wanted - succeeded) - active):
        create_pod(store, obj, labels=labels)
    status.update(active=active, succeeded=succeeded, ready=sum(map(_ready, pods)))
    if succeeded >= wanted and not conditions.find({"status": status}, "Complete"):
        conditions.put({"status": status}, "Complete", "True", reason="CompletionsReached")
        status["completionTime"] = timestamp()
    return status


_CONTROLLERS: dict[str, Callable[[ObjectStore, Reader, Object, list[Object]], Object]] = {
    DEPLOYMENTS: _deployment,
    REPLICA_SETS: _replica_set,
    DAEMON_SETS: _daemon_set,
    STATEFUL_SETS: _stateful_set,
    JOBS: _job,
}


def prune_replica_sets(store: ObjectStore, reader: Reader) -> None:
    """Remove empty old ReplicaSets beyond each Deployment's revisionHistoryLimit."""
    owned = _by_owner(reader.list(REPLICA_SETS))
    for obj in reader.list(DEPLOYMENTS):
        empty = [
            s for s in owned[obj["metadata"]["uid"]] if not s["spec"]["replicas"] and _revision(s) != _revision(obj)
        ]
        limit = obj["spec"].get("revisionHistoryLimit", 10)
        for replica_set in sorted(empty, key=_revision)[: max(len(empty) - limit, 0)]:
            remove(store, REPLICA_SETS, replica_set)
