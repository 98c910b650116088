"""The part of YAML that MicroK8s files use, because a node has no PyYAML.

Reads block mappings and sequences, flow collections, plain, quoted and literal (`|`, `>`) scalars, comments and a leading `---`.
Anchors, tags and several documents are refused, never guessed. Writes what `yaml.dump` writes for plain data.
"""

import json
import re

_PLAIN = re.compile(r"^[A-Za-z0-9_./][A-Za-z0-9_./ :+-]*$")
_KEY = re.compile(r"""^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'{\[#&*!|>%@`-][^#]*?|-[^\s][^#]*?)\s*:(?:\s+(.*))?$""")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
          "false": False, "False": False, "FALSE": False}


class YamlError(ValueError):
    """The text is not YAML, or not of the part that is understood here."""


def load(text: str):
    """Parse one document. Raises YamlError."""
    lines = [(len(raw) - len(raw.lstrip(" ")), raw.rstrip()) for raw in text.splitlines()]
    while lines and lines[0][1].lstrip().startswith(("#", "---")) or lines and not lines[0][1]:
        lines.pop(0)
    reader = _Reader(lines)
    if reader.peek() is None:
        return None
    value = reader.block(0)
    if reader.peek() is not None:
        raise YamlError(f"unexpected text: {reader.lines[reader.at][1].strip()}")
    return value


def dump(value, indent: int = 0) -> str:
    """Write plain data; keys keep their order."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_scalar(k)}:{_nested(v, indent + 2, isinstance(v, list))}" for k, v in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}- " + dump(item, indent + 2).lstrip(" ") for item in value)
    return f"{pad}{_scalar(value)}\n"


def _nested(value, indent: int, is_list: bool) -> str:
    if value in ({}, []) or not isinstance(value, (dict, list)):
        return f" {_scalar(value)}\n"
    return "\n" + dump(value, indent - 2 if is_list else indent)


def _scalar(value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (not _PLAIN.match(value) or ": " in value or value.endswith((":", " ")) or _word(value) != value):
        return json.dumps(value)
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _word(text: str):
    """A plain scalar's value by the core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text


class _Reader:
    def __init__(self, lines: list[tuple[int, str]]):
        self.lines = lines
        self.at = 0

    def peek(self) -> tuple[int, str] | None:
        """The next line with content as (indent, text), or None at the end."""
        while self.at < len(self.lines):
            indent, raw = self.lines[self.at]
            text = raw[indent:]
            if text in ("...", "---"):
                raise YamlError("only one document is allowed")
            if text and not text.startswith("#"):
                if text.startswith("\t"):
                    raise YamlError("found character '\\t' that cannot start any token")
                return indent, text
            self.at += 1
        return None

    def block(self, least: int):
        """A block value whose lines are indented by at least `least`."""
        here = self.peek()
        if here is None or here[0] < least:
            return None
        indent, text = here
        if text == "-" or text.startswith("- "):
            return self.sequence(indent)
        if _KEY.match(text):
            return self.mapping(indent)
        self.at += 1
        return self.inline(text, indent)

    def sequence(self, indent: int) -> list:
        items = []
        while (here := self.peek()) and here[0] == indent and (here[1] == "-" or here[1].startswith("- ")):
            rest = here[1][1:]
            inner = rest.lstrip(" ")
            if not inner or inner.startswith("#"):
                self.at += 1
                items.append(self.block(indent + 1))
                continue
            column = indent + 1 + len(rest) - len(inner)
            self.lines[self.at] = (column, " " * column + inner)
            items.append(self.block(column))
        self.require_dedent(indent)
        return items

    def mapping(self, indent: int) -> dict:
        result: dict = {}
        while (here := self.peek()) and here[0] == indent:
            match = _KEY.match(here[1])
            if not match:
                raise YamlError(f"could not find expected ':' in: {here[1]}")
            key = self.inline(match.group(1), indent)
            if key in result:
                raise YamlError(f'mapping key "{key}" already defined')
            self.at += 1
            result[key] = self.value(match.group(2) or "", indent)
        self.require_dedent(indent)
        return result

    def value(self, text: str, indent: int):
        if re.fullmatch(r"[|>][+-]?\s*(#.*)?", text):
            return self.literal(text, indent)
        if text and not text.startswith("#"):
            return self.inline(text, indent)
        here = self.peek()
        if here and here[0] == indent and here[1].startswith("-"):
            return self.sequence(indent)
        return self.block(indent + 1)

    def require_dedent(self, indent: int) -> None:
        here = self.peek()
        if here and here[0] > indent:
            raise YamlError(f"bad indentation: {here[1]}")

    def literal(self, head: str, indent: int) -> str:
        taken = []
        while self.at < len(self.lines):
            depth, raw = self.lines[self.at]
            if raw and depth <= indent:
                break
            taken.append((depth, raw))
            self.at += 1
        while taken and not taken[-1][1]:
            taken.pop()
        margin = min((depth for depth, raw in taken if raw), default=0)
        rows = [raw[margin:] for _, raw in taken]
        text = "\n".join(rows) if head[0] == "|" else " ".join(rows)
        return text + ("" if head[1:2] == "-" else "\n")

    def inline(self, text: str, indent: int):
        text = text.strip()
        while text[:1] in "[{" and text and not _balanced(text) and self.at < len(self.lines):
            text += " " + self.lines[self.at][1].strip()
            self.at += 1
        value, rest = _flow(text, 0, nested=False)
        rest_text = text[rest:].strip()
        if rest_text and not rest_text.startswith("#"):
            raise YamlError(f"unexpected text: {rest_text}")
        return value


def _balanced(text: str) -> bool:
    try:
        _flow(text, 0, nested=False)
        return True
    except _Unfinished:
        return False


class _Unfinished(YamlError):
    pass


def _flow(text: str, at: int, nested: bool):
    """Parse one inline value from `at`; returns (value, end)."""
    while at < len(text) and text[at] == " ":
        at += 1
    if at >= len(text):
        if nested:
            raise _Unfinished("did not find expected ',' or ']'")
        return None, at
    if text[at] == "[":
        return _flow_list(text, at + 1)
    if text[at] == "{":
        return _flow_map(text, at + 1)
    if text[at] in "\"'":
        return _quoted(text, at)
    if text[at] in "&*!%@`":
        raise YamlError(f"found character that cannot start any token: {text[at]}")
    stop = re.compile(r"\s+#|[,\]}]|:(?=[\s,\]}]|$)" if nested else r"\s+#").search(text, at)
    end = stop.start() if stop else len(text)
    if nested and stop is None:
        raise _Unfinished("did not find expected ',' or ']'")
    word = text[at:end].strip()
    if not nested and re.search(r":(\s|$)", word):
        raise YamlError("mapping values are not allowed in this context")
    return _word(word), end


def _flow_list(text: str, at: int):
    items = []
    while True:
        at = _skip(text, at)
        if text[at] == "]":
            return items, at + 1
        value, at = _flow(text, at, nested=True)
        items.append(value)
        at = _skip(text, at)
        at += text[at] == ","


def _flow_map(text: str, at: int):
    result: dict = {}
    while True:
        at = _skip(text, at)
        if text[at] == "}":
            return result, at + 1
        key, at = _flow(text, at, nested=True)
        at = _skip(text, at)
        if text[at] != ":":
            raise YamlError("did not find expected ':'")
        result[key], at = _flow(text, at + 1, nested=True)
        at = _skip(text, at)
        at += text[at] == ","


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] == " ":
        at += 1
    if at >= len(text):
        raise _Unfinished("did not find expected ',' or ']'")
    return at


def _quoted(text: str, at: int):
    if text[at] == "'":
        match = re.compile(r"'((?:[^']|'')*)'").match(text, at)
        if not match:
            raise _Unfinished("found unexpected end of stream")
        return match.group(1).replace("''", "'"), match.end()
    match = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, at)
    if not match:
        raise _Unfinished("found unexpected end of stream")
    try:
        return json.loads(match.group(0)), match.end()
    except ValueError as error:
        raise YamlError(str(error)) from error
