"""A run as it happens: a table of nodes and phases on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from conpaas_iac.core.ordering import natural
from conpaas_iac.runs.events import COLUMNS, Event, Listener, column

ALWAYS = COLUMNS[:4]  # phases with a column of their own, used or not


class Matrix:
    """Remembers what each machine is at; draws itself."""

    def __init__(self, expected: Callable[[], float | None] = lambda: None) -> None:
        """`expected` says how many seconds the run may take, or None."""
        self._begun, self._expected = time.monotonic(), expected
        self._aside: dict[str, float] = {}  # phases that no estimate knows: since when
        self._extra = 0.0  # seconds in those that ended
        self._cells: dict[str, dict[str, tuple[str, float]]] = {}
        self._headline = ""

    def hear(self, event: Event) -> None:
        """Take in one event."""
        if not event.node:
            self._headline = "" if event.state == "done" else event.text
            if event.state == "started":
                self._aside.setdefault(event.phase, time.monotonic())
            elif event.phase in self._aside:
                self._extra += time.monotonic() - self._aside.pop(event.phase)
            return
        phase = column(event.phase)
        if not phase:
            return
        row = self._cells.setdefault(event.node, {})
        before = row.get(phase)
        if before and before[0] == "failed":
            return
        begun = before[1] if before and before[0] == "started" else time.monotonic()
        row[phase] = (event.state, begun if event.state == "started" else time.monotonic() - begun)

    def __rich__(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        seen = {phase for row in self._cells.values() for phase in row}
        used = [phase for phase in COLUMNS if phase in seen or (seen and phase in ALWAYS)]
        for header in (self._clock(), *used):
            table.add_column(header, min_width=9)
        for node in sorted(self._cells, key=natural):
            table.add_row(node, *(_cell(self._cells[node].get(phase)) for phase in used))
        if self._headline:
            table.add_row(Text(self._headline, "dim"))
        return table

    def _clock(self) -> str:
        """What has passed, and how much is left when runs like this one tell."""
        now = time.monotonic()
        passed, expected = now - self._begun, self._expected()
        if expected is None:
            return f"{passed:5.1f} s"
        expected += self._extra + sum(now - since for since in self._aside.values())
        left = expected - passed
        return f"{passed:5.1f} s, " + (f"about {left:.0f} s left" if left >= 1 else "about to end")


def _cell(cell: tuple[str, float] | None) -> Text | Spinner:
    if cell is None:
        return Text("·", "dim")
    state, seconds = cell
    if state == "started":
        return Spinner("dots", style="cyan")
    return Text(f"✓ {seconds:.1f}", "green") if state == "done" else Text("✗", "bold red")


@contextmanager
def shown(console: Console, expected: Callable[[], float | None] = lambda: None) -> Iterator[Listener]:
    """A listener that shows what it hears on this console, and how long it may go on."""
    if not console.is_terminal:
        yield lambda event: _line(console, event)
        return
    matrix = Matrix(expected)
    with Live(matrix, console=console, refresh_per_second=8, transient=False):
        yield matrix.hear


def _line(console: Console, event: Event) -> None:
    if text := plain(event):
        console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)


def plain(event: Event) -> str:
    """One line, or none: what begins is said only where it may take long; what ends, always."""
    if event.state == "started" and not event.text:
        return ""
    words = {"started": "…", "done": "ok", "failed": "FAILED"}
    place = f"{event.node}: " if event.node else ""
    text = f" {event.text}" if event.text else ""
    return f"{place}{event.phase} {words[event.state]}{text}"
