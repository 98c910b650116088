"""Who sends a request, and whether he may: client certificates, bearer tokens, AlwaysAllow and a coarse RBAC.

Facts 6.2 and 7: with AlwaysAllow kube-apiserver switches anonymous requests off (401 everywhere); with RBAC an anonymous user may read
four paths and gets 403 elsewhere. Named users of the system groups may do everything, others nothing: roles are not evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.kube.errors import ApiError, details
from sim.kube.httpd import Request
from sim.kube.rest import Target

ALWAYS_ALLOW = "AlwaysAllow"
PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/version"})
TRUSTED_GROUPS = frozenset({"system:masters", "system:nodes"})
TRUSTED_USERS = frozenset({"admin", "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy"})
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class User:
    """A request's sender."""

    name: str
    groups: frozenset[str] = frozenset()


ANONYMOUS = User("system:anonymous", frozenset({"system:unauthenticated"}))


def authenticate(request: Request, tokens: Mapping[str, str], mode: str) -> User:
    """The user of a request. Raises ApiError 401 for a bad token, and for no credentials where anonymous is off."""
    if request.certificate is not None:
        names = [pair for part in request.certificate.get("subject", ()) for pair in part]
        groups = frozenset(value for key, value in names if key == "organizationName")
        return User(next((value for key, value in names if key == "commonName"), ""), groups)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if token.strip() in tokens:
            return User(tokens[token.strip()], frozenset({"system:masters"}))
        raise ApiError(401, "Unauthorized")
    if mode == ALWAYS_ALLOW:
        raise ApiError(401, "Unauthorized")
    return ANONYMOUS


def authorize(user: User, request: Request, target: Target | None, mode: str) -> None:
    """Raise ApiError 403 when `user` may not; `target` is None for a path that names no resource."""
    trusted = user.name in TRUSTED_USERS or not user.groups.isdisjoint(TRUSTED_GROUPS)
    if mode == ALWAYS_ALLOW or trusted or request.path.rstrip("/") in PUBLIC_PATHS:
        return
    if target is None:
        raise ApiError(403, f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{request.path}"', details={})
    raise ApiError(403, _refusal(user, request, target), details=details(target.resource, target.name))


def _refusal(user: User, request: Request, target: Target) -> str:
    resource = target.resource
    name = f' "{target.name}"' if target.name else ""
    plural = f"{resource.plural}/{target.subresource}" if target.subresource else resource.plural
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    action = f'User "{user.name}" cannot {_verb(request, target)} resource "{plural}" in API group "{resource.group}" {scope}'
    return f"{resource.key}{name} is forbidden: {action}"


def _verb(request: Request, target: Target) -> str:
    if request.method == "DELETE":
        return "delete" if target.name else "deletecollection"
    if request.method in VERBS:
        return VERBS[request.method]
    return "get" if target.name else "watch" if request.flag("watch") else "list"
