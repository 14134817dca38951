"""conpaas setup: bring what this machine lacks; safe to repeat."""

import click
from rich.console import Console

from conpaas_iac import settings
from conpaas_iac.commands.doctor import document, line
from conpaas_iac.errors import UserError
from conpaas_iac.host import parts


@click.command("setup")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--only", multiple=True, metavar="PART", help="Just this part, as `doctor` names it; may be repeated.")
def command(form: str, only: tuple[str, ...]) -> None:
    """Bring what this machine lacks: packages, LXD, its pool and bridge, the base image, the engine.

    Says what it does before it does it. Safe to repeat. An LXD that is there already is used as it is. Where machines
    are on other clouds (a CI job), `--only engine --only VPN` is all that `up` needs; `plan` needs the engine alone.
    """
    wanted = parts.parts(settings.load())
    if unknown := set(only) - {part.name for part in wanted}:
        names = ", ".join(part.name for part in wanted)
        raise UserError(f"there is no part {sorted(unknown)[0]!r}", f"parts: {names}")
    wanted = tuple(part for part in wanted if not only or part.name in only)
    # In JSON, what is going on goes to stderr, so that stdout is one document.
    console = Console(soft_wrap=True, highlight=False, stderr=form == "json")

    def say(text: str) -> None:
        console.print(text if text.startswith(" ") else f"… {text}", style="dim", markup=False)

    reports = []
    for report in parts.mend(wanted, say):
        reports.append(report)
        console.print(line(report, f"  {report.seconds:.1f} s" if report.mended else ""))
    if form == "json":
        click.echo(document("setup", reports))
        return
    mended = [report for report in reports if report.mended]
    spent = ", ".join(f"{report.part} {report.seconds:.1f} s" for report in mended)
    total = sum(report.seconds for report in reports)
    console.print(f"Set up in {total:.1f} s: {spent}" if mended else "All there: nothing to do.")
