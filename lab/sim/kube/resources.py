"""The table of resources that the simulated API serves, and their discovery names.

One row per resource, in the order that `kubectl api-resources` prints. Everything that is per kind elsewhere (columns, defaults,
field selectors) is keyed by `Resource.key`, which is also the name in the object store: `pods`, `deployments.apps`.
"""

from __future__ import annotations

from dataclasses import dataclass

CRUD = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Subresource:
    """`pods/eviction` and the like. `group_version` is set where the body's kind lives in another group than its parent."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group_version: tuple[str, str] | None = None


@dataclass(frozen=True)
class Resource:
    """One row of `kubectl api-resources`."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    verbs: tuple[str, ...] = CRUD

    @property
    def key(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()


STATUS = ("get", "patch", "update")


def _status(kind: str) -> Subresource:
    return Subresource("status", kind, STATUS)


SCALE = Subresource("scale", "Scale", STATUS, ("autoscaling", "v1"))
EVICTION = Subresource("eviction", "Eviction", ("create",), ("policy", "v1"))
BINDING = Subresource("binding", "Binding", ("create",))
LOG = Subresource("log", "Pod", ("get",))
FINALIZE = Subresource("finalize", "Namespace", ("update",))

# group, version, plural, kind, namespaced, short names, categories, subresources besides status ("-" = no status either)
_ROWS: tuple[tuple, ...] = (
    ("", "v1", "configmaps", "ConfigMap", True, "cm", "", "-"),
    ("", "v1", "endpoints", "Endpoints", True, "ep", "", "-"),
    ("", "v1", "events", "Event", True, "ev", "", "-"),
    ("", "v1", "limitranges", "LimitRange", True, "limits", "", "-"),
    ("", "v1", "namespaces", "Namespace", False, "ns", "", (FINALIZE,)),
    ("", "v1", "nodes", "Node", False, "no", "", ()),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, "pvc", "", ()),
    ("", "v1", "persistentvolumes", "PersistentVolume", False, "pv", "", ()),
    ("", "v1", "pods", "Pod", True, "po", "all", (BINDING, EVICTION, LOG)),
    ("", "v1", "replicationcontrollers", "ReplicationController", True, "rc", "all", (SCALE,)),
    ("", "v1", "resourcequotas", "ResourceQuota", True, "quota", "", ()),
    ("", "v1", "secrets", "Secret", True, "", "", "-"),
    ("", "v1", "serviceaccounts", "ServiceAccount", True, "sa", "", "-"),
    ("", "v1", "services", "Service", True, "svc", "all", ()),
    ("apiregistration.k8s.io", "v1", "apiservices", "APIService", False, "", "api-extensions", ()),
    ("apps", "v1", "controllerrevisions", "ControllerRevision", True, "", "", "-"),
    ("apps", "v1", "daemonsets", "DaemonSet", True, "ds", "all", ()),
    ("apps", "v1", "deployments", "Deployment", True, "deploy", "all", (SCALE,)),
    ("apps", "v1", "replicasets", "ReplicaSet", True, "rs", "all", (SCALE,)),
    ("apps", "v1", "statefulsets", "StatefulSet", True, "sts", "all", (SCALE,)),
    ("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, "hpa", "all", ()),
    ("batch", "v1", "cronjobs", "CronJob", True, "cj", "all", ()),
    ("batch", "v1", "jobs", "Job", True, "", "all", ()),
    ("coordination.k8s.io", "v1", "leases", "Lease", True, "", "", "-"),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", True, "", "", "-"),
    ("networking.k8s.io", "v1", "ingressclasses", "IngressClass", False, "", "", "-"),
    ("networking.k8s.io", "v1", "ingresses", "Ingress", True, "ing", "", ()),
    ("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True, "netpol", "", "-"),
    ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, "pdb", "", ()),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", False, "", "", "-"),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", False, "", "", "-"),
    ("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", True, "", "", "-"),
    ("rbac.authorization.k8s.io", "v1", "roles", "Role", True, "", "", "-"),
    ("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False, "pc", "", "-"),
    ("storage.k8s.io", "v1", "csidrivers", "CSIDriver", False, "", "", "-"),
    ("storage.k8s.io", "v1", "csinodes", "CSINode", False, "", "", "-"),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", False, "sc", "", "-"),
    ("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", False, "", "", ()),
)


def _resource(row: tuple) -> Resource:
    group, version, plural, kind, namespaced, short, category, extra = row
    subresources = () if extra == "-" else (*extra, _status(kind))
    return Resource(
        group, version, plural, kind, namespaced, (short,) if short else (), (category,) if category else (), subresources
    )


RESOURCES: tuple[Resource, ...] = tuple(
    sorted(
        (
            *map(_resource, _ROWS),
            Resource(
                "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, verbs=("create",)
            ),
        ),
        key=lambda r: (r.group, r.plural),
    )
)
METRICS: tuple[Resource, ...] = (
    Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", False, verbs=("get", "list")),
    Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", True, verbs=("get", "list")),
)
BY_KEY: dict[str, Resource] = {resource.key: resource for resource in RESOURCES}
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in RESOURCES}
BY_PATH: dict[tuple[str, str, str], Resource] = {(r.group, r.version, r.plural): r for r in (*RESOURCES, *METRICS)}


def of_object(obj: dict) -> Resource:
    """The resource of an object by its apiVersion and kind. KeyError for an unknown one."""
    return BY_KIND[obj["apiVersion"], obj["kind"]]
