"""GET /metrics: what Prometheus reads is well-formed, and true."""
import re
import unittest

from api_support import ServerCase

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


def parse(text):
    """The samples as {name: {labels: value}}; anything that the format forbids is an error."""
    assert text.endswith("\n"), "the last line must end"
    samples, types, helped, family = {}, {}, set(), None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert family not in helped, f"{family}: HELP twice"
            helped.add(family)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and name not in types, f"{name}: TYPE must follow its HELP, once"
            assert kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
        else:
            found = SAMPLE.fullmatch(line)
            assert found, f"not a sample: {line!r}"
            name, labels, value = found.groups()
            own = re.sub("_(bucket|sum|count)$", "", name) if types[family] == "histogram" else name
            assert own == family, f"{name} stands below {family}"
            key = tuple(sorted(LABEL.findall(labels or "")))
            assert key not in samples.setdefault(name, {}), f"twice: {line}"
            assert value != "NaN" and (types[family] == "gauge" or float(value) >= 0), line
            samples[name][key] = float(value)
    assert set(types) == helped
    for name in (name for name, kind in types.items() if kind == "histogram"):
        check_histogram(name, samples)
    return samples


def check_histogram(name, samples):
    series = {}
    for key, value in samples.get(name + "_bucket", {}).items():
        bound = float(dict(key)["le"])
        series.setdefault(tuple(pair for pair in key if pair[0] != "le"), []).append((bound, value))
    for key, buckets in series.items():
        buckets.sort()
        assert [count for _, count in buckets] == sorted(count for _, count in buckets), f"{name}: not cumulative"
        assert buckets[-1] == (float("inf"), samples[name + "_count"][key]), name
        assert key in samples[name + "_sum"], name


class Metrics(ServerCase):
    def scrape(self):
        answer = self.http("GET", "/metrics", role="viewer")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return parse(answer.body.decode())

    def test_what_happened_is_counted(self):
        self.add_node(1)
        for _ in range(3):
            self.http("GET", "/api/nodes/n1")
        self.http("GET", "/api/nodes/nobody")
        self.http("GET", "/no/such/route")
        self.http("BREW", "/api/nodes/n1")
        self.http("POST", "/api/login", {"name": "nobody", "password": "wrong"}, role=None)
        stream = self.stream("/api/events")
        stream.line()
        found = self.scrape()
        stream.close()

        def requests(**labels):
            return found["mko_http_requests_total"].get(tuple(sorted(labels.items())), 0)
        self.assertEqual(requests(method="GET", route="/api/nodes/{id}", status="200"), 3)
        self.assertEqual(requests(method="GET", route="/api/nodes/{id}", status="404"), 1)
        self.assertEqual(requests(method="POST", route="/api/nodes", status="201"), 1)
        self.assertEqual(requests(method="any", route="none", status="404"), 1)
        self.assertEqual(found["mko_http_request_duration_seconds_count"][(("method", "GET"), ("route", "/api/nodes/{id}"))], 4)
        self.assertEqual(found["mko_stream_clients"][()], 1)
        self.assertEqual(found["mko_nodes"][(("status", "unknown"),)], 1)
        self.assertEqual(found["mko_logins_total"][(("result", "failed"),)], 1)
        self.assertGreater(found["mko_store_duration_seconds_count"][(("call", "commit"),)], 0)
        self.assertGreater(found["process_resident_memory_bytes"][()], 1 << 20)
        self.assertGreater(found["process_open_fds"][()], 5)
        self.assertGreater(found["process_start_time_seconds"][()], 1.6e9)
        (build,) = found["mko_build_info"]
        self.assertEqual(dict(build)["version"], self.local("GET", "/api/version").json["version"])

    def test_it_needs_a_token_as_any_route(self):
        self.problem(self.http("GET", "/metrics", role=None), 401)
        self.assertEqual(self.local("GET", "/metrics").status, 200)


if __name__ == "__main__":
    unittest.main()
