"""The API against its own description: a foreign validator takes it, its types compile, and a client made from it
exercises every route of the real program."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from api_support import ServerCase  # noqa: E402
from support import MKO, ROOT, wait_until  # noqa: E402

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV"


def node_tools():
    """The node program and the folder with the tools; a machine without npm skips these tests."""
    done = subprocess.run([os.path.join(ROOT, "tools/dev/npm.sh"), os.path.join(ROOT, "tests/openapi")], capture_output=True, text=True)
    if done.returncode == 3:
        raise unittest.SkipTest(done.stderr.strip())
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout.split("\n")[:2]


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node, cls.folder = node_tools()
        cls.document = os.path.join(cls.folder, "openapi.json")
        with open(cls.document, "w", encoding="utf-8") as out:
            subprocess.run([MKO, "spec", "openapi"], stdout=out, check=True)

    def run_tool(self, script, *args):
        done = subprocess.run([self.node, os.path.join(self.folder, script), *args], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_foreign_validator_accepts_it(self):
        self.run_tool("validate.mjs", self.document)

    def test_the_validator_can_refuse(self):
        with open(self.document, encoding="utf-8") as text:
            broken = json.load(text)
        broken["paths"]["/api/nodes/{id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {"$ref": "#/nowhere"}
        path = os.path.join(self.folder, "broken.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(broken, out)
        done = subprocess.run([self.node, os.path.join(self.folder, "validate.mjs"), path], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no-unresolved-refs", done.stdout)

    def test_types_made_from_it_compile_strictly(self):
        self.run_tool("types.mjs", self.document)


class Contract(ServerCase):
    # What has no object to act on in a fresh store, and what it answers then.
    expected = {
        "get /api/clusters/{id}/kubeconfig": 404,  # never set up
        "post /api/clusters/{id}/restore": 404,    # there is no backup
        "get /api/operations/{id}/findings": 404,  # it was no check
        "get /api/setup-code": 409,                # set up already
        "post /api/setup": 409,
        "post /api/logout": 409,                   # a token is no session
        "post /api/operations/{id}/cancel": 409,   # it has ended
        "post /api/operations/{id}/retry": 409,    # it succeeded
        "post /api/operations/{id}/approve": 409,  # it waits for nothing
        "post /api/ups/services/restart": 503,     # see fixture
        "post /api/ups/configure": 404,            # there is no UPS on USB
    }

    def fixture(self):
        """One object of each kind, and an operation that succeeded."""
        self.local("POST", "/api/setup", {"name": "admin", "password": "correct horse battery"})
        cluster = self.http("POST", "/api/clusters", {"name": "prod"}).json["id"]
        self.http("POST", "/api/nodes", {"hostname": "n1", "ip_address": "10.76.0.1", "cluster_id": cluster})
        self.http("POST", "/api/nodes", {"hostname": "n2", "ip_address": "10.76.0.2"})
        self.http("POST", "/api/ups", {"name": "rack", "nut_host": "10.76.0.9"})
        self.http("POST", "/api/notifiers", {"name": "hook", "kind": "webhook", "url": "http://127.0.0.1:1/"})
        number = self.http("POST", "/api/operations", {"type": "node.host_key", "target": "n1"}).json["operation"]["id"]
        inspection = self.http("POST", "/api/operations", {"type": "cluster.inspect", "target": "prod"}).json["operation"]["id"]
        self.mko.kill_daemon()
        self.mko.sql("update nodes set host_key = ?", HOST_KEY)
        self.mko.sql("update operations set status = 2, started_at = created_at, finished_at = created_at + 1500")
        self.mko.sql("delete from operation_locks")
        self.mko.sql("insert into node_facts (node_id, operation_id, taken_at, facts) values (1, ?, 1, '{\"cpu_cores\": 4}')", number)
        self.mko.sql("insert into deliveries (notifier_id, notifier, event, state, message, attempts, created_at) values (1, 'hook', 0, 1, '{}', 1, 1)")
        self.mko.sql("insert into hardware_reports (node_id, operation_id, taken_at, report) values (1, ?, 1, '{\"complete\": true}')", number)
        os.makedirs(os.path.join(self.mko.data, "operations", str(number), "journal"))
        with open(os.path.join(self.mko.data, "operations", str(number), "journal", "n1"), "w", encoding="utf-8") as text:
            text.write("a line\n")
        # operations that the test starts end at once, without touching anything
        config = os.path.join(self.mko.folder, "mko.yaml")
        with open(config, "w", encoding="utf-8") as text:
            text.write("ansible:\n  playbook: /bin/false\nssh:\n  connect_timeout_s: 1\nhealth:\n  interval_s: 3600\n")
        self.mko.env["MKO_CONFIG"] = config
        # the services of this machine are not touched: its systemctl does nothing, if there is a systemd at all
        tools = os.path.join(self.mko.folder, "tools")
        os.makedirs(tools)
        os.symlink("/bin/false", os.path.join(tools, "systemctl"))
        self.mko.env["PATH"] = f"{tools}:{os.environ['PATH']}"
        self.mko.start_daemon()
        wait_until(lambda: self.http("GET", "/api/health/status").status == 200, 30, "the first round of health has ended")
        self.mko.sql("insert into alerts (rule, severity, state, subject, name, node_id, cluster_id, title, members, since, fired_at, updated_at)"
                     " values (3, 2, 0, 'node/1', 'n1', 1, ?, 'Node n1 is down', '[]', 1, 1, 1)", cluster)
        return {"nodes": "n1", "clusters": "prod", "ups": "rack", "notifiers": "hook", "operations": str(number), f"operations/{number}/journal": "n1", "inspection": inspection}

    def test_a_client_made_from_the_document_exercises_every_route(self):
        node, folder = node_tools()
        objects = self.fixture()
        config = os.path.join(self.mko.folder, "contract.json")
        with open(config, "w", encoding="utf-8") as out:
            json.dump({"url": "http://%s:%d" % self.address, "tokens": self.token, "objects": objects, "expected": self.expected,
                       "values": {"cluster": "prod", "node": "n1", "since": "7d", "topics": "nodes", "target": "node", "risk": "read",
                                  "recipient": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFAAM89DWB8DkKRcIEH0VgNdNyKVz6U++BTk9U5IirJS", "inspection": objects.pop("inspection")}, "bodies": {}}, out)
        done = subprocess.run([node, os.path.join(folder, "contract.mjs"), config], cwd=folder, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads(done.stdout.splitlines()[-1])
        print(f"# {report['routes']} routes, {report['calls']} calls", file=sys.stderr)
        self.assertEqual(report["failures"], [], "\n".join(report["failures"]))
        self.assertGreater(report["routes"], 50)
        self.assertEqual(self.http("GET", "/api/audit/verify").json["ok"], True)


if __name__ == "__main__":
    unittest.main()
