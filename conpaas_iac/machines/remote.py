"""One command on one machine, through ssh: input and output are streamed, and it ends when nobody waits for it."""

import os
import select
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from conpaas_iac.errors import UserError

PROGRAM = Path(__file__).parents[1] / "guest" / "command.py"
BEGUN = "\x1econpaas: begun"  # as guest/command.py says it
PIECE = 256 * 1024  # bytes that are moved at once
KEPT = 200  # last lines of standard error that are remembered
PATIENCE = 5.0  # seconds in which a command that is told to end may confirm it
SILENCE = ("-o", "ServerAliveInterval=15")  # and three of them, then the connection is given up


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    begun: bool  # false: it never ran, ssh says why
    lines: tuple[str, ...]  # the last ones of its standard error

    @property
    def was_cut(self) -> bool:
        """Whether the connection broke while it ran; the machine ends it then."""
        return self.begun and self.code == 255


class Command:
    """A command that was begun on a machine. `ssh` is a whole command line of ssh but for what is to run there."""

    def __init__(
        self,
        ssh: Sequence[str],
        environment: Mapping[str, str],
        line: str,
        source: IO[bytes] | None = None,
        note: Callable[[str], object] = lambda line: None,
        sent: Callable[[int], object] = lambda count: None,
        told: bool = False,
    ) -> None:
        """`source` becomes its input; `note` hears each line of standard error, `sent` how many bytes went there.

        One that is to be `told` has as its input what `tell` says.
        """
        self._source, self._note, self._sent = source, note, sent
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._began, self._has_begun, self._broken = threading.Event(), False, ""
        self._process = subprocess.Popen(
            [ssh[0], *SILENCE, *ssh[1:], _wrapped(line, told or source is not None)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            process_group=0,  # Ctrl-C is for us to answer
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        if source is not None:
            threading.Thread(target=self._feed, args=(source,), daemon=True).start()

    def answer(self) -> str:
        """The next line of its output, once it is there; empty where there is none any more."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode(errors="replace").rstrip("\n")

    def tell(self, text: str) -> None:
        """All of the input of one that is to be told; whether it was there to hear it, `wait` says."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(_frame(text.encode()) + _frame(b""))
            self._process.stdin.flush()

    def wait(self, sink: Callable[[bytes], object]) -> Ended:
        """Hand its output on until it has ended; where that fails or is interrupted, the command is ended first."""
        assert self._process.stdout is not None
        try:
            while piece := os.read(self._process.stdout.fileno(), PIECE):
                sink(piece)
            code = self._process.wait()
            self._listener.join()
        except BaseException:
            self.end()
            raise
        finally:
            self._close()
        if self._broken:
            raise UserError(self._broken)
        return Ended(code, self._has_begun, tuple(self._lines))

    def end(self) -> None:
        """Have it ended there. With input on its way only a broken connection is noticed at once."""
        process = self._process
        try:
            if self._source is None and process.stdin is not None:
                process.stdin.close()
                process.wait(PATIENCE)
        except (subprocess.TimeoutExpired, OSError):
            pass
        finally:
            process.kill()
            process.wait()
            self._listener.join(PATIENCE)  # who has its standard error, too, may hold it open

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):  # what was not sent, nobody wants any more
                if pipe is not None:
                    pipe.close()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for text in self._process.stderr:
            line = text.decode(errors="replace").rstrip("\r\n")
            if line == BEGUN and not self._has_begun:
                self._lines.clear()  # ssh's own words
                self._has_begun = True
                self._began.set()
            else:
                self._lines.append(line)
                if self._has_begun:
                    self._note(line)
        self._began.set()

    def _feed(self, source: IO[bytes]) -> None:
        """The input in frames, once the command is there: what failed before can be tried on another machine."""
        assert self._process.stdin is not None
        self._began.wait()
        if not self._has_begun:
            return
        try:
            while True:
                try:
                    select.select([source], [], [])  # where it was told not to block
                    piece = source.read(PIECE)
                except OSError as error:
                    self._broken = f"{source.name}: cannot be read: {error.strerror}"
                    self._process.kill()
                    return
                self._process.stdin.write(_frame(piece))
                self._process.stdin.flush()
                if not piece:
                    return
                self._sent(len(piece))
        except (BrokenPipeError, ValueError):  # it ended without reading all
            return


def _frame(piece: bytes) -> bytes:
    """As guest/command.py reads it."""
    return len(piece).to_bytes(4, "big") + piece


def _wrapped(line: str, takes_input: bool) -> str:
    return shlex.join(["python3", "-I", "-c", _program(), "input" if takes_input else "", line])


@cache
def _program() -> str:
    return PROGRAM.read_text()
