#!/usr/bin/env python3
"""Run the unittest cases of one file and speak TAP: `pyrun.py FILE [PATTERN]`.

One line a case, a diagnostic below each failure, `# duration` in it; the plan comes first, so that a crash in the
middle is seen. PATTERN (a substring of the case's name) selects. Exit 0 when all passed, 1 otherwise, 2 for no case.
"""
import importlib.util
import os
import sys
import time
import traceback
import unittest


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def short(case):
    """Class.method, also for a failed class set-up, which unittest shows as another object."""
    name = case.id()
    return ".".join(name.split(".")[-2:]) if "(" not in name else name


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.bad = 0
        self.started = {}
        self.done = set()

    def line(self, good, case, note="", detail=""):
        if case.id() in self.done:
            return
        self.done.add(case.id())
        self.number += 1
        self.bad += not good
        seconds = time.monotonic() - self.started.get(case.id(), time.monotonic())
        print(f"{'ok' if good else 'not ok'} {self.number} - {short(case)}{note} # {seconds:.2f}s" if not note
              else f"ok {self.number} - {short(case)}{note}")
        for text in detail.rstrip().splitlines():
            print(f"#   {text}")
        sys.stdout.flush()

    def fixture(self, case, detail):
        """A failed or skipped set-up of a class or module: told here, counted at each case that never ran."""
        if not case.id().startswith("setUp"):
            return False
        for text in f"{case.id()}: {detail}".rstrip().splitlines():
            print(f"#   {text}")
        return True

    def startTest(self, test):
        super().startTest(test)
        self.started[test.id()] = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(True, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if self.fixture(test, reason):
            return
        self.line(True, test, note=f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        detail = "".join(traceback.format_exception(*err))
        if not self.fixture(test, detail):
            self.line(False, test, detail=detail)

    addError = addFailure

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.line(True, test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.line(False, test, detail="passed although it was expected to fail")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.line(False, test, detail=f"{subtest}\n" + "".join(traceback.format_exception(*err)))


def main():
    path = os.path.abspath(sys.argv[1])
    pattern = sys.argv[2] if len(sys.argv) > 2 else ""
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except unittest.SkipTest as skip:
        print(f"1..1\nok 1 - {spec.name} # SKIP {skip}")
        return 0
    cases = [c for c in flatten(unittest.defaultTestLoader.loadTestsFromModule(module)) if pattern in c.id()]
    print(f"1..{len(cases)}", flush=True)
    if not cases:
        return 2
    result = TapResult()
    # Grouped by class again, in order, so that class fixtures run once.
    unittest.TestSuite(cases).run(result)
    # setUpModule or setUpClass that failed or skipped: its cases never ran.
    skipped = {c.id(): why for c, why in result.skipped}
    for case in cases:
        if case.id() not in result.done:
            reason = next((why for cid, why in skipped.items() if type(case).__qualname__ in cid or "setUpModule" in cid), None)
            if reason is not None:
                result.line(True, case, note=f" # SKIP {reason}")
            else:
                result.line(False, case, detail="never ran: its set-up failed")
    return 1 if result.bad else 0


if __name__ == "__main__":
    sys.exit(main())
