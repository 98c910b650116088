"""The object store: locking, history, wake-ups between processes, survival of a killed writer, backup."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from kube_support import LAB, wait_for  # noqa: E402

sys.path.insert(0, str(LAB))
from sim.kube.store import AlreadyExists, Conflict, Gone, NotFound, ObjectStore, Reader  # noqa: E402

WRITER = """
import sys
from sim.kube.store import ObjectStore
store = ObjectStore(sys.argv[1])
for number in range(int(sys.argv[2])):
    store.patch("pods", "a", lambda pod: pod.update(count=pod.get("count", 0) + 1), "x")
"""


def pod(name: str = "a", **more):
    return {"metadata": {"name": name, "namespace": "x"}, **more}


class StoreCase(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="mko-store-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.store = ObjectStore(self.directory)
        self.addCleanup(self.store.close)

    def writer(self, times: int) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(LAB)}
        return subprocess.Popen((sys.executable, "-c", WRITER, self.directory, str(times)), env=environment)


class Objects(StoreCase):
    def test_create_fills_in_metadata(self):
        meta = self.store.create("pods", pod())["metadata"]
        self.assertEqual(meta["resourceVersion"], "1")
        self.assertRegex(meta["creationTimestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(len(meta["uid"]), 36)

    def test_create_twice_is_refused(self):
        self.store.create("pods", pod())
        with self.assertRaises(AlreadyExists):
            self.store.create("pods", pod())

    def test_missing_object(self):
        self.assertIsNone(self.store.get("pods", "a", "x"))
        for call in (self.store.update, lambda r, o: self.store.delete(r, "a", "x")):
            with self.assertRaises(NotFound):
                call("pods", pod())

    def test_update_with_an_old_version_is_refused(self):
        old = self.store.create("pods", pod())
        self.store.update("pods", {**old, "a": 1})
        with self.assertRaises(Conflict):
            self.store.update("pods", {**old, "a": 2})

    def test_update_cannot_change_identity(self):
        made = self.store.create("pods", pod())
        after = self.store.update("pods", pod(a=1))
        self.assertEqual(after["metadata"]["uid"], made["metadata"]["uid"])

    def test_update_without_a_change_writes_nothing(self):
        self.store.create("pods", pod())
        self.store.patch("pods", "a", lambda obj: None, "x")
        self.assertEqual(self.store.revision(), 1)

    def test_failed_change_writes_nothing(self):
        self.store.create("pods", pod())
        with self.assertRaises(ZeroDivisionError):
            self.store.patch("pods", "a", lambda obj: obj.update(a=1 // 0), "x")
        self.assertNotIn("a", self.store.get("pods", "a", "x"))

    def test_delete_of_another_uid_is_refused(self):
        self.store.create("pods", pod())
        with self.assertRaises(Conflict):
            self.store.delete("pods", "a", "x", uid="other")

    def test_list_by_namespace_is_in_order(self):
        for name, namespace in (("b", "x"), ("a", "y"), ("a", "x")):
            self.store.create("pods", {"metadata": {"name": name, "namespace": namespace}})
        names = [(o["metadata"]["namespace"], o["metadata"]["name"]) for o in self.store.list("pods")]
        self.assertEqual(names, [("x", "a"), ("x", "b"), ("y", "a")])
        self.assertEqual(len(self.store.list("pods", "x")), 2)

    def test_reader_sees_changes_and_else_keeps_its_list(self):
        reader = Reader(self.store)
        self.assertEqual(reader.list("pods"), [])
        self.store.create("pods", pod())
        first = reader.list("pods")
        self.store.create("nodes", {"metadata": {"name": "n"}})
        self.assertIs(reader.list("pods"), first)


class History(StoreCase):
    def test_events_tell_each_change_once(self):
        self.store.create("pods", pod())
        self.store.patch("pods", "a", lambda obj: obj.update(a=1), "x")
        self.store.delete("pods", "a", "x")
        events = self.store.events_since("pods", 0)
        self.assertEqual([(e.revision, e.type) for e in events], [(1, "ADDED"), (2, "MODIFIED"), (3, "DELETED")])
        self.assertEqual(events[1].previous["metadata"]["resourceVersion"], "1")
        self.assertEqual(self.store.events_since("pods", 3), [])

    def test_old_history_is_gone_but_only_of_the_busy_resource(self):
        self.store.create("nodes", {"metadata": {"name": "n"}})
        self.store.create("pods", pod())
        for number in range(500):
            self.store.patch("pods", "a", lambda obj, n=number: obj.update(n=n), "x")
        with self.assertRaises(Gone):
            self.store.events_since("pods", 2)
        self.assertEqual(len(self.store.events_since("nodes", 0)), 1)

    def test_dump_and_load_restore_objects_and_never_turn_back(self):
        self.store.create("pods", pod())
        saved = self.store.dump()
        self.store.delete("pods", "a", "x")
        self.store.create("nodes", {"metadata": {"name": "n"}})
        before = self.store.revision()
        self.store.load(saved)
        self.assertIsNotNone(self.store.get("pods", "a", "x"))
        self.assertIsNone(self.store.get("nodes", "n"))
        self.assertGreater(self.store.revision(), before)
        with self.assertRaises(Gone):
            self.store.events_since("pods", before)

    def test_what_is_put_back_keeps_its_uid_and_takes_the_place_of_what_has_its_name(self):
        saved = self.store.create("pods", pod())
        self.store.delete("pods", "a", "x")
        other = self.store.create("pods", pod())
        self.assertNotEqual(other["metadata"]["uid"], saved["metadata"]["uid"])
        self.store.put_back("pods", saved)
        self.assertEqual(self.store.get("pods", "a", "x")["metadata"]["uid"], saved["metadata"]["uid"])
        self.assertEqual([e.type for e in self.store.events_since("pods", 2)], ["ADDED", "MODIFIED"])


class Processes(StoreCase):
    def test_a_write_of_another_process_wakes_only_who_asked_for_it(self):
        self.store.create("pods", pod())
        mine, other = self.store.subscribe(["pods"]), self.store.subscribe(["nodes"])
        self.addCleanup(mine.close)
        self.addCleanup(other.close)
        process = self.writer(1)
        self.assertTrue(mine.wait(10))
        self.assertFalse(other.wait(0.2))
        process.wait(10)

    def test_writers_of_several_processes_lose_nothing(self):
        self.store.create("pods", pod())
        writers = [self.writer(100) for _ in range(3)]
        self.assertEqual([process.wait(60) for process in writers], [0, 0, 0])
        self.assertEqual(self.store.get("pods", "a", "x")["count"], 300)
        self.assertEqual(self.store.revision(), 301)

    def test_killed_writer_leaves_a_whole_store(self):
        self.store.create("pods", pod())
        process = self.writer(100000)
        wait_for(lambda: self.store.revision() > 50)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        found = self.store.get("pods", "a", "x")
        self.assertEqual(found["count"] + 1, self.store.revision())
        self.store.patch("pods", "a", lambda obj: obj.update(after=True), "x")

    def test_wake_ends_a_wait(self):
        subscription = self.store.subscribe(["pods"])
        self.addCleanup(subscription.close)
        subscription.wake()
        began = time.monotonic()
        self.assertTrue(subscription.wait(5))
        self.assertLess(time.monotonic() - began, 1)


if __name__ == "__main__":
    unittest.main()
