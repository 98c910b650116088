"""/livez, /readyz and /healthz of the API server."""

from __future__ import annotations

from sim.kube.httpd import Request, Response, text_response

ETCD = ("etcd", "etcd-readiness")
HOOKS = (
    "start-apiserver-admission-initializer", "generic-apiserver-start-informers", "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter", "storage-object-count-tracker-hook", "start-apiextensions-informers",
    "start-apiextensions-controllers", "crd-informer-synced", "start-system-namespaces-controller",
    "start-cluster-authentication-info-controller", "start-kube-apiserver-identity-lease-controller",
    "start-kube-apiserver-identity-lease-garbage-collector", "start-legacy-token-tracking-controller",
    "start-service-ip-repair-controllers", "rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer", "bootstrap-controller", "aggregator-reload-proxy-client-cert",
    "start-kube-aggregator-informers", "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller", "apiservice-registration-controller",
    "apiservice-discovery-controller", "kube-apiserver-autoregistration", "autoregister-completion",
    "apiservice-openapi-controller", "apiservice-openapiv3-controller",
)  # fmt: skip
_HOOK_CHECKS = tuple(f"poststarthook/{hook}" for hook in HOOKS)
CHECKS = {
    "livez": ("ping", "log", "etcd", *_HOOK_CHECKS),
    "readyz": ("ping", "log", *ETCD, "informer-sync", *_HOOK_CHECKS, "shutdown"),
    "healthz": ("ping", "log", "etcd", *_HOOK_CHECKS),
}


def answer(request: Request, endpoint: str, quorum: bool) -> Response:
    """The answer of /ENDPOINT or /ENDPOINT/CHECK: `ok`, or the list of checks when asked for or when one fails."""
    _, _, single = request.path.strip("/").partition("/")
    checks = CHECKS[endpoint]
    if single and single not in checks:
        return text_response("404 page not found\n", 404)
    failed = [check for check in ((single,) if single else checks) if check in ETCD and not quorum]
    if single:
        return text_response("internal server error: etcd failed\n", 500) if failed else text_response("ok")
    lines = [f"[-]{check} failed: reason withheld" if check in failed else f"[+]{check} ok" for check in checks]
    if failed:
        return text_response("\n".join((*lines, f"{endpoint} check failed")) + "\n", 500)
    verbose = "verbose" in request.query
    return text_response("\n".join((*lines, f"{endpoint} check passed")) + "\n" if verbose else "ok")
