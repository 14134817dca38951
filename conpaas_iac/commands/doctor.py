"""conpaas doctor: what this machine has and lacks; changes nothing."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.text import Text

from conpaas_iac import settings
from conpaas_iac.host import parts
from conpaas_iac.host.part import State
from conpaas_iac.host.parts import Report

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
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(context: click.Context, form: str) -> None:
    """Check this machine, change nothing: what is there, what is missing, and the command that mends it."""
    reports = list(parts.examine(parts.parts(settings.load())))
    lacking = sum(report.finding.state is not State.THERE for report in reports)
    if form == "json":
        click.echo(document("doctor", reports))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for report in reports:
            console.print(line(report))
        console.print("All there." if not lacking else f"{lacking} of {len(reports)} parts to mend.")
    context.exit(1 if lacking else 0)
