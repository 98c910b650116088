"""The YAML subset of simulated nodes reads what playbooks and people write, and refuses the rest."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

from sim import launcher, yaml_lite  # noqa: E402

CONFIG = """---
version: 0.2.0   # comment
addons:
  - name: dns
    args: [10.0.0.1, "b c"]
  - name: rbac
    disable: true
extraKubeletArgs:
  --cluster-domain: cluster.local
  --x: null
extraSANs:
- 10.10.10.10
containerdRegistryConfigs:
  docker.io: |
    [host."http://proxy:5000"]
    capabilities = ["pull", "resolve"]
"""


class YamlTest(unittest.TestCase):
    def test_launch_configuration(self):
        value = launcher.parse(CONFIG)
        self.assertEqual(value["addons"][0], {"name": "dns", "args": ["10.0.0.1", "b c"]})
        self.assertEqual(value["addons"][1], {"name": "rbac", "disable": True})
        self.assertEqual(value["extraKubeletArgs"], {"--cluster-domain": "cluster.local", "--x": None})
        self.assertEqual(value["extraSANs"], ["10.10.10.10"])
        self.assertEqual(value["containerdRegistryConfigs"]["docker.io"],
                         '[host."http://proxy:5000"]\ncapabilities = ["pull", "resolve"]\n')

    def test_what_is_dumped_is_read_again(self):
        value = {"a": [{"b": "x: y", "c": None}, {"d": [1, True, "true", "1"]}], "e": {}, "f": "", "g": "line\nline\n"}
        self.assertEqual(yaml_lite.load(yaml_lite.dump(value)), value)

    def test_json_is_yaml(self):
        value = {"version": "0.1.0", "addons": [{"name": "dns", "args": []}], "n": 1.5}
        self.assertEqual(yaml_lite.load(json.dumps(value, indent=2)), value)

    def test_bad_text_is_refused(self):
        for text in ("a: b: c", "a:\n  - b\n c: d", "a: [1, 2", "\ta: 1", "a: 1\na: 2", "a: &x 1", "a: 1\n---\nb: 2", 'a: "x'):
            with self.subTest(text), self.assertRaises(yaml_lite.YamlError):
                yaml_lite.load(text)

    def test_bad_launch_configurations(self):
        for text in ("[]", "version: 9.0.0", "addons: []", "version: 0.1.0\nunknown: 1", "version: 0.1.0\naddons:\n- args: []\n"):
            with self.subTest(text), self.assertRaises(launcher.ConfigError):
                launcher.parse(text)


if __name__ == "__main__":
    unittest.main()
