"""Processes of this machine: who descends from whom, who still lives, and how all of them end."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 1.5  # seconds; a process that the kernel does not let go is not waited for longer


def started(pid: int) -> str:
    """When a process began, in the kernel's ticks since boot: with its number, who it is. Empty: it does not live."""
    facts = _facts(pid)
    return facts[1] if facts else ""


def called(pid: int) -> str:
    """What it is called by the kernel; empty when it is gone."""
    if _facts(pid) is None:
        return ""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _facts(pid: int | str) -> tuple[int, str] | None:
    """(parent, start); None for what is gone, or only waits to be counted as gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else (int(fields[1]), fields[19])


def descendants(root: int) -> tuple[int, ...]:
    """All processes below one, nearest first."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 (no path is wanted, and it is looked at often)
        if entry.isdigit() and (facts := _facts(entry)):
            children.setdefault(facts[0], []).append(int(entry))
    return tuple(_below(root, children))


def _below(root: int, children: dict[int, list[int]]) -> Iterator[int]:
    for child in children.get(root, ()):
        yield child
        yield from _below(child, children)


def tell(name: str, number: int) -> None:
    """Send a signal to all processes of this name that descend from this one."""
    for pid in descendants(os.getpid()):
        if called(pid) == name:
            with suppress(OSError):
                os.kill(pid, number)


def end_descendants(patience: float = PATIENCE) -> bool:
    """Kill all that descends from this process, also what is being started meanwhile; whether nothing is left."""
    if _childless():
        return True
    deadline = time.monotonic() + patience
    while living := descendants(os.getpid()):
        if time.monotonic() > deadline:
            return False
        for pid in living:
            with suppress(OSError):  # gone already, or of another user
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)  # between looks at the condition
    return True


def end_session(leader: "subprocess.Popen[bytes]", patience: float = PATIENCE) -> None:
    """End a process that began a session, with what it started there: asked at first, so that it clears up."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, number)
        with suppress(subprocess.TimeoutExpired):
            leader.wait(patience)
    with suppress(ChildProcessError):  # what lost its parent may be a child of this process now
        while True:
            os.waitpid(-leader.pid, 0)


def _childless() -> bool:
    """Cheaper than to look at all processes."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def adopt_orphans() -> None:
    """What loses its parent below this process becomes its child, not that of process 1."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def signal_at_parents_death(number: int) -> None:
    """Get this signal when the parent dies, however it dies."""
    _prctl(PR_SET_PDEATHSIG, number)


@contextmanager
def interruptible(heard: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Ctrl-C and SIGTERM are heard by this function, and by nobody else. Only the main thread hears signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")
