"""V2, V6, V8: several whole nodes as processes; joins, leaves, stops, power cuts."""

import json
import re
import ssl
import time
import unittest
import urllib.request

from simnode import Lab

TOKEN = "0" * 32


def shows_ha(node, wanted: str) -> bool:
    """Whether `status` of a node says that, within the time that roles need."""
    return node.wait(lambda: f"high-availability: {wanted}\n" in node.run("status").stdout, 20, 0.5)


class SingleNodeTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(2)
        cls.node, cls.other = cls.lab.nodes
        for node in cls.lab.nodes:
            node.power_on()
            node.install()
        assert cls.node.ready() and cls.other.ready(), cls.node.run("status")

    @classmethod
    def tearDownClass(cls):
        cls.lab.__exit__()

    def setUp(self):
        for node in self.lab.nodes:
            node.heal()

    def test_launch_configuration_is_applied(self):
        applied = self.node.root / "var/snap/microk8s/common/etc/launcher/install.yaml.applied"
        self.assertTrue(self.node.wait(applied.exists, 20))
        self.assertEqual(self.node.run("status", "--addon", "dns").stdout, "enabled\n")
        self.assertIn("--cluster-dns=10.152.183.10", self.node.data("args/kubelet").read_text())

    def test_health(self):
        tls = ssl.create_default_context(cafile=str(self.node.data("certs/ca.crt")))
        with urllib.request.urlopen(f"https://{self.node.address}:25000/health", context=tls, timeout=5) as answer:
            self.assertEqual((answer.status, answer.read()), (200, b'{"status":"OK"}'))

    def test_join_errors(self):
        """The table of facts 1.3, up to the point where nothing is changed on the joiner."""
        address = self.node.address
        check = json.loads(self.node.run("add-node", "--format", "json").stdout)["token"].split("/")[1]
        for connection, code, text in (
            (f"{address}:25000/{TOKEN}/{check}", 6, "Connection failed. Invalid token (500)."),
            (f"{address}:25000/{TOKEN}/{'0' * 12}", 4, f"Joining cluster failed. Could not verify the identity of {address}. "
                                                       "Use '--skip-verify' to skip server certificate check."),
            (f"{address}:25000/{TOKEN}/{'0' * 12} --skip-verify", 6, "Connection failed. Invalid token (500)."),
        ):
            with self.subTest(connection):
                done = self.other.run("join", *connection.split())
                self.assertEqual((done.returncode, done.stdout), (code, f"Contacting cluster at {address}\n{text}\n"))
        done = self.other.run("join", f"{address}:25999/{TOKEN}")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.splitlines()[-1], "ConnectionRefusedError: [Errno 111] Connection refused")
        self.assertTrue(self.other.data("var/lock/join-in-progress").exists(), "the lock stays after a failure")
        self.assertEqual(self.other.run("join", "n1:25000/" + TOKEN).stdout, "Invalid connection: Invalid master IP\n")

    def test_agent_fault(self):
        self.node.fault("agent_down")
        done = None

        def refused() -> bool:
            nonlocal done
            done = self.other.run("join", f"{self.node.address}:25000/{TOKEN}")
            return "ConnectionRefusedError" in done.stderr

        self.assertTrue(self.other.wait(refused, 10, 0.5))
        self.node.heal()
        self.assertTrue(self.other.wait(lambda: not refused(), 10, 0.5))
        self.node.fault("join_refused", "The reason:502", 1)
        self.assertIn("Connection failed. The reason (502).\n", self.other.run("join", f"{self.node.address}:25000/{TOKEN}").stdout)

    def test_addons(self):
        self.assertEqual(self.node.run("enable", "metallb:10.0.0.240-10.0.0.250").returncode, 0)
        again = self.node.run("enable", "metallb:10.0.0.240-10.0.0.250")
        self.assertEqual((again.returncode, again.stdout), (0, "Addon core/metallb is already enabled\n"))
        self.assertEqual(again.stderr, "Infer repository core for addon metallb\n")
        self.assertEqual(self.node.run("status", "-a", "metallb").stdout, "enabled\n")
        self.assertEqual(self.node.run("disable", "metallb").returncode, 0)
        self.assertEqual(self.node.run("status", "-a", "metallb").stdout, "disabled\n")
        bad = self.node.run("enable", "metallb", stdin="10.0.0.0\n")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("Your input value (10.0.0.0) is not a valid IP Range\n", bad.stdout)
        self.node.fault("addon_fail", "ingress:3", 1)
        self.assertEqual(self.node.run("enable", "ingress").returncode, 3)

    def test_files_and_other_commands(self):
        self.assertEqual(self.node.run("version").stdout, "MicroK8s v1.32.9 revision 8511\n")
        config = self.node.run("config").stdout
        self.assertIn(f"server: https://{self.node.address}:16443\n", config)
        self.assertIn("client-certificate-data:", config)
        self.assertEqual(self.node.run("refresh-certs", "-c").stdout, """\
The CA certificate will expire in 3649 days.
The server certificate will expire in 364 days.
The front proxy client certificate will expire in 364 days.
""")
        inspect = self.node.run("inspect")
        self.assertEqual(inspect.returncode, 0)
        self.assertRegex(inspect.stdout.splitlines()[-1], r"^  Report tarball is at .*/inspection-report-\d{8}_\d{6}\.tar\.gz$")

    def test_backup_and_restore(self):
        done = self.node.run("dbctl", "backup", "-o", "saved")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "Backing up the datastore\nThe backup is: saved.tar.gz\n", ""))
        self.assertEqual(self.node.run("dbctl", "restore", "saved.tar.gz").stdout, "Restoring from saved.tar.gz\n")
        self.node.fault("dbctl_fail", count=1)
        self.assertEqual(self.node.run("dbctl", "backup").returncode, 1)

    def test_stop_and_start(self):
        done = self.other.run("stop")
        self.assertEqual((done.returncode, done.stdout), (0, "Stopped.\nStopped.\n"))
        status = self.other.run("status", "--wait-ready")
        self.assertEqual((status.returncode, status.stdout), (0, "microk8s is not running, try microk8s start\n"))
        self.other.power_off()
        self.other.power_on()
        self.assertEqual({self.other.state(s)["active"] for s in ("daemon-kubelite", "daemon-cluster-agent")}, {"inactive"})
        done = self.other.run("start")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertTrue(self.other.ready())


class ClusterTest(unittest.TestCase):
    """The flow of upstream's tests/test-cluster.py, and what power does to it."""

    def setUp(self):
        self.lab = Lab(4)
        self.addCleanup(self.lab.__exit__)
        for node in self.lab.nodes:
            node.power_on()
            node.install()
        self.a, self.b, self.c, self.d = self.lab.nodes
        self.assertTrue(self.a.ready())

    def test_membership(self):
        a, b, c, d = self.lab.nodes
        done = b.join(a)
        self.assertRegex(done.stdout, rf"^Contacting cluster at {re.escape(a.address)}\n"
                                      r"Waiting for this node to finish joining the cluster\. (\.\.? )* \nSuccessfully joined the cluster\.\n$")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(list(b.roles().values()), ["voter", "spare"])
        self.assertTrue(shows_ha(b, "no"))
        self.assertEqual(c.join(a).returncode, 0)
        self.assertEqual(d.join(a, "--worker").returncode, 0)
        for node in (a, b, c):
            self.assertTrue(shows_ha(node, "yes"), node.name)
        self.assertIn(a.address, d.data("args/traefik/provider.yaml").read_text())
        self.assertIn(d.loopback, d.data("credentials/kubelet.config").read_text())
        for node in self.lab.nodes:
            self.assertTrue(node.data("var/lock/no-cert-reissue").exists())
            self.assertFalse(node.data("var/lock/join-in-progress").exists())
        known = f"{b.address}:19001"
        self.assertIn(known, a.data("var/kubernetes/backend/cluster.yaml").read_text())

        # one leaves, is removed, and joins again
        refused = a.run("remove-node", c.name)
        self.assertEqual(refused.returncode, 1)
        self.assertTrue(refused.stdout.startswith("Removal failed. Node n3 is registered with dqlite. Please, run first 'microk8s leave' "
                                                  "on the departing node. \n"))
        done = c.run("leave")
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(done.stdout.startswith("Generating new cluster certificates.\nWaiting for node to start. "), done.stdout)
        self.assertEqual((a.run("remove-node", c.name).stdout, list(a.roles())), ("", [a.address, b.address]))
        gone = a.run("remove-node", c.name)
        self.assertEqual((gone.returncode, gone.stdout, gone.stderr),
                         (1, "Node n3 does not exist in Kubernetes.\n", 'Error from server (NotFound): nodes "n3" not found\n'))
        for node in (a, b):
            self.assertTrue(shows_ha(node, "no"))
        self.assertTrue(c.ready())
        self.assertTrue(a.wait(lambda: c.address not in a.data("var/kubernetes/backend/cluster.yaml").read_text(), 10))
        self.assertEqual(c.join(a).returncode, 0)
        self.assertTrue(shows_ha(c, "yes"))

        # the worker leaves
        done = d.run("leave")
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(done.stdout.startswith("Configuring services.\nGenerating new cluster certificates.\n"))
        self.assertTrue(d.run("status", "--wait-ready", "--timeout", "30").stdout.startswith("microk8s is running\n"))

    def test_power(self):
        a, b, c, d = self.lab.nodes
        for node in (b, c, d):
            self.assertEqual(node.join(a).returncode, 0)
            time.sleep(1.5)
        self.assertTrue(shows_ha(a, "yes"))
        self.assertTrue(a.wait(lambda: sorted(a.roles().values()) == ["standby", "voter", "voter", "voter"], 20, 0.5), a.roles())

        # a voter dies: the standby takes its place
        c.power_cut()
        self.assertTrue(a.wait(lambda: a.roles().get(d.address) == "voter" and a.roles().get(c.address) == "spare", 30, 0.5), a.roles())

        # the leader and another voter die: no quorum, no API
        a.power_cut()
        d.power_cut()
        self.assertTrue(b.wait(lambda: b.run("status").returncode == 1, 20, 0.5))
        self.assertEqual(b.roles(), {})

        # one comes back: all is well again, nobody had to do anything
        a.power_on()
        self.assertTrue(b.wait(lambda: b.run("status").returncode == 0, 30, 0.5))
        self.assertEqual(set(b.roles()), {n.address for n in self.lab.nodes})

        # a dead member is forced out
        forced = b.run("remove-node", d.name, "--force")
        self.assertEqual((forced.returncode, forced.stdout), (0, ""))
        self.assertNotIn(d.address, b.roles())
        stale = b.run("remove-node", c.address, "--force")
        self.assertEqual(stale.returncode, 0)

        # it comes back and still believes it is a member, but nobody serves it
        d.power_on()
        time.sleep(5)
        self.assertEqual(d.run("status").returncode, 1)

    def test_crashed_join(self):
        a, b = self.a, self.b
        b.fault("join_crash", "after_move", 1)
        self.assertEqual(b.join(a).returncode, -9)
        self.assertTrue(b.data("var/lock/join-in-progress").exists())
        self.assertEqual(list(b.data("var/kubernetes/backend").iterdir()), [])
        self.assertTrue(b.data("var/kubernetes/backend.backup/info.yaml").exists())
        self.c.fault("join_silent_fail", count=1)
        done = self.c.join(a)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "Successfully joined the cluster."))
        self.assertEqual(list(a.roles()), [a.address])
        self.assertEqual(self.c.run("status").returncode, 1)

    def test_reconfigure(self):
        """Facts 3.8: two of three voters are gone for good."""
        a, b, c, _ = self.lab.nodes
        for node in (b, c):
            self.assertEqual(node.join(a).returncode, 0)
        self.assertTrue(shows_ha(a, "yes"))
        for node in (b, c):
            node.power_cut()
        self.assertTrue(a.wait(lambda: a.run("status").returncode == 1, 20, 0.5))
        a.run("stop")
        backend = a.data("var/kubernetes/backend")
        members = (backend / "cluster.yaml").read_text().split("- ")
        (backend / "cluster.yaml").write_text("".join(f"- {m}" for m in members if a.address in m))
        done = a.python("sim.dqlite.shell", "-s", "127.0.0.1:19001", "-c", f"{backend}/cluster.crt", "-k", f"{backend}/cluster.key", "k8s",
                        f".reconfigure {backend}/ {backend}/cluster.yaml")
        self.assertEqual(done.stdout, "OK\n")
        a.run("start")
        self.assertTrue(a.ready())
        self.assertEqual(a.roles(), {a.address: "voter"})


if __name__ == "__main__":
    unittest.main()
