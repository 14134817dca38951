"""A run as it happens: a table of nodes and phases on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from conpaas_iac.declaration import natural
from conpaas_iac.events import Event, Listener

ALWAYS = ("machine", "ship", "settle", "verify")  # phases with a column of their own, used or not
COLUMNS = (*ALWAYS, "leave", "remove")
ALSO = {"startup script": "ship", "install": "ship", "confirm": "verify", "drain": "leave", "stop": "remove"}


class Matrix:
    """Remembers what each machine is at; draws itself."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._cells: dict[str, dict[str, tuple[str, float]]] = {}
        self._headline = ""

    def hear(self, event: Event) -> None:
        """Take in one event."""
        if not event.node:
            self._headline = "" if event.state == "done" else event.text
            return
        phase = ALSO.get(event.phase, event.phase)
        if phase not in COLUMNS:
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
        for column in (f"{time.monotonic() - self._begun:5.1f} s", *used):
            table.add_column(column, min_width=9)
        for node in sorted(self._cells, key=natural):
            table.add_row(node, *(_cell(self._cells[node].get(phase)) for phase in used))
        if self._headline:
            table.add_row(Text(self._headline, "dim"))
        return table


def _cell(cell: tuple[str, float] | None) -> Text | Spinner:
    if cell is None:
        return Text("·", "dim")
    state, seconds = cell
    if state == "started":
        return Spinner("dots", style="cyan")
    return Text(f"✓ {seconds:.1f}", "green") if state == "done" else Text("✗", "bold red")


@contextmanager
def shown(console: Console) -> Iterator[Listener]:
    """A listener that shows what it hears on this console."""
    if not console.is_terminal:
        yield lambda event: _line(console, event)
        return
    matrix = Matrix()
    with Live(matrix, console=console, refresh_per_second=8, transient=False):
        yield matrix.hear


def _line(console: Console, event: Event) -> None:
    """What begins is said only where it may take long; what ends, always."""
    if event.state == "started" and not event.text:
        return
    words = {"started": "…", "done": "ok", "failed": "FAILED"}
    place = f"{event.node}: " if event.node else ""
    text = f" {event.text}" if event.text else ""
    console.print(f"  {place}{event.phase} {words[event.state]}{text}", markup=False, highlight=False, soft_wrap=True)
