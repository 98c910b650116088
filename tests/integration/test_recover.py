"""Two of three voters are lost for good: the steps are shown, then taken, and the cluster goes on with what is left."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, wait_until  # noqa: E402

COPIES = "/var/snap/microk8s/common/mko-recover"


class Recover(LabCase):
    lab_nodes = 5  # four control planes and a worker

    def power_cut_two_voters(self):
        """(left, lost): a voter and a node that has no vote, and is stopped lest it gets one meanwhile; two voters."""
        by_ip = {node["ip"]: node["hostname"] for node in self.lab.nodes if node["hostname"] != "n5"}
        members = self.mko.json("cluster", "scan", "prod", timeout=600)["dqlite"]
        voters = [by_ip[one["address"].split(":")[0]] for one in members if one["role"] == "voter"]
        self.assertEqual(len(voters), 3)
        left = sorted(set(by_ip.values()) - set(voters[:2]))
        for node in set(left) - set(voters):
            self.lab.sh(node, "/usr/bin/snap", "stop", "microk8s")
        for node in voters[:2]:
            self.lab.fault(node, "power_cut")  # not switched off: an orderly end hands the vote over
        return left, sorted(voters[:2])

    def dies_in_the_middle(self, node):
        """The second survivor loses its mains while the log is given to it; nothing is started, and the same command goes on later."""
        running = self.mko.spawn("cluster", "recover", "prod", "--yes")
        self.addCleanup(running.kill)
        self.mko.until_task(running, "cluster.recover", "Pack the log")
        self.lab.fault(node, "power_cut")
        out, err = running.communicate(timeout=600)
        self.assertIn(running.returncode, (1, 6, 9), out + err)
        self.assertIn(f"{node}: unreachable: ", err)
        self.assertRegex(err, r"(?m)^  try: .*mko cluster recover prod")
        self.lab.run("power-on", node)
        wait_until(lambda: self.lab.run("exec", node, "--", "/bin/true", check=False).returncode == 0, 60, f"{node} is back")

    def test_a_lost_quorum_is_recovered_by_the_steps_that_were_shown(self):
        mko, kubectl = self.mko, ["/snap/bin/microk8s", "kubectl"]
        mko("init")
        mko("cluster", "add", "--name", "prod", "--ha")
        mko.add_nodes(self.lab, "prod")
        for node in self.lab.nodes:
            mko("node", "edit", node["hostname"], "--role", "worker" if node["hostname"] == "n5" else "control_plane")
        mko("cluster", "setup", "prod", timeout=900)
        self.lab.sh("n1", *kubectl, "create", "namespace", "treasure")
        left, lost = self.power_cut_two_voters()
        shown = mko("cluster", "recover", "prod", "-o", "json", timeout=600, code=4)      # nobody confirmed
        plan = json.loads(shown.stdout)
        self.assertEqual((plan["survivors"], sorted(one["name"] for one in plan["lost"]), len(plan["receivers"])), (left, lost, 1))
        self.assertEqual(plan["workers"], ["n5"])
        for node in left:
            self.assertEqual(self.lab.sh(node, "ls", COPIES, check=False), "")

        self.dies_in_the_middle(plan["receivers"][0])
        mko("cluster", "recover", "prod", "--yes", timeout=900)
        status = mko.json("cluster", "status", "prod")
        self.assertEqual(len(status["dqlite"]), 2)
        members = {one["hostname"]: (one["member"], one["status"]) for one in status["nodes"]}
        self.assertEqual(members, {**{name: (True, "online") for name in [*left, "n5"]}, **{name: (False, "offline") for name in lost}})
        for node in left:
            self.assertIn("treasure", self.lab.sh(node, *kubectl, "get", "namespaces", "-o", "name"))
            self.assertRegex(self.lab.sh(node, "find", COPIES, "-name", "*.tar.gz", "-printf", "%m %f\n"), r"^(600 recover-\S+\n)+$")
        self.assert_no_trace()


if __name__ == "__main__":
    unittest.main()
