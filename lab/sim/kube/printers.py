"""Server-side tables: what `kubectl get` prints.

Owns COLUMNS, per resource the column names (a `*` marks those of `-o wide`) and the function that makes an object's cells.
The cells follow kubernetes/pkg/printers/internalversion of 1.32.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from sim.kube.clock import age, human_duration, parse
from sim.kube.resources import Resource

Object = dict[str, Any]
NONE, UNSET = "<none>", "<unset>"
ROLE_PREFIX = "node-role.kubernetes.io/"


def table(resource: Resource, objects: Iterable[Object], list_meta: Object, include: str, headers: bool = True) -> Object:
    """A meta.k8s.io/v1 Table. `include` is the query parameter includeObject: Metadata, Object or None."""
    names, cells = COLUMNS.get(resource.key, DEFAULT)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_meta,
        "columnDefinitions": _definitions(names) if headers else [],
        "rows": [{"cells": cells(obj), "object": _row_object(obj, include)} for obj in objects],
    }


def _definitions(names: str) -> list[Object]:
    return [
        {
            "name": name.rstrip("*"),
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": 1 if name.endswith("*") else 0,
        }
        for name in names.split("|")
    ]


def _row_object(obj: Object, include: str) -> Object | None:
    if include == "Object":
        return obj
    if include == "None":
        return None
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


# Small readers


def _name(obj: Object) -> str:
    return obj["metadata"]["name"]


def _age(obj: Object) -> str:
    return age(obj["metadata"].get("creationTimestamp"))


def _spec(obj: Object) -> Object:
    return obj.get("spec") or {}


def _status(obj: Object) -> Object:
    return obj.get("status") or {}


def _join(values: Iterable[Any], empty: str = NONE, separator: str = ",") -> str:
    return separator.join(str(value) for value in values) or empty


def _pairs(mapping: dict[str, Any] | None) -> str:
    return _join(f"{key}={value}" for key, value in sorted((mapping or {}).items()))


def _selector(selector: Object | None) -> str:
    selector = selector or {}
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for rule in selector.get("matchExpressions") or ():
        values = ",".join(rule.get("values") or ())
        terms.append(f"{rule['key']} {rule['operator'].lower()} ({values})" if values else rule["key"])
    return _join(terms)


def _containers(obj: Object) -> tuple[str, str]:
    containers = _spec(obj).get("template", {}).get("spec", {}).get("containers") or ()
    return _join((c["name"] for c in containers), ""), _join((c.get("image", "") for c in containers), "")


# Kinds


def _node(obj: Object) -> list[Any]:
    info, addresses = _status(obj).get("nodeInfo", {}), _status(obj).get("addresses") or ()

    def address(kind: str) -> str:
        return next((a["address"] for a in addresses if a["type"] == kind), NONE)

    return [
        _name(obj), _node_status(obj), _node_roles(obj), _age(obj), info.get("kubeletVersion", ""),
        address("InternalIP"), address("ExternalIP"), info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>", info.get("containerRuntimeVersion") or "<unknown>",
    ]  # fmt: skip


def _node_status(obj: Object) -> str:
    ready = next((c["status"] for c in _status(obj).get("conditions") or () if c["type"] == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"]
    if _spec(obj).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(obj: Object) -> str:
    labels = obj["metadata"].get("labels") or {}
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    if labels.get("kubernetes.io/role"):
        roles.add(labels["kubernetes.io/role"])
    return _join(sorted(filter(None, roles)))


def _pod(obj: Object) -> list[Any]:
    status, spec = _status(obj), _spec(obj)
    statuses = status.get("containerStatuses") or ()
    ready = sum(1 for s in statuses if s.get("ready") and "running" in (s.get("state") or {}))
    gates = spec.get("readinessGates") or ()
    return [
        _name(obj), f"{ready}/{len(spec.get('containers') or ())}", pod_reason(obj), _restarts(statuses), _age(obj),
        status.get("podIP") or NONE, spec.get("nodeName") or NONE, status.get("nominatedNodeName") or NONE,
        f"0/{len(gates)}" if gates else NONE,
    ]  # fmt: skip


def pod_reason(obj: Object) -> str:
    """The STATUS column of a pod."""
    status = _status(obj)
    reason = status.get("reason") or status.get("phase") or "Unknown"
    for container in reversed(status.get("containerStatuses") or ()):
        state = container.get("state") or {}
        detail = state.get("waiting") or state.get("terminated") or {}
        reason = detail.get("reason") or reason
    if obj["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return reason


def _restarts(statuses: Iterable[Object]) -> str:
    count, last = 0, 0.0
    for status in statuses:
        count += status.get("restartCount", 0)
        last = max(last, parse((status.get("lastState") or {}).get("terminated", {}).get("finishedAt")))
    return f"{count} ({age_of(last)} ago)" if count and last else str(count)


def age_of(seconds: float) -> str:
    """How long ago a time (seconds since the epoch) was."""
    return human_duration(time.time() - seconds)


def _service(obj: Object) -> list[Any]:
    spec = _spec(obj)
    kind = spec.get("type", "ClusterIP")
    return [
        _name(obj), kind, spec.get("clusterIP") or NONE, _external_ip(obj, kind),
        _join((_port(p) for p in spec.get("ports") or ())), _age(obj), _pairs(spec.get("selector")),
    ]  # fmt: skip


def _external_ip(obj: Object, kind: str) -> str:
    spec = _spec(obj)
    if kind == "ExternalName":
        return spec.get("externalName", "")
    balancer = [i.get("ip") or i.get("hostname", "") for i in _status(obj).get("loadBalancer", {}).get("ingress") or ()]
    if kind == "LoadBalancer" and not balancer and not spec.get("externalIPs"):
        return "<pending>"
    return _join((*(balancer if kind == "LoadBalancer" else ()), *(spec.get("externalIPs") or ())))


def _port(port: Object) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}"


def _deployment(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    return [
        _name(obj), f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}", str(status.get("updatedReplicas", 0)),
        str(status.get("availableReplicas", 0)), _age(obj), *_containers(obj), _selector(spec.get("selector")),
    ]  # fmt: skip


def _replica_set(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    return [
        _name(obj), str(spec.get("replicas", 1)), str(status.get("replicas", 0)), str(status.get("readyReplicas", 0)),
        _age(obj), *_containers(obj), _selector(spec.get("selector")),
    ]  # fmt: skip


def _daemon_set(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    numbers = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable")
    return [
        _name(obj), *(str(status.get(number, 0)) for number in numbers),
        _pairs(spec.get("template", {}).get("spec", {}).get("nodeSelector")), _age(obj), *_containers(obj),
        _selector(spec.get("selector")),
    ]  # fmt: skip


def _stateful_set(obj: Object) -> list[Any]:
    ready = f"{_status(obj).get('readyReplicas', 0)}/{_spec(obj).get('replicas', 1)}"
    return [_name(obj), ready, _age(obj), *_containers(obj)]


def _job(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    kinds = [c["type"] for c in status.get("conditions") or () if c["status"] == "True"]
    start, end = parse(status.get("startTime")), parse(status.get("completionTime"))
    duration = human_duration(end - start) if start and end else age(status.get("startTime")) if start else ""
    word = "Complete" if "Complete" in kinds else "Failed" if "Failed" in kinds else "Running"
    return [
        _name(obj), word, f"{status.get('succeeded', 0)}/{spec.get('completions', 1)}", duration, _age(obj),
        *_containers(obj), _selector(spec.get("selector")),
    ]  # fmt: skip


def _cron_job(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    last = status.get("lastScheduleTime")
    containers = _containers({"spec": spec.get("jobTemplate", {}).get("spec", {})})
    return [
        _name(obj), spec.get("schedule", ""), spec.get("timeZone") or NONE, "True" if spec.get("suspend") else "False",
        str(len(status.get("active") or ())), age(last) if last else NONE, _age(obj), *containers, NONE,
    ]  # fmt: skip


def _event(obj: Object) -> list[Any]:
    target = obj.get("involvedObject") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or first
    count = obj.get("count", 1)
    source = obj.get("source") or {}
    seen = f"{age(last)} (x{count} over {age(first)})" if count > 1 else age(last)
    return [
        seen, obj.get("type", ""), obj.get("reason", ""), f"{target.get('kind', '').lower()}/{target.get('name', '')}",
        target.get("fieldPath", ""), _join(filter(None, (source.get("component"), source.get("host"))), "", ", "),
        (obj.get("message") or "").strip(), age(first), str(count), _name(obj),
    ]  # fmt: skip


def _namespace(obj: Object) -> list[Any]:
    return [_name(obj), _status(obj).get("phase", "Active"), _age(obj)]


def _lease(obj: Object) -> list[Any]:
    return [_name(obj), _spec(obj).get("holderIdentity", ""), _age(obj)]


ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(modes: Iterable[str] | None) -> str:
    return _join((ACCESS_MODES.get(mode, mode) for mode in modes or ()), "")


def _volume(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    claim = spec.get("claimRef") or {}
    return [
        _name(obj), spec.get("capacity", {}).get("storage", ""), _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""), _phase(obj, status.get("phase", "")),
        f"{claim['namespace']}/{claim['name']}" if claim else "", spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or UNSET, status.get("reason", ""), _age(obj),
        spec.get("volumeMode", "Filesystem"),
    ]  # fmt: skip


def _claim(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    bound = bool(spec.get("volumeName"))
    return [
        _name(obj), _phase(obj, status.get("phase", "Pending")), spec.get("volumeName", ""),
        status.get("capacity", {}).get("storage", "") if bound else "", _modes(status.get("accessModes")) if bound else "",
        spec.get("storageClassName", ""), spec.get("volumeAttributesClassName") or UNSET, _age(obj),
        spec.get("volumeMode", "Filesystem"),
    ]  # fmt: skip


def _phase(obj: Object, phase: str) -> str:
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else phase


def _storage_class(obj: Object) -> list[Any]:
    default = (obj["metadata"].get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        _name(obj) + (" (default)" if default else ""), obj.get("provisioner", ""), obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"), str(bool(obj.get("allowVolumeExpansion"))).lower(), _age(obj),
    ]  # fmt: skip


def _config_map(obj: Object) -> list[Any]:
    return [_name(obj), str(len(obj.get("data") or {}) + len(obj.get("binaryData") or {})), _age(obj)]


def _secret(obj: Object) -> list[Any]:
    return [_name(obj), obj.get("type", "Opaque"), str(len(obj.get("data") or {})), _age(obj)]


def _service_account(obj: Object) -> list[Any]:
    return [_name(obj), str(len(obj.get("secrets") or ())), _age(obj)]


def _endpoints(obj: Object) -> list[Any]:
    pairs = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    text = _join(pairs[:3]) + (f" + {len(pairs) - 3} more..." if len(pairs) > 3 else "")
    return [_name(obj), text, _age(obj)]


def _endpoint_slice(obj: Object) -> list[Any]:
    ports = _join((p.get("port", "") for p in obj.get("ports") or ()), UNSET)
    addresses = _join((a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()), UNSET)
    return [_name(obj), obj.get("addressType", ""), ports, addresses, _age(obj)]


def _ingress(obj: Object) -> list[Any]:
    spec = _spec(obj)
    hosts = _join((rule.get("host", "*") for rule in spec.get("rules") or ()), "*")
    balancer = _status(obj).get("loadBalancer", {}).get("ingress") or ()
    address = _join((i.get("ip") or i.get("hostname", "") for i in balancer), "")
    ports = "80, 443" if spec.get("tls") else "80"
    return [_name(obj), spec.get("ingressClassName") or NONE, hosts, address, ports, _age(obj)]


def _ingress_class(obj: Object) -> list[Any]:
    return [_name(obj), _spec(obj).get("controller", ""), NONE, _age(obj)]


def _network_policy(obj: Object) -> list[Any]:
    return [_name(obj), _selector(_spec(obj).get("podSelector")), _age(obj)]


def _budget(obj: Object) -> list[Any]:
    spec = _spec(obj)
    allowed = str(_status(obj).get("disruptionsAllowed", 0))
    return [_name(obj), str(spec.get("minAvailable", "N/A")), str(spec.get("maxUnavailable", "N/A")), allowed, _age(obj)]


def _role(obj: Object) -> list[Any]:
    return [_name(obj), obj["metadata"].get("creationTimestamp", "")]


def _role_binding(obj: Object) -> list[Any]:
    reference, subjects = obj.get("roleRef", {}), obj.get("subjects") or ()

    def names(kind: str) -> str:
        return _join((s["name"] for s in subjects if s["kind"] == kind), "", ", ")

    accounts = (f"{s.get('namespace', '')}/{s['name']}" for s in subjects if s["kind"] == "ServiceAccount")
    return [
        _name(obj), f"{reference.get('kind')}/{reference.get('name')}", _age(obj), names("User"), names("Group"),
        _join(accounts, "", ", "),
    ]  # fmt: skip


def _priority_class(obj: Object) -> list[Any]:
    return [
        _name(obj), str(obj.get("value", 0)), str(bool(obj.get("globalDefault"))).lower(), _age(obj),
        obj.get("preemptionPolicy", "PreemptLowerPriority"),
    ]  # fmt: skip


def _api_service(obj: Object) -> list[Any]:
    service = _spec(obj).get("service")
    available = next((c for c in _status(obj).get("conditions") or () if c["type"] == "Available"), {"status": "True"})
    text = available["status"] if available["status"] == "True" else f"False ({available.get('reason', '')})"
    return [_name(obj), f"{service['namespace']}/{service['name']}" if service else "Local", text, _age(obj)]


def _controller_revision(obj: Object) -> list[Any]:
    owner = next(iter(obj["metadata"].get("ownerReferences") or ()), {})
    kind = f"{owner['kind'].lower()}.apps/{owner['name']}" if owner else NONE
    return [_name(obj), kind, str(obj.get("revision", 0)), _age(obj)]


def _autoscaler(obj: Object) -> list[Any]:
    spec, status = _spec(obj), _status(obj)
    target = spec.get("scaleTargetRef", {})
    return [
        _name(obj), f"{target.get('kind')}/{target.get('name')}", "<unknown>", str(spec.get("minReplicas", 1)),
        str(spec.get("maxReplicas", "")), str(status.get("currentReplicas", 0)), _age(obj),
    ]  # fmt: skip


def _default(obj: Object) -> list[Any]:
    return [_name(obj), obj["metadata"].get("creationTimestamp", "")]


DEFAULT: tuple[str, Callable[[Object], list[Any]]] = ("Name|Created At", _default)
_WORKLOAD = "Containers*|Images*|Selector*"
COLUMNS: dict[str, tuple[str, Callable[[Object], list[Any]]]] = {
    "nodes": ("Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*", _node),
    "pods": ("Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*", _pod),
    "services": ("Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*", _service),
    "deployments.apps": (f"Name|Ready|Up-to-date|Available|Age|{_WORKLOAD}", _deployment),
    "replicasets.apps": (f"Name|Desired|Current|Ready|Age|{_WORKLOAD}", _replica_set),
    "replicationcontrollers": (f"Name|Desired|Current|Ready|Age|{_WORKLOAD}", _replica_set),
    "daemonsets.apps": (f"Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age|{_WORKLOAD}", _daemon_set),
    "statefulsets.apps": ("Name|Ready|Age|Containers*|Images*", _stateful_set),
    "controllerrevisions.apps": ("Name|Controller|Revision|Age", _controller_revision),
    "jobs.batch": (f"Name|Status|Completions|Duration|Age|{_WORKLOAD}", _job),
    "cronjobs.batch": (f"Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age|{_WORKLOAD}", _cron_job),
    "events": ("Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name*", _event),
    "namespaces": ("Name|Status|Age", _namespace),
    "leases.coordination.k8s.io": ("Name|Holder|Age", _lease),
    "persistentvolumes": (
        "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|VolumeMode*",
        _volume,
    ),
    "persistentvolumeclaims": (
        "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*",
        _claim,
    ),
    "storageclasses.storage.k8s.io": (
        "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age",
        _storage_class,
    ),
    "configmaps": ("Name|Data|Age", _config_map),
    "secrets": ("Name|Type|Data|Age", _secret),
    "serviceaccounts": ("Name|Secrets|Age", _service_account),
    "endpoints": ("Name|Endpoints|Age", _endpoints),
    "endpointslices.discovery.k8s.io": ("Name|AddressType|Ports|Endpoints|Age", _endpoint_slice),
    "ingresses.networking.k8s.io": ("Name|Class|Hosts|Address|Ports|Age", _ingress),
    "ingressclasses.networking.k8s.io": ("Name|Controller|Parameters|Age", _ingress_class),
    "networkpolicies.networking.k8s.io": ("Name|Pod-Selector|Age", _network_policy),
    "poddisruptionbudgets.policy": ("Name|Min Available|Max Unavailable|Allowed Disruptions|Age", _budget),
    "roles.rbac.authorization.k8s.io": ("Name|Created At", _role),
    "clusterroles.rbac.authorization.k8s.io": ("Name|Created At", _role),
    "rolebindings.rbac.authorization.k8s.io": ("Name|Role|Age|Users*|Groups*|ServiceAccounts*", _role_binding),
    "clusterrolebindings.rbac.authorization.k8s.io": ("Name|Role|Age|Users*|Groups*|ServiceAccounts*", _role_binding),
    "priorityclasses.scheduling.k8s.io": ("Name|Value|Global-Default|Age|PreemptionPolicy*", _priority_class),
    "apiservices.apiregistration.k8s.io": ("Name|Service|Available|Age", _api_service),
    "horizontalpodautoscalers.autoscaling": ("Name|Reference|Targets|MinPods|MaxPods|Replicas|Age", _autoscaler),
}
