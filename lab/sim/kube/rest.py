"""The verbs on objects: get, list, watch, create, update, patch, delete and the subresources.

Knows the API's rules (graceful deletion, finalizers, optimistic locking, disruption budgets); knows nothing of sockets or users.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim.kube import metrics, protobuf
from sim.kube.budgets import refuse_eviction
from sim.kube.defaults import admit, carry_over
from sim.kube.deletion import mark_deleted, pod_grace
from sim.kube.errors import ApiError, details, not_found_path
from sim.kube.httpd import JSON, Request, Response, json_response, text_response
from sim.kube.patch import BadPatch, json_patch, merge_patch, strategic_merge
from sim.kube.printers import table
from sim.kube.resources import RESOURCES, Resource
from sim.kube.selectors import BadSelector, selection
from sim.kube.store import AlreadyExists, Conflict, NotFound, Object, ObjectStore
from sim.kube.watch import Watch

PATCHES: dict[str, Callable[[Object, Any], Object]] = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge,
    "application/apply-patch+yaml": merge_patch,
}
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Target:
    """What a path names: a resource, in a namespace ("" = none given), maybe one object of it, maybe a subresource."""

    resource: Resource
    namespace: str
    name: str = ""
    subresource: str = ""


class _DryRun(Exception):
    """Leaves a transaction without writing; carries the object that would have been written."""

    def __init__(self, obj: Object):
        super().__init__()
        self.object = obj


class RestApi:
    """`handle` answers one request on objects. Raises ApiError and StoreError, which the caller turns into Status bodies."""

    def __init__(self, store: ObjectStore, faults: Any, has_quorum: Callable[[], bool]):
        self._store, self._faults, self._has_quorum = store, faults, has_quorum

    def handle(self, request: Request, target: Target) -> Response:
        if target.resource.group == "metrics.k8s.io":
            metrics.require(self._store)
            return self._show(request, metrics.read(self._store, target.resource, target.namespace, target.name), target)
        if target.resource.kind == "SelfSubjectAccessReview":
            return json_response({**_body(request), "status": {"allowed": True}}, 201)
        if target.subresource and target.subresource not in (sub.name for sub in target.resource.subresources):
            raise not_found_path()
        handler = self._HANDLERS.get((request.method, "" if target.subresource == "status" else target.subresource))
        if handler is None or (not target.name and request.method in ("PUT", "PATCH")):
            raise ApiError(405, "the server does not allow this method on the requested resource", details={})
        return handler(self, request, target)

    # Reading

    def _get(self, request: Request, target: Target) -> Response:
        if target.name:
            return self._show(request, self._object(target), target)
        if request.flag("watch"):
            return self._watch(request, target)
        return self._list(request, target)

    def _object(self, target: Target) -> Object:
        obj = self._store.get(target.resource.key, target.name, target.namespace)
        if obj is None:
            raise NotFound(target.resource.key, target.name)
        return obj

    def _list(self, request: Request, target: Target) -> Response:
        objects, revision = self._store.snapshot(target.resource.key, target.namespace or None)
        keep = _selection(request, target.resource)
        objects, more = _page([obj for obj in objects if keep(obj)], request)
        meta = {"resourceVersion": str(revision), **more}
        form = accepted_form(request)
        if form == "Table":
            include = request.query.get("includeObject", "Metadata")
            return json_response(table(target.resource, objects, meta, include))
        if form:
            items = [_partial(obj) for obj in objects]
            kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
        else:
            items = [{key: value for key, value in obj.items() if key not in ("kind", "apiVersion")} for obj in objects]
            kind, version = target.resource.kind + "List", target.resource.api_version
        return json_response({"kind": kind, "apiVersion": version, "metadata": meta, "items": items})

    def _watch(self, request: Request, target: Target) -> Response:
        form = accepted_form(request)
        headers = itertools.chain((True,), itertools.repeat(False))

        def show(obj: Object) -> Object:
            if form == "Table":
                include = request.query.get("includeObject", "Metadata")
                meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
                return table(target.resource, [obj], meta, include, next(headers))
            return _partial(obj) if form else obj

        keep = _selection(request, target.resource)
        watch = Watch(self._store, target.resource, target.namespace, keep, show, request, self._has_quorum)
        return Response(200, stream=watch.run)

    def _show(self, request: Request, obj: Object, target: Target, code: int = 200) -> Response:
        """One object in the form that the client asked for."""
        form = accepted_form(request)
        if form == "Table" and request.method == "GET":
            meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            return json_response(table(target.resource, [obj], meta, request.query.get("includeObject", "Metadata")))
        return json_response(_partial(obj) if form and form != "Table" else obj, code)

    def _log(self, request: Request, target: Target) -> Response:
        pod = self._object(target)
        if not pod["spec"].get("nodeName"):
            raise ApiError(400, f'pod "{target.name}" does not have a host assigned')
        container = request.query.get("container") or pod["spec"]["containers"][0]["name"]
        started = (pod.get("status") or {}).get("startTime", "")
        return text_response(f"{started} {target.name}/{container}: started\n" if started else "")

    def _get_scale(self, request: Request, target: Target) -> Response:
        return json_response(_scale(self._object(target)))

    # Writing

    def _create(self, request: Request, target: Target) -> Response:
        if target.name:
            raise ApiError(405, "the server does not allow this method on the requested resource", details={})
        obj = self._new_object(_body(request), target)
        created = obj if _dry(request) else self._store.create(target.resource.key, obj)
        return self._show(request, created, target, 201)

    def _new_object(self, obj: Object, target: Target) -> Object:
        """A body made ready to be stored: names and namespace checked, defaults filled in."""
        resource, meta = target.resource, obj.setdefault("metadata", {})
        obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
        for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "deletionTimestamp", "selfLink"):
            meta.pop(key, None)
        if resource.namespaced:
            self._check_namespace(meta, target)
        else:
            meta.pop("namespace", None)
        admit(resource, obj, self._store)
        return obj

    def _check_namespace(self, meta: Object, target: Target) -> None:
        namespace = target.namespace or "default"
        if meta.setdefault("namespace", namespace) != namespace:
            raise ApiError(400, "the namespace of the provided object does not match the namespace sent on the request")
        home = self._store.get("namespaces", namespace)
        if home is None:
            raise NotFound("namespaces", namespace)
        if home["metadata"].get("deletionTimestamp"):
            reason = f"unable to create new content in namespace {namespace} because it is being terminated"
            text = f'{target.resource.key} "{meta.get("name", "")}" is forbidden: {reason}'
            raise ApiError(403, text, details=details(target.resource, meta.get("name", "")))

    def _update(self, request: Request, target: Target) -> Response:
        body = _body(request)

        def replace(current: Object) -> Object:
            expected = body.get("metadata", {}).get("resourceVersion")
            if expected and expected != current["metadata"]["resourceVersion"]:
                raise Conflict(target.resource.key, target.name, "the object has been modified")
            if body.get("metadata", {}).get("name") != target.name:
                raise ApiError(400, f"the name of the object does not match the name on the URL ({target.name})")
            return copy.deepcopy(body)

        return self._show(request, self._change(request, target, replace), target)

    def _patch(self, request: Request, target: Target) -> Response:
        kind = request.headers.get("Content-Type", "").split(";")[0].strip()
        operation, patch = PATCHES.get(kind), _body(request)
        if operation is None:
            known = ", ".join(PATCHES)
            raise ApiError(415, f"the body of the request was in an unknown format - accepted media types include: {known}")

        def change(current: Object) -> Object:
            try:
                patched = operation(current, patch)
            except BadPatch as problem:
                raise ApiError(422, f"the server rejected our request due to an error in our request: {problem}") from problem
            wanted = patched.get("metadata", {}).get("resourceVersion")
            if wanted and wanted != current["metadata"]["resourceVersion"]:
                raise Conflict(target.resource.key, target.name, "the object has been modified")
            return patched

        try:
            return self._show(request, self._change(request, target, change), target)
        except NotFound:
            if kind != APPLY:
                raise
        return self._apply_new(request, target, patch)

    def _apply_new(self, request: Request, target: Target, body: Object) -> Response:
        """Server-side apply of an object that is not there yet."""
        obj = self._new_object(body, target)
        try:
            created = obj if _dry(request) else self._store.create(target.resource.key, obj)
        except AlreadyExists as problem:
            raise Conflict(target.resource.key, target.name, "the object has been modified") from problem
        return self._show(request, created, target, 201)

    def _change(self, request: Request, target: Target, change: Callable[[Object], Object]) -> Object:
        """Apply `change` within the API's rules and store it; removes the object when its last finalizer went."""

        def guarded(current: Object) -> Object:
            before = copy.deepcopy(current)
            after = change(current)
            carry_over(target.resource, before, after, target.subresource)
            if _dry(request):
                raise _DryRun(after)
            return after

        try:
            obj = self._store.patch(target.resource.key, target.name, guarded, target.namespace)
        except _DryRun as dry:
            return dry.object
        self._remove_when_released(target.resource, obj)
        return obj

    def _remove_when_released(self, resource: Resource, obj: Object) -> None:
        meta = obj["metadata"]
        waits_for_others = resource.key in ("pods", "namespaces")
        if meta.get("deletionTimestamp") and not meta.get("finalizers") and not waits_for_others:
            self._store.delete(resource.key, meta["name"], meta.get("namespace", ""), meta["uid"])

    def _set_scale(self, request: Request, target: Target) -> Response:
        """PUT or PATCH of `/scale`: only spec.replicas matters."""
        body = _body(request)

        def change(obj: Object) -> Object:
            obj["spec"]["replicas"] = (body.get("spec") or {}).get("replicas", obj["spec"]["replicas"])
            return obj

        main = Target(target.resource, target.namespace, target.name)
        return json_response(_scale(self._change(request, main, change)))

    def _bind(self, request: Request, target: Target) -> Response:
        node = _body(request)["target"]["name"]

        def change(pod: Object) -> Object:
            if pod["spec"].get("nodeName"):
                raise Conflict("pods", target.name, f"pod {target.name} is already assigned to node \"{pod['spec']['nodeName']}\"")
            pod["spec"]["nodeName"] = node
            return pod

        self._store.patch("pods", target.name, change, target.namespace)
        return json_response(_success(), 201)

    # Deleting

    def _delete(self, request: Request, target: Target) -> Response:
        options = _body(request) if request.body else {}
        if target.name:
            return json_response(self._remove(request, target, options))
        keep = _selection(request, target.resource)
        for obj in self._store.list(target.resource.key, target.namespace or None):
            if keep(obj):
                meta = obj["metadata"]
                self._remove(request, Target(target.resource, meta.get("namespace", ""), meta["name"]), options)
        return json_response(_success())

    def _remove(self, request: Request, target: Target, options: Object) -> Object:
        """Delete one object, at once or by marking it; the answer's body."""
        obj, resource = self._object(target), target.resource
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != obj["metadata"]["uid"]:
            problem = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {obj['metadata']['uid']}"
            raise Conflict(resource.key, target.name, problem)
        if _dry(request) or "All" in (options.get("dryRun") or ()):
            return obj
        policy = options.get("propagationPolicy") or request.query.get("propagationPolicy")
        if policy == "Orphan":
            self._orphan_dependents(obj)
        grace = options.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
        if resource.key == "namespaces":
            return mark_deleted(self._store, resource.key, target.name, target.namespace, 0)
        if resource.key == "pods" and (seconds := pod_grace(obj, grace)) > 0:
            return mark_deleted(self._store, "pods", target.name, target.namespace, seconds)
        if obj["metadata"].get("finalizers"):
            return mark_deleted(self._store, resource.key, target.name, target.namespace, 0)
        self._store.delete(resource.key, target.name, target.namespace, obj["metadata"]["uid"])
        return {**_success(), "details": details(resource, target.name, uid=obj["metadata"]["uid"])}

    def _orphan_dependents(self, owner: Object) -> None:
        uid, namespace = owner["metadata"]["uid"], owner["metadata"].get("namespace", "")

        def disown(obj: Object) -> None:
            obj["metadata"]["ownerReferences"] = [r for r in obj["metadata"]["ownerReferences"] if r["uid"] != uid]

        for resource in RESOURCES:
            for obj in self._store.list(resource.key, namespace):
                if any(r["uid"] == uid for r in obj["metadata"].get("ownerReferences") or ()):
                    self._store.patch(resource.key, obj["metadata"]["name"], disown, namespace)

    def _evict(self, request: Request, target: Target) -> Response:
        body = _body(request)
        options = body.get("deleteOptions") or {}
        pod = self._object(target)
        refuse_eviction(self._store, pod, self._faults)
        self._remove(request, target, options)
        return json_response(_success(), 201)

    _HANDLERS: dict[tuple[str, str], Callable[[RestApi, Request, Target], Response]] = {
        ("GET", ""): _get,
        ("HEAD", ""): _get,
        ("POST", ""): _create,
        ("PUT", ""): _update,
        ("PATCH", ""): _patch,
        ("DELETE", ""): _delete,
        ("GET", "scale"): _get_scale,
        ("PUT", "scale"): _set_scale,
        ("PATCH", "scale"): _set_scale,
        ("POST", "binding"): _bind,
        ("POST", "eviction"): _evict,
        ("GET", "log"): _log,
        ("PUT", "finalize"): _update,
    }


# Requests


def accepted_form(request: Request) -> str:
    """What the Accept header wants: "Table", "PartialObjectMetadata..." or "" for plain JSON. Raises ApiError 406."""
    ranges = request.headers.get("Accept") or JSON
    for media in ranges.split(","):
        kind, *parameters = (part.strip() for part in media.split(";"))
        values = dict(parameter.partition("=")[::2] for parameter in parameters)
        if kind in (JSON, "*/*", "application/*"):
            return values.get("as", "")
    raise ApiError(406, f"only the following media types are accepted: {JSON}")


def _body(request: Request) -> Any:
    kind = request.headers.get("Content-Type", JSON).split(";")[0].strip()
    if kind not in (JSON, protobuf.CONTENT_TYPE, *PATCHES):
        raise ApiError(415, f"the body of the request was in an unknown format - accepted media types include: {JSON}")
    try:
        return protobuf.decode(request.body) if kind == protobuf.CONTENT_TYPE else json.loads(request.body)
    except ValueError as problem:
        raise ApiError(400, f"the object provided is unrecognized (must be of type JSON or a known protobuf): {problem}") from problem


def _dry(request: Request) -> bool:
    return request.query.get("dryRun") == "All"


def _selection(request: Request, resource: Resource) -> Callable[[Object], bool]:
    query = request.query
    try:
        return selection(query.get("labelSelector", ""), query.get("fieldSelector", ""), resource.key)
    except BadSelector as problem:
        raise ApiError(400, str(problem)) from problem


def _page(objects: list[Object], request: Request) -> tuple[list[Object], dict[str, Any]]:
    """Cut a list by `limit` and `continue`; the token is the number of objects already sent."""
    try:
        limit = int(request.query.get("limit") or 0)
        start = int(base64.urlsafe_b64decode(request.query.get("continue", "")) or 0)
    except ValueError as problem:
        raise ApiError(400, "continue key is not valid") from problem
    end = start + limit if limit else len(objects)
    if end >= len(objects):
        return objects[start:], {}
    token = base64.urlsafe_b64encode(str(end).encode()).decode()
    return objects[start:end], {"continue": token, "remainingItemCount": len(objects) - end}


# Bodies


def _partial(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _success() -> Object:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


def _scale(obj: Object) -> Object:
    meta = {key: obj["metadata"].get(key) for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    labels = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    status = {
        "replicas": (obj.get("status") or {}).get("replicas", 0),
        "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
    }
    spec = {"replicas": obj["spec"].get("replicas", 0)}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}
