"""The pure parts of the simulated API: patches, selectors, durations, taints, tables, protobuf bodies."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))
from sim.kube import clock, printers, protobuf, taints  # noqa: E402
from sim.kube.budgets import budget_status  # noqa: E402
from sim.kube.patch import BadPatch, json_patch, merge_patch, strategic_merge  # noqa: E402
from sim.kube.resources import BY_KEY  # noqa: E402
from sim.kube.selectors import BadSelector, field_selector, label_selector, matches  # noqa: E402

TWO = [{"name": "a", "image": "1", "ports": [{"containerPort": 80}]}, {"name": "b", "image": "2"}]

# name, target, patch, result
STRATEGIC = (
    ("scalar", {"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
    ("null_removes", {"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ("containers_by_name", {"containers": TWO}, {"containers": [{"name": "b", "image": "3"}]},
     {"containers": [TWO[0], {"name": "b", "image": "3"}]}),
    ("containers_delete", {"containers": TWO}, {"containers": [{"name": "a", "$patch": "delete"}]}, {"containers": [TWO[1]]}),
    ("order", {"containers": TWO}, {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}, {"containers": TWO[::-1]}),
    ("taints_replace", {"taints": [{"key": "a"}]}, {"taints": [{"key": "b"}]}, {"taints": [{"key": "b"}]}),
    ("conditions_by_type", {"conditions": [{"type": "Ready", "status": "True"}, {"type": "X"}]},
     {"conditions": [{"type": "Ready", "status": "False"}]},
     {"conditions": [{"type": "Ready", "status": "False"}, {"type": "X"}]}),
    ("service_ports_by_port", {"ports": [{"port": 80, "nodePort": 1}]}, {"ports": [{"port": 80, "name": "x"}]},
     {"ports": [{"port": 80, "nodePort": 1, "name": "x"}]}),
    ("finalizers_add", {"finalizers": ["a"]}, {"finalizers": ["b"]}, {"finalizers": ["a", "b"]}),
    ("finalizers_delete", {"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
    ("replace_map", {"m": {"a": 1}}, {"m": {"$patch": "replace", "b": 2}}, {"m": {"b": 2}}),
    ("retain_keys", {"s": {"type": "x", "rolling": 1}}, {"s": {"$retainKeys": ["type"], "type": "y"}}, {"s": {"type": "y"}}),
)  # fmt: skip
JSON_PATCHES = (
    ("add", {"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
    ("append", {"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
    ("escaped", {"x/y": {"~": 1}}, [{"op": "remove", "path": "/x~1y/~0"}], {"x/y": {}}),
    ("replace", {"a": 1}, [{"op": "replace", "path": "/a", "value": 2}], {"a": 2}),
    ("move", {"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}),
    ("copy", {"a": 1}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": 1, "b": 1}),
    ("test", {"a": 1}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1}),
)
BAD_JSON_PATCHES = (
    [{"op": "remove", "path": "/nope"}],
    [{"op": "replace", "path": "/nope", "value": 1}],
    [{"op": "test", "path": "/a", "value": 2}],
    [{"op": "frob", "path": "/a"}],
)
LABELS = {"app": "web", "tier": "front"}
LABEL_SELECTORS = (
    ("", True), ("app=web", True), ("app==web", True), ("app!=web", False), ("app=web,tier=back", False), ("app", True),
    ("!app", False), ("!other", True), ("app in (a, web)", True), ("app notin (a,b),tier", True), ("other notin (a)", True),
)  # fmt: skip
POD = {"metadata": {"name": "p", "namespace": "d"}, "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}}
FIELD_SELECTORS = (
    ("metadata.name=p", True), ("metadata.name!=p", False), ("spec.nodeName=n1,status.phase!=Failed", True),
    ("status.phase=Pending", False), ("metadata.namespace=d", True),
)  # fmt: skip
DURATIONS = (
    (0, "0s"), (119, "119s"), (120, "2m"), (192, "3m12s"), (600, "10m"), (3540, "59m"), (10800, "3h"), (18420, "5h7m"), (28800, "8h"),
    (172799, "47h"), (187200, "2d4h"), (691200, "8d"), (86400 * 731, "2y1d"),
)  # fmt: skip
def field(number: int, value: bytes) -> bytes:
    """A length-delimited protobuf field of less than 128 bytes."""
    return bytes((number << 3 | 2, len(value))) + value


def envelope(kind: bytes, raw: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, b"policy/v1") + field(2, kind)) + field(2, raw) + field(3, b"") + field(4, b"")


# `kubectl drain` of 1.32: an Eviction with a grace period; Go writes plain fields also when they are empty
EMPTY_META = b"\x12\x00\x22\x00\x2a\x00\x32\x00\x38\x00\x42\x00"
EVICTION = envelope(b"Eviction", field(1, field(1, b"web-1") + field(3, b"default") + EMPTY_META) + field(2, b"\x08\x1e"))


class Patches(unittest.TestCase):
    def test_strategic(self):
        for name, target, patch, result in STRATEGIC:
            with self.subTest(name):
                self.assertEqual(strategic_merge(target, patch), result)

    def test_strategic_without_merge_key(self):
        with self.assertRaises(BadPatch):
            strategic_merge({"containers": TWO}, {"containers": [{"image": "x"}]})

    def test_json(self):
        for name, target, patch, result in JSON_PATCHES:
            with self.subTest(name):
                self.assertEqual(json_patch(target, patch), result)

    def test_json_that_does_not_apply(self):
        for patch in BAD_JSON_PATCHES:
            with self.subTest(patch), self.assertRaises(BadPatch):
                json_patch({"a": 1}, patch)

    def test_merge(self):
        self.assertEqual(merge_patch({"a": {"b": 1, "c": 2}, "l": [1]}, {"a": {"b": None}, "l": [2]}), {"a": {"c": 2}, "l": [2]})


class Selectors(unittest.TestCase):
    def test_labels(self):
        for text, expected in LABEL_SELECTORS:
            with self.subTest(text):
                self.assertIs(label_selector(text)({"metadata": {"labels": LABELS}}), expected)

    def test_fields(self):
        for text, expected in FIELD_SELECTORS:
            with self.subTest(text):
                self.assertIs(field_selector(text, "pods")(POD), expected)

    def test_bad_ones_are_refused(self):
        for make in (lambda: label_selector("a=b=c=("), lambda: field_selector("spec.nope=1", "pods"), lambda: field_selector("x", "pods")):
            with self.assertRaises(BadSelector):
                make()

    def test_objects(self):
        rule = {"key": "app", "operator": "In", "values": ["web"]}
        self.assertTrue(matches({"matchLabels": {"tier": "front"}, "matchExpressions": [rule]}, LABELS))
        self.assertTrue(matches({}, LABELS))
        self.assertFalse(matches({"matchLabels": {"tier": "back"}}, LABELS))


class Words(unittest.TestCase):
    def test_durations(self):
        for seconds, text in DURATIONS:
            with self.subTest(seconds):
                self.assertEqual(clock.human_duration(seconds), text)

    def test_timestamps_round_trip(self):
        self.assertEqual(clock.parse(clock.timestamp(1700000000)), 1700000000)
        self.assertAlmostEqual(clock.parse(clock.micro_timestamp(1700000000.25)), 1700000000.25)
        self.assertEqual(clock.parse(None), 0.0)

    def test_every_table_has_as_many_cells_as_columns(self):
        for key, (names, cells) in printers.COLUMNS.items():
            obj = {"metadata": {"name": "x", "namespace": "d"}, "spec": {}, "status": {}}
            with self.subTest(key):
                self.assertIn(key, BY_KEY)
                self.assertEqual(len(cells(obj)), len(names.split("|")))

    def test_tolerations(self):
        taint = {"key": "k", "value": "v", "effect": "NoExecute"}
        cases = (
            ({"operator": "Exists"}, True),
            ({"key": "k", "operator": "Exists"}, True),
            ({"key": "k", "value": "v"}, True),
            ({"key": "k", "value": "w"}, False),
            ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, False),
        )
        for toleration, expected in cases:
            with self.subTest(toleration):
                self.assertIs(taints.tolerates(toleration, taint), expected)

    def test_budgets(self):
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        pods = [{"metadata": {"labels": {"a": "b"}}, "status": ready} for _ in range(4)]
        for spec, allowed in (({"minAvailable": 3}, 1), ({"minAvailable": "50%"}, 2), ({"maxUnavailable": 1}, 1), ({"minAvailable": 9}, 0)):
            with self.subTest(spec):
                budget = {"spec": {**spec, "selector": {"matchLabels": {"a": "b"}}}}
                self.assertEqual(budget_status(budget, pods)["disruptionsAllowed"], allowed)


class Protobuf(unittest.TestCase):
    def test_eviction(self):
        self.assertEqual(protobuf.decode(EVICTION), {
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web-1", "namespace": "default"},
            "deleteOptions": {"gracePeriodSeconds": 30},
        })  # fmt: skip

    def test_what_is_not_in_the_table_is_refused(self):
        unknown_field = envelope(b"Eviction", field(9, b"x"))
        for body in (b"{}", envelope(b"Frob", b""), unknown_field, EVICTION[:20], b"k8s\x00"):
            with self.subTest(body), self.assertRaises(protobuf.BadBody):
                protobuf.decode(body)


if __name__ == "__main__":
    unittest.main()
