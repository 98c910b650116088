"""The fault knobs of the cluster simulation: what a playbook sees of each, and that a heal heals."""

import subprocess
import sys
import unittest

from simnode import LAB, Lab

sys.path.insert(0, str(LAB))

from sim import faults  # noqa: E402


class NodeFaultTest(unittest.TestCase):
    """Faults of one node without company."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(1)
        cls.node = cls.lab.nodes[0]
        cls.node.power_on()
        cls.node.install()
        assert cls.node.ready()
        applied = cls.node.root / "var/snap/microk8s/common/etc/launcher/install.yaml.applied"
        assert cls.node.wait(applied.exists, 20)

    @classmethod
    def tearDownClass(cls):
        cls.lab.__exit__()

    def setUp(self):
        self.addCleanup(self._heal)

    def _heal(self):
        self.node.heal()
        self.assertTrue(self.node.wait(lambda: self.node.run("status").returncode == 0, 30, 0.5), "not ready after heal")

    def becomes(self, code: int, seconds: float = 30) -> bool:
        return self.node.wait(lambda: self.node.run("status").returncode == code, seconds, 0.5)

    def journal(self, service: str) -> str:
        return (self.node.root / f"var/lib/sim/journal/{service}.log").read_text()

    def test_not_ready(self):
        for name in ("not_ready", "containerd_down"):
            with self.subTest(name):
                self.node.fault(name)
                self.assertTrue(self.becomes(1))
                self._heal()

    def test_datastore_faults(self):
        for name in ("dqlite_lock", "dqlite_down"):
            with self.subTest(name):
                self.node.fault(name)
                self.assertTrue(self.becomes(1))
                self._heal()
        self.assertIn("database is locked", self.journal("daemon-k8s-dqlite"))

    def test_kubelite_crashloop(self):
        self.node.fault("kubelite_crashloop", "cgroup")
        self.node.services("restart", "daemon-kubelite")
        self.assertTrue(self.node.wait(lambda: self.node.state("daemon-kubelite")["restarts"] >= 2, 30))
        self.assertIn("failed to initialize top level QOS containers: root container [kubepods] doesn't exist",
                      self.journal("daemon-kubelite"))

    def test_out_of_memory(self):
        before = self.node.state("daemon-kubelite")["restarts"]
        self.node.fault("oom", count=1)
        self.assertTrue(self.node.wait(lambda: self.node.state("daemon-kubelite")["restarts"] > before, 15))
        self.assertIn("OOM killer", self.journal("daemon-kubelite"))

    def test_certificates_run_out(self):
        self.node.fault("cert_days", "server:5")
        self.assertTrue(self.node.wait(lambda: "The server certificate will expire in 4 days.\n" in
                                       self.node.run("refresh-certs", "-c").stdout, 15, 0.5))
        self.node.fault("cert_days", "server:-3")
        self.assertTrue(self.node.wait(lambda: "will expire in -" in self.node.run("refresh-certs", "-c").stdout, 15, 0.5))
        self.assertTrue(self.becomes(1), "an expired server.crt is refused by clients")
        done = self.node.run("refresh-certs", "-e", "server.crt")
        self.assertEqual(done.returncode, 0)
        self.assertIn("Restarting service kubelite.\nRestarting service cluster-agent.\n", done.stdout)
        self.assertTrue(self.becomes(0))

    def test_addon_hang(self):
        self.node.fault("addon_hang", "metallb")
        with self.assertRaises(subprocess.TimeoutExpired):
            self.node.run("enable", "metallb:10.0.0.1-10.0.0.2", timeout=4)

    def test_corrupt_log(self):
        """It stays broken until somebody moves the segment away (facts 3.8)."""
        self.node.fault("dqlite_corrupt")
        self.node.services("restart", "daemon-k8s-dqlite")
        self.assertTrue(self.node.wait(lambda: self.node.state("daemon-k8s-dqlite")["restarts"] >= 2, 20))
        self.assertIn("raft_start()", self.journal("daemon-k8s-dqlite"))
        self.node.heal()
        self.assertEqual(self.node.run("status").returncode, 1)
        segment = next(self.node.data("var/kubernetes/backend").glob("0000000000000001-*"))
        segment.rename(self.node.root / segment.name)
        self.assertTrue(self.becomes(0))


class ClusterFaultTest(unittest.TestCase):
    """Faults that need other nodes."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(3)
        cls.a, cls.b, cls.w = cls.lab.nodes
        for node in cls.lab.nodes:
            node.power_on()
            node.install()
        assert cls.a.ready()
        assert cls.w.join(cls.a, "--worker").returncode == 0

    @classmethod
    def tearDownClass(cls):
        cls.lab.__exit__()

    def setUp(self):
        for node in self.lab.nodes:
            node.heal()

    def nodes(self) -> str:
        done = subprocess.run(["kubectl", f"--kubeconfig={self.a.data('credentials/client.config')}", "get", "nodes", "--no-headers"],
                              capture_output=True, text=True, check=False)
        return done.stdout

    def node_is(self, name: str, state: str) -> bool:
        return any(line.split()[:2] == [name, state] for line in self.nodes().splitlines())

    def test_1_worker_loses_its_list(self):
        self.assertTrue(self.a.wait(lambda: self.node_is("n3", "Ready"), 20, 0.5))
        self.w.fault("provider_yaml_empty")
        self.assertTrue(self.a.wait(lambda: self.node_is("n3", "NotReady"), 40, 0.5), self.nodes())
        self.assertIn("empty list of control plane endpoints",
                      (self.w.root / "var/lib/sim/journal/daemon-apiserver-proxy.log").read_text())
        self.w.heal()
        provider = self.w.data("args/traefik/provider.yaml")
        provider.write_text(provider.read_text().replace("servers: []", f"servers:\n        - address: {self.a.address}:16443"))
        self.assertTrue(self.a.wait(lambda: self.node_is("n3", "Ready"), 20, 0.5), self.nodes())

    def test_2_join_faults(self):
        for fault, text in (("token_expired", "Connection failed. Invalid token (500)."),
                            ("known_to_dqlite", "is already known to dqlite (500)."),
                            ("hostname_unresolved", "Refusing join (400).")):
            with self.subTest(fault):
                self.a.fault(fault, count=1)
                done = self.b.join(self.a)
                self.assertEqual(done.returncode, 6)
                self.assertTrue(done.stdout.rstrip().endswith(text), done.stdout)
        self.a.fault("fingerprint_mismatch", count=1)
        self.assertEqual(self.b.join(self.a).returncode, 4)
        for point in ("before_post", "after_post"):
            self.b.fault("join_crash", point, 1)
            self.assertEqual(self.b.join(self.a).returncode, -9)
        self.assertEqual(self.b.join(self.a).returncode, 0)

    def test_3_leave_and_remove_faults(self):
        self.a.fault("remove_api_down")
        done = self.a.run("remove-node", "n3")
        self.assertEqual((done.returncode, done.stdout), (1, "Node n3 does not exist in Kubernetes.\n"))
        self.assertTrue(done.stderr.startswith("The connection to the server 127.0.0.1:16443 was refused"))
        self.a.heal()
        self.assertTrue(self.b.wait(lambda: len(self.b.roles()) == 2, 20, 0.5))
        self.b.fault("leave_fail", count=1)
        done = self.b.run("leave")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stdout.startswith(f"Contacting node {self.a.address}:19001 failed. Error:\n"))
        self.assertEqual(self.b.state("daemon-kubelite")["active"], "inactive", "services are stopped already")


class TableTest(unittest.TestCase):
    def test_an_unknown_name_is_a_bug(self):
        with self.assertRaises(KeyError):
            faults.active("no_such_fault")


if __name__ == "__main__":
    unittest.main()
