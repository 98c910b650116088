#!/usr/bin/env python3
"""Check that no room of src/ includes what lies above it: `check_layers.py [ROOT]`.

The table ALLOWED is the architecture (docs/architecture.md draws it). Each problem is one line FILE:LINE: text.
"""
import os
import re
import sys

# Room -> rooms it may include besides itself and gen/. From the bottom to the top.
ALLOWED = {
    "base": set(),
    "model": {"base"},
    "power": {"base", "model"},
    "hardware": {"base"},
    "loop": {"base"},
    "store": {"base", "model", "loop"},
    "driver": {"base", "model", "power", "loop"},
    "service": {"base", "model", "power", "hardware", "loop", "store", "driver"},
    "api": {"base", "model", "loop", "service"},
    "cli": {"base", "model", "power", "loop"},
    "app": {"base", "model", "power", "hardware", "loop", "store", "driver", "service", "api", "cli"},
}
# What a room shows to those above it; rooms that are not named here show every header that is not *_int.h.
DOORS = {"store": {"store/store.h"}}
# Only the room `app` may see more of the store: it chooses the backend.
DOORS_FOR_APP = {"store": {"store/store.h", "store/store_backend.h"}}
SQLITE = re.compile(r"\bsqlite", re.I)
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def strip_comments(text):
    """Comments become spaces; line numbers and strings stay."""
    def blank(found):
        token = found.group(0)
        return re.sub(r"[^\n]", " ", token) if token.startswith("/") else token

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def check_include(room, path, target):
    """The problem with `#include "target"` in a file of room, or None."""
    other = target.split("/")[0]
    if other == "gen":
        return None
    if "/" not in target or other not in ALLOWED:
        return f'"{target}" does not begin with the name of a room'
    if other == room:
        return None
    if other not in ALLOWED[room]:
        return f'room {room} must not include room {other} ("{target}")'
    if target.endswith("_int.h"):
        return f'"{target}" is private to room {other}'
    doors = (DOORS_FOR_APP if room == "app" else DOORS).get(other)
    if doors is not None and target not in doors:
        return f'"{target}" is not a door of room {other} (those are: {", ".join(sorted(doors))})'
    return None


def check_file(root, path):
    room = path.split("/")[1]
    if room == "gen":
        return
    if room not in ALLOWED:
        yield f"{path}:1: room {room} is not in the table of tools/check_layers.py"
        return
    with open(os.path.join(root, path), encoding="utf-8") as source:
        text = strip_comments(source.read())
    in_backend = path.startswith("src/store/store_sqlite")
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found and found.group(1) == '"':
            problem = check_include(room, path, found.group(2))
            if problem:
                yield f"{path}:{number}: {problem}"
        elif not in_backend and room != "app" and SQLITE.search(line):
            yield f"{path}:{number}: the name of a backend outside src/store/store_sqlite*"
        elif not in_backend and found and found.group(2).startswith("sqlite3"):
            yield f"{path}:{number}: the name of a backend outside src/store/store_sqlite*"


def sources(root):
    for folder, folders, names in os.walk(os.path.join(root, "src")):
        folders.sort()
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if name.endswith((".c", ".h")) and path.count("/") >= 2:
                yield path


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    problems = [problem for path in sources(root) for problem in check_file(root, path)]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
