#!/usr/bin/env python3
"""Check that headers are documented: `check_docs.py [ROOT]`.

In each header of src/: every function declaration and every struct, union and enum definition at the top level has a
`/** ... */` comment directly above it; a group of declarations without a blank line between them may share one.
Each .c and .h file begins with a comment that says what the module is. Each problem is one line FILE:LINE: text.
"""
import os
import re
import sys

FUNCTION = re.compile(r"\b(\w+)\s*\(")
TYPE = re.compile(r"^(?:typedef\s+)?(struct|union|enum)\s+(\w+)?\s*(?:\w+\s*)?\{")
NOT_FUNCTIONS = {"__attribute__", "_Static_assert", "static_assert", "if", "while", "for", "switch", "sizeof", "defined"}


def tokens(text):
    """Splits a header into (kind, line, text): kind is doc, comment, directive, blank or code (one declaration)."""
    position, line = 0, 1
    pattern = re.compile(
        r"(?P<doc>/\*\*(?!/).*?\*/)|(?P<comment>/\*.*?\*/|//[^\n]*)"
        r"|(?P<directive>^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*)|(?P<blank>\n[ \t]*(?=\n))|(?P<space>\s+)",
        re.S | re.M,
    )
    while position < len(text):
        found = pattern.match(text, position)
        if found:
            kind = found.lastgroup
            body = found.group(0)
            if kind == "space" and re.search(r"\n[ \t]*\n", body):
                kind = "blank"
        else:
            body = declaration(text, position)
            kind = "code"
        if kind != "space":
            yield kind, line, body
        line += body.count("\n")
        position += len(body)


def declaration(text, start):
    """The text of one top-level declaration or definition, up to its `;` or the end of a function body."""
    depth = 0
    position = start
    while position < len(text):
        if text.startswith("/*", position):
            position = text.index("*/", position) + 2
            continue
        if text.startswith("//", position):
            position = (text.find("\n", position) + 1) or len(text)
            continue
        char = text[position]
        if char in "\"'":
            position = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'').match(text, position).end()
            continue
        if char in "({[":
            depth += 1
        elif char in ")}]":
            depth -= 1
            rest = text[position + 1 :]
            if char == "}" and depth == 0 and is_body(text[start:position]) and not rest.lstrip().startswith(";"):
                return text[start : position + 1]
        elif char == ";" and depth == 0:
            return text[start : position + 1]
        position += 1
    return text[start:]


def is_body(text):
    """Whether the open brace in text is a function's: it follows a closing parenthesis."""
    head = text.split("{", 1)[0].rstrip()
    return head.endswith(")")


def name_of(code):
    """What the declaration introduces that wants a doc, or None."""
    flat = re.sub(r"/\*.*?\*/|//[^\n]*", " ", code, flags=re.S)
    flat = re.sub(r"\s+", " ", flat).strip()
    found = TYPE.match(flat)
    if found:
        return f"{found.group(1)} {found.group(2) or ''}".strip()
    head = flat.split("{", 1)[0].split("=", 1)[0]
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", head)
    for call in FUNCTION.finditer(head):
        if call.group(1) not in NOT_FUNCTIONS and not re.match(r"^[A-Z][A-Z0-9_]*$", call.group(1)):
            return None if head.startswith("typedef") else f"{call.group(1)}()"
    return None


def check_header(path, text):
    documented = False
    depth_of_extern = re.compile(r'^extern\s+"C"')
    for kind, line, body in tokens(text):
        if kind == "doc":
            documented = True
        elif kind == "blank":
            documented = False
        elif kind == "code" and not depth_of_extern.match(body):
            name = name_of(body)
            if name and not documented:
                yield f"{path}:{line}: {name} has no /** ... */ directly above it"


def check_opening(path, text):
    if not re.match(r"\s*(/\*|//)", text) and not re.match(r"\s*#pragma once\s*(/\*|//)", text):
        yield f"{path}:1: does not begin with a comment that says what this is"


def sources(root):
    for folder, folders, names in os.walk(os.path.join(root, "src")):
        folders.sort()
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), root)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    problems = []
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as source:
            text = source.read()
        problems += check_opening(path, text)
        if path.endswith(".h"):
            problems += check_header(path, text)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
