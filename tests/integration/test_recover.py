"""Two of three voters are lost for good: the steps are shown, then taken, and the cluster goes on with what is left."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase  # noqa: E402

COPIES = "/var/snap/microk8s/common/mko-recover"


class Recover(LabCase):
    lab_nodes = 4

    def power_cut_two_voters(self):
        """(left, lost): a voter and a node that has no vote, and is stopped lest it gets one meanwhile; two voters."""
        by_ip = {node["ip"]: node["hostname"] for node in self.lab.nodes}
        members = self.mko.json("cluster", "scan", "prod", timeout=600)["dqlite"]
        voters = [by_ip[one["address"].split(":")[0]] for one in members if one["role"] == "voter"]
        self.assertEqual(len(voters), 3)
        left = sorted(set(by_ip.values()) - set(voters[:2]))
        for node in set(left) - set(voters):
            self.lab.sh(node, "/usr/bin/snap", "stop", "microk8s")
        for node in voters[:2]:
            self.lab.fault(node, "power_cut")  # not switched off: an orderly end hands the vote over
        return left, sorted(voters[:2])

    def test_a_lost_quorum_is_recovered_by_the_steps_that_were_shown(self):
        mko, kubectl = self.mko, ["/snap/bin/microk8s", "kubectl"]
        mko("init")
        mko("cluster", "add", "--name", "prod", "--ha")
        mko.add_nodes(self.lab, "prod")
        for node in self.lab.nodes:
            mko("node", "edit", node["hostname"], "--role", "control_plane")
        mko("cluster", "setup", "prod", timeout=900)
        self.lab.sh("n1", *kubectl, "create", "namespace", "treasure")
        left, lost = self.power_cut_two_voters()
        shown = mko("cluster", "recover", "prod", "-o", "json", timeout=600, code=4)      # nobody confirmed
        plan = json.loads(shown.stdout)
        self.assertEqual((plan["survivors"], sorted(one["name"] for one in plan["lost"]), len(plan["receivers"])), (left, lost, 1))
        for node in left:
            self.assertEqual(self.lab.sh(node, "ls", COPIES, check=False), "")

        mko("cluster", "recover", "prod", "--yes", timeout=900)
        status = mko.json("cluster", "status", "prod")
        self.assertEqual(len(status["dqlite"]), 2)
        members = {one["hostname"]: (one["member"], one["status"]) for one in status["nodes"]}
        self.assertEqual(members, {**{name: (True, "online") for name in left}, **{name: (False, "offline") for name in lost}})
        for node in left:
            self.assertIn("treasure", self.lab.sh(node, *kubectl, "get", "namespaces", "-o", "name"))
            self.assertRegex(self.lab.sh(node, "find", COPIES, "-name", "*.tar.gz", "-printf", "%m %f\n"), r"^(600 recover-\S+\n)+$")
        self.assert_no_trace()


if __name__ == "__main__":
    unittest.main()
