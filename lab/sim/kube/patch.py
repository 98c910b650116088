"""The patch formats of the API: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch."""

from __future__ import annotations

import copy
from typing import Any

# list field -> the key by which its elements are merged; other lists are replaced. The k8s types' `patchMergeKey` tags.
MERGE_KEYS: dict[str, str] = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "ownerReferences": "uid",
    "podIPs": "ip",
    "secrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
PORT_KEYS = ("containerPort", "port")
PRIMITIVE_SETS = frozenset({"finalizers", "podCIDRs"})


class BadPatch(ValueError):
    """The patch cannot be read or applied."""


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(target: Any, operations: list[dict[str, Any]]) -> Any:
    """RFC 6902. Raises BadPatch when a path is missing or a test fails."""
    document = copy.deepcopy(target)
    for step in operations:
        try:
            document = _operate(document, step)
        except (KeyError, IndexError, ValueError, TypeError) as problem:
            raise BadPatch(f"{step.get('op')} operation does not apply: {step.get('path')}: {problem}") from problem
    return document


def _operate(document: Any, step: dict[str, Any]) -> Any:
    operation, path = step["op"], _pointer(step["path"])
    if operation in ("move", "copy"):
        source = _pointer(step["from"])
        value = copy.deepcopy(_find(document, source))
        if operation == "move":
            document = _remove(document, source)
        return _add(document, path, value)
    if operation == "test":
        if _find(document, path) != step.get("value"):
            raise ValueError("test failed")
        return document
    if operation == "remove":
        return _remove(document, path)
    if operation == "replace":
        _find(document, path)
        return _add(_remove(document, path), path, step["value"]) if path else step["value"]
    if operation == "add":
        return _add(document, path, step["value"])
    raise ValueError("unknown operation")


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _find(document: Any, path: list[str]) -> Any:
    for step in path:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _remove(document: Any, path: list[str]) -> Any:
    parent = _find(document, path[:-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _find(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else int(last), value)
    else:
        parent[last] = value
    return document


def strategic_merge(target: Any, patch: Any) -> Any:
    """A strategic merge patch of an object: lists with a merge key are merged element by element, `$` directives are obeyed."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    if (keep := patch.get("$retainKeys")) is not None:
        result = {key: value for key, value in result.items() if key in keep}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = [item for item in result.get(field) or [] if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key) or [], value)
        else:
            result[key] = strategic_merge(result.get(key), value)
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            _set_order(result, key.partition("/")[2], order)
    return result


def _merge_key(field: str, elements: list[Any]) -> str | None:
    if field != "ports":
        return MERGE_KEYS.get(field)
    return next((key for key in PORT_KEYS if any(isinstance(e, dict) and key in e for e in elements)), None)


def _merge_list(field: str, current: list[Any], patch: list[Any]) -> list[Any]:
    if field in PRIMITIVE_SETS:
        return [*current, *(item for item in patch if item not in current)]
    merge_key = _merge_key(field, [*patch, *current])
    if merge_key is None or any(not isinstance(item, dict) for item in patch):
        return copy.deepcopy(patch)
    if any(item.get("$patch") == "replace" for item in patch):
        return [copy.deepcopy(item) for item in patch if "$patch" not in item]
    result = list(current)
    for item in patch:
        if merge_key not in item:
            raise BadPatch(f"map: {item} does not contain declared merge key: {merge_key}")
        index = next((i for i, old in enumerate(result) if old.get(merge_key) == item[merge_key]), None)
        if item.get("$patch") == "delete":
            if index is not None:
                del result[index]
        elif index is None:
            result.append(strategic_merge({}, item))
        else:
            result[index] = strategic_merge(result[index], item)
    return result


def _set_order(result: dict[str, Any], field: str, order: list[Any]) -> None:
    """Bring the elements of a merged list into the order that the patch asks for; others keep their place at the end."""
    items = result.get(field)
    if not isinstance(items, list):
        return
    merge_key = _merge_key(field, [*order, *items])
    wanted = [item.get(merge_key) if isinstance(item, dict) else item for item in order]

    def rank(item: Any) -> int:
        value = item.get(merge_key) if isinstance(item, dict) else item
        return wanted.index(value) if value in wanted else len(wanted)

    result[field] = sorted(items, key=rank)
