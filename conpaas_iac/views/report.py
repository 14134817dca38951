"""How results look on a terminal: data in, rich renderables out. Prints nothing itself."""

import shlex
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conpaas_iac.core.environments import option

if TYPE_CHECKING:
    from conpaas_iac.core.topology import Topology
    from conpaas_iac.usecases.deployment import Result
    from conpaas_iac.usecases.joining import Joined, Wanted
    from conpaas_iac.usecases.listing import Listing
    from conpaas_iac.views.status import ApplicationStatus


def headline(topology: "Topology", seconds: float) -> Text:
    """The first line of an `up`."""
    from conpaas_iac.core.ordering import count

    nodes, places = topology.nodes, sorted({node.cloud for node in topology.nodes})
    counts = f"{count(len(topology.services), 'service')} on {', '.join(places) or 'no cloud'}"
    return Text(f"{topology.application}: {counts}, {count(len(nodes), 'machine')}", "bold").append(
        f"   range {topology.range}, plan {seconds:.1f} s", "dim"
    )


def result_document(result: "Result", seconds: float) -> dict[str, object]:
    """For `up --format json`."""
    from conpaas_iac.plans import plandocument

    return {
        "version": 2,
        "application": result.plan.application,
        "environment": result.plan.environment,
        "urls": dict(result.urls),
        "seconds": round(seconds, 2),
        "plan": plandocument.document(result.plan),
    }


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
    from conpaas_iac.network import renewal

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
    again = f"conpaas join {wanted.application} --as {join.name}{option(wanted.environment)}"
    hang_up = Text(f"Where it runs already:  sudo pkill -HUP -f {shlex.quote(joined.command[-1])}")
    return Group(
        Text(f"{join.name} is {join.address} in {wanted.application} until {join.ends:%Y-%m-%d %H:%M} UTC:", "bold"),
        table,
        Text(f"Start it:     sudo {shlex.join(joined.command)}"),
        *([hang_up] if joined.is_renewed else []),
        Text(f"Lock it out:  {again} --end   (it ends by itself)"),
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
