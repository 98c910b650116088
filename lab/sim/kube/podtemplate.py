"""Pods from templates: names, owner references and the hash by which controllers know their templates again."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from sim.kube.defaults import NAME_ALPHABET, admit, suffix
from sim.kube.resources import BY_KEY, of_object
from sim.kube.store import Object, ObjectStore


def template_hash(template: Object, length: int = 10) -> str:
    """A short text that is equal for equal templates, in the alphabet of generated names."""
    digest = int.from_bytes(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()[:8], "big")
    letters = ""
    for _ in range(length):
        digest, rest = divmod(digest, len(NAME_ALPHABET))
        letters += NAME_ALPHABET[rest]
    return letters


def owner_reference(owner: Object) -> Object:
    """What a controlled object says of its controller."""
    return {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def controller_uid(obj: Object) -> str:
    """The uid of the controlling owner, or ""."""
    return next((r["uid"] for r in obj["metadata"].get("ownerReferences") or () if r.get("controller")), "")


def create_pod(store: ObjectStore, owner: Object, name: str = "", labels: Object | None = None, **spec: Any) -> Object:
    """A pod from `owner`'s template. `name` "" = the owner's name and a random ending; `spec` replaces fields of the pod spec."""
    template = copy.deepcopy(owner["spec"]["template"])
    meta = {key: value for key, value in template.get("metadata", {}).items() if key in ("labels", "annotations")}
    meta["labels"] = {**(meta.get("labels") or {}), **(labels or {})}
    meta["name"] = name or f"{owner['metadata']['name']}-{suffix()}"
    if not name:
        meta["generateName"] = owner["metadata"]["name"] + "-"
    meta["namespace"] = owner["metadata"]["namespace"]
    meta["ownerReferences"] = [owner_reference(owner)]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**template["spec"], **spec}}
    admit(BY_KEY["pods"], pod, store)
    return store.create("pods", pod)


def new_object(store: ObjectStore, obj: Object) -> Object:
    """Create an object the way the API server would: with its defaults."""
    resource = of_object(obj)
    obj = copy.deepcopy(obj)
    admit(resource, obj, store)
    return store.create(resource.key, obj)
