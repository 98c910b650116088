"""API errors as metav1.Status bodies, in the words of the real API server (kubectl prints them)."""

from __future__ import annotations

from typing import Any

from sim.kube import store
from sim.kube.resources import BY_KEY, Resource

# code -> reason
REASONS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 406: "NotAcceptable",
    409: "Conflict", 410: "Expired", 415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests",
    503: "ServiceUnavailable",
}  # fmt: skip


class ApiError(Exception):
    """An answer other than success; `reason` None = the usual one of the code."""

    def __init__(self, code: int, message: str, reason: str | None = None, details: dict[str, Any] | None = None):
        super().__init__(message)
        self.code, self.message, self.details = code, message, details
        self.reason = REASONS.get(code, "") if reason is None else reason

    def status(self) -> dict[str, Any]:
        """The Status object."""
        body: dict[str, Any] = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
        }  # fmt: skip
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return {**body, "code": self.code}


def details(resource: Resource, name: str = "", **more: Any) -> dict[str, Any]:
    """`status.details` about an object."""
    body = {"name": name, "group": resource.group, "kind": resource.plural, **more}
    return {key: value for key, value in body.items() if value not in ("", None)}


def from_store(problem: store.StoreError) -> ApiError:
    """A refusal of the object store as the API words it."""
    resource = BY_KEY[problem.resource]
    about = details(resource, problem.name)
    named = f'{resource.key} "{problem.name}"'
    if isinstance(problem, store.NotFound):
        return ApiError(404, f"{named} not found", details=about)
    if isinstance(problem, store.AlreadyExists):
        return ApiError(409, f"{named} already exists", "AlreadyExists", about)
    if isinstance(problem, store.Gone):
        return ApiError(410, problem.detail)
    advice = "; please apply your changes to the latest version and try again" if "modified" in problem.detail else ""
    return ApiError(409, f"Operation cannot be fulfilled on {named}: {problem.detail}{advice}", details=about)


def not_found_path() -> ApiError:
    """An API path that does not exist."""
    return ApiError(404, "the server could not find the requested resource", details={})


def no_quorum() -> ApiError:
    """What the storage layer says while dqlite has no leader."""
    return ApiError(500, "rpc error: code = Unknown desc = no available dqlite leader server found", "")
