"""What `./dev setup` would install."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.environ.get("MKO_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Conditions(unittest.TestCase):
    def test_a_package_is_left_alone_when_its_command_is_there_from_elsewhere(self):
        with tempfile.TemporaryDirectory() as commands:
            for name in ("npm", "kubectl"):
                path = os.path.join(commands, name)
                with open(path, "w", encoding="utf-8") as script:
                    script.write("#!/bin/sh\n")
                os.chmod(path, 0o755)
            env = dict(os.environ, PATH=commands + ":" + os.environ["PATH"])
            done = subprocess.run([os.path.join(ROOT, "tools/dev/setup.sh"), "--print", "lab", "test"],
                                  env=env, capture_output=True, text=True, check=True)
        words = done.stdout.split()
        self.assertNotIn("npm", words)
        self.assertNotIn("kubernetes-client", words)


if __name__ == "__main__":
    unittest.main()
