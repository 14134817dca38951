"""What a command on machines says while it runs: lines as they come, or bytes as they pass."""

import sys
from collections import defaultdict, deque
from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    FileSizeColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.text import Text

KEPT = 200  # lines of standard error that are shown in the end


class Screen:
    """Hears a command; on a terminal, shows on standard error what it is at."""

    def __init__(
        self,
        title: str,
        labels: bool = False,
        keeps: bool = False,
        write: Callable[[bytes], object] | None = None,
        total: int | None = None,
        streams: bool = False,
        quiet: bool = False,
    ) -> None:
        """Output goes to `write`, is kept for later, or is printed, a line at a time, with the machine's name before.

        `streams`: bytes are counted, `total` of them where that is known; `quiet`: the terminal is not ours.
        """
        self.bytes = 0
        self.told: set[str] = set()  # machines whose standard error an error message shows
        self.kept: defaultdict[str, bytes] = defaultdict(bytes)
        self._labels, self._keeps, self._write = labels, keeps, write
        self._begun: defaultdict[str, bytes] = defaultdict(bytes)  # a line that has not ended
        self._notes: deque[tuple[str, str]] = deque(maxlen=KEPT)
        self._lock = Lock()
        console = Console(stderr=True, highlight=False)
        size = (BarColumn(), DownloadColumn()) if total else (FileSizeColumn(),)
        counting = (*size, TransferSpeedColumn()) if streams else ()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            *counting,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=total)
        self._title = title

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for node, rest in self._begun.items():
            if rest and not isinstance(error, BrokenPipeError):
                self._line(node, rest)
        self._progress.stop()
        if kind is None:  # an error says its lines itself
            for node, line in self._notes:
                if node not in self.told:
                    click.echo(self._labelled(node, line), err=True)

    def output(self, node: str, content: bytes) -> None:
        """A piece of standard output."""
        with self._lock:
            if self._write:
                self._write(content)
                self._count(len(content))
            elif self._keeps:
                self.kept[node] += content
            else:
                *lines, self._begun[node] = (self._begun[node] + content).split(b"\n")
                for line in lines:
                    self._line(node, line)

    def note(self, node: str, line: str) -> None:
        """A line of standard error: the newest is seen, the last ones are shown in the end."""
        with self._lock:
            self._notes.append((node, line))
            self._progress.update(self._task, description=f"{self._title}   {node}: {line}"[:100])

    def sent(self, count: int) -> None:
        """So many bytes went to the machine."""
        with self._lock:
            self._count(count)

    def _count(self, count: int) -> None:
        self.bytes += count
        self._progress.update(self._task, completed=self.bytes)

    def _line(self, node: str, content: bytes) -> None:
        line = self._labelled(node, content.decode(errors="replace"))
        if not self._progress.disable and sys.stdout.isatty():  # the same terminal: above what is going on
            self._progress.console.print(Text(line), soft_wrap=True)
        else:
            click.echo(line)

    def _labelled(self, node: str, line: str) -> str:
        return f"{node}  {line}" if self._labels else line
