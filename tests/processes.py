"""Processes that inherited a mark in their environment, and whether they are gone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def begun(mark: str, stderr: int) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins Python programs (a text, arguments), each in a process group of its own; none with the mark is left."""
    processes: list[subprocess.Popen[str]] = []

    def begin(program: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
            cwd=Path(__file__).parents[1],
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()
    assert gone_within(5, mark)


def marked(mark: str) -> dict[int, str]:
    """Living processes with this text in the environment that they began with, and their names."""
    return {pid: name for pid, name in _living() if pid != os.getpid() and mark in _environment(pid)}


def gone_within(seconds: float, mark: str) -> bool:
    """Whether none of them lives any more."""
    deadline = time.monotonic() + seconds
    while left := marked(mark):
        if time.monotonic() > deadline:
            print("still there:", left)
            return False
        time.sleep(0.01)
    return True


def _living() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                before, _, after = (entry / "stat").read_text().rpartition(") ")
                if after[0] not in "ZX":
                    yield int(entry.name), before.partition("(")[2]


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""
