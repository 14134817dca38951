"""How results look on a terminal: data in, rich renderables out. Prints nothing itself."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from conpaas_iac.events import SIGNS

if TYPE_CHECKING:
    from conpaas_iac.deployment import Result
    from conpaas_iac.joining import Joined, Wanted
    from conpaas_iac.listing import Listing
    from conpaas_iac.plan import MachineChange, Plan
    from conpaas_iac.status import ApplicationStatus
    from conpaas_iac.topology import Topology

STYLES = {
    "add": "green",
    "change": "yellow",
    "replace": "magenta",
    "remove": "red",
    "rest": "yellow",
    "wake": "green",
}


def headline(topology: "Topology", seconds: float) -> Text:
    """The first line of an `up`."""
    nodes, places = topology.nodes, sorted({node.cloud for node in topology.nodes})
    counts = f"{_count(len(topology.services), 'service')} on {', '.join(places) or 'no cloud'}"
    return Text(f"{topology.application}: {counts}, {_count(len(nodes), 'machine')}", "bold").append(
        f"   range {topology.range}, plan {seconds:.1f} s", "dim"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def plan_document(plan: "Plan") -> dict[str, object]:
    """For `--format json`."""
    return {"version": 1, **asdict(plan), "summary": summary(plan)}


def result_document(result: "Result", seconds: float) -> dict[str, object]:
    """For `up --format json`."""
    return {
        "version": 1,
        "application": result.plan.application,
        "environment": result.plan.environment,
        "urls": dict(result.urls),
        "seconds": round(seconds, 2),
        "plan": plan_document(result.plan),
    }


def plan_view(plan: "Plan", files: bool = False) -> RenderableType:
    """The plan: one line per machine, or per run of machines that share a fate; the last line is the count."""
    parts: list[RenderableType] = []
    if plan.changes:
        parts.append(_changes(plan.changes))
    if files:
        for change in plan.changes:
            for file in change.files:
                parts += [Text(f"\n{change.node}", "bold"), Syntax(file.diff, "diff", background_color="default")]
    parts += [Text(f"  note: {note}", "cyan") for note in plan.notes]
    parts += [Text(f"  data loss  {service}: {reason}", "bold red") for service, reason in plan.losses.items()]
    parts.append(Text(summary(plan)))
    return Group(*parts)


def summary(plan: "Plan") -> str:
    """The last line of a plan."""
    if plan.is_empty:
        return f"No changes. {plan.application} is as its manifest says ({_count(plan.unchanged, 'machine')})."
    add, remove = plan.count("add", "replace"), plan.count("remove", "replace")
    change = plan.count("change", "wake", "rest")
    return f"Plan: {add} to add, {change} to change, {remove} to remove; {plan.unchanged} as they are."


def _changes(changes: "Sequence[MachineChange]") -> Table:
    table = Table.grid(padding=(0, 2))
    for (_, action, cause), run in groupby(changes, key=lambda each: (each.service, each.action, each.cause)):
        group = list(run)
        sign, style = SIGNS[action], STYLES[action]
        table.add_row(Text(f"  {sign}", style), _names(group), _addresses(group), Text(cause, "dim"))
        for file in {file.path: file for each in group for file in each.files}.values():
            effect = f"{file.on_change} {file.unit}" if file.on_change != "nothing" else ""
            table.add_row("", Text(f"  {file.path}"), "", Text(effect, "dim"))
    return table


def _names(group: "Sequence[MachineChange]") -> str:
    """blog-1 … blog-3."""
    first, last = group[0].node, group[-1].node
    return first if len(group) == 1 else f"{first} … {last}" if len(group) > 2 else f"{first}, {last}"


def _addresses(group: "Sequence[MachineChange]") -> str:
    """10.42.32.1-3 where only the last number differs."""
    first, last = group[0].address, group[-1].address
    if len(group) == 1:
        return first
    stem, _, end = last.rpartition(".")
    return f"{first}-{end}" if first.startswith(stem + ".") else f"{first} … {last}"


def status_view(status: "ApplicationStatus") -> RenderableType:
    """One line per machine, then where to go."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("machine", "groups", "address", "cloud", "state", "certificate", "health"):
        table.add_column(column)
    for node in status.nodes:
        style = "green" if node.is_well else "yellow" if node.state == "stopped" else "red"
        place = f"{node.cloud} {node.ip}"
        row = (node.name, ", ".join(node.groups), node.address, place, node.state)
        table.add_row(*row, _certificate(node.certificate_days), Text(node.health, style))
    title = f"{status.application} ({status.environment}): {status.summary}"
    lines: list[RenderableType] = [Text(title, "bold"), table]
    lines += [Text(f"{service}: {url}") for service, url in status.urls.items()]
    lines += [
        Text(f"{service}: {way}   (from the application's machines, or after `conpaas join`)")
        for service, way in status.connections.items()
    ]
    lines += [
        Text(f"joined: {each.name} ({each.by}) as {each.address}, reaches {', '.join(each.reach)}, {each.left} left")
        for each in status.joins
    ]
    return Group(*lines)


def _certificate(days: int | None) -> Text:
    """What is left of a machine's certificate."""
    if days is None:
        return Text("none yet", "dim")
    from conpaas_iac import renewal

    return Text(renewal.said_of(days), "red" if days < 0 else "yellow" if days < renewal.SOON else "")


def join_document(wanted: "Wanted", joined: "Joined") -> dict[str, object]:
    """For `join --format json`."""
    return {
        "version": 1,
        "application": wanted.application,
        "environment": wanted.environment,
        "name": joined.join.name,
        "address": joined.join.address,
        "ends": joined.join.ends.isoformat(),
        "reach": [asdict(port) for port in joined.ports],
        "folder": str(joined.folder),
        "renewed": joined.is_renewed,
        "command": list(joined.command),
    }


def join_view(wanted: "Wanted", joined: "Joined") -> RenderableType:
    """Where it is, what it reaches, and how to begin and to end it."""
    join, table = joined.join, Table.grid(padding=(0, 2))
    for node, ports in groupby(joined.ports, key=lambda port: (port.node, port.address)):
        table.add_row("", *node, ", ".join(f"{port.port}/{port.protocol}" for port in ports))
    again = f"conpaas join {wanted.application} --as {join.name}"
    environment = f" -e {wanted.environment}" if wanted.environment != "default" else ""
    hang_up = Text(f"Where it runs already:  sudo pkill -HUP -f {shlex.quote(joined.command[-1])}")
    return Group(
        Text(f"{join.name} is {join.address} in {wanted.application} until {join.ends:%Y-%m-%d %H:%M} UTC:", "bold"),
        table,
        Text(f"Start it:     sudo {shlex.join(joined.command)}"),
        *([hang_up] if joined.is_renewed else []),
        Text(f"Lock it out:  {again}{environment} --end   (it ends by itself)"),
    )


def list_view(listings: "Iterable[Listing]") -> RenderableType:
    """All applications."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("application", "environment", "machines", "range"):
        table.add_column(column)
    for each in listings:
        row = ("?", Text(each.problem, "red")) if each.problem else (str(each.machines), each.range)
        table.add_row(each.application, each.environment, *row)
    return table
