"""Addons, certificates and upgrades of a running cluster, and what goes wrong in the middle.

One lab and one cluster for all cases, which run in the order of their names, each on what the one before left.
"""
import contextlib
import os
import re
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, Mko, wait_until  # noqa: E402


class Upgrade(LabCase):
    lab_nodes = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Mko()
        cls.addClassCleanup(cls.shared.done)
        cls.shared("init")
        cls.shared("cluster", "add", "--name", "prod", "--ha", "--channel", "1.31/stable")
        cls.shared.add_nodes(cls.lab, "prod")
        cls.shared("cluster", "setup", "prod")

    def setUp(self):
        self.mko = self.shared

    def kubectl(self, *args, check=True):
        return self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", *args, check=check)

    def versions(self):
        return {n["hostname"]: n["microk8s_version"].split(".")[1] for n in self.mko.items("node", "list")}

    def state(self):
        return self.mko.json("cluster", "show", "prod")["upgrade"]

    def assert_nothing_cordoned(self):
        self.assertNotIn("SchedulingDisabled", self.kubectl("get", "nodes"))

    def test_1_addons_are_switched_with_a_limit_and_what_was_switched_is_remembered(self):
        mko = self.mko
        mko("cluster", "addon", "enable", "prod", "metallb:10.64.140.43-10.64.140.49", "dns")
        on = {a["name"] for a in mko.items("cluster", "addon", "list", "prod") if a["status"] == "enabled"}
        self.assertLessEqual({"dns", "metallb"}, on)
        self.assertIn("metallb", [a["name"] for a in mko.json("cluster", "show", "prod")["addons"]])
        mko("cluster", "addon", "disable", "prod", "metallb", "--yes")
        self.assertNotIn("metallb", [a["name"] for a in mko.json("cluster", "show", "prod")["addons"]])
        done = mko("cluster", "addon", "enable", "prod", "metallb", code=None)  # asks for a range on its standard input
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("not a valid IP Range", done.stderr)
        self.lab.fault("n1", "addon_hang", "ingress")
        done = mko("cluster", "addon", "enable", "prod", "ingress", "--addon-timeout", "2s", code=None)
        self.lab.clear("n1", "addon_hang")
        self.assertIn("was not enabled within 2 s", done.stderr)
        self.assertNotIn("ingress", [a["name"] for a in mko.json("cluster", "show", "prod")["addons"]])

    def test_2_a_certificate_that_ends_soon_is_shown_blocks_an_upgrade_and_is_renewed(self):
        mko = self.mko
        self.assertEqual({c["state"] for c in mko.items("cluster", "certs", "prod")}, {"ok"})
        self.lab.fault("n2", "cert_days", "server:5")
        bad = [(c["hostname"], c["name"]) for c in mko.json("cluster", "certs", "prod", code=1)["items"] if c["state"] != "ok"]
        self.assertEqual(bad, [("n2", "server.crt")])
        done = mko("cluster", "upgrade", "check", "prod", "--to", "1.32", code=1)
        self.assertIn("MKO-UPG-005", done.stderr)
        mko("cluster", "upgrade", "prod", "--to", "1.32", "--yes", code=1)
        self.assertIsNone(self.state(), "a check that refuses leaves nothing to resume")
        self.lab.clear("n2", "cert_days")
        mko("cluster", "certs", "renew", "prod")
        self.assertEqual({c["state"] for c in mko.items("cluster", "certs", "prod")}, {"ok"})

    def test_3_an_upgrade_never_skips_and_never_goes_back(self):
        for version, word in (("1.33", "skip"), ("1.30", "go back")):
            done = self.mko("cluster", "upgrade", "prod", "--to", version, "--yes", code=4)
            self.assertIn(word, done.stderr)
            self.assert_three_lines(done)
        self.mko("cluster", "upgrade", "prod", "--to", "newest", "--yes", code=2)
        self.mko("cluster", "upgrade", "resume", "prod", code=4)
        self.mko("cluster", "upgrade", "abort", "prod", code=4)

    def test_4_a_refresh_that_hangs_halts_the_upgrade_and_resume_goes_on_without_a_gap_of_the_api(self):
        mko = self.mko
        self.lab.fault("n2", "snap_refresh_hang")
        done = mko("cluster", "upgrade", "prod", "--to", "1.32", "--refresh-timeout", "5s", "--yes", code=None, timeout=600)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("did not end within 5 s", done.stderr)
        self.lab.clear("n2", "snap_refresh_hang")
        state = self.state()
        self.assertEqual((state["status"], state["channel"]), ("halted", "1.32/stable"))
        self.assertEqual({name: node["done"] for name, node in state["nodes"].items()}, {"n1": True, "n2": False, "n3": False, "n4": False})
        self.assert_three_lines(mko("cluster", "upgrade", "prod", "--to", "1.32", "--yes", code=4))

        # the settings of the halted upgrade count again; 5 s are enough for a refresh that does not hang only on a fast machine
        mko.sql("update clusters set upgrade = json_set(upgrade, '$.params.refresh_timeout_s', 600)")
        with self.load():
            mko("cluster", "apply", "-f", self.file("1.32/stable"), timeout=900)
        self.assertEqual(self.versions(), {"n1": "32", "n2": "32", "n3": "32", "n4": "32"})
        self.assertEqual(self.state()["status"], "done")
        self.assertEqual(mko.json("cluster", "show", "prod")["channel"], "1.32/stable")
        self.assert_nothing_cordoned()
        self.assertIn("held", self.lab.sh("n4", "snap", "list", "microk8s"))

    def file(self, channel):
        """The cluster as a file, with another channel."""
        path = os.path.join(self.mko.folder, "prod.yaml")
        self.mko("cluster", "export", "prod", "-f", path)
        with open(path, encoding="utf-8") as source:
            text = re.sub(r"channel: \S+", f"channel: {channel}", source.read())
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    @contextlib.contextmanager
    def load(self):
        """Write to the API all the time, as a client with three servers does; no write may find all of them silent, and none may be lost."""
        stop, gaps, written = threading.Event(), [], []
        self.kubectl("create", "configmap", "load", check=False)
        thread = threading.Thread(target=self.write, args=(stop, gaps, written))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
        self.assertGreater(len(written), 5)
        self.assertEqual(gaps, [], "no control plane took a write")
        self.assertEqual(self.kubectl("get", "configmap", "load", "-o", "jsonpath={.data.n}"), str(written[-1]))

    def write(self, stop, gaps, written):
        number = 0
        while not stop.wait(0.2):
            number += 1
            ask = ["/snap/bin/microk8s", "kubectl", "--request-timeout=4s", "patch", "configmap", "load", "--type=merge", "-p", '{"data":{"n":"%d"}}' % number]
            took = any(self.lab.run("exec", name, "--", *ask, check=False).returncode == 0 for name in ("n3", "n1", "n2"))
            (written if took else gaps).append(number)

    def test_5_a_refresh_that_leaves_the_snap_disabled_is_brought_back_and_the_upgrade_can_be_given_up(self):
        mko = self.mko
        self.lab.run("fault", "n1", "refresh_leaves_disabled", "--once")
        done = mko("cluster", "upgrade", "prod", "--to", "1.33", "--no-drain", "--yes", code=None, timeout=600)
        self.assertIn(done.returncode, (1, 9))
        self.assertIn("The node runs v1.32", done.stderr)
        self.assertEqual(self.state()["status"], "halted")
        mko("cluster", "upgrade", "abort", "prod", timeout=600)
        self.assertEqual(self.state()["status"], "aborted")
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "active")
        self.assert_nothing_cordoned()

    def test_6_a_node_that_dies_in_the_middle_halts_the_upgrade_until_it_is_back(self):
        self.lab.fault("n2", "snap_refresh_hang")  # the node dies in the middle of its refresh, and snapd goes on with it later
        with self.load():
            self.dies_in_its_refresh()

    def dies_in_its_refresh(self):
        mko = self.mko
        running = mko.spawn("cluster", "apply", "-f", self.file("1.33/stable"))
        self.addCleanup(running.kill)
        wait_until(lambda: "Doing" in self.lab.sh("n2", "/usr/bin/snap", "changes", check=False), 300, "n2 is being refreshed")
        self.lab.run("power-off", "n2")
        out, err = running.communicate(timeout=600)
        self.assertIn(running.returncode, (1, 6, 9), out + err)
        state = self.state()
        self.assertEqual(state["status"], "halted")
        self.assertEqual((state["nodes"]["n1"]["done"], state["nodes"]["n3"]["done"]), (True, False))
        self.lab.run("power-on", "n2")
        wait_until(lambda: self.lab.run("exec", "n2", "--", "/bin/true", check=False).returncode == 0, 60, "n2 is back")
        # the quorum guard believes the last scan: one voter is down until another scan has seen it
        self.assertIn("mko cluster scan prod", mko("cluster", "upgrade", "resume", "prod", code=4).stderr)
        wait_until(lambda: mko.json("cluster", "status", "prod", "--scan", code=None).get("quorum_margin") == 1, 300, "three voters live")
        resumed = mko.spawn("cluster", "apply", "-f", self.file("1.33/stable"))
        self.addCleanup(resumed.kill)
        mko.until_task(resumed, "cluster.upgrade", "Look for what speaks against an upgrade")
        self.lab.clear("n2", "snap_refresh_hang")
        out, err = resumed.communicate(timeout=900)
        self.assertEqual(resumed.returncode, 0, out + err)
        self.assertEqual(self.versions(), {"n1": "33", "n2": "33", "n3": "33", "n4": "33"})
        self.assertEqual(mko.json("cluster", "status", "prod")["status"], "active")
        self.assert_nothing_cordoned()
        self.assert_no_trace()


if __name__ == "__main__":
    unittest.main()
