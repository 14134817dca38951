"""Several applications that are made at once: a row each while it goes on, and when all of them have ended."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from conpaas_iac.runs.events import SIGNS, Event
from conpaas_iac.runs.stream import PLAN, RUN, Line
from conpaas_iac.runs.workers import INTERRUPTED, Done, Hear
from conpaas_iac.views.live import plain

LAST = {"remove": {"remove"}, "rest": {"stop"}}  # what ends a machine's part of the plan
LAST_OF_OTHERS = {"verify", "join", "confirm"}
WORDS = {
    "add": "add",
    "replace": "replace",
    "move": "move",
    "change": "change",
    "wake": "start",
    "rest": "stop",
    "remove": "remove",
}
ENDS = {1: "you can act", 3: "failed", 4: "somebody else has it", 70: "a bug of conpaas", INTERRUPTED: "interrupted"}


@dataclass
class Row:
    """What one application is at."""

    phase: str = "waits"
    actions: dict[str, str] = field(default_factory=dict)  # machine -> what the plan does to it
    done: set[str] = field(default_factory=set)
    begun: float | None = None  # of time.monotonic
    seconds: float = 0.0
    code: int | None = None
    text: str = ""  # why it ended so

    def hear(self, line: Line, now: float) -> None:
        """Take in one line of its run."""
        if line.phase == RUN and line.ended:
            self.code, self.seconds, self.text, self.phase = line.ended.exit, line.ended.seconds, line.text, "ended"
        elif line.phase == RUN:
            self.begun, self.phase = now, "plan"
        elif line.change:
            self.actions[line.node] = line.change.action
        elif line.state == "started":
            self.phase = line.phase
        if line.state == "done" and line.phase in LAST.get(self.actions.get(line.node, ""), LAST_OF_OTHERS):
            self.done.add(line.node)

    def end(self, done: Done) -> None:
        """As its process ended, which counts where it could say nothing itself."""
        self.code, self.phase = done.code, "ended"
        self.seconds = self.seconds or done.seconds
        if not done.begun:
            self.text = "not begun"
        elif done.code not in (0, 3):  # of machines the stream tells which one, and at which step
            said = (each for each in done.said.splitlines() if each.startswith("error: ") or ": error[" in each)
            self.text = next(said, self.text).removeprefix("error: ")

    @property
    def changes(self) -> str:
        """2 add, 1 change."""
        counts = {word: list(self.actions.values()).count(action) for action, word in WORDS.items()}
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "none"

    @property
    def ended(self) -> Text:
        """How, and why."""
        if self.code == 0:
            return Text("done", "green")
        what = ENDS.get(self.code or 0, "killed")
        return Text(f"{what}: {self.text}" if self.text and self.text != what else what, "bold red")


class Rows:
    """All of them; draws itself."""

    def __init__(self, names: Iterable[str]) -> None:
        self.rows = {name: Row() for name in names}

    def hear(self, name: str, line: Line) -> None:
        """Take in one line of one run."""
        self.rows[name].hear(line, time.monotonic())

    def __rich__(self) -> Table:
        table = _table("application", "phase", "machines", "took")
        for name, row in self.rows.items():
            now = row.seconds or (time.monotonic() - row.begun if row.begun else 0.0)
            goes_on = row.begun is not None and row.code is None
            phase = Spinner("dots", Text(row.phase), style="cyan") if goes_on else _phase(row)
            machines = f"{len(row.done & row.actions.keys())}/{len(row.actions)}" if row.actions else ""
            table.add_row(name, phase, machines, f"{now:.1f} s" if now else "")
        return table

    def summary(self) -> Table:
        """A line for each, at the end."""
        table = _table("application", "changes", "took", "ended")
        for name, row in self.rows.items():
            table.add_row(name, row.changes, f"{row.seconds:.1f} s", row.ended)
        return table


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        table.add_column(header)
    return table


def _phase(row: Row) -> Text:
    return Text(row.phase, "dim") if row.code is None else row.ended


@contextmanager
def shown(console: Console, rows: Rows) -> Iterator[Hear]:
    """A listener that shows the rows on a terminal, and lines that begin with the application's name elsewhere."""
    if console.is_terminal:
        with Live(rows, console=console, refresh_per_second=8, transient=True):
            yield rows.hear
        return

    def hear(name: str, line: Line) -> None:
        rows.hear(name, line)
        if text := _plain(line):
            console.print(f"{name}: {text}", markup=False, highlight=False, soft_wrap=True)

    yield hear


def _plain(line: Line) -> str:
    if line.phase == PLAN and line.change:
        return f"{SIGNS[line.change.action]} {line.node}   {line.text}"
    if line.phase == RUN or line.state == "planned":
        return ""
    return plain(Event(line.phase, line.state, line.node, line.text))
