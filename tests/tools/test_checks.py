"""The home-made lint rules: each finds what it is for, and nothing else."""
import importlib.util
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load(name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(ROOT, "tools", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


layers = load("check_layers")
docs = load("check_docs")
banned = load("check_banned")


class Layers(unittest.TestCase):
    def problems(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(path)))
            with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                out.write(text)
            self.assertEqual(list(layers.sources(root)), [path])
            return list(layers.check_file(root, path))

    def test_every_room_may_include_itself_and_what_lies_below(self):
        self.assertEqual(self.problems("src/service/x.c", '#include "service/y.h"\n#include "base/err.h"\n#include "store/store.h"\n'), [])

    def test_upward_includes_are_refused(self):
        for path, target in [
            ("src/base/x.c", "model/node.h"),
            ("src/model/x.c", "loop/loop.h"),
            ("src/store/x.c", "driver/ssh.h"),
            ("src/driver/x.c", "store/store.h"),
            ("src/service/x.c", "api/api.h"),
            ("src/api/x.c", "store/store.h"),
            ("src/api/x.c", "driver/runner.h"),
            ("src/cli/x.c", "service/node.h"),
            ("src/cli/x.c", "api/api_request.h"),
        ]:
            with self.subTest(path=path, target=target):
                found = self.problems(path, f'/* x */\n# include "{target}"\n')
                self.assertEqual(len(found), 1)
                self.assertTrue(found[0].startswith(f"{path}:2: "))

    def test_private_headers_stay_in_their_room(self):
        self.assertEqual(self.problems("src/service/op/x.c", '#include "service/op/op_int.h"\n'), [])
        self.assertIn("private", self.problems("src/api/x.c", '#include "service/op/op_int.h"\n')[0])

    def test_only_the_door_of_the_store_is_open(self):
        self.assertIn("not a door", self.problems("src/service/x.c", '#include "store/store_backend.h"\n')[0])
        self.assertEqual(self.problems("src/app/x.c", '#include "store/store_backend.h"\n'), [])

    def test_the_backend_is_named_only_in_its_files(self):
        self.assertEqual(self.problems("src/store/store_sqlite_open.c", "#include <sqlite3.h>\nint x = SQLITE_OK;\n"), [])
        self.assertEqual(len(self.problems("src/store/store.c", "#include <sqlite3.h>\nint x = SQLITE_OK;\n")), 2)
        self.assertEqual(self.problems("src/store/store.c", "/* SQLite is faster */\nint x; // sqlite\n"), [])

    def test_an_include_in_a_comment_is_none(self):
        self.assertEqual(self.problems("src/base/x.c", '/*\n#include "api/api.h"\n*/\n'), [])

    def test_an_unknown_room_is_told(self):
        self.assertIn("not in the table", self.problems("src/new/x.c", "int x;\n")[0])
        self.assertIn("name of a room", self.problems("src/base/x.c", '#include "err.h"\n')[0])


class Docs(unittest.TestCase):
    def problems(self, text):
        return [p.split(": ", 1) for p in docs.check_header("x.h", text)]

    def test_documented_things_pass(self):
        self.assertEqual(self.problems("""/* x */
#pragma once
#include <stddef.h>
struct forward;
/** A record. */
struct thing {
	int a; /* ; */
	void (*call)(int);
};
/** Makes one.
 * @x  anything */
int thing_new(int x)
	__attribute__((warn_unused_result));
#define THING(x) thing_new(x)
extern const struct thing *const things[];
typedef void (*thing_cb)(void *user);
"""), [])

    def test_functions_without_doc_are_found(self):
        found = self.problems("/** One. */\nint a(void);\n\nint b(void);\n/* plain */\n\nstatic inline int c(void)\n{\n\treturn 1;\n}\n")
        self.assertEqual([f[0] for f in found], ["x.h:4", "x.h:7"])
        self.assertIn("b()", found[0][1])
        self.assertIn("c()", found[1][1])

    def test_types_without_doc_are_found(self):
        found = self.problems("#pragma once\n\nenum color { RED, GREEN };\n\nstruct x {\n\tint a;\n};\n\ntypedef struct {\n\tint a;\n} y;\n")
        self.assertEqual([f[0] for f in found], ["x.h:3", "x.h:5", "x.h:9"])

    def test_attributes_and_macros_do_not_hide_a_function(self):
        self.assertEqual(len(self.problems("MUST_USE struct err *f(const char *s, int n) PRINTF(1, 2);\n")), 1)
        self.assertEqual(len(self.problems('__attribute__((format(printf, 1, 2))) void g(const char *f, ...);\n')), 1)

    def test_a_group_shares_its_doc(self):
        self.assertEqual(self.problems("/** Frees; NULL is fine. */\nvoid a_free(int *a);\nvoid a_freep(int **a);\n"), [])

    def test_a_file_begins_by_saying_what_it_is(self):
        self.assertEqual(len(list(docs.check_opening("x.c", "#include <stdio.h>\n"))), 1)
        self.assertEqual(list(docs.check_opening("x.c", "/* Trees. */\n")), [])
        self.assertEqual(list(docs.check_opening("x.h", "#pragma once\n/* Trees. */\n")), [])


class Banned(unittest.TestCase):
    def problems(self, text, path="src/base/x.c"):
        return list(banned.check_text(path, text))

    def test_banned_functions_are_found(self):
        for name in banned.BANNED:
            with self.subTest(name=name):
                self.assertEqual(len(self.problems(f"\tx = {name} (a);\n")), 1)

    def test_names_that_only_look_alike_pass(self):
        self.assertEqual(self.problems('snprintf(a, 1, "strcpy(");\nmy_atoi(x);\nop->system(x);\n/* gets(x) */ // popen(x)\n'), [])

    def test_a_reason_allows_it(self):
        self.assertEqual(self.problems("\tsystem(x); /* allowed: a test of the test */\n"), [])

    def test_tests_may_sleep(self):
        self.assertEqual(self.problems("usleep(1);\n", "tests/unit/loop/test_x.c"), [])
        self.assertEqual(len(self.problems("usleep(1);\n")), 1)

    def test_long_files_are_found(self):
        self.assertEqual(self.problems("\n" * 800), [])
        self.assertEqual(len(self.problems("\n" * 801)), 1)


if __name__ == "__main__":
    unittest.main()
