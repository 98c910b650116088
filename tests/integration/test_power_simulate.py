"""`mko ups rules simulate` as a script uses it: no server, no data directory, one JSON object a line."""
import json
import os
import subprocess
import tempfile
import unittest

from support import MKO, ROOT


class Simulate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        with open(os.path.join(ROOT, "tests/power/scenarios.json"), encoding="utf-8") as source:
            cls.scenarios = {scenario["id"]: scenario for scenario in json.load(source)}

    def simulate(self, scenario, *options):
        trace, rules = os.path.join(self.folder, "trace.jsonl"), os.path.join(self.folder, "rules.json")
        with open(trace, "w", encoding="utf-8") as target:
            target.writelines(json.dumps(line) + "\n" for line in scenario["trace"])
        with open(rules, "w", encoding="utf-8") as target:
            json.dump(scenario["rules"], target)
        return subprocess.run([MKO, "ups", "rules", "simulate", "--trace", trace, "--rules", rules, *options], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "MKO_DATA_DIR": "/nonexistent/data"}, check=False)

    def test_prints_the_timeline_as_json_lines(self):
        for name in ("S03", "S16", "S36", "S43", "S58"):
            done = self.simulate(self.scenarios[name], "-o", "json")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], self.scenarios[name]["want"], name)

    def test_takes_other_limits(self):
        done = self.simulate(self.scenarios["S02"], "--config", "ob_confirm=0", "-o", "json")
        self.assertEqual(json.loads(done.stdout.splitlines()[0]), {"t": 10, "ups": "A", "event": "power_loss"})
        done = self.simulate(self.scenarios["S02"], "--config", "ob_confrim=0")
        self.assertEqual((done.returncode, "ob_confirm" in done.stderr), (2, True), done.stderr)

    def test_is_readable_for_people(self):
        done = self.simulate(self.scenarios["S04"])
        self.assertIn("R1           cancelled (restored)", done.stdout)

    def test_a_missing_file_is_told(self):
        done = subprocess.run([MKO, "ups", "rules", "simulate", "--trace", "/nonexistent", "--rules", "/nonexistent"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("/nonexistent", done.stderr)
