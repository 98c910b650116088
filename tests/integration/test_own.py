"""What users add themselves, with real Ansible against a lab: playbooks as operation types, hooks, workflows with approvals."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, wait_until  # noqa: E402

PLAYBOOK = """\
- name: Leave a note
  hosts: mko_targets
  gather_facts: false
  tasks:
    - name: Write what was given
      ansible.builtin.copy:
        content: "{{ note }}"
        dest: /tmp/mko-note
        mode: "0644"
"""
META = """\
title: Leave a note
target: node
risk: change
check_mode: true
variables:
  - {name: note, type: text, default: nothing, help: What to write}
"""
FAILING = "- hosts: mko_targets\n  gather_facts: false\n  tasks:\n    - ansible.builtin.fail: {msg: not today}\n"
HOOK = "title: Gate\ntarget: node\nrisk: read\nbefore: [node.prepare]\n"


class Own(LabCase):
    def setUp(self):
        super().setUp()
        self.mko("init")
        self.mko.add_nodes(self.lab)
        self.node = self.lab.nodes[0]["hostname"]

    def write(self, name, text):
        path = os.path.join(self.mko.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def test_a_playbook_becomes_an_operation_type_whose_values_are_only_text(self):
        mko = self.mko
        self.write("note.meta.yml", META)
        mko("playbook", "add", self.write("note.yml", PLAYBOOK))
        self.assertIn("custom.note", [t["name"] for t in mko.items("operation", "types")])
        shown = mko.json("playbook", "show", "note")
        self.assertEqual((shown["source"], shown["text"], shown["metadata"]), ("custom", PLAYBOOK, META))
        evil = "{{ lookup('pipe', 'id') }}"
        mko("playbook", "run", "note", self.node, "-p", f"note={evil}")
        self.assertEqual(self.lab.sh(self.node, "cat", "/tmp/mko-note"), evil)
        mko("operation", "run", "custom.note", self.node, "-p", "wrong=1", code=2)
        mko("playbook", "remove", "custom.note", "--yes")
        mko("operation", "run", "custom.note", self.node, code=2)
        self.assert_no_trace()

    def test_wrong_metadata_is_told_by_line_and_column_and_harms_no_other(self):
        mko = self.mko
        self.write("note.meta.yml", META.replace("risk:", "risks:"))
        done = mko("playbook", "add", self.write("note.yml", PLAYBOOK), code=2)
        self.assertIn("note.meta.yml:3:1", done.stderr)
        folder = os.path.join(mko.data, "playbooks")
        os.makedirs(folder, exist_ok=True)
        for name, meta in (("good", META), ("bad", "title: [x\n")):
            for end, text in ((".yml", PLAYBOOK), (".meta.yml", meta)):
                with open(os.path.join(folder, name + end), "w", encoding="utf-8") as out:
                    out.write(text)
        mine = {p["name"]: p for p in mko.items("playbook", "list") if p["source"] == "custom"}
        self.assertEqual(mine["custom.good"]["operation_types"], ["custom.good"])
        self.assertIn("bad.meta.yml:2:1", mine["custom.bad"]["problems"][0])
        mko("playbook", "run", "good", self.node)

    def test_a_gate_before_an_operation_that_fails_stops_it(self):
        mko = self.mko
        self.write("gate.meta.yml", HOOK)
        mko("playbook", "add", self.write("gate.yml", FAILING))
        done = mko("node", "prepare", self.node, code=1)
        self.assertIn("custom.gate", done.stderr)
        parent = next(op for op in mko.items("operation", "list") if op["type"] == "node.prepare")
        self.assertEqual(mko.operation(parent["id"])["children"][0]["status"], "failed")
        self.assert_no_trace()

    def test_a_workflow_waits_for_its_approval_over_a_killed_server(self):
        mko = self.mko
        steps = [{"name": "look", "type": "node.status", "target": self.node}, {"name": "go on?", "approval": "Really?", "timeout_s": 600},
                 {"name": "test", "type": "node.test", "target": self.node}]
        wrong = self.write("wrong.yaml", "name: careful\nsteps:\n  - name: look\n    type: node.nothing\n")
        self.assertIn("wrong.yaml:4:5", mko("workflow", "add", "-f", wrong, code=2).stderr)
        mko("workflow", "add", "-f", self.write("careful.yaml", json.dumps({"name": "careful", "steps": steps})))
        mko.start_daemon()
        number = int(mko("workflow", "run", "careful", "--detach").stdout)

        def states():
            return [step["status"] for step in mko.operation(number)["result"]["steps"]]

        wait_until(lambda: states() == ["succeeded", "waiting", "pending"], 60, "the approval is asked for")
        mko.kill_daemon()
        mko.start_daemon()
        mko("workflow", "approve", str(number), "--comment", "fine")
        wait_until(lambda: mko.operation(number)["status"] == "succeeded", 60, "the run ends")
        run = mko.operation(number)
        self.assertEqual(run["result"]["steps"][1]["comment"], "fine")
        self.assertEqual([child["type"] for child in run["children"]], ["node.status", "node.test"])
        mko("workflow", "reject", str(number), code=4)


if __name__ == "__main__":
    unittest.main()
