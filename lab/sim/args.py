"""Reading and editing the argument files in `$D/args` (one `--key=value` a line), as the product's scripts do.

Lines that are no argument (comments, blank lines) are kept.
"""

from sim import root


def text(name: str) -> str:
    """A whole file; empty when it is absent."""
    file = root.data("args", name)
    return file.read_text() if file.exists() else ""


def get(name: str, key: str) -> str | None:
    """The value of an argument (quotes removed), or None."""
    for line in text(name).splitlines():
        found, separator, value = line.strip().partition("=")
        if found == key:
            return value.strip("\"'") if separator else ""
        if found.startswith(key + " "):
            return found[len(key) + 1:].strip("\"'")
    return None


def put(name: str, key: str, value: str | None) -> bool:
    """Set an argument, or remove it with None. True when the file changed."""
    before = text(name)
    lines = before.splitlines()
    kept = [line for line in lines if not _is_key(line, key)]
    if value is not None:
        added = f"{key}={value}"
        position = next((i for i, line in enumerate(lines) if _is_key(line, key)), len(kept))
        kept.insert(min(position, len(kept)), added)
    after = "\n".join(kept) + "\n"
    if after != before:
        root.write(root.data("args", name), after)
    return after != before


def _is_key(line: str, key: str) -> bool:
    return line.strip().split("=", 1)[0].split(" ", 1)[0] == key


def authorization_mode() -> str:
    return get("kube-apiserver", "--authorization-mode") or "AlwaysAllow"
