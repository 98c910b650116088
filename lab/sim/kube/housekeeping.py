"""The small controllers: garbage, namespaces, service accounts, endpoints, disruption budgets, volume claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sim.kube import conditions, events
from sim.kube.addons import METALLB_POOL
from sim.kube.budgets import BUDGETS, budget_status
from sim.kube.deletion import delete_pod, remove
from sim.kube.guard import tolerant
from sim.kube.podtemplate import new_object
from sim.kube.resources import RESOURCES
from sim.kube.selectors import matches
from sim.kube.store import Object, ObjectStore, Reader

# Resources whose objects are owned by others, in the order of removal
DEPENDENTS = ("replicasets.apps", "jobs.batch", "controllerrevisions.apps", "pods", "leases.coordination.k8s.io",
              "endpointslices.discovery.k8s.io")  # fmt: skip
OWNERS = ("nodes", "deployments.apps", "replicasets.apps", "daemonsets.apps", "statefulsets.apps", "jobs.batch",
          "cronjobs.batch", "services")  # fmt: skip
HOSTPATH = "microk8s.io/hostpath"


def sync_housekeeping(store: ObjectStore, reader: Reader) -> None:
    """One pass of everything in this file."""
    for task in (collect_garbage, collect_orphaned_pods, end_namespaces, furnish_namespaces, service_endpoints,
                 balancer_addresses, budgets, bind_claims, release_volumes):  # fmt: skip
        with tolerant():
            task(store, reader)
    events.prune(store, reader.list("events"))


def collect_garbage(store: ObjectStore, reader: Reader) -> None:
    """Delete what belongs to an owner that is gone."""
    alive = {obj["metadata"]["uid"] for resource in OWNERS for obj in reader.list(resource)}
    for resource in DEPENDENTS:
        for obj in reader.list(resource):
            owners = obj["metadata"].get("ownerReferences") or ()
            if owners and not any(reference["uid"] in alive for reference in owners):
                _end(store, resource, obj)


def _end(store: ObjectStore, resource: str, obj: Object) -> None:
    if resource != "pods":
        remove(store, resource, obj)
    elif not obj["metadata"].get("deletionTimestamp"):
        delete_pod(store, obj)


def collect_orphaned_pods(store: ObjectStore, reader: Reader) -> None:
    """Remove pods of nodes that do not exist."""
    nodes = {node["metadata"]["name"] for node in reader.list("nodes")}
    for pod in reader.list("pods"):
        if pod["spec"].get("nodeName") and pod["spec"]["nodeName"] not in nodes:
            remove(store, "pods", pod)


def end_namespaces(store: ObjectStore, reader: Reader) -> None:
    """Empty the namespaces that are being deleted, then remove them."""
    for namespace in reader.list("namespaces"):
        if not namespace["metadata"].get("deletionTimestamp"):
            continue
        name, left = namespace["metadata"]["name"], 0
        for resource in (r.key for r in RESOURCES if r.namespaced):
            for obj in store.list(resource, name):
                _end(store, resource, obj)
                left += resource == "pods"
        if not left:
            remove(store, "namespaces", namespace)


def furnish_namespaces(store: ObjectStore, reader: Reader) -> None:
    """Every namespace has a service account `default` and the cluster's CA."""
    accounts = {obj["metadata"]["namespace"] for obj in reader.list("serviceaccounts") if obj["metadata"]["name"] == "default"}
    for namespace in reader.list("namespaces"):
        name = namespace["metadata"]["name"]
        if name in accounts or namespace["metadata"].get("deletionTimestamp"):
            continue
        new_object(store, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}})
        meta = {"name": "kube-root-ca.crt", "namespace": name}
        new_object(store, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"ca.crt": ""}})


def service_endpoints(store: ObjectStore, reader: Reader) -> None:
    """Endpoints and an EndpointSlice for each service that selects pods."""
    pods = reader.list("pods")
    known = {(e["metadata"]["namespace"], e["metadata"]["name"]): e for e in reader.list("endpoints")}
    for service in reader.list("services"):
        selector = service["spec"].get("selector")
        if not selector:
            continue
        meta = service["metadata"]
        chosen = [
            pod
            for pod in pods
            if pod["metadata"]["namespace"] == meta["namespace"]
            and matches({"matchLabels": selector}, pod["metadata"].get("labels"))
            and conditions.status_of(pod, "Ready") == "True"
        ]
        subsets = _subsets(service, chosen)
        present = known.get((meta["namespace"], meta["name"]))
        if present is None or present.get("subsets", []) != subsets:
            head = {"name": meta["name"], "namespace": meta["namespace"]}
            store.apply("endpoints", {"apiVersion": "v1", "kind": "Endpoints", "metadata": head, "subsets": subsets})
    for key, endpoints in known.items():
        if store.get("services", key[1], key[0]) is None:
            remove(store, "endpoints", endpoints)


def _subsets(service: Object, pods: list[Object]) -> list[Object]:
    addresses = [
        {
            "ip": pod["status"]["podIP"],
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": {"kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"]},
        }
        for pod in pods
    ]
    ports = [
        {"port": _target_port(port), "protocol": port.get("protocol", "TCP"), **({"name": port["name"]} if "name" in port else {})}
        for port in service["spec"].get("ports") or ()
    ]
    return [{"addresses": addresses, "ports": ports}] if addresses else []


def _target_port(port: Object) -> int:
    target = port.get("targetPort")
    return target if isinstance(target, int) else port["port"]


def balancer_addresses(store: ObjectStore, reader: Reader) -> None:
    """Give LoadBalancer services an address of MetalLB's pool, when there is one."""
    pool = store.get("configmaps", METALLB_POOL, "metallb-system")
    if pool is None:
        return
    services = reader.list("services")
    used = {i["ip"] for s in services for i in (s.get("status") or {}).get("loadBalancer", {}).get("ingress") or ()}
    free = [address for address in pool["data"]["addresses"].split() if address not in used]
    for service in services:
        pending = not (service.get("status") or {}).get("loadBalancer", {}).get("ingress")
        if service["spec"].get("type") == "LoadBalancer" and pending and free:
            status = {"loadBalancer": {"ingress": [{"ip": free.pop(0), "ipMode": "VIP"}]}}
            meta = service["metadata"]
            store.patch("services", meta["name"], lambda draft, status=status: draft.update(status=status), meta["namespace"])


def budgets(store: ObjectStore, reader: Reader) -> None:
    """The status of each disruption budget."""
    for budget in reader.list(BUDGETS):
        namespace = budget["metadata"]["namespace"]
        pods = [pod for pod in reader.list("pods") if pod["metadata"]["namespace"] == namespace]
        generation = budget["metadata"].get("generation", 1)
        status: dict[str, Any] = {**budget_status(budget, pods), "observedGeneration": generation}
        if budget.get("status") != status:
            store.patch(BUDGETS, budget["metadata"]["name"], lambda draft, status=status: draft.update(status=status), namespace)


def bind_claims(store: ObjectStore, reader: Reader) -> None:
    """Provision a hostpath volume for each claim that waits, as soon as a pod uses it."""
    pods = reader.list("pods")
    provisioner = any(p["metadata"]["name"].startswith("hostpath-provisioner") and _running(p) for p in pods)
    classes = {c["metadata"]["name"]: c for c in reader.list("storageclasses.storage.k8s.io")}
    for claim in reader.list("persistentvolumeclaims"):
        storage = classes.get(claim["spec"].get("storageClassName", ""))
        waiting = not claim["spec"].get("volumeName")
        if not (waiting and provisioner and storage and storage["provisioner"] == HOSTPATH):
            continue
        if storage.get("volumeBindingMode") == "Immediate" or _used(claim, pods):
            _provision(store, claim, storage)


def _running(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _used(claim: Object, pods: Iterable[Object]) -> bool:
    meta = claim["metadata"]
    return any(
        (volume.get("persistentVolumeClaim") or {}).get("claimName") == meta["name"]
        for pod in pods
        if pod["metadata"]["namespace"] == meta["namespace"]
        for volume in pod["spec"].get("volumes") or ()
    )


def _provision(store: ObjectStore, claim: Object, storage: Object) -> None:
    meta, spec = claim["metadata"], claim["spec"]
    name, capacity = f"pvc-{meta['uid']}", {"storage": spec["resources"]["requests"]["storage"]}
    path = f"/var/snap/microk8s/common/default-storage/{meta['namespace']}-{meta['name']}-{name}"
    volume = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "accessModes": spec["accessModes"], "capacity": capacity, "storageClassName": storage["metadata"]["name"],
            "persistentVolumeReclaimPolicy": storage.get("reclaimPolicy", "Delete"), "volumeMode": "Filesystem",
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
            "hostPath": {"path": path, "type": "DirectoryOrCreate"},
        },
        "status": {"phase": "Bound"},
    }  # fmt: skip
    store.create("persistentvolumes", volume)

    def change(draft: Object) -> None:
        draft["spec"]["volumeName"] = name
        draft["status"] = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity}

    store.patch("persistentvolumeclaims", meta["name"], change, meta["namespace"])


def release_volumes(store: ObjectStore, reader: Reader) -> None:
    """Let go of deleted claims that no pod uses, and of the volumes of claims that are gone."""
    pods = reader.list("pods")
    claims = reader.list("persistentvolumeclaims")
    for claim in claims:
        if claim["metadata"].get("deletionTimestamp") and not _used(claim, pods):
            remove(store, "persistentvolumeclaims", claim)
    alive = {claim["metadata"]["uid"] for claim in claims}
    for volume in reader.list("persistentvolumes"):
        spec = volume["spec"]
        if (spec.get("claimRef") or {}).get("uid", "") in alive or not spec.get("claimRef"):
            continue
        if spec.get("persistentVolumeReclaimPolicy") == "Delete":
            remove(store, "persistentvolumes", volume)
