"""Several runs of the tool side by side: each a process of its own, bounded in number, heard line by line.

One that fails leaves the others alone. Ctrl-C and SIGTERM go to all that run: once, each ends after its running steps;
twice, now. What has not begun by then does not begin.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

from conpaas_iac.runs import stream
from conpaas_iac.runs.stream import Line
from conpaas_iac.system import processes

INTERRUPTED = 130
WORST = (70, INTERRUPTED, 3, 4, 1, 2, 0)  # exit codes, the worst first; any other is a run that was killed: worse still

Hear = Callable[[str, Line], None]  # name of the run, what it says


@dataclass(frozen=True)
class Done:
    """How a run ended: its exit code, seconds, and all that it printed."""

    code: int
    seconds: float = 0.0
    printed: str = ""
    said: str = ""  # on standard error
    begun: bool = True


def worst(codes: Sequence[int]) -> int:
    """The one that the whole ends with."""
    return min(codes, key=lambda code: WORST.index(code) if code in WORST else -1)


class Workers:
    """At most so many at a time; `command` begins the tool."""

    def __init__(self, command: Sequence[str], parallel: int, hear: Hear) -> None:
        self._command, self._parallel, self._hear = tuple(command), parallel, hear
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()  # the handler of a second signal may come in the midst of that of the first
        self._stopping = False

    def run(self, works: Mapping[str, Sequence[str]]) -> dict[str, Done]:
        """Name -> arguments, begun in this order; name -> how it ended."""
        with processes.interruptible(lambda *_: self.end()), ThreadPoolExecutor(self._parallel) as pool:
            return dict(zip(works, pool.map(self.work, works, works.values()), strict=True))

    def work(self, name: str, arguments: Sequence[str]) -> Done:
        """Do one of them, here and now."""
        begun = time.monotonic()
        with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
            reads, writes = os.pipe()
            with open(reads, "rb") as lines:  # noqa: PTH123 (a descriptor)
                try:
                    with self._lock:
                        if self._stopping:
                            return Done(INTERRUPTED, begun=False)
                        process = subprocess.Popen(
                            [*self._command, *arguments, "--events", f"/dev/fd/{writes}"],
                            stdin=subprocess.DEVNULL,
                            stdout=printed,
                            stderr=said,
                            pass_fds=(writes,),
                        )
                        self._running[name] = process
                finally:
                    os.close(writes)
                for raw in lines:
                    for line in stream.read(raw):
                        self._hear(name, line)
            code = process.wait()
            with self._lock:
                del self._running[name]
            seconds = time.monotonic() - begun
            return Done(code if code >= 0 else 128 - code, seconds, _text(printed), _text(said))

    def end(self) -> None:
        """Interrupt all that run; what has not begun does not begin."""
        with self._lock:
            self._stopping = True
            for name in self._running:
                self.interrupt(name)

    def interrupt(self, name: str) -> None:
        """Let it end after its running steps; the second time, now."""
        with self._lock:
            if process := self._running.get(name):
                process.send_signal(signal.SIGINT)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
