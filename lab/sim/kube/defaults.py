"""What the API server fills in: defaults of new objects, and which part of an object each request may change.

Owns DEFAULTS, one function per resource that needs any. They only add what is missing.
"""

from __future__ import annotations

import base64
import ipaddress
import random
from collections.abc import Callable
from typing import Any

from sim.kube.errors import ApiError, details
from sim.kube.resources import Resource
from sim.kube.store import ObjectStore

Object = dict[str, Any]
NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
NODE_PORTS = (30000, 32767)
SERVICE_CIDR = "10.152.183.0/24"


def suffix(length: int = 5) -> str:
    """A random name ending as Kubernetes makes it."""
    return "".join(random.choices(NAME_ALPHABET, k=length))


def fill(target: Object, **values: Any) -> None:
    """Set the values that are missing."""
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def pod_spec(spec: Object) -> None:
    """Defaults of a pod (or pod template) spec."""
    fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        fill(
            container,
            resources={},
            terminationMessagePath="/dev/termination-log",
            terminationMessagePolicy="File",
            imagePullPolicy="Always" if ":" not in container.get("image", "") else "IfNotPresent",
        )
        for port in container.get("ports") or ():
            fill(port, protocol="TCP")


def _pod(obj: Object, store: ObjectStore) -> None:
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    fill(spec, serviceAccountName="default", enableServiceLinks=True, preemptionPolicy="PreemptLowerPriority", priority=0)
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(t.get("key") in (key, None) and t.get("effect") in ("NoExecute", None) for t in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    obj["status"] = {"phase": "Pending", "qosClass": "BestEffort"}


def _deployment(obj: Object, store: ObjectStore) -> None:
    spec = obj["spec"]
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    fill(spec, replicas=1, strategy=rolling, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _template(spec)


def _replicas(obj: Object, store: ObjectStore) -> None:
    fill(obj["spec"], replicas=1)
    _template(obj["spec"])


def _daemon_set(obj: Object, store: ObjectStore) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    fill(obj["spec"], updateStrategy=rolling, revisionHistoryLimit=10)
    _template(obj["spec"])


def _stateful_set(obj: Object, store: ObjectStore) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    fill(obj["spec"], replicas=1, updateStrategy=rolling, podManagementPolicy="OrderedReady", revisionHistoryLimit=10)
    _template(obj["spec"])


def _job(obj: Object, store: ObjectStore) -> None:
    fill(obj["spec"], completions=1, parallelism=1, backoffLimit=6, suspend=False)
    _template(obj["spec"])


def _template(spec: Object) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {}).setdefault("creationTimestamp", None)
    pod_spec(template.setdefault("spec", {}))


def _service(obj: Object, store: ObjectStore) -> None:
    spec = obj["spec"]
    fill(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    others = store.list("services")
    for port in spec.get("ports") or ():
        fill(port, protocol="TCP", targetPort=port["port"])
        if spec["type"] in ("NodePort", "LoadBalancer"):
            fill(port, nodePort=_free_node_port(others))
    if spec["type"] != "ExternalName":
        fill(spec, clusterIP=_free_cluster_ip(others), ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
        fill(spec, clusterIPs=[spec["clusterIP"]])
    obj["status"] = {"loadBalancer": {}}


def _free_node_port(services: list[Object]) -> int:
    used = {port.get("nodePort") for service in services for port in service["spec"].get("ports") or ()}
    return random.choice([port for port in range(*NODE_PORTS) if port not in used])


def _free_cluster_ip(services: list[Object]) -> str:
    used = {service["spec"].get("clusterIP") for service in services}
    kubernetes = next((s["spec"]["clusterIP"] for s in services if s["metadata"]["name"] == "kubernetes"), None)
    network = ipaddress.ip_network(f"{kubernetes}/24" if kubernetes else SERVICE_CIDR, strict=False)
    return str(random.choice([ip for ip in list(network.hosts())[10:] if str(ip) not in used]))


def _namespace(obj: Object, store: ObjectStore) -> None:
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
    obj["spec"] = {"finalizers": ["kubernetes"]}
    obj["status"] = {"phase": "Active"}


def _claim(obj: Object, store: ObjectStore) -> None:
    classes = store.list("storageclasses.storage.k8s.io")
    mark = "storageclass.kubernetes.io/is-default-class"
    default = next((c for c in classes if (c["metadata"].get("annotations") or {}).get(mark) == "true"), None)
    fill(obj["spec"], volumeMode="Filesystem")
    if default:
        fill(obj["spec"], storageClassName=default["metadata"]["name"])
    obj["metadata"].setdefault("finalizers", ["kubernetes.io/pvc-protection"])
    obj["status"] = {"phase": "Pending"}


def _volume(obj: Object, store: ObjectStore) -> None:
    fill(obj["spec"], volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    obj["status"] = {"phase": "Available"}


def _storage_class(obj: Object, store: ObjectStore) -> None:
    fill(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _secret(obj: Object, store: ObjectStore) -> None:
    fill(obj, type="Opaque")
    texts = {key: base64.b64encode(value.encode()).decode() for key, value in obj.pop("stringData", {}).items()}
    if texts:
        obj["data"] = {**(obj.get("data") or {}), **texts}


DEFAULTS: dict[str, Callable[[Object, ObjectStore], None]] = {
    "pods": _pod,
    "deployments.apps": _deployment,
    "replicasets.apps": _replicas,
    "daemonsets.apps": _daemon_set,
    "statefulsets.apps": _stateful_set,
    "jobs.batch": _job,
    "services": _service,
    "namespaces": _namespace,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume,
    "storageclasses.storage.k8s.io": _storage_class,
    "secrets": _secret,
}
# Fields without which an object makes no sense: resource -> path, as the real validation names it
REQUIRED: dict[str, str] = {
    "pods": "spec.containers",
    "deployments.apps": "spec.selector",
    "replicasets.apps": "spec.selector",
    "daemonsets.apps": "spec.selector",
    "statefulsets.apps": "spec.selector",
    "services": "spec.ports",
    "jobs.batch": "spec.template",
    "storageclasses.storage.k8s.io": "provisioner",
}


def admit(resource: Resource, obj: Object, store: ObjectStore) -> None:
    """Check and complete a new object in place. Raises ApiError 422."""
    meta = obj["metadata"]
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"] + suffix()
    _require(resource, obj)
    if "status" in (sub.name for sub in resource.subresources):
        obj.pop("status", None)
    if default := DEFAULTS.get(resource.key):
        default(obj, store)
    if "spec" in obj:
        meta["generation"] = 1


def _require(resource: Resource, obj: Object) -> None:
    path = REQUIRED.get(resource.key)
    value: Any = obj
    for step in path.split(".") if path else ():
        value = value.get(step) if isinstance(value, dict) else None
    missing = "metadata.name" if not obj["metadata"].get("name") else path if path and not value else None
    if resource.key == "services" and (obj.get("spec") or {}).get("type") == "ExternalName":
        missing = None
    if missing is None:
        return
    name = obj["metadata"].get("name", "")
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    cause = {"reason": "FieldValueRequired", "message": "Required value", "field": missing}
    about = {**details(resource, name), "kind": resource.kind, "causes": [cause]}
    raise ApiError(422, f'{kind} "{name}" is invalid: {missing}: Required value', details=about)


def carry_over(resource: Resource, before: Object, after: Object, subresource: str) -> None:
    """Keep what this request may not change: status on the main resource, spec on `/status`; count `generation`."""
    frozen = "spec" if subresource == "status" else "status"
    if frozen == "spec" or "status" in (sub.name for sub in resource.subresources):
        after.pop(frozen, None)
        if frozen in before:
            after[frozen] = before[frozen]
    after["metadata"] = after.get("metadata") or {}
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        if key in before["metadata"]:
            after["metadata"][key] = before["metadata"][key]
    if subresource == "" and after.get("spec") != before.get("spec") and resource.key != "nodes":
        after["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
    after["apiVersion"], after["kind"] = before["apiVersion"], before["kind"]
