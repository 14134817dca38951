"""Folders that never reach a disk: private, on a memory file system, and gone with who needs them."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conpaas_iac.errors import UserError

MEMORY = Path("/dev/shm")
PREFIX = "conpaas-"
HELD = ".held"  # locked for as long as its process lives


@contextmanager
def folder() -> Iterator[Path]:
    """One for the time of the context; what killed processes left of theirs is removed, too."""
    if not os.access(MEMORY, os.W_OK):
        raise UserError(f"no memory file system at {MEMORY}: what is secret must not touch a disk")
    sweep()
    found = Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY))
    try:
        with (found / "held").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            Path(held.name).rename(found / HELD)  # it is never there without the lock
            yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)


def sweep() -> None:
    """Remove those of this user whose process is dead."""
    for each in MEMORY.glob(f"{PREFIX}*/{HELD}"):
        try:
            with each.open() as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody's who lives, or another user's
            continue
        shutil.rmtree(each.parent, ignore_errors=True)
