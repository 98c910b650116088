#!/usr/bin/env python3
"""Check C sources for functions that we do not use, and for files that grew too long: `check_banned.py [ROOT]`.

Each problem is one line FILE:LINE: text. Where a use is right, the line says why: `/* allowed: REASON */`.
"""
import os
import re
import sys

BANNED = {
    "strcpy": "no bound; use struct str",
    "strcat": "no bound; use struct str",
    "sprintf": "no bound; use struct str or snprintf",
    "vsprintf": "no bound; use struct str or vsnprintf",
    "gets": "no bound",
    "strtok": "keeps state in a global",
    "atoi": "no errors; use base/parse.h",
    "atol": "no errors; use base/parse.h",
    "atof": "no errors and depends on the locale; use base/parse.h",
    "system": "runs a shell; use loop/proc",
    "popen": "runs a shell; use loop/proc",
    "tmpnam": "race; use mkstemp",
    "mktemp": "race; use mkstemp",
    "alloca": "no bound",
    "sleep": "blocks the thread; every wait is a timer with a deadline",
    "usleep": "blocks the thread; every wait is a timer with a deadline",
}
# Tests may wait for a thread or a child.
SRC_ONLY = {"sleep", "usleep"}
MAX_LINES = 800
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")


def code_only(text):
    """Comments and the insides of strings become spaces; line numbers stay."""
    def blank(found):
        return re.sub(r"[^\n]", " ", found.group(0))

    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def check_text(path, text):
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        yield f"{path}:{MAX_LINES + 1}: {len(lines)} lines, at most {MAX_LINES}: split the module"
    for number, line in enumerate(code_only(text).splitlines(), 1):
        for found in CALL.finditer(line):
            name = found.group(1)
            if name in SRC_ONLY and not path.startswith("src/"):
                continue
            if "/* allowed: " not in lines[number - 1]:
                yield f"{path}:{number}: {name}() is banned: {BANNED[name]}"


def sources(root):
    for top in ("src", "tests"):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    problems = []
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as source:
            problems += check_text(path, source.read())
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
