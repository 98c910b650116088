"""Completion as a person meets it: the real shells load the script and are asked what comes after what."""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import MKO, Mko  # noqa: E402

# What is typed, and what must be among the answers.
CASES = (
    ("mko no", ["node"]),
    ("mko node sh", ["show"]),
    ("mko node list --clu", ["--cluster"]),
    ("mko node list --status off", ["offline"]),
    ("mko node show we", ["web-1", "web-2"]),
    ("mko cluster setup pr", ["prod"]),
)
BASH = """
source <(mko completion bash)
complete -p mko >/dev/null || exit 1
COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_mko
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "mko completion fish | source; complete -C $argv[1]"


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mko = Mko()
        cls.addClassCleanup(cls.mko.done)
        folder = os.path.join(cls.mko.folder, "bin")
        os.mkdir(folder)
        os.symlink(os.path.abspath(MKO), os.path.join(folder, "mko"))
        cls.env = {**cls.mko.env, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": cls.mko.folder, "TERM": "dumb"}
        cls.mko("init")
        cls.mko("cluster", "add", "--name", "prod")
        for i in (1, 2):
            cls.mko("node", "add", "--hostname", f"web-{i}", "--ip", f"192.0.2.{i}", "--no-host-key")

    def needs(self, shell):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")

    def check(self, ask):
        for line, wanted in CASES:
            words = ask(line)
            self.assertEqual([word for word in wanted if word not in words], [], f"{line!r} offers {words}")
            if "show we" in line:
                self.assertNotIn("prod", words)

    def run_shell(self, *command):
        done = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_bash(self):
        self.needs("bash")
        self.check(lambda line: self.run_shell("bash", "--norc", "-c", BASH, "bash", line).split("\n"))

    def test_fish(self):
        self.needs("fish")
        self.check(lambda line: [answer.partition("\t")[0] for answer in self.run_shell("fish", "--no-config", "-c", FISH, line).splitlines()])

    def test_zsh(self):
        self.needs("zsh")
        shell = Terminal(["zsh", "-f", "-i"], self.env)
        self.addCleanup(shell.end)
        shell.type("PS1='ready> '; unsetopt zle_bracketed_paste; LISTMAX=1000\n")
        shell.type("autoload -Uz compinit && compinit -D -u && source <(mko completion zsh)\n")
        shell.type("zstyle ':completion:*' list-separator '|'; bindkey '^T' list-choices; print start''ed\n")
        shell.wait_for("started")
        self.check(lambda line: self.zsh_offers(shell, line))

    @staticmethod
    def zsh_offers(shell, line):
        """The list that zsh shows for the line, then the line is thrown away."""
        shell.type(line + "\x14")
        text = shell.wait_for(r"\w+ *\|")
        shell.type("\x15print do''ne\n")
        return re.findall(r"[\w-]+", text + shell.wait_for("done"))


class Terminal:
    """A program that believes to sit at a terminal."""

    def __init__(self, command, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, env)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern, seconds=120):
        """All output until it has the pattern."""
        text = ""
        until = time.monotonic() + seconds
        while not re.search(pattern, text):
            if not select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
                raise AssertionError(f"no {pattern!r} in {text!r}")
            text += os.read(self.fd, 65536).decode(errors="replace")
        return text

    def end(self):
        os.close(self.fd)  # the shell gets a hang-up
        os.waitpid(self.pid, 0)


if __name__ == "__main__":
    unittest.main()
