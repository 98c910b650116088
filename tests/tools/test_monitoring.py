"""The table of metrics, the guide and the dashboard agree."""
import json
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


def table():
    """{name: kind} of src/model/metric.c."""
    return dict(re.findall(r'\[METRIC_\w+\]\s*=\s*\{\s*"(\w+)",\s*(\w+)', read("src/model/metric.c")))


def queries():
    panels = json.loads(read("packaging/grafana/mko.json"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


class Monitoring(unittest.TestCase):
    def test_the_guide_names_each_metric_and_no_other(self):
        named = set(re.findall(r"^\| `(\w+)` \|", read("docs/guide/monitoring.md"), re.M))
        self.assertEqual(named, set(table()))

    def test_each_query_of_the_dashboard_names_metrics_that_exist(self):
        kinds = table()
        exist = {name for name, kind in kinds.items() if kind != "HISTOGRAM"}
        exist |= {name + end for name, kind in kinds.items() if kind == "HISTOGRAM" for end in ("_bucket", "_sum", "_count")}
        self.assertGreater(len(queries()), 20)
        for query in queries():
            names = re.findall(r"\b(?:mko|process)_\w+", query)
            self.assertTrue(names, query)
            self.assertEqual([name for name in names if name not in exist], [], query)

    def test_the_dashboard_shows_each_metric(self):
        shown = " ".join(queries())
        self.assertEqual([name for name in table() if name not in shown], [])


if __name__ == "__main__":
    unittest.main()
