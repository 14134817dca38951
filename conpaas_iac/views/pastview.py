"""How former runs look on a terminal, and as documents. Prints nothing itself."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conpaas_iac.core.ordering import natural
from conpaas_iac.runs.events import COLUMNS, SIGNS
from conpaas_iac.runs.history import Cell, Past
from conpaas_iac.runs.stream import Line

STYLES = {"done": "green", "failed": "red", "running": "cyan", "interrupted": "yellow"}


def length(seconds: float) -> str:
    """8.2 s, 2 min 05 s, 1 h 12 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def table_of(pasts: Iterable[Past], zone: tzinfo | None = None) -> RenderableType:
    """The newest first: run, when, who, what it changed, how long, how it ended."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("run", "when", "who", "command", "changed", "took", "ended"):
        table.add_column(column, overflow="fold", no_wrap=column != "ended")
    for each in pasts:
        outcome = Text(each.ended, STYLES[each.outcome])
        when, who = _when(each.time, zone), "CI" if each.begun.ci else each.begun.by
        table.add_row(each.run, when, who, each.begun.command, each.what, length(each.seconds), outcome)
    return table


def _when(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def view_of(past: Past, zone: tzinfo | None = None) -> RenderableType:
    """One run: who, what was planned, machines and phases with their times."""
    begun = past.begun
    place = f"{begun.application} ({begun.environment})"
    parts: list[RenderableType] = [
        Text.assemble((f"{past.run}: {begun.command} {place}", "bold"), "  ", (past.ended, STYLES[past.outcome])),
        Text(f"  {_when(past.time, zone)}, {begun.by}, conpaas {begun.tool}, took {length(past.seconds)}", "dim"),
    ]
    parts += [Text(f"  {begun.ci}", "dim")] if begun.ci else []
    parts += [Text(f"  manifest {begun.manifest[:19]}", "dim")] if begun.manifest else []
    parts += [_plan(past)] if past.changes else []
    parts += [_matrix(past)] if past.nodes else []
    if past.phases:
        spent = (f"{phase} {length(seconds)}" for phase, seconds in past.phases.items())
        parts.append(Text(f"phases: {' · '.join(spent)}"))
    parts += [Text(f"note: {note}") for note in dict.fromkeys(past.notes)]
    for node, row in past.nodes.items():
        parts += [Text(f"{node}, {name}: {cell.text}", "red") for name, cell in row.items() if cell.text]
    if past.outcome == "interrupted":
        parts.append(Text("This run was ended before it could say how; the same command goes on from there.", "yellow"))
    return Group(*parts)


def _plan(past: Past) -> Table:
    table = Table.grid(padding=(0, 2))
    for change in past.changes:
        table.add_row(f"  {SIGNS.get(change.action, '?')}", change.node, change.address, Text(change.cause, "dim"))
    return table


def _matrix(past: Past) -> Table:
    used = [name for name in COLUMNS if any(name in row for row in past.nodes.values())]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("", *used):
        table.add_column(header)
    for node in sorted(past.nodes, key=natural):
        table.add_row(node, *(_cell(past.nodes[node].get(name)) for name in used))
    return table


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("·", "dim")
    marks = {"done": ("✓", "green"), "failed": ("✗", "bold red"), "started": ("…", "yellow")}
    mark, style = marks[cell.state]
    return Text(f"{mark} {cell.seconds:.1f}", style)


def document(past: Past) -> dict[str, object]:
    """One run for programs."""
    return {
        "run": past.run,
        "begun": past.time.isoformat().replace("+00:00", "Z"),
        "by": past.begun.by,
        "ci": past.begun.ci,
        "command": past.begun.command,
        "tool": past.begun.tool,
        "application": past.begun.application,
        "environment": past.begun.environment,
        "manifest": past.begun.manifest,
        "outcome": past.outcome,
        "exit": past.exit,
        "seconds": past.seconds,
        "text": past.text,
        "changes": [asdict(change) for change in past.changes],
        "phases": dict(past.phases),
    }


def list_document(application: str, environment: str, pasts: Iterable[Past]) -> dict[str, object]:
    """For `history --format json`."""
    runs = [document(each) for each in pasts]
    return {"version": 1, "application": application, "environment": environment, "runs": runs}


def run_document(past: Past, lines: Sequence[Line]) -> dict[str, object]:
    """For `history show --format json`."""
    nodes = {node: {name: asdict(cell) for name, cell in row.items()} for node, row in past.nodes.items()}
    return {"version": 1, **document(past), "nodes": nodes, "events": [json.loads(line.content) for line in lines]}
