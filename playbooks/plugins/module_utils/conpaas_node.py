"""What a machine remembers between runs, and the safe ways to change it. Runs on the machine: standard library only.

/var/lib/conpaas/shipped   what was shipped last: digest, paths, units
/var/lib/conpaas/pending   units whose files changed and which were not yet restarted, reloaded and verified
"""

import contextlib
import fcntl
import json
import os
import subprocess
from pathlib import Path

STATE = "var/lib/conpaas"
STRENGTH = {"nothing": 0, "reload": 1, "restart": 2}


class Machine:
    """The files of a machine below `root` (tests use another root than "/")."""

    def __init__(self, root="/"):
        self.root = Path(root)
        self.state = self.root / STATE

    def path(self, path):
        return self.root / path.lstrip("/")

    @contextlib.contextmanager
    def locked(self):
        """One change at a time, whoever asks."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def recall(self, name):
        try:
            return json.loads((self.state / name).read_text())
        except FileNotFoundError:
            return {}

    def remember(self, name, value):
        """Atomically and durably: a power cut leaves the old or the new."""
        new = self.state / f".{name}.new"
        with new_file(new) as file:
            file.write(json.dumps(value).encode())
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.state / name)


def new_file(path):
    """A file that only root reads, open for writing bytes."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def merge_pending(pending, wanted):
    """Units with what they need, the stronger wins. Both are {"units": {unit: action}, "daemon_reload": bool}."""
    units = dict(pending.get("units", {}))
    for unit, action in wanted["units"].items():
        units[unit] = max(units.get(unit, "nothing"), action, key=STRENGTH.__getitem__)
    return {"units": units, "daemon_reload": pending.get("daemon_reload", False) or wanted["daemon_reload"]}


def output(*command):
    """What a command says; nothing when it cannot run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def journal(selector, since, count=12):
    """The last lines of the journal of a unit (-u) or of an identifier (-t)."""
    output("journalctl", "--sync")  # what was said a moment ago is on its way
    text = output("journalctl", *selector, f"--since=@{int(since)}", "-n", str(count), "-o", "cat", "--no-pager", "-q")
    return [line.rstrip() for line in text.splitlines() if line.strip()]
