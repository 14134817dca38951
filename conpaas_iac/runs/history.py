"""What former runs tell, from their streams: what each did, how long it took, how long the next one may take. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Literal

from conpaas_iac.core.ordering import natural
from conpaas_iac.runs.events import COLUMNS, SIGNS, column
from conpaas_iac.runs.stream import RUN, Begun, Line

SAMPLES = 5  # former runs that an estimate is learned from
Outcome = Literal["done", "failed", "running", "interrupted"]


@dataclass(frozen=True)
class Planned:
    """A line of the plan."""

    node: str
    service: str
    action: str
    address: str
    cause: str


@dataclass(frozen=True)
class Cell:
    """A machine in a phase: how it ended, or that it did not, and how long it took."""

    state: Literal["started", "done", "failed"]
    seconds: float
    text: str = ""


@dataclass(frozen=True)
class Past:
    """One run."""

    run: str
    time: datetime  # when it began
    begun: Begun
    outcome: Outcome
    exit: int | None
    seconds: float  # until its last line
    text: str  # why it failed
    changes: tuple[Planned, ...]
    nodes: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)  # machine -> column -> cell
    phases: Mapping[str, float] = field(default_factory=dict)  # phase -> seconds in which something was in it
    notes: tuple[str, ...] = ()  # what it said of the whole application

    @property
    def what(self) -> str:
        """What it changed, in a few words."""
        if self.changes:
            actions = [change.action for change in self.changes]
            counts = [f"{sign}{actions.count(action)}" for action, sign in SIGNS.items() if action in actions]
            return f"{' '.join(counts)}  {_some([change.node for change in self.changes])}"
        return _some(sorted(self.nodes, key=natural)) or (self.notes[-1] if self.notes else "")

    @property
    def ended(self) -> str:
        """How it ended, in a few words."""
        if self.outcome == "failed":
            return f"failed ({self.exit}): {self.text}" if self.text else f"failed ({self.exit})"
        return self.outcome

    def touches(self, service: str) -> bool:
        """Whether it did something about a service, or about one of its machines."""
        planned = any(service in (change.service, change.node) for change in self.changes)
        return planned or any(node == service or node.startswith(f"{service}-") for node in self.nodes)


def _some(names: Sequence[str]) -> str:
    """blog-1, blog-2, blog-3, … (12)."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown}, … ({len(names)})"


def past(run: str, lines: Sequence[Line], running: bool = False) -> Past | None:
    """A run from its stream; None where not even its first line is whole."""
    if not lines or lines[0].begun is None:
        return None
    first, begun, last = lines[0], lines[0].begun, lines[-1]
    changes = tuple(
        Planned(line.node, line.change.service, line.change.action, line.change.address, line.text)
        for line in lines
        if line.change
    )
    ended = last.ended
    outcome: Outcome = "running" if running else "interrupted"
    if ended:
        outcome = "failed" if ended.exit else "done"
    steps = _steps(lines)
    notes = tuple(line.text for line in lines if line.text and not line.node and line.phase != RUN)
    return Past(
        run=run,
        time=first.time,
        begun=begun,
        outcome=outcome,
        exit=ended.exit if ended else None,
        seconds=ended.seconds if ended else _between(first.time, last.time),
        text=last.text if ended else "",
        changes=changes,
        nodes=_cells(steps),
        phases=_phases(steps),
        notes=notes,
    )


def _between(begin: datetime, end: datetime) -> float:
    return round((end - begin).total_seconds(), 3)


@dataclass(frozen=True)
class _Step:
    """A machine (or the application) in a phase, once."""

    line: Line  # the last word on it
    begun: datetime

    @property
    def column(self) -> str:
        return column(self.line.phase)

    @property
    def seconds(self) -> float:
        return _between(self.begun, self.line.time)


def _steps(lines: Sequence[Line]) -> list[_Step]:
    """In the order of their ends. A machine does one thing after another: what has no end was skipped.

    Only in a stream without an end, what comes last on a machine was interrupted.
    """
    begun: dict[tuple[str, str], Line] = {}
    found = []
    for line in lines:
        place = (line.node, "" if line.node else line.phase)
        if line.state == "started":
            begun[place] = line
        elif line.state != "planned":
            before = begun.pop(place, line)
            found.append(_Step(line, before.time if before.phase == line.phase else line.time))
    if lines[-1].ended is None:
        found += [_Step(line, line.time) for line in begun.values()]
    return [step for step in found if step.line.phase != RUN]


def _cells(steps: Iterable[_Step]) -> dict[str, dict[str, Cell]]:
    """A machine may be in a phase several times: the seconds add up, the last word counts."""
    found: dict[str, dict[str, Cell]] = {}
    for step in steps:
        line = step.line
        if line.node and step.column and line.state != "planned":
            row = found.setdefault(line.node, {})
            known = row[step.column].seconds if step.column in row else 0.0
            text = line.text if line.state == "failed" else ""
            row[step.column] = Cell(line.state, round(known + step.seconds, 3), text)
    return found


def _phases(steps: Iterable[_Step]) -> dict[str, float]:
    """How long at least one machine (or the application) was in each phase."""
    found: dict[str, float] = {}
    until: dict[str, datetime] = {}
    for step in sorted(steps, key=lambda step: step.begun):
        name = step.column or step.line.phase
        begin = max(step.begun, until.get(name, step.begun))
        found[name] = round(found.get(name, 0.0) + max(0.0, _between(begin, step.line.time)), 3)
        until[name] = max(begin, step.line.time)
    return found


def estimate(former: Iterable[Past], actions: Iterable[str]) -> float | None:
    """Seconds that a run with these actions may take: the sum of each phase's median in the last runs like it.

    Runs are alike when their plans have the same kinds of changes. What is fetched and baked once is left out, as is
    what runs at the same time as another phase. None where nothing is known.
    """
    wanted = frozenset(actions)
    done = [each for each in former if each.outcome == "done"]
    alike = [each for each in done if {change.action for change in each.changes} == wanted][-SAMPLES:]
    if not alike or not wanted:
        return None
    phases = [name for name in COLUMNS if any(name in each.phases for each in alike)]
    once = [sum(seconds for name, seconds in each.phases.items() if name not in COLUMNS) for each in alike]
    rest = [
        each.seconds - beside - sum(each.phases.get(name, 0.0) for name in phases)
        for each, beside in zip(alike, once, strict=True)
    ]
    return max(0.0, sum(median(each.phases.get(name, 0.0) for each in alike) for name in phases) + median(rest))


def chosen(runs: Sequence[str], word: str) -> str | None:
    """The run that a word names: whole, how it begins or ends where that is one run only, or `last`."""
    if word == "last":
        return runs[-1] if runs else None
    if word in runs:
        return word
    found = [run for run in runs if run.startswith(word) or run.endswith(word)]
    return found[0] if len(found) == 1 else None
