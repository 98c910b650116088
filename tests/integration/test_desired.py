"""A cluster as a file: from nothing to a running cluster, a change that halts in the middle, drift, and what is refused.

One lab for all cases, which run in the order of their names, each on what the one before left.
"""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, Mko, wait_until  # noqa: E402

NOTHING = "cluster home: no changes\n"


class Desired(LabCase):
    lab_nodes = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Mko()
        cls.addClassCleanup(cls.shared.done)
        cls.shared("init")

    def setUp(self):
        self.mko = self.shared

    def file(self, *hosts, **spec):
        """A cluster file with these nodes, n1 the control plane; the rest of the spec by keyword."""
        roles = {n["hostname"]: "voter" if n["hostname"] == "n1" else "worker" for n in self.lab.nodes}
        lines = ["apiVersion: mko/v1", "kind: Cluster", "metadata: {name: home}", "spec:"]
        lines += [f"  {key}: {value}" for key, value in spec.items()]
        lines.append("  nodes:")
        for node in self.lab.nodes:
            if node["hostname"] in hosts:
                lines.append(f"    - {{name: {node['hostname']}, address: {node['ip']}, role: {roles[node['hostname']]}, "
                             f"user: {node['user']}, port: {node['port']}, key_path: {node['key_path']}}}")
        path = os.path.join(self.mko.folder, "home.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        return path

    def plan(self, path, *options, code):
        return self.mko("cluster", "plan", "-f", path, "--detailed-exitcode", *options, code=code)

    def test_1_from_a_file_to_a_running_cluster_whose_export_has_an_empty_plan(self):
        mko = self.mko
        path = self.file("n1", addons="[dns]")
        plan = self.plan(path, code=2).stdout
        self.assertIn("  + cluster home: is not there yet\n", plan)
        self.assertRegex(plan, r"  \+ node n1: is not in the inventory yet \(.*, control_plane\)\n")
        self.assertEqual(mko.items("node", "list"), [], "a plan changed something")
        done = mko("cluster", "apply", "-f", path, timeout=900)
        self.assertIn("[1/2] add node n1 to the inventory\n", done.stderr)
        self.assertEqual(mko.json("cluster", "show", "home")["status"], "active")
        self.assertEqual(self.plan(path, code=0).stdout, NOTHING)
        exported = os.path.join(mko.folder, "exported.yaml")
        mko("cluster", "export", "home", "-f", exported)
        self.assertEqual(self.plan(exported, "--prune", code=0).stdout, NOTHING)
        self.assertIn("the cluster is as it says", mko("cluster", "status", "home").stdout)

    def test_2_wrong_and_impossible_files_are_refused_by_line_and_nothing_is_done(self):
        mko = self.mko
        before = len(mko.items("operation", "list"))
        path = self.file("n1", channelx="1.32/stable")
        done = mko("cluster", "apply", "-f", path, code=2)
        self.assertIn('home.yaml:5:3: spec.channelx: unknown field, did you mean "channel"?', done.stderr)
        self.assert_three_lines(done)
        for spec, text in (({"network_cidr": "10.9.0.0/16"}, "the network of a running cluster cannot change"),
                           ({"channel": "1.99/stable"}, "would skip a version"),
                           ({"channel": "1.20/stable"}, "cannot go back"),
                           ({"ha": "true"}, "needs 3 control planes")):
            with self.subTest(spec=spec):
                path = self.file("n1", **spec)
                done = mko("cluster", "apply", "-f", path, code=4)
                self.assertRegex(done.stderr, r"home\.yaml:5:3: spec\." + next(iter(spec)))
                self.assertIn(text, done.stderr)
                self.assert_three_lines(done)
                self.plan(path, code=1)
        self.assertEqual(len(mko.items("operation", "list")), before)

    def test_3_an_apply_halts_at_a_step_that_fails_and_the_same_command_goes_on(self):
        mko = self.mko
        path = self.file("n1", "n2", addons="[dns]")
        self.lab.run("cut", "n2")
        done = mko("cluster", "apply", "-f", path, code=1, timeout=900)
        self.lab.run("heal", "n2")
        self.assertIn("step 2 (join n2) failed", done.stderr)
        self.assertIn("reached: 1 of 2 steps were done", done.stderr)
        self.assertRegex(done.stderr, r"try: mko operation logs \d+ .* the same command again")
        self.assertEqual(mko.json("node", "show", "n2")["cluster_name"], "home")
        status = mko("cluster", "status", "home").stdout
        self.assertIn("  + node n2: is in the inventory, and not in the cluster\n", status)
        plan = mko.json("cluster", "plan", "-f", path)
        self.assertEqual([s["type"] for s in plan["steps"]], ["cluster.join"])
        mko("cluster", "apply", "-f", path, timeout=900)
        self.assertEqual(self.plan(path, code=0).stdout, NOTHING)
        self.assertIn("node/n2", self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "nodes", "-o", "name"))
        self.assert_no_trace()

    def test_4_what_is_changed_by_hand_is_shown_as_drift_and_brought_back(self):
        mko = self.mko
        path = self.file("n1", "n2", addons="[dns]")
        self.lab.sh("n1", "/snap/bin/microk8s", "disable", "dns")
        status = mko("cluster", "status", "home", "--scan").stdout
        self.assertIn("the cluster differs from it", status)
        self.assertIn("  + addon dns: is not enabled\n", status)
        drift = mko.json("cluster", "status", "home")["desired"]
        self.assertEqual([c["object"] for c in drift["changes"]], ["addon dns"])
        exported = os.path.join(mko.folder, "exported.yaml")
        mko("cluster", "export", "home", "-f", exported)
        self.assertEqual(self.plan(exported, code=0).stdout, NOTHING)
        mko("cluster", "apply", "-f", path, timeout=900)
        self.assertEqual(self.plan(path, code=0).stdout, NOTHING)

    def test_5_a_node_leaves_with_prune_only_and_when_somebody_says_so(self):
        mko = self.mko
        path = self.file("n1")
        self.assertIn("  ! node n2: is not in the file; --prune", self.plan(path, code=0).stdout)
        self.assertIn("  - node n2: is not in the file\n", self.plan(path, "--prune", code=2).stdout)
        done = mko("cluster", "apply", "-f", path, "--prune", code=4)
        self.assertIn("--yes", done.stderr)
        mko("cluster", "apply", "-f", path, "--prune", "--yes", timeout=900)
        self.assertIsNone(mko.json("node", "show", "n2")["cluster_name"])
        self.assertEqual(self.plan(path, "--prune", code=0).stdout, NOTHING)

    def step_runs(self, kind):
        """Whether an operation of this type is at work, with its Ansible."""
        return any(op["type"] == kind and op["status"] == "running" and len(self.mko.events(op["id"])) > 5 for op in self.mko.items("operation", "list"))

    def test_6_an_apply_that_is_killed_in_the_middle_is_found_and_goes_on(self):
        mko = self.mko
        path = self.file("n1", "n2", addons="[dns]")
        before = sum(op["type"] == "cluster.join" and op["status"] == "succeeded" for op in mko.items("operation", "list"))
        running = mko.spawn("cluster", "apply", "-f", path)
        self.addCleanup(running.kill)
        wait_until(lambda: self.step_runs("cluster.join"), 120, "n2 joins")
        running.kill()
        running.communicate()
        done = mko("cluster", "apply", "-f", path, code=4)
        number = re.search(r"try: mko operation logs -f (\d+)", done.stderr).group(1)
        mko("operation", "logs", "-f", number, timeout=900)
        self.assertEqual(mko.operation(number)["status"], "succeeded")
        self.assertEqual(sum(op["type"] == "cluster.join" and op["status"] == "succeeded" for op in mko.items("operation", "list")), before + 1)
        self.assertEqual(self.plan(path, code=0).stdout, NOTHING)
        self.assertIn("node/n2", self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "nodes", "-o", "name"))
        self.assert_no_trace()

    def test_7_labels_backups_and_variables_are_taken_from_the_file(self):
        mko = self.mko
        path = self.file("n1", "n2", refresh="{policy: hold}", backup='{schedule: "0 3 * * *", keep: 3}')
        with open(path, encoding="utf-8") as source:
            text = source.read().replace("role: voter", "role: voter, labels: {disk: ${DISK_KIND}, example.com/rack: a}")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        self.plan(path, code=1)  # without --env it is a label that Kubernetes does not take
        done = mko("cluster", "plan", "-f", path, "--env", code=2)
        self.assertRegex(done.stderr, r"home\.yaml:8:\d+: the environment has no variable DISK_KIND")
        mko.env["DISK_KIND"] = "ssd"
        plan = self.plan(path, "--env", code=2).stdout
        self.assertIn("  ~ node n1: label disk nothing -> ssd, label example.com/rack nothing -> a\n", plan)
        self.assertIn("  + schedule backup-home: is not there yet\n", plan)
        mko("cluster", "apply", "-f", path, "--env", timeout=900)
        self.assertEqual(self.plan(path, "--env", code=0).stdout, NOTHING)
        self.assertIn("n1", self.lab.sh("n1", "/snap/bin/microk8s", "kubectl", "get", "nodes", "-l", "disk=ssd,example.com/rack=a"))
        self.assertEqual(mko.json("schedule", "show", "backup-home")["params"], {"keep_backups": 3})
        exported = os.path.join(mko.folder, "exported.yaml")
        mko("cluster", "export", "home", "-f", exported)
        self.assertEqual(self.plan(exported, "--prune", code=0).stdout, NOTHING)

        mko("node", "label", "n1", "n2", "zone=attic", "disk-")
        self.assertEqual({row["label"]: row["value"] for row in mko.items("node", "label", "n1")}, {"example.com/rack": "a", "zone": "attic"})
        self.assertIn("  ~ node n1: label disk nothing -> ssd\n", self.plan(path, "--env", code=2).stdout)
        self.assert_three_lines(mko("node", "label", "n1", "-bad=x", code=2))

    def custom(self, name, text):
        """A playbook of our own on the control planes."""
        path = os.path.join(self.mko.folder, name + ".yml")
        for end, body in ((".yml", "- hosts: mko_control_planes\n  gather_facts: false\n  tasks:\n    - " + text + "\n"),
                          (".meta.yml", f"title: {name}\ntarget: cluster\nrisk: read\n")):
            with open(os.path.join(self.mko.folder, name + end), "w", encoding="utf-8") as out:
                out.write(body)
        self.mko("playbook", "add", path)

    def hooks_of(self, number):
        return {child["type"]: child["status"] for child in self.mko.operation(number)["children"]}

    def test_8_words_tiers_hooks_and_what_is_kept_are_taken_from_the_file(self):
        mko = self.mko
        self.custom("look", "ansible.builtin.raw: touch /tmp/looked")
        settings = dict(cni="{name: calico}", hooks="{before: {backup: [look]}, after: {backup: [tell]}}",
                        backup='{schedule: "0 3 * * *", keep: {daily: 1, weekly: 2}}')
        path = self.file("n1", "n2", **settings)
        done = self.plan(path, code=1)
        self.assertRegex(done.stderr, r"home\.yaml:6:\d+: spec\.hooks\.after\.backup: there is no playbook tell: mko playbook list")
        self.custom("tell", "ansible.builtin.raw: touch /tmp/told")
        with open(path, encoding="utf-8") as source:
            text = source.read().replace("{name: home}", "{name: home, labels: {site: attic}}").replace("role: worker", "role: worker, power: {tier: 3}")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        mko("cluster", "apply", "-f", path, timeout=900)
        self.assertEqual(self.plan(path, code=0).stdout, NOTHING)
        self.assertEqual(mko.json("cluster", "show", "home")["labels"], {"site": "attic"})
        self.assertEqual(mko.json("node", "show", "n2")["power_tier"], 3)
        self.assertEqual(mko.json("schedule", "show", "backup-home")["params"], {"keep_daily": 1, "keep_weekly": 2})
        exported = os.path.join(mko.folder, "exported.yaml")
        mko("cluster", "export", "home", "-f", exported)
        self.assertEqual(self.plan(exported, "--prune", code=0).stdout, NOTHING)

        for _ in range(2):
            mko("cluster", "backup", "home", "--keep-daily", "1", timeout=900)
        number = next(op["id"] for op in mko.items("operation", "list") if op["type"] == "cluster.backup")
        wait_until(lambda: self.hooks_of(number).get("custom.tell") == "succeeded", 120, "the hook after it has run")
        self.assertEqual(self.hooks_of(number), {"custom.look": "succeeded", "custom.tell": "succeeded"})
        self.assertEqual(self.lab.sh("n1", "ls", "/tmp/looked", "/tmp/told").split(), ["/tmp/looked", "/tmp/told"])
        self.assertEqual([one["id"] for one in mko.items("cluster", "backup", "list", "home")], [str(number)])

        mko("playbook", "remove", "look", "--yes")  # a hook that is not there is told, and nothing is done without it
        done = mko("cluster", "backup", "home", code=1, timeout=900)
        self.assertIn('no operation type "custom.look"', done.stderr)
        self.assert_three_lines(mko("cluster", "edit", "home", "--label", "site", code=2))
        mko("cluster", "edit", "home", "--label", "")
        self.assertIn("there is no playbook look: mko playbook list\n", mko("cluster", "status", "home").stdout)
        self.custom("look", "ansible.builtin.raw: touch /tmp/looked")
        self.assertIn('~ cluster home: labels {} -> {"site":"attic"}\n', mko("cluster", "status", "home").stdout)


if __name__ == "__main__":
    unittest.main()
