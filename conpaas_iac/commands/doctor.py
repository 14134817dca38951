"""conpaas doctor: what this machine has and lacks, and what nobody on the clouds belongs to."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conpaas_iac import settings
from conpaas_iac.core.ordering import count
from conpaas_iac.host import parts
from conpaas_iac.host.part import State
from conpaas_iac.host.parts import Report
from conpaas_iac.settings import Settings

if TYPE_CHECKING:
    from conpaas_iac.usecases.orphans import Found

MARKS = {
    State.THERE: ("✓", "green"),
    State.MISSING: ("✗", "yellow"),
    State.WRONG: ("!", "red"),
    State.UNKNOWN: ("?", "dim"),
}


def line(report: Report, note: str = "") -> Text:
    """One part on one line, and the command that mends it."""
    mark, colour = MARKS[report.finding.state]
    text = Text.assemble((mark, colour), f" {report.part:<11}", report.finding.text)
    if report.finding.remedy:
        text.append(f"  → {report.finding.remedy}", style="bold")
    return text.append(note, style="dim")


def document(kind: str, reports: list[Report]) -> str:
    """The same for programs."""
    listed = [
        {"part": report.part, **asdict(report.finding), "mended": report.mended, "seconds": round(report.seconds, 2)}
        for report in reports
    ]
    healthy = all(report.finding.state is State.THERE for report in reports)
    return json.dumps({"schema": f"conpaas/{kind}/v1", "ok": healthy, "parts": listed}, indent=2)


@click.command("doctor")
@click.argument("machines", nargs=-1, metavar="[MACHINE…]")
@click.option("--orphans", is_flag=True, help="Look on the clouds instead, for machines that no application knows.")
@click.option("--remove", is_flag=True, help="Remove those; with names only these, also where there is a doubt.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(machines: tuple[str, ...], orphans: bool, remove: bool, yes: bool, form: str) -> int:
    """Check this machine, change nothing: what is there, what is missing, and the command that mends it.

    With --orphans: machines on the clouds that carry a tag of conpaas and that no application knows. Nothing without
    a tag is ever looked at, and nothing removed whose state cannot be looked at, unless it is named.
    """
    if (remove and not orphans) or (machines and not remove):
        raise click.UsageError("that is: conpaas doctor --orphans --remove [MACHINE…]")
    configured = settings.load()
    if orphans:
        return _orphans(machines, remove, yes, form, configured)
    reports = list(parts.examine(parts.parts(configured)))
    lacking = sum(report.finding.state is not State.THERE for report in reports)
    if form == "json":
        click.echo(document("doctor", reports))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for report in reports:
            console.print(line(report))
        console.print("All there." if not lacking else f"{lacking} of {len(reports)} parts to mend.")
    return 1 if lacking else 0


def _orphans(machines: tuple[str, ...], remove: bool, yes: bool, form: str, configured: Settings) -> int:
    from conpaas_iac.commands import output
    from conpaas_iac.usecases import orphans
    from conpaas_iac.views.live import shown

    found = orphans.find(configured)
    console = output.console(stderr=form == "json")
    removed: tuple[str, ...] = ()
    if form == "text":
        console.print(_view(found, console))
    if remove:
        chosen = orphans.removable(found, machines)
        if chosen and not yes:
            names = ", ".join(each.name for each in chosen)
            them = "it" if len(chosen) == 1 else "them"
            output.ask(f"Remove {names}, and all data on {them}?", "doctor --remove")
        if chosen:
            with shown(console) as listen:
                removed = orphans.remove(chosen, configured, listen)
            console.print(f"Removed: {', '.join(removed) or 'nothing'}.")
        found = tuple(each for each in found if each.name not in removed)
    if form == "json":
        click.echo(json.dumps(_document(found, removed), indent=2))
    return 1 if any(each.verdict in ("orphan", "stray") for each in found) else 0


def _view(found: tuple["Found", ...], console: Console) -> Table | Text:
    from conpaas_iac.network import joins

    known = [each for each in found if each.verdict == "known"]
    rest = [each for each in found if each.verdict != "known"]
    said = f"{count(len(known), 'tagged machine')} in use"
    if not rest:
        return Text(f"No orphans; {said}.")
    table = Table(box=None, pad_edge=False, header_style="dim", caption=f"{said}.", caption_justify="left")
    for column in ("", "machine", "cloud", "application", "node", "owner", "age", "why"):
        table.add_column(column, no_wrap=column != "why")
    marks = {"orphan": ("✗", "red"), "stray": ("✗", "red"), "doubt": ("?", "yellow")}
    now = datetime.now(UTC)
    for each in rest:
        tagged, mark = each.tagged, Text(*marks[each.verdict])
        age = joins.spoken(now - tagged.made) if tagged.made else ""
        table.add_row(
            mark, each.name, each.cloud, tagged.application, tagged.seen.node, tagged.owner[:8], age, each.why
        )
    return table


def _document(found: tuple["Found", ...], removed: tuple[str, ...]) -> dict[str, object]:
    """For `doctor --orphans --format json`."""
    machines = [
        {
            "machine": each.name,
            "cloud": each.cloud,
            "verdict": each.verdict,
            "why": each.why,
            "owner": each.tagged.owner,
            "application": each.tagged.application,
            "node": each.tagged.seen.node,
            "running": each.tagged.seen.running,
            "made": each.tagged.made.isoformat() if each.tagged.made else "",
            "origin": each.tagged.origin,
        }
        for each in found
    ]
    return {"version": 1, "machines": machines, "removed": list(removed)}
