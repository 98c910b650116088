"""How results are counted: nothing that went wrong may look green."""
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
spec = importlib.util.spec_from_file_location("suites", os.path.join(ROOT, "tools/dev/suites.py"))
suites = importlib.util.module_from_spec(spec)
sys.modules["suites"] = suites
spec.loader.exec_module(suites)


class CountTap(unittest.TestCase):
    def check(self, text, ended_well, passed, failed, skipped=0):
        count = suites.count_tap(text, "p", ended_well)
        self.assertEqual((count.passed, count.failed, count.skipped), (passed, failed, skipped), count.failures)

    def test_cases_are_counted(self):
        self.check("1..3\nok 1 - a\nnot ok 2 - b\n# why\nok 3 # SKIP c\n", False, 1, 1, 1)

    def test_groups_of_cmocka_add_up(self):
        self.check("1..1\nok 1 - a\n# ok - tests\n1..1\nok 1 - b\n# ok - tests\n", True, 2, 0)

    def test_a_crash_fails(self):
        self.check("1..3\nok 1 - a\n", False, 1, 1)
        self.check("1..1\nok 1 - a\n", False, 1, 1)
        self.check("", False, 0, 1)

    def test_no_plan_and_no_case_fail(self):
        self.check("ok 1 - a\n", True, 1, 1)
        self.check("1..0\n", True, 0, 1)

    def test_chatter_is_no_case(self):
        self.check("1..1\nok then, let us start\nok 1 - a\n", True, 1, 0)


class PyRun(unittest.TestCase):
    def run_file(self, text, *args):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "test_x.py")
            with open(path, "w", encoding="utf-8") as out:
                out.write("import os, unittest\n" + text)
            done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/dev/pyrun.py"), path, *args],
                                  capture_output=True, text=True)
            count = suites.count_tap(done.stdout, "x", done.returncode == 0)
            return done.returncode, (count.passed, count.failed, count.skipped)

    def test_all_kinds_of_results(self):
        self.assertEqual(self.run_file("""
class T(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.fail("x")
    def test_error(self): 1 / 0
    @unittest.skip("why")
    def test_skip(self): pass
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i): self.assertEqual(i, 0)
    @unittest.expectedFailure
    def test_known(self): self.fail()
"""), (1, (2, 3, 1)))

    def test_a_pattern_selects(self):
        text = "class T(unittest.TestCase):\n    def test_a(self): pass\n    def test_b(self): pass\n"
        self.assertEqual(self.run_file(text, "test_b"), (0, (1, 0, 0)))
        self.assertEqual(self.run_file(text, "nothing"), (2, (0, 1, 0)))

    def test_class_setup_that_fails_fails_each_case(self):
        text = "class T(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): {}\n    def test_a(self): pass\n    def test_b(self): pass\n"
        code, (passed, failed, skipped) = self.run_file(text.format("1 / 0"))
        self.assertEqual((code, passed, failed, skipped), (1, 0, 2, 0))
        code, (passed, failed, skipped) = self.run_file(text.format("raise unittest.SkipTest('no root')"))
        self.assertEqual((code, passed, failed, skipped), (0, 0, 0, 2))

    def test_module_skip(self):
        self.assertEqual(self.run_file("raise unittest.SkipTest('not here')\n"), (0, (0, 0, 1)))

    def test_crash_and_broken_import_fail(self):
        self.assertEqual(self.run_file("class T(unittest.TestCase):\n    def test_a(self): os._exit(0)\n"), (0, (0, 1, 0)))
        self.assertEqual(self.run_file("import nothing_like_this\n"), (1, (0, 1, 0)))


if __name__ == "__main__":
    unittest.main()
