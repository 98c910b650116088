"""Running host tools: one place that starts them, closes file descriptors and turns a failure into a LabError."""

import os
import shutil
import subprocess

from .errors import LabError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def tool(name, package):
    """Full path of a host tool, or an error that names the Debian package which brings it."""
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        raise LabError(f"the tool '{name}' is missing", f"the lab needs it and no directory of {SYSTEM_PATH} has it",
                       f"apt-get install --no-install-recommends {package}", 4)
    return path


def run(argv, stdin=None, check=True, **popen):
    """Run a host tool to its end (`stdin`: text or bytes); returns CompletedProcess with text output. A failure is a LabError when
    `check`."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    source = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(argv, **source, capture_output=True, env=clean_env(), check=False, **popen)
    done.stdout, done.stderr = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    if check and done.returncode != 0:
        detail = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise LabError(f"'{' '.join(argv)}' failed", detail[-1], "read the line above; 'lab.py down' cleans up")
    return done


def clean_env():
    """Environment of host tools: a fixed PATH and locale, so that the caller's shell cannot change what the lab does."""
    return {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": "/root",
            **{k: v for k, v in os.environ.items() if k.lower() in ("http_proxy", "https_proxy", "no_proxy")}}
