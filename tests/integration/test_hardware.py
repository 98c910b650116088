"""mko hardware: what machines are made of, read from all nodes at once with the tools that are there; changes are seen, sums add up, and what a node says breaks
nothing.
"""
import csv
import io
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase, wait_until  # noqa: E402

LSBLK = """#!/bin/sh
cat <<'END'
{"blockdevices":[{"name":"sda","type":"disk","size":1000204886016,"rota":true,"tran":"sata","model":"<b>Disk</b> \\"1\\"","serial":"%s","children":
[{"name":"sda1","type":"part","size":1000203091968,"fstype":"ext4","mountpoint":"/"}]}]}
END
"""
SMARTCTL = """#!/bin/sh
echo '{"smart_status":{"passed":%s},"temperature":{"current":51}}'
"""
VCGENCMD = """#!/bin/sh
echo throttled=%s
"""

DOCKER = """#!/bin/sh
case $1 in
volume) [ "$4" = '[{{json .Name}},{{json .Driver}},{{json .Mountpoint}}]' ] && printf '["%s","local","/x"]\\n' data1 idle ;;
ps) echo 3a4c90ca02b9 ;;
inspect) [ "$3" = '[{{json .Name}},{{json .Config.Image}},{{json .State.Status}},{{json .Mounts}}]' ] && [ "$4" = 3a4c90ca02b9 ] &&
    echo '["/web","empty:1","created",[{"Type":"volume","Name":"data1","Source":"/x","Destination":"/data","RW":true}]]' ;;
esac
"""


class Hardware(LabCase):
    lab_nodes = 3
    lab_options = ("--scale", "0.01")

    def setUp(self):
        super().setUp()
        self.mko("init")
        self.mko.add_nodes(self.lab)
        self.names = [node["hostname"] for node in self.lab.nodes]

    def tool(self, node, name, text):
        """Put a program where the collector looks first."""
        self.lab.sh(node, "/bin/sh", "-c", 'printf "%s" "$1" >"/usr/local/sbin/$0" && chmod 755 "/usr/local/sbin/$0"', name, text)
        self.addCleanup(self.lab.sh, node, "rm", "-f", f"/usr/local/sbin/{name}", check=False)

    def show(self, node, code=0):
        return json.loads(self.mko("hardware", "show", node, "-o", "json", code=code).stdout)

    def test_1_all_nodes_at_once_and_sums_that_add_up(self):
        self.assert_three_lines(self.mko("hardware", "show", self.names[0], code=3))
        self.tool(self.names[0], "lsblk", LSBLK % "A1")
        self.mko("hardware", "collect", "--all", code=0)
        report = self.show(self.names[0])["report"]
        self.assertTrue(report["complete"])
        self.assertEqual(report["cpu"]["threads"], os.cpu_count())
        self.assertEqual(report["disks"][0]["model"], '<b>Disk</b> "1"')
        self.assertEqual(report["disk_total_bytes"], 1000204886016)
        self.assertEqual(report["disks"][0]["children"][0]["mountpoint"], "/")
        self.assertGreater(report["memory"]["total_bytes"], 1 << 20)
        self.assertIn(self.lab.nodes[0]["ip"], [one["address"] for card in report["network"] for one in card["addresses"]])
        self.assertEqual(report["sections"]["dmidecode"], "missing")
        self.assertRegex(report["system"]["os"], "^[A-Za-z0-9 ./()]+$")
        totals = json.loads(self.mko("hardware", "list", "-o", "json").stdout)
        self.assertEqual(len(totals["nodes"]), 3)
        for key, total in totals["totals"].items():
            self.assertEqual(total, sum(node[key] or 0 for node in totals["nodes"]), key)
        text = self.mko("hardware", "show", self.names[0])
        self.assertRegex(text.stdout, r"sda +932 GiB")
        self.assertIn("not installed on the node:", text.stderr)

    def test_2_a_disk_that_was_replaced_and_one_that_fails_are_seen(self):
        node = self.names[0]
        self.tool(node, "lsblk", LSBLK % "A1")
        self.mko("hardware", "collect", node, code=0)
        self.assertIn("nothing changed", self.mko("hardware", "diff", node).stderr)
        self.tool(node, "lsblk", LSBLK % "B2")
        self.tool(node, "smartctl", SMARTCTL % "false")
        self.tool(node, "vcgencmd", VCGENCMD % "0x50005")
        self.mko("hardware", "collect", node, code=0)
        measured = [disk["name"] for disk in self.show(node)["report"]["disks"] if "smart" in disk]  # a lab machine may have none
        alerts = {one["rule"]: (one["name"], one["state"], one["members"]) for one in self.mko.items("health", "alerts")}
        self.assertEqual(alerts.pop("undervoltage"), (node, "firing", ["the board"]))
        if measured:
            self.assertEqual(alerts["disk_failing"], (node, "firing", measured))
        changes = {one["fact"]: (one["before"], one["after"]) for one in json.loads(self.mko("hardware", "diff", node, "-o", "json").stdout)["changes"]}
        self.assertEqual(changes["disks.sda.serial"], ("A1", "B2"))
        self.assertEqual(len(self.mko.items("hardware", "history", node)), 2)
        since = json.loads(self.mko("hardware", "diff", node, "--since", "1d", "-o", "json").stdout)
        self.assertIn("disks.sda.serial", [one["fact"] for one in since["changes"]])
        self.assert_three_lines(self.mko("hardware", "diff", node, "--since", "yesterday", code=2))
        self.tool(node, "smartctl", SMARTCTL % "true")
        self.tool(node, "vcgencmd", VCGENCMD % "0x0")
        self.mko("hardware", "collect", node, code=0)
        self.assertEqual({one["rule"] for one in self.mko.items("health", "alerts")} & {"undervoltage", "disk_failing"}, set())

    def test_2_it_is_exported_and_devices_write_no_html(self):
        node = self.names[0]
        self.tool(node, "lsblk", LSBLK % "A1")
        self.mko("hardware", "collect", node, code=0)
        page = self.mko("hardware", "export", node, "--format", "html").stdout
        self.assertNotIn("<b>Disk", page)
        self.assertIn("&lt;b&gt;Disk&lt;/b&gt; &quot;1&quot;", page)
        self.assertNotIn("http://", page.replace("http-equiv", ""))
        rows = list(csv.reader(io.StringIO(self.mko("hardware", "export", node, "--format", "csv").stdout)))
        self.assertIn(["disks.sda.serial", "A1"], rows)
        self.assertEqual({len(row) for row in rows}, {2})
        self.assertEqual(json.loads(self.mko("hardware", "export", node).stdout), self.show(node))
        self.mko("hardware", "export", node, "--format", "pdf", code=2)

    def test_3_a_tool_that_hangs_or_floods_holds_up_nothing(self):
        node = self.names[1]
        self.tool(node, "lspci", "#!/bin/sh\nsleep 300\n")
        self.tool(node, "lsusb", "#!/bin/sh\nexec yes 'Bus 001 Device 004: ID 0424:ec00 x'\n")
        began = time.monotonic()
        self.mko("hardware", "collect", node, code=0)
        self.assertLess(time.monotonic() - began, 60)
        report = self.show(node)["report"]
        self.assertTrue(report["complete"])
        self.assertEqual(report["sections"]["lspci"], "failed 124")
        self.assertLessEqual(len(report["usb"]), 4096)

    def test_5_usage_is_read_on_demand_without_a_full_report(self):
        node = self.names[0]
        self.mko("hardware", "collect", self.names[1], code=0)
        both = self.mko("hardware", "usage", node, self.names[1], code=9)
        self.assertIn("there is no hardware report yet", both.stderr, "it could be put into none, which holds up nobody else")
        self.assertRegex(both.stdout, rf"{self.names[1]} +\d+ ")
        self.mko("hardware", "usage", node, code=1)
        self.tool(node, "vcgencmd", VCGENCMD % "0x0")
        self.mko("hardware", "collect", node, code=0)
        before = self.show(node)
        self.tool(node, "vcgencmd", VCGENCMD % "0x50005")
        self.tool(node, "lspci", "#!/bin/sh\nsleep 300\n")  # it is not asked
        began = time.monotonic()
        table = self.mko("hardware", "usage", node, code=0).stdout
        self.assertLess(time.monotonic() - began, 9)
        self.assertRegex(table, rf"{node} +\d+ ")
        after = self.show(node)
        self.assertEqual((after["id"], after["taken_at"], len(self.mko.items("hardware", "history", node))), (before["id"], before["taken_at"], 1))
        self.assertEqual({key: after["report"][key] for key in ("cpu", "disks", "sections")}, {key: before["report"][key] for key in ("cpu", "disks", "sections")})
        self.assertGreater(after["report"]["usage_at"], after["taken_at"])
        self.assertTrue(after["report"]["raspberry_pi"]["undervoltage_now"])
        self.assertEqual([(one["rule"], one["name"]) for one in self.mko.items("health", "alerts")], [("undervoltage", node)])

    def test_5_volumes_of_kubernetes_are_told_with_who_uses_them(self):
        node = self.names[2]
        self.lab.sh(node, "/usr/bin/snap", "install", "microk8s", "--classic", "--channel", "1.32/stable")
        self.addCleanup(self.lab.sh, node, "/usr/bin/snap", "remove", "--purge", "microk8s")
        self.lab.sh(node, "/snap/bin/microk8s", "status", "--wait-ready")
        self.lab.sh(node, "/snap/bin/microk8s", "enable", "registry")
        claims = ("/snap/bin/microk8s", "kubectl", "get", "pvc", "-A", "-o", "jsonpath={.items[*].status.phase}")
        wait_until(lambda: self.lab.sh(node, *claims) == "Bound", 60, "the registry has its volume")
        self.mko("hardware", "collect", node, code=0)
        volumes = self.show(node)["report"]["volumes"]
        claim = volumes["kubernetes"]["claims"][0]
        self.assertEqual((claim["name"], claim["state"], claim["class"]), ("container-registry/registry-claim", "Bound", "microk8s-hostpath"))
        self.assertRegex(claim["used_by"][0], "^container-registry/registry-")
        volume = volumes["kubernetes"]["volumes"][0]
        self.assertEqual((volume["name"], volume["claim"]), (claim["volume"], claim["name"]))
        self.assertEqual([(one["name"], one["default"]) for one in volumes["kubernetes"]["classes"]], [("microk8s-hostpath", True)])
        self.assertIn("containers", volumes["containerd"])
        self.assertRegex(self.mko("hardware", "show", node).stdout, r"container-registry/registry-claim +Bound")

    def test_5_volumes_of_container_engines_are_told_with_who_uses_them(self):
        """Docker and Podman take the same arguments; what they print is as Podman 4.3 prints it."""
        node = self.names[0]
        self.tool(node, "docker", DOCKER)
        self.mko("hardware", "collect", node, code=0)
        docker = self.show(node)["report"]["volumes"]["docker"]
        self.assertEqual([(one["name"], one["used_by"]) for one in docker["volumes"]], [("data1", ["web"]), ("idle", [])])
        self.assertEqual(docker["containers"][0]["mounts"][0]["mount"], "/data")

    def test_4_a_node_that_is_away_costs_only_its_own_report(self):
        self.lab.run("power-off", self.names[2])
        self.mko("hardware", "collect", "--all", code=9)
        self.assertTrue(self.show(self.names[0])["report"]["complete"])
        self.assert_three_lines(self.mko("hardware", "show", self.names[2], code=3))
        self.lab.run("power-on", self.names[2])
        wait_until(lambda: self.mko("node", "test", self.names[2], code=None).returncode == 0, 60, "it is back")

    def test_5_nothing_is_left_on_the_node(self):
        before = self.lab.sh(self.names[0], "find", "/tmp", "/root", "/home", "-newer", "/proc/1/stat", check=False)
        self.mko("hardware", "collect", self.names[0], code=0)
        self.assertEqual(self.lab.sh(self.names[0], "find", "/tmp", "/root", "/home", "-newer", "/proc/1/stat", check=False), before)


if __name__ == "__main__":
    unittest.main()
