"""How the conformance suite looks: a row a check, while it runs and at its end."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from conpaas_iac.kit.course import CHECKS, Row
from conpaas_iac.kit.results import Report, Result
from conpaas_iac.runs.events import Event
from conpaas_iac.views.live import plain

STYLES = {"passed": "green", "failed": "bold red", "skipped": "dim", "not run": "yellow"}


class Progress:
    """How far it is; draws itself."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows, self._results = tuple(rows), dict[str, Result]()
        self._row: Row | None = None
        self._begun, self._doing = time.monotonic(), ""

    def begun(self, row: Row) -> None:
        """A check begins."""
        self._row, self._begun, self._doing = row, time.monotonic(), ""

    def ended(self, result: Result) -> None:
        """It ended."""
        self._results[result.row.name] = result
        self._row = None

    def hear(self, event: Event) -> None:
        """What happens meanwhile."""
        self._doing = f"{event.node} {event.phase}".strip()

    def __rich__(self) -> Table:
        table = _table()
        for row in self._rows:
            if row.name in self._results:
                _add(table, self._results[row.name])
            elif row == self._row:
                passed = f"{time.monotonic() - self._begun:.1f} s"
                table.add_row(row.name, Spinner("dots", Text("runs"), style="cyan"), passed, Text(self._doing, "dim"))
            else:
                table.add_row(row.name, Text("waits", "dim"), "", "")
        return table


class Lines(Progress):
    """The same as plain lines, where there is no terminal."""

    def __init__(self, rows: Iterable[Row], console: Console) -> None:
        super().__init__(rows)
        self._console = console

    def begun(self, row: Row) -> None:
        """A check begins."""
        super().begun(row)
        self._print(f"{row.name} …")

    def ended(self, result: Result) -> None:
        """It ended."""
        super().ended(result)
        reason = f": {result.reason}" if result.reason else f" ({result.seconds:.1f} s)"
        self._print(f"{result.row.name} {result.outcome.upper()}{reason}")

    def hear(self, event: Event) -> None:
        """What ends, on machines."""
        if event.node and (text := plain(event)):
            self._print(f"  {text}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown(console: Console, rows: Sequence[Row]) -> Iterator[Progress]:
    """Shows on this console what it is told."""
    if not console.is_terminal:
        yield Lines(rows, console)
        return
    progress = Progress(rows)
    with Live(progress, console=console, refresh_per_second=8, transient=True):
        yield progress


def report_view(report: Report) -> RenderableType:
    """The table; below it, for what failed, exactly why, and what to do; the last line is the count."""
    table = _table()
    for result in report.results:
        _add(table, result)
    parts: list[RenderableType] = [table]
    for result in report.results:
        if finding := result.finding:
            parts.append(Text(f"\n{result.row.name}: {finding.reason}", "red"))
            parts += [Text(f"    {line}", "dim") for line in finding.lines]
            parts += [Text(f"  → {finding.remedy}")] if finding.remedy else []
    return Group(*parts, Text(report.summary, "bold"))


def list_view(rows: Iterable[Row]) -> RenderableType:
    """The checks of a type, and what each asks for."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(row.name, Text(f"skipped: {row.skipped}", "dim") if row.skipped else CHECKS[row.check])
    return table


def _table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("check", "result", "took", ""):
        table.add_column(header)
    return table


def _add(table: Table, result: Result) -> None:
    took = f"{result.seconds:.1f} s" if result.seconds else ""
    outcome = Text(result.outcome, STYLES[result.outcome])
    table.add_row(result.row.name, outcome, took, Text("" if result.finding else result.note, "dim"))
