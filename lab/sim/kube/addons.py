"""The objects of the common addons of MicroK8s, and how `microk8s status` finds them.

Owns ADDONS: per addon the objects that its `enable` script applies (as far as they can be seen: workloads, services, classes) and
the check_status row of upstream's addons.yaml. Images and versions are those of the 1.32 addon repository, or near them.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sim.kube.deletion import mark_deleted, remove
from sim.kube.manifests import (
    RBAC, cluster_role, cluster_role_binding, config_map, daemon_set, deployment, namespace, secret, service,
    service_account, stateful_set,
)  # fmt: skip
from sim.kube.podtemplate import new_object
from sim.kube.resources import of_object
from sim.kube.store import AlreadyExists, NotFound, Object, ObjectStore

SYSTEM = "kube-system"
DNS_ADDRESS = "10.152.183.10"
METALLB_POOL = "metallb-pool"
DEFAULT_CLASS = {"storageclass.kubernetes.io/is-default-class": "true"}


@dataclass(frozen=True)
class Addon:
    """`objects(args)` in the order of creation; enabled = an object of `check[0]` has a name that starts with `check[1]`."""

    objects: Callable[[Sequence[str]], Iterator[Object]]
    check: tuple[str, str]
    needs: tuple[str, ...] = ()


def _dns(args: Sequence[str]) -> Iterator[Object]:
    selector = {"k8s-app": "kube-dns"}
    forward = next((arg for arg in args if not arg.startswith("-")), "/etc/resolv.conf").replace(",", " ")
    corefile = f".:53 {{\n    errors\n    health\n    ready\n    kubernetes cluster.local\n    forward . {forward}\n    cache 30\n}}\n"
    yield service_account(SYSTEM, "coredns")
    yield config_map(SYSTEM, "coredns", Corefile=corefile)
    yield deployment(SYSTEM, "coredns", {"coredns": "coredns/coredns:1.10.1"}, selector)
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        {"name": "metrics", "port": 9153, "protocol": "TCP"},
    ]
    yield service(SYSTEM, "kube-dns", selector, ports, clusterIP=DNS_ADDRESS)
    yield cluster_role_binding("coredns", "coredns", SYSTEM, "coredns")


def _storage(args: Sequence[str]) -> Iterator[Object]:
    yield service_account(SYSTEM, "microk8s-hostpath")
    yield deployment(SYSTEM, "hostpath-provisioner", {"hostpath-provisioner": "cdkbot/hostpath-provisioner:1.5.0"})
    meta = {"name": "microk8s-hostpath", "annotations": DEFAULT_CLASS}
    yield {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta, "provisioner": "microk8s.io/hostpath",
        "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip
    yield cluster_role_binding("microk8s-hostpath", "microk8s-hostpath", SYSTEM, "microk8s-hostpath")


def _ingress(args: Sequence[str]) -> Iterator[Object]:
    yield namespace("ingress")
    for name in ("public", "nginx"):
        yield {
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
            "spec": {"controller": "k8s.io/ingress-nginx"},
        }  # fmt: skip
    yield service_account("ingress", "nginx-ingress-microk8s-serviceaccount")
    yield config_map("ingress", "nginx-load-balancer-microk8s-conf")
    image = {"nginx-ingress-microk8s": "registry.k8s.io/ingress-nginx/controller:v1.11.5"}
    yield daemon_set("ingress", "nginx-ingress-microk8s-controller", image, {"name": "nginx-ingress-microk8s"})


def _metallb(args: Sequence[str]) -> Iterator[Object]:
    yield namespace("metallb-system")
    yield config_map("metallb-system", METALLB_POOL, addresses=" ".join(_addresses(args)))
    labels = {"app": "metallb"}
    yield deployment(
        "metallb-system", "controller", {"controller": "quay.io/metallb/controller:v0.13.3"}, {**labels, "component": "controller"}
    )
    yield daemon_set(
        "metallb-system", "speaker", {"speaker": "quay.io/metallb/speaker:v0.13.3"}, {**labels, "component": "speaker"},
        hostNetwork=True,
    )  # fmt: skip


def _addresses(ranges: Sequence[str]) -> Iterator[str]:
    """The addresses of `10.0.0.5-10.0.0.9`, `10.0.0.0/28` or lists of these."""
    for text in (part.strip() for arg in ranges for part in arg.split(",") if part.strip()):
        first, dash, last = text.partition("-")
        if dash:
            low, high = int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))
            yield from (str(ipaddress.ip_address(number)) for number in range(low, high + 1))
        else:
            yield from map(str, ipaddress.ip_network(text, strict=False))


def _rbac(args: Sequence[str]) -> Iterator[Object]:
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    read = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    pages = {"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]}
    for name, rule in (
        ("admin", everything), ("cluster-admin", everything), ("edit", everything), ("view", read), ("system:node", everything),
        ("system:public-info-viewer", pages),
    ):  # fmt: skip
        yield cluster_role(name, rule)
    subject = {"kind": "Group", "apiGroup": RBAC, "name": "system:masters"}
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    yield {
        "apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "cluster-admin"},
        "subjects": [subject], "roleRef": reference,
    }  # fmt: skip


def _metrics_server(args: Sequence[str]) -> Iterator[Object]:
    selector = {"k8s-app": "metrics-server"}
    yield service_account(SYSTEM, "metrics-server")
    yield deployment(SYSTEM, "metrics-server", {"metrics-server": "registry.k8s.io/metrics-server/metrics-server:v0.6.3"}, selector)
    yield service(SYSTEM, "metrics-server", selector, [{"name": "https", "port": 443}])
    spec = {
        "group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
        "service": {"name": "metrics-server", "namespace": SYSTEM, "port": 443}, "insecureSkipTLSVerify": True,
    }  # fmt: skip
    meta = {"name": "v1beta1.metrics.k8s.io"}
    yield {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": meta, "spec": spec}


def _dashboard(args: Sequence[str]) -> Iterator[Object]:
    selector, scraper = {"k8s-app": "kubernetes-dashboard"}, {"k8s-app": "dashboard-metrics-scraper"}
    yield service_account(SYSTEM, "kubernetes-dashboard")
    yield deployment(SYSTEM, "kubernetes-dashboard", {"kubernetes-dashboard": "kubernetesui/dashboard:v2.7.0"}, selector)
    yield service(SYSTEM, "kubernetes-dashboard", selector, [{"port": 443, "targetPort": 8443}])
    image = {"dashboard-metrics-scraper": "kubernetesui/metrics-scraper:v1.0.8"}
    yield deployment(SYSTEM, "dashboard-metrics-scraper", image, scraper)
    yield service(SYSTEM, "dashboard-metrics-scraper", scraper, [{"port": 8000}])
    account = {"kubernetes.io/service-account.name": "default"}
    yield secret(SYSTEM, "microk8s-dashboard-token", "kubernetes.io/service-account-token", account)


def _registry(args: Sequence[str]) -> Iterator[Object]:
    home, selector = "container-registry", {"app": "registry"}
    size = next((arg.removeprefix("size=") for arg in args if arg.startswith("size=")), "20Gi")
    yield namespace(home)
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": size}}}
    meta = {"name": "registry-claim", "namespace": home}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim}
    volume = {"name": "registry-data", "persistentVolumeClaim": {"claimName": "registry-claim"}}
    yield deployment(home, "registry", {"registry": "registry:2.8.1"}, selector, volumes=[volume])
    port = {"name": "registry", "port": 5000, "nodePort": 32000}
    yield service(home, "registry", selector, [port], type="NodePort")


def _cert_manager(args: Sequence[str]) -> Iterator[Object]:
    home = "cert-manager"
    yield namespace(home)
    for name in ("cert-manager", "cert-manager-cainjector", "cert-manager-webhook"):
        selector = {"app.kubernetes.io/name": name.removeprefix("cert-manager-")}
        image = name.replace("cert-manager", "cert-manager-controller") if name == "cert-manager" else name
        yield deployment(home, name, {name: f"quay.io/jetstack/{image}:v1.14.5"}, selector)
    webhook = {"app.kubernetes.io/name": "webhook"}
    yield service(home, "cert-manager-webhook", webhook, [{"name": "https", "port": 443, "targetPort": 10250}])


def _observability(args: Sequence[str]) -> Iterator[Object]:
    home, grafana = "observability", {"app.kubernetes.io/name": "grafana"}
    yield namespace(home)
    yield deployment(home, "kube-prom-stack-grafana", {"grafana": "docker.io/grafana/grafana:9.3.8"}, grafana)
    yield service(home, "kube-prom-stack-grafana", grafana, [{"name": "http-web", "port": 80, "targetPort": 3000}])
    prometheus = {"prometheus": "quay.io/prometheus/prometheus:v2.42.0"}
    yield stateful_set(home, "prometheus-kube-prom-stack-kube-prome-prometheus", prometheus)
    yield stateful_set(home, "loki", {"loki": "docker.io/grafana/loki:2.6.1"})
    yield daemon_set(home, "loki-promtail", {"promtail": "docker.io/grafana/promtail:2.8.3"})
    exporter = {"node-exporter": "quay.io/prometheus/node-exporter:v1.5.0"}
    yield daemon_set(home, "kube-prom-stack-prometheus-node-exporter", exporter, hostNetwork=True)


def _minio(args: Sequence[str]) -> Iterator[Object]:
    yield namespace("minio-operator")
    yield deployment("minio-operator", "minio-operator", {"minio-operator": "minio/operator:v4.5.1"})


PODS = "pods"
ADDONS: dict[str, Addon] = {
    "cert-manager": Addon(_cert_manager, (PODS, "cert-manager-"), ("dns",)),
    "dashboard": Addon(_dashboard, (PODS, "kubernetes-dashboard"), ("metrics-server",)),
    "dns": Addon(_dns, (PODS, "coredns")),
    "hostpath-storage": Addon(_storage, (PODS, "hostpath-provisioner")),
    "ingress": Addon(_ingress, (PODS, "nginx-ingress-microk8s-controller")),
    "metallb": Addon(_metallb, (PODS, "speaker")),
    "metrics-server": Addon(_metrics_server, (PODS, "metrics-server")),
    "minio": Addon(_minio, (PODS, "minio-operator")),
    "observability": Addon(_observability, (PODS, "kube-prom-stack-grafana"), ("dns", "hostpath-storage")),
    "rbac": Addon(_rbac, ("clusterroles.rbac.authorization.k8s.io", "cluster-admin")),
    "registry": Addon(_registry, (PODS, "registry"), ("hostpath-storage",)),
    "storage": Addon(_storage, (PODS, "hostpath-provisioner")),
}


def enable_addon(store: ObjectStore, name: str, args: Sequence[str] = ()) -> bool:
    """Create the addon's objects and those of the addons it needs (idempotent).

    False = it has none here (helm, host-access, ...): the caller keeps a file for it.
    """
    addon = ADDONS.get(name)
    if addon is None:
        return False
    for other in addon.needs:
        enable_addon(store, other)
    for obj in addon.objects(args):
        with contextlib.suppress(AlreadyExists):
            new_object(store, obj)
    return True


def disable_addon(store: ObjectStore, name: str, args: Sequence[str] = ()) -> bool:
    """Delete the addon's objects; the controllers then end its pods. False as in `enable_addon`."""
    addon = ADDONS.get(name)
    if addon is None:
        return False
    for obj in reversed(list(addon.objects(args))):
        if obj["kind"] == "Namespace":
            with contextlib.suppress(NotFound):
                mark_deleted(store, "namespaces", obj["metadata"]["name"], "", 0)
        else:
            remove(store, of_object(obj).key, obj)
    return True


def addon_enabled(store: ObjectStore, name: str) -> bool | None:
    """What `microk8s status` finds by the addon's check_status row (a pending pod counts); None = not to be seen in the cluster."""
    addon = ADDONS.get(name)
    if addon is None:
        return None
    resource, prefix = addon.check
    return any(obj["metadata"]["name"].startswith(prefix) for obj in store.list(resource))
