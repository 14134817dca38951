"""Keeps the stream of a run: in the backend, where it outlives the application, and wherever the user wants it.

    <backend>/history/<stack>/<run>.ndjson      the last 100 runs of each stack

In a folder each line is appended as it happens, so a run that was killed leaves all that it did. An object store gets
the whole at the first line, now and then during a long run, and at its end. A run that changes nothing leaves nothing.
"""

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Protocol

import msgspec

from conpaas_iac.backend.place import stack_name
from conpaas_iac.backend.store import Store
from conpaas_iac.backend.stores import at
from conpaas_iac.errors import ConpaasError, UserError
from conpaas_iac.runs import stream
from conpaas_iac.runs.events import Event, State
from conpaas_iac.runs.stream import Begun, Change, Ended, Line
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import private_folder

FOLDER = "history"
SUFFIX = ".ndjson"
DONE = (0, 2)  # 2: the plan has changes
KEPT = 100  # runs of a stack
FIRST_PAUSE = 20.0  # seconds between two writes of an object; each pause is twice as long as the one before


class Sink(Protocol):
    """Where lines go."""

    def add(self, line: bytes) -> None:
        """One more."""

    def close(self) -> None:
        """There are no more."""


class Journal:
    """One run's. Names that are known only later may be said later: until then lines wait."""

    def __init__(
        self, begun: Begun, settings: Settings | None, events: str = "", clock: Callable[[], datetime] = stream.now
    ) -> None:
        """`settings` None: not kept in the backend. `events`: a file, "-" for standard output, or empty."""
        self._clock, self._settings, self._begun = clock, settings, begun
        self._start = clock()
        thousandths = self._start.microsecond // 1000  # names are sorted
        self.run = f"{self._start:%Y%m%d-%H%M%S}-{thousandths:03x}{secrets.token_hex(1)}"
        self.problem = ""  # why it is not kept
        self._lines: list[Line] = []
        self._sinks: list[Sink] = []
        self._lock, self._named, self._wanted = Lock(), bool(begun.application), events
        if events:
            self._sinks.append(sink(events))
        if self._named:
            self._add(self._first())

    def named(self, application: str, environment: str) -> None:
        """Whose run it is."""
        with self._lock:
            if not self._named:
                self._named = True
                self._begun = msgspec.structs.replace(
                    self._begun, application=application, environment=environment
                )
                self._add(self._first())

    def hear(self, event: Event) -> None:
        """A listener."""
        with self._lock:
            text = stream.one_line(event.text)
            self._add(Line(self.run, self._clock(), event.phase, event.state, event.node, text))

    def plan(self, node: str, cause: str, change: Change) -> None:
        """One line of the plan."""
        with self._lock:
            cause = stream.one_line(cause)
            self._add(Line(self.run, self._clock(), stream.PLAN, "planned", node, cause, change=change))

    def end(self, code: int, text: str = "") -> None:
        """The last line."""
        with self._lock:
            if not self._named:
                self._named = True
                self._add(self._first())
            now = self._clock()
            ended = Ended(code, round((now - self._start).total_seconds(), 3))
            state: State = "failed" if code not in DONE else "done"
            self._add(Line(self.run, now, stream.RUN, state, text=stream.one_line(text), ended=ended))
            for sink in tuple(self._sinks):
                self._try(sink, None)

    def _first(self) -> Line:
        return Line(self.run, self._start, stream.RUN, "started", begun=self._begun)

    def _add(self, line: Line) -> None:
        """To all sinks; the backend's is opened by the first line that matters, and gets what came before."""
        self._lines.append(line)
        for sink in tuple(self._sinks):
            self._try(sink, line.content)
        if line.matters and self._settings and self._named:
            settings, self._settings = self._settings, None
            try:
                kept = keep(settings, stack_name(self._begun.application, self._begun.environment), self.run)
            except Exception as error:
                self._give_up(error)
                return
            self._sinks.append(kept)
            self._try(kept, b"".join(each.content for each in self._lines))

    def _try(self, sink: Sink, content: bytes | None) -> None:
        """Content, or None for the end; what is remembered of a run must not hinder it."""
        try:
            if content is None:
                sink.close()
            else:
                sink.add(content)
        except Exception as error:
            self._sinks.remove(sink)
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.problem = error.message if isinstance(error, ConpaasError) else f"{type(error).__name__}: {error}"


class _Lines:
    """A file, or standard output."""

    def __init__(self, file: BinaryIO, closes: bool = True) -> None:
        self._file, self._closes = file, closes

    def add(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        if self._closes:
            self._file.close()


class _Object:
    """Written whole each time."""

    def __init__(self, store: Store, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._name, self._clock = store, name, clock
        self._content = bytearray()
        self._next, self._pause = clock(), FIRST_PAUSE

    def add(self, line: bytes) -> None:
        self._content += line
        if self._clock() >= self._next:
            self._write()
            self._next = self._clock() + self._pause
            self._pause *= 2

    def close(self) -> None:
        self._write()

    def _write(self) -> None:
        self._store.write(self._name, bytes(self._content))


def sink(path: str) -> Sink:
    """A file that lines are added to, or standard output, which is "-"."""
    if path == "-":
        sys.stdout.flush()
        return _Lines(sys.stdout.buffer, closes=False)
    try:
        return _Lines(Path(path).open("ab"))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def keep(settings: Settings, stack: str, run: str) -> Sink:
    """A place in the backend for the lines of a run; the oldest runs make room."""
    store, name = at(settings.backend_url, FOLDER), f"{stack}/{run}{SUFFIX}"
    for old in [each for each in store.entries(stack) if each.endswith(SUFFIX)][: 1 - KEPT]:
        store.delete(f"{stack}/{old}")
    if not settings.backend_url.startswith("file://"):
        return _Object(store, name)
    path = Path(settings.backend_url.removeprefix("file://")) / FOLDER / name
    private_folder(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return _Lines(os.fdopen(descriptor, "ab"))


def runs(settings: Settings, stack: str) -> tuple[str, ...]:
    """Runs that are kept, the oldest first."""
    names = at(settings.backend_url, FOLDER).entries(stack)
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)))


def contents(settings: Settings, stack: str) -> dict[str, bytes]:
    """All streams as they are kept, by run."""
    store = at(settings.backend_url, FOLDER)
    return {run: store.read(f"{stack}/{run}{SUFFIX}") or b"" for run in runs(settings, stack)}


def restore(settings: Settings, stack: str, former: Mapping[str, bytes]) -> None:
    """Keep runs of elsewhere, beside those that are known."""
    store, known = at(settings.backend_url, FOLDER), runs(settings, stack)
    for run in sorted(former.keys() - set(known))[-KEPT:]:
        store.write(f"{stack}/{run}{SUFFIX}", former[run])


def streams(settings: Settings, stack: str, names: Sequence[str]) -> list[list[Line]]:
    """The lines of some runs, read side by side."""
    store = at(settings.backend_url, FOLDER)
    with ThreadPoolExecutor(16) as pool:
        contents = pool.map(lambda run: store.read(f"{stack}/{run}{SUFFIX}"), names)
        return [stream.read(content or b"") for content in contents]
