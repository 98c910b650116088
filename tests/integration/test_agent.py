"""SSH keys with a passphrase work through ssh-agent, and without it the error says so."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import LabCase  # noqa: E402

PASSPHRASE = "correct horse 7"


class KeyWithPassphrase(LabCase):
    lab_nodes = 1

    def test_it_works_through_an_agent_and_the_error_without_one_says_so(self):
        mko = self.mko
        key = os.path.join(mko.folder, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", key], check=True)
        with open(key + ".pub", encoding="utf-8") as public:
            line = public.read().strip()
        home = f"/home/{self.lab.nodes[0]['user']}"
        self.lab.sh("n1", "sh", "-c", f"echo '{line}' >>{home}/.ssh/authorized_keys")
        mko("init")
        mko.add_node(self.lab.nodes[0], key_path=key)

        mko.env.pop("SSH_AUTH_SOCK", None)
        done = mko("node", "test", "n1", code=1)
        self.assertIn(f"{key} has a passphrase", done.stderr)
        self.assertIn(f"ssh-add {key}", done.stderr)
        self.assert_three_lines(done)
        self.assertEqual(mko.json("node", "show", "n1")["status"], "offline")

        mko.env["SSH_AUTH_SOCK"] = self.start_agent()
        self.add_to_agent(key)
        mko("node", "test", "n1")
        self.assertEqual(mko.json("node", "show", "n1")["status"], "online")
        self.assert_no_trace(PASSPHRASE)

    def start_agent(self):
        path = os.path.join(self.mko.folder, "agent")
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.addCleanup(agent.stdout.close)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.terminate)
        agent.stdout.readline()  # it listens
        return path

    def add_to_agent(self, key):
        """ssh-add asks a program for the passphrase when there is no terminal."""
        ask = os.path.join(self.mko.folder, "ask")
        with open(ask, "w", encoding="utf-8") as script:
            script.write(f"#!/bin/sh\necho '{PASSPHRASE}'\n")
        os.chmod(ask, 0o700)
        env = {**self.mko.env, "SSH_ASKPASS": ask, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
        subprocess.run(["ssh-add", "-q", key], env=env, stdin=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    unittest.main()
