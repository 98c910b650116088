"""The generators: what they write compiles and says what was asked."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(tool, *args):
    return subprocess.run([sys.executable, os.path.join(ROOT, "tools", tool), *args], capture_output=True, text=True)


class Generators(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = folder.name

    def path(self, name, content=None):
        path = os.path.join(self.dir, name)
        if content is not None:
            with open(path, "wb") as out:
                out.write(content)
        return path

    def compile_and_run(self, *sources):
        program = self.path("program")
        subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-I", self.dir, "-o", program, *sources], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout

    def test_embedded_files_are_there_byte_by_byte_and_sorted(self):
        second = self.path("0002 b.sql", b"two \x00 \xff")
        first = self.path("0001_a.sql", b"")
        done = run("gen_embed.py", "--name", "sql", self.path("out.S"), self.path("out.h"), second, first)
        self.assertEqual(done.returncode, 0, done.stderr)
        main = self.path("main.c", b"""#include "out.h"
#include <stdio.h>
int main(void) {
	for (size_t i = 0; sql_files[i].name != NULL; i++) {
		printf("%s %zu", sql_files[i].name, sql_files[i].size);
		for (size_t k = 0; k <= sql_files[i].size; k++)
			printf(" %02x", sql_files[i].data[k]);
		puts("");
	}
	return sql_files_n != 2;
}
""")
        self.assertEqual(self.compile_and_run(main, self.path("out.S")), "0001_a.sql 0 00\n0002 b.sql 7 74 77 6f 20 00 20 ff 00\n")

    def test_no_file_embeds_to_an_empty_table(self):
        run("gen_embed.py", "--name", "sql", self.path("out.S"), self.path("out.h"))
        main = self.path("main.c", b'#include "out.h"\nint main(void) { return sql_files[0].name != NULL || sql_files_n != 0; }\n')
        self.compile_and_run(main, self.path("out.S"))

    def test_registry_points_at_each_descriptor_in_order(self):
        self.path("thing.h", b"#pragma once\n#include <stddef.h>\nstruct thing { int n; };\n"
                             b"extern const struct thing *const things[];\nextern const size_t things_n;\n")
        done = run("gen_registry.py", "--type", "struct thing", "--name", "things", "--header", "thing.h", self.path("r.c"), "b", "a")
        self.assertEqual(done.returncode, 0, done.stderr)
        main = self.path("main.c", b'#include "thing.h"\n#include <stdio.h>\nextern const struct thing a, b;\n'
                                   b"const struct thing a = {1}, b = {2};\n"
                                   b'int main(void) { printf("%d %d %zu", things[0]->n, things[1]->n, things_n); return things[2] != NULL; }\n')
        self.assertEqual(self.compile_and_run(main, self.path("r.c")), "2 1 2")

    def test_wrong_names_are_refused(self):
        for names in (["a", "a"], ["a;b"], ["1a"]):
            with self.subTest(names=names):
                done = run("gen_registry.py", "--type", "struct t", "--name", "x", "--header", "t.h", self.path("r.c"), *names)
                self.assertEqual(done.returncode, 2)
                self.assertFalse(os.path.exists(self.path("r.c")))


if __name__ == "__main__":
    unittest.main()
