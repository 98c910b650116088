"""mko system support-bundle: everything that somebody who helps needs, and no secret and no address in it; the manifest is true.

One lab for all cases.
"""
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, Mko  # noqa: E402

# A report as a hostile node would make it: names that lead out, a link, a secret in a text, and bytes without end.
HOSTILE = r"""#!/bin/sh
d=$(mktemp -d); cd "$d" || exit 1
printf 'join 192.0.2.7:25000/00112233445566778899aabbccddeeff\npassword: hunter2\n' >log.txt
ln -s /etc/shadow shadow
head -c 40000000 /dev/zero >zeros
tar -czPf /var/snap/microk8s/current/inspection-report-20261126_101010.tar.gz --transform 's,^log.txt$,../../../etc/cron.d/log.txt,' log.txt shadow zeros
printf '  Report tarball is at /var/snap/microk8s/current/inspection-report-20261126_101010.tar.gz\n'
"""


class Bundle(LabCase):
    lab_nodes = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = Mko()
        cls.addClassCleanup(cls.shared.done)
        cls.shared("init")
        cls.shared("cluster", "add", "--name", "prod")
        cls.shared("cluster", "add", "--name", "other")
        cls.shared.add_nodes(cls.lab, "prod", ["n1"])
        cls.shared.add_nodes(cls.lab, "other", ["n2"])
        cls.lab.fault("n1", "sudo_password", "Tr0ub4dor&3")
        cls.shared("node", "edit", "n1", "--sudo-password-stdin", text="Tr0ub4dor&3\n")
        cls.shared("cluster", "setup", "prod")
        cls.shared("node", "facts", "n2", "--refresh", code=None)

    def setUp(self):
        self.mko = self.shared
        self.file = os.path.join(self.mko.folder, f"{self._testMethodName}.tar.gz")

    def bundle(self, *args, code=0):
        return self.mko("system", "support-bundle", "--file", self.file, *args, code=code)

    def read(self, data=None):
        """{name: text}, and the manifest."""
        source = io.BytesIO(data) if data is not None else open(self.file, "rb")
        with source, tarfile.open(fileobj=source, mode="r:gz") as tar:
            files = {one.name: tar.extractfile(one).read() for one in tar.getmembers()}
        return files, json.loads(files.pop("manifest.json"))

    def test_1_what_helps_is_there_and_nothing_secret_is(self):
        done = self.bundle()
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.assertIn("manifest.json", done.stderr)
        files, manifest = self.read()
        self.assertLessEqual({"clusters.json", "nodes.json", "operations.json", "findings.json", "settings.json", "version.json", "server/doctor.json"}, set(files))
        self.assertTrue(any(name.startswith("operations/") for name in files))
        self.assertEqual([node["hostname"] for node in json.loads(files["nodes.json"])], ["n1", "n2"])
        everything = b"\n".join(files.values()).decode("utf-8", "replace")
        for secret in ("Tr0ub4dor", *(node["ip"] for node in self.lab.nodes), "PRIVATE KEY-----\n"):
            self.assertNotIn(secret, everything)
        with open(os.path.join(self.mko.data, "secret.key"), encoding="utf-8") as key:
            self.assertNotIn(key.read().strip(), everything)
        self.assertNotRegex(everything, r"\b(?:10|172|192)\.\d+\.\d+\.\d+\b")
        first = json.loads(files["nodes.json"])[0]["ip_address"]
        self.assertRegex(first, r"^ipv4-\d+$")
        self.assertIn(first, files["operations.json"].decode() + everything, "an address keeps its name")

    def test_2_the_manifest_is_true(self):
        self.bundle()
        files, manifest = self.read()
        self.assertEqual({one["name"]: (one["bytes"], one["sha256"]) for one in manifest["files"]},
                         {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()})
        rules = {one["rule"]: one["times"] for one in manifest["masked"]}
        told = {}
        for one in manifest["files"]:
            for rule, times in one["masked"].items():
                told[rule] = told.get(rule, 0) + times
        self.assertEqual({rule: times for rule, times in rules.items() if times}, told)
        self.assertGreater(rules["ipv4"], 0)
        for one in manifest["not_included"]:
            self.assertTrue(one["name"] and one["why"])

    def test_3_one_cluster_only(self):
        self.bundle("--cluster", "prod")
        files, manifest = self.read()
        self.assertEqual([node["hostname"] for node in json.loads(files["nodes.json"])], ["n1"])
        self.assertEqual([one["name"] for one in json.loads(files["clusters.json"])], ["prod"])
        self.assertEqual({op["target"]["name"] for op in json.loads(files["operations.json"]) if "target" in op} - {"prod", "n1"}, set())
        self.assertEqual(manifest["cluster"], "prod")

    def test_4_reports_of_nodes_are_masked_too(self):
        self.bundle("--cluster", "prod", "--inspect")
        files, _ = self.read()
        own = [name for name in files if name.startswith("nodes/n1/")]
        self.assertTrue(any("kubelite" in name for name in own), own)
        self.assertNotIn(self.lab.nodes[0]["ip"], "".join(files[name].decode("utf-8", "replace") for name in own))
        left = self.lab.sh("n1", "sh", "-c", "ls /var/snap/microk8s/current/ | grep -c inspection-report || true").strip()
        self.assertEqual(left, "0", "the node keeps no report")

    def test_5_a_hostile_report_leads_nowhere_and_is_cut(self):
        self.lab.sh("n1", "sh", "-c", "mv /snap/bin/microk8s /snap/bin/microk8s.real; cat >/snap/bin/microk8s <<'END'\n" + HOSTILE + "END\nchmod 755 /snap/bin/microk8s")
        self.addCleanup(self.lab.sh, "n1", "sh", "-c", "rm /snap/bin/microk8s; mv /snap/bin/microk8s.real /snap/bin/microk8s")
        self.bundle("--cluster", "prod", "--inspect")
        files, manifest = self.read()
        own = {name: data for name, data in files.items() if name.startswith("nodes/n1/")}
        self.assertFalse(any(".." in name or "shadow" in name for name in own), own.keys())
        text = next(data for name, data in own.items() if name.endswith("log.txt")).decode()
        self.assertNotRegex(text, "hunter2|192.0.2.7|00112233")
        self.assertIn("zeros", " ".join(one["name"] for one in manifest["not_included"]))
        self.assertLess(os.stat(self.file).st_size, 1 << 20)

    def test_6_it_is_encrypted_to_a_public_key(self):
        key = os.path.join(self.mko.folder, "key.txt")
        subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
        with open(key, encoding="utf-8") as source:
            public = re.search("age1[a-z0-9]+", source.read()).group()
        self.bundle("--encrypt", public)
        with open(self.file, "rb") as source:
            self.assertTrue(source.read(20).startswith(b"age-encryption.org"))
        data = subprocess.run(["age", "-d", "-i", key, self.file], check=True, capture_output=True).stdout
        self.assertIn("nodes.json", self.read(data)[0])
        self.assertEqual([name for name in os.listdir(self.mko.data) if name.startswith("encrypt.")], [], "nothing plain is left")

    def test_7_wrong_usage(self):
        self.assert_three_lines(self.bundle("--encrypt", "age1nonsense", code=2))
        self.assert_three_lines(self.bundle("--encrypt", "/nowhere/key.pub", code=3))
        self.assert_three_lines(self.bundle("--cluster", "nobody", code=3))
        self.assert_three_lines(self.bundle("--inspect", code=2))
        self.assertFalse(os.path.exists(self.file))
        with open(self.file, "w", encoding="utf-8") as other:
            other.write("precious")
        self.assert_three_lines(self.bundle(code=4))
        with open(self.file, encoding="utf-8") as other:
            self.assertEqual(other.read(), "precious", "no file is overwritten")


if __name__ == "__main__":
    unittest.main()
