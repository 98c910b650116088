#!/usr/bin/env python3
"""./dev lint: each rule a named line, pass or fail, with what it found below it.

Slow rules (clang-tidy, gcc -fanalyzer, headers) look at one C file at a time and remember by content which were
clean (build/lint-cache), so that a second run is quick. Only tools of the distribution are used.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
CACHE = os.path.join(BUILD, "lint-cache")
JOBS = int(os.environ.get("JOBS") or os.cpu_count() or 2)
os.environ["LC_ALL"] = "C.UTF-8"
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


class Missing(Exception):
    """A tool is not installed."""


def tool(*names):
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise Missing(f"{names[0]} is not installed (./dev setup lint)")


def run(command, cwd=ROOT, stdin=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", input=stdin if stdin is not None else "")
    return done.returncode, done.stdout


def tracked(*patterns):
    """Files of the project, also new ones that git does not know yet, but no ignored ones."""
    if os.path.exists(os.path.join(ROOT, ".git")):
        _, text = run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns])
        names = text.splitlines()
    else:
        names = []
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [f for f in folders if f not in ("build", "node_modules", ".git")]
            names += [os.path.relpath(os.path.join(folder, f), ROOT) for f in files]
        wanted = [re.compile(re.escape(p).replace(r"\*", ".*").replace(r"\[ch\]", "[ch]") + "$") for p in patterns]
        names = [n for n in names if not patterns or any(w.match(n) for w in wanted)]
    return sorted(n for n in set(names) if os.path.isfile(os.path.join(ROOT, n)))


def c_files():
    return tracked("src/*.c", "src/*.h", "tests/*.c", "tests/*.h")


def read(path):
    with open(os.path.join(ROOT, path), "rb") as source:
        return source.read()


# --- one C file at a time, remembered -----------------------------------------------------------

def configure(name, compiler, *options):
    """A configured build folder with its generated sources made; returns its compile commands by source path."""
    folder = os.path.join(BUILD, name) if name else BUILD
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(["meson", "setup", folder, ROOT, *options], env={**os.environ, "CC": compiler},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Missing("meson setup failed:\n" + done.stdout[-2000:])
    run(["ninja", "-C", folder, "build.ninja"])
    _, text = run(["ninja", "-C", folder, "-t", "targets", "rule", "CUSTOM_COMMAND"])
    generated = [line for line in text.splitlines() if line and not line.startswith(("ninja:", "meson-"))]
    if generated:
        code, text = run(["ninja", "-C", folder, "--quiet", *generated])
        if code != 0:
            raise Missing("generated sources could not be made:\n" + text[-2000:])
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as database:
        entries = json.load(database)
    commands = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        if path.startswith(("src/", "tests/")) and path.endswith(".c"):
            commands.setdefault(path, (entry["directory"], shlex.split(entry["command"])))
    return folder, commands


def closure(path, include_dirs, seen):
    """The file and every header of ours that it includes, directly or not."""
    if path in seen or not os.path.isfile(path):
        return
    seen.add(path)
    with open(path, encoding="utf-8", errors="replace") as source:
        for found in re.finditer(r'^\s*#\s*include\s+"([^"]+)"', source.read(), re.M):
            for folder in (os.path.dirname(path), *include_dirs):
                candidate = os.path.normpath(os.path.join(folder, found.group(1)))
                if os.path.isfile(candidate):
                    closure(candidate, include_dirs, seen)
                    break


def digest(path, folder, salt):
    include_dirs = [os.path.join(ROOT, "src"), os.path.join(folder, "src"), os.path.join(ROOT, "tests/support")]
    seen = set()
    closure(os.path.join(ROOT, path), include_dirs, seen)
    sum_ = hashlib.sha256(salt.encode())
    for name in sorted(seen):
        with open(name, "rb") as source:
            sum_.update(name.encode() + b"\0" + hashlib.sha256(source.read()).digest())
    return sum_.hexdigest()


def each_file(rule, files, folder, salt, check):
    """Runs check(path) -> (ok, output) for each file whose content was not clean before."""
    os.makedirs(os.path.join(CACHE, rule), exist_ok=True)
    todo = []
    for path in files:
        mark = os.path.join(CACHE, rule, digest(path, folder, salt))
        if not os.path.exists(mark):
            todo.append((path, mark))
    output = []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for (path, mark), (ok, text) in zip(todo, pool.map(lambda item: check(item[0]), todo)):
            if ok:
                with open(mark, "w", encoding="utf-8") as out:
                    out.write(path + "\n")
            else:
                output.append(text.rstrip() or f"{path}: failed")
    return not output, "\n".join(output), f"{len(files)} files, {len(todo)} looked at"


# --- the rules: each returns (ok, output[, note]) -------------------------------------------------

def clang_format():
    files = c_files()
    if not files:
        return True, ""
    code, text = run([tool("clang-format-14", "clang-format"), "--dry-run", "-Werror", *files])
    found = sorted({line.split(":")[0] for line in text.splitlines() if "error:" in line})
    return code == 0, "\n".join(f"{name}: not formatted (./dev fmt)" for name in found) or text


def clang_tidy():
    tidy = tool("clang-tidy-14", "clang-tidy")
    folder, commands = configure("clang", os.path.basename(tool("clang-14", "clang")), "-Doptimization=1")

    def check(path):
        # Without optimisation, or glibc's macros of tolower() and friends count as nested blocks of ours.
        code, text = run([tidy, "--quiet", "-p", folder, "--extra-arg=-O0", "--extra-arg=-U_FORTIFY_SOURCE", path])
        text = re.sub(r"^(\d+ warnings? .*|Suppressed .*|Use -header-filter.*)$\n?", "", text, flags=re.M)
        return code == 0, text.replace(ROOT + "/", "").replace("build/clang/../../", "").replace("../../src", "src")

    salt = read(".clang-tidy").decode() + tidy
    return each_file("clang-tidy", sorted(commands), folder, salt + "-O0", check)


def gcc_analyzer():
    folder, commands = configure("", "gcc", "-Dtests=false")

    def check(path):
        directory, command = commands[path]
        out = [word for word in command]
        at = out.index("-o")
        out[at + 1] = "/dev/null"
        for flag in ("-MD", "-MQ", "-MF"):
            if flag in out:
                i = out.index(flag)
                del out[i : i + (1 if flag == "-MD" else 2)]
        # Optimisation removes what the analyser would follow: at -O2 it misses the simplest leak.
        code, text = run([*out, "-O0", "-U_FORTIFY_SOURCE", "-fanalyzer", "-fdiagnostics-color=never", "-fdiagnostics-path-format=none"], cwd=directory)
        return code == 0, text.replace("../src/", "src/")

    files = [path for path in sorted(commands) if path.startswith("src/")]
    return each_file("gcc-analyzer", files, folder, "-O0", check)


def headers():
    """Every header compiles alone."""
    folder, commands = configure("", "gcc", "-Dtests=false")
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-DMKO_HAVE_SYSTEMD=1", "-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only", "-x", "c"]
    if commands:
        flags += [word for word in next(iter(commands.values()))[1] if word.startswith("-I/")]

    def check(path):
        include = ["-I", os.path.join(ROOT, "src"), "-I", os.path.join(folder, "src"), "-I", os.path.join(ROOT, "tests/support")]
        # An empty unit that includes it, so that #pragma once is no warning.
        code, text = run(["gcc", *include, *flags, "-include", os.path.join(ROOT, path), "-"], stdin="extern int unused;\n")
        return code == 0, text.replace(ROOT + "/", "")

    return each_file("headers", tracked("src/*.h", "tests/support/*.h"), folder, " ".join(flags), check)


def cppcheck():
    cache = os.path.join(CACHE, "cppcheck")
    os.makedirs(cache, exist_ok=True)
    version = os.path.join(cache, "options")
    options = [
        "--enable=warning,performance,portability", "--inline-suppr", "--std=c11", "--error-exitcode=1", "--quiet",
        "--suppress=missingIncludeSystem", "--suppress=readdirCalled",
        # It does not know __attribute__((cleanup)); gcc -fanalyzer and LeakSanitizer do.
        "--suppress=resourceLeak", "--suppress=memleak",
        # It believes that what a called pointer returns keeps the address of its argument.
        "--suppress=returnDanglingLifetime",
        # NULL is a pointer in every libc we run on.
        "--suppress=varFuncNullUB", "--suppress=unknownMacro:tests/*", "--suppress=preprocessorErrorDirective:/usr/*",
        "--library=posix,gnu", "--include=tools/dev/cppcheck-macros.h", "-DMKO_HAVE_SYSTEMD=1", "-D_GNU_SOURCE", "-D__linux__=1", "--template=gcc",
    ]
    # Its own cache does not notice other options.
    wanted = repr(options) + read("tools/dev/cppcheck-macros.h").decode()
    if not os.path.exists(version) or open(version, encoding="utf-8").read() != wanted:
        shutil.rmtree(cache)
        os.makedirs(cache)
        with open(version, "w", encoding="utf-8") as out:
            out.write(wanted)
    files = [path for path in tracked("src/*.c")]
    if not files:
        return True, ""
    code, text = run([tool("cppcheck"), *options, f"--cppcheck-build-dir={cache}", f"-j{JOBS}", "-I", "src",
                      "-I", os.path.join(BUILD, "src"), "--file-list=-"], stdin="\n".join(files) + "\n")
    return code == 0, text


def python_tool(script):
    def rule():
        code, text = run([sys.executable, os.path.join("tools", script)])
        return code == 0, text

    return rule


def shellcheck():
    files = []
    for path in tracked():
        if path.endswith(".sh"):
            files.append(path)
        elif "." not in os.path.basename(path) or path.startswith((".ci/", ".githooks/")):
            if re.match(rb"#!.*\b(ba|da)?sh\b", read(path)[:80]):
                files.append(path)
    code, text = run([tool("shellcheck"), "-x", *files])
    return code == 0, text, f"{len(files)} files"


def ansible_lint():
    if not tracked("ansible/*.yml"):
        return True, "", "nothing there yet"
    code, text = run([tool("ansible-lint"), "--offline", "--nocolor", "-q", "--profile", "production", "--project-dir", ".", "."],
                     cwd=os.path.join(ROOT, "ansible"))
    return code == 0, text


def yamllint():
    files = tracked("*.yml", "*.yaml", "*.clang-tidy", "*.clang-format")
    if not files:
        return True, ""
    code, text = run([tool("yamllint"), "--strict", "-f", "parsable", "-c", ".yamllint", *files])
    return code == 0, text


def codespell():
    # test_suggest.c is about misspelled words; lock files hold hashes.
    skipped = ("tests/fuzz/corpus/", "tests/unit/base/test_suggest.c")
    files = [path for path in tracked() if not path.startswith(skipped) and not path.endswith("package-lock.json") and b"\0" not in read(path)[:4096]]
    code, text = run([tool("codespell"), "--ignore-words", "tools/dev/codespell-ignore.txt", *files])
    return code == 0, text


def python():
    output = []
    files = tracked("*.py")
    for path in files:
        try:
            compile(read(path), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            output.append(f"{path}:{error.lineno}: {error.msg}")
    checker = shutil.which("pyflakes3")
    if checker and files:
        code, text = run([checker, *files])
        if code != 0:
            output.append(text)
    return not output, "\n".join(output), f"{len(files)} files"


RULES = {
    "clang-format": clang_format,
    "layers": python_tool("check_layers.py"),
    "docs": python_tool("check_docs.py"),
    "banned": python_tool("check_banned.py"),
    "headers": headers,
    "clang-tidy": clang_tidy,
    "cppcheck": cppcheck,
    "gcc-analyzer": gcc_analyzer,
    "shellcheck": shellcheck,
    "python": python,
    "ansible-lint": ansible_lint,
    "yamllint": yamllint,
    "codespell": codespell,
}


def main():
    names = sys.argv[1:]
    if names == ["--list"]:
        print("\n".join(RULES))
        return 0
    unknown = [name for name in names if name not in RULES]
    if unknown:
        print(f"no such rule: {' '.join(unknown)} (rules: {' '.join(RULES)})", file=sys.stderr)
        return 2
    passed = failed = 0
    for name in names or RULES:
        started = time.monotonic()
        try:
            ok, text, *note = RULES[name]()
        except Missing as error:
            ok, text, note = False, str(error), []
        passed += ok
        failed += not ok
        seconds = time.monotonic() - started
        print(f"{'pass' if ok else 'FAIL'}  {name:13} {seconds:5.1f} s  {' '.join(note)}".rstrip(), flush=True)
        if not ok:
            for line in text.rstrip().splitlines()[:200]:
                print(f"      {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
