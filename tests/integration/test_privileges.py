"""What the server's account may do as root: fixed commands, and no way from them to a root shell. With the real sudo and visudo, in a mount
namespace whose /etc is a copy: this machine's own stays as it is."""
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import MKO, Mko  # noqa: E402

ACCOUNT = "mko-it"
# What a line of sudo is known to be bent to: other verbs and units, more arguments, editors, pagers, other programs, other users.
ESCAPES = (
    "sh", "/bin/sh -c id", "su -", "bash", "-i", "-s", "-e /etc/shadow", "sudoedit /etc/sudoers", "visudo", "env sh",
    "systemctl", "systemctl status nut-server.service", "systemctl edit nut-server.service", "systemctl restart nut-server.service",
    "systemctl restart -- ssh.service", "systemctl restart -- nut-server.service ssh.service", "systemctl restart -- nut-server.service --user",
    "systemctl restart -- ../../tmp/evil.service", "systemctl restart -- nut-driver@evil.service", "systemctl restart -- 'nut-*.service'",
    "systemctl --root=/tmp restart -- nut-server.service", "systemctl -H evil restart -- nut-server.service", "systemctl link /tmp/evil.service",
    "systemctl restart -- 'nut-server.service;sh'", "/tmp/systemctl restart -- nut-server.service", "-u nobody systemctl restart -- nut-server.service",
    "LD_PRELOAD=/tmp/evil.so systemctl restart -- nut-server.service", "PATH=/tmp systemctl restart -- nut-server.service",
    "-E SYSTEMD_EDITOR=sh systemctl edit nut-server.service", "tee /etc/sudoers.d/x", "cp /bin/sh /tmp/sh", "chown root /tmp/sh", "chmod u+s /tmp/sh",
)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Privileges(unittest.TestCase):
    def setUp(self):
        self.mko = Mko()
        self.addCleanup(self.mko.done)
        self.etc = tempfile.mkdtemp(prefix="mko-etc-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.etc], check=True)
        os.chmod(self.etc, 0o755)
        subprocess.run(["cp", "-a", "/etc/.", self.etc], check=True)

    def inside(self, *argv, account=None, group=ACCOUNT):
        """Run a program where /etc is the test's own, as root or as an account."""
        argv = ["setpriv", f"--reuid={account}", f"--regid={group}", "--clear-groups", "--", *argv] if account else argv
        script = f"mount --make-rprivate / && mount --bind {shlex.quote(self.etc)} /etc && exec {shlex.join(argv)}"
        return subprocess.run(["unshare", "--mount", "--", "sh", "-c", script], env={**self.mko.env, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)

    def run_mko(self, *args, code=0):
        done = self.inside(MKO, "system", *args)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_an_account_gets_fixed_commands_and_no_way_to_a_root_shell(self):
        self.assertIn(f"no account {ACCOUNT}", self.run_mko("check-privileges", "--user", ACCOUNT, code=3).stderr)
        made = json.loads(self.run_mko("setup-privileges", "--user", ACCOUNT, "-o", "json").stdout)
        self.assertEqual((made["account_created"], made["changed"], made["file"]), (True, True, "/etc/sudoers.d/mko"))
        status = os.stat(f"{self.etc}/sudoers.d/mko")
        self.assertEqual((status.st_mode & 0o7777, status.st_uid, status.st_gid), (0o440, 0, 0))
        self.assertEqual(self.inside("visudo", "-c", "-q").returncode, 0)
        with open(f"{self.etc}/sudoers.d/mko", encoding="utf-8") as source:
            text = source.read()
        self.assertEqual(text, self.run_mko("setup-privileges", "--user", ACCOUNT, "--print").stdout)
        again = json.loads(self.run_mko("setup-privileges", "--user", ACCOUNT, "-o", "json").stdout)
        self.assertFalse(again["changed"])

        checked = json.loads(self.run_mko("check-privileges", "--user", ACCOUNT, "-o", "json").stdout)
        self.assertEqual([item["reason"] for item in checked["items"] if not item["allowed"]], [])
        for item in made["items"]:
            self.assertEqual(self.inside("sudo", "-n", "-l", "--", *item["command"].split(), account=ACCOUNT).returncode, 0, item)
        for escape in ESCAPES:
            with self.subTest(escape=escape):
                done = self.inside("sudo", "-n", *shlex.split(escape), account=ACCOUNT)
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertRegex(done.stderr, r"(?m)^(sudo|sudoedit|usage): ")
                self.assertNotIn("Failed to", done.stderr, "systemctl was run")
        allowed = self.inside("sudo", "-n", "systemctl", "restart", "--", "nut-server.service", account=ACCOUNT)
        self.assertNotRegex(allowed.stderr, r"(?m)^sudo: ", "the control: what is allowed goes through sudo")

        self.run_mko("setup-privileges", "--remove")
        self.assertFalse(os.path.exists(f"{self.etc}/sudoers.d/mko"))
        checked = self.run_mko("check-privileges", "--user", ACCOUNT, code=1)
        self.assertRegex(checked.stdout, r"(?m)^no +/usr/bin/systemctl restart -- nut-server.service")
        self.assertIn("try: sudo mko system setup-privileges", checked.stderr)

    def test_nothing_is_moved_in_when_it_may_not_or_visudo_refuses(self):
        with open(f"{self.etc}/sudoers.d/mko", "w", encoding="utf-8") as out:
            out.write("# mine\n")
        tools = os.path.join(self.mko.folder, "tools")
        os.mkdir(tools)
        with open(f"{tools}/visudo", "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\necho 'visudo: syntax error near line 3'\nexit 1\n")
        os.chmod(f"{tools}/visudo", 0o755)
        self.mko.env["PATH"] = f"{tools}:{os.environ['PATH']}"
        done = self.run_mko("setup-privileges", "--user", ACCOUNT, code=1)
        self.assertIn("syntax error near line 3", done.stderr)
        with open(f"{self.etc}/sudoers.d/mko", encoding="utf-8") as source:
            self.assertEqual(source.read(), "# mine\n")
        self.assertEqual(self.inside("id", ACCOUNT).returncode, 1, "the account was made")
        self.mko.env["PATH"] = os.environ["PATH"]
        self.run_mko("setup-privileges", "--user", "a;b", code=2)
        self.run_mko("setup-privileges", "--print", "--remove", code=2)
        self.run_mko("setup-privileges", "--user", "root", code=2)
        done = self.inside(MKO, "system", "setup-privileges", account="nobody", group="nogroup")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("needs root", done.stderr)


if __name__ == "__main__":
    unittest.main()
