"""Short forms of the objects that MicroK8s itself applies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


def _workload(
    kind: str, namespace: str, name: str, images: Mapping[str, str], labels: Mapping[str, str] | None, **pod: Any
) -> Object:
    labels = dict(labels or {"k8s-app": name})
    containers = [{"name": container, "image": image} for container, image in images.items()]
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers, **pod}},
        },
    }  # fmt: skip


def deployment(
    namespace: str, name: str, images: Mapping[str, str], labels: Mapping[str, str] | None = None, **pod: Any
) -> Object:
    """A Deployment of one replica; `images` is container name -> image, `pod` are fields of the pod spec."""
    return _workload("Deployment", namespace, name, images, labels, **pod)


def daemon_set(
    namespace: str, name: str, images: Mapping[str, str], labels: Mapping[str, str] | None = None, **pod: Any
) -> Object:
    """A DaemonSet, as `deployment`."""
    return _workload("DaemonSet", namespace, name, images, labels, **pod)


def stateful_set(
    namespace: str, name: str, images: Mapping[str, str], labels: Mapping[str, str] | None = None, **pod: Any
) -> Object:
    """A StatefulSet of one replica, as `deployment`."""
    obj = _workload("StatefulSet", namespace, name, images, labels, **pod)
    obj["spec"]["serviceName"] = name
    return obj


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(home: str, name: str, selector: Mapping[str, str], ports: list[Object], **spec: Any) -> Object:
    """A Service; `spec` are more fields of its spec (clusterIP, type)."""
    meta = {"name": name, "namespace": home, "labels": dict(selector)}
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": dict(selector), "ports": ports, **spec},
    }  # fmt: skip


def service_account(home: str, name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": home}}


def config_map(home: str, name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": home}, "data": data}


def secret(home: str, name: str, kind: str, annotations: Mapping[str, str] | None = None, **data: str) -> Object:
    """A Secret of type `kind`; `data` is already base64."""
    meta = {"name": name, "namespace": home, "annotations": dict(annotations or {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": kind, "data": data}


def cluster_role(name: str, *rules: Object) -> Object:
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}


def cluster_role_binding(name: str, role: str, home: str, account: str) -> Object:
    """Binds a ClusterRole to a ServiceAccount."""
    subject = {"kind": "ServiceAccount", "name": account, "namespace": home}
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return {
        "apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name}, "subjects": [subject],
        "roleRef": reference,
    }  # fmt: skip
