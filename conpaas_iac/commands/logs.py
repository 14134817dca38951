"""conpaas logs: what an application's machines said."""

import json

import click

from conpaas_iac import settings
from conpaas_iac.commands import options


@click.command("logs")
@click.argument("target", metavar="APPLICATION[/SERVICE[/NODE]]")
@options.environment
@options.form
@click.option("-n", "--lines", type=click.IntRange(1), default=50, show_default=True, help="How many a machine.")
def command(target: str, environment: str, form: str, lines: int) -> int:
    """Show the last lines of the units that the machines run."""
    from conpaas_iac.usecases import inspection

    application, *path = target.split("/")
    with inspection.view(application, environment, settings.load()) as looked:
        for node, line in inspection.logs(looked, inspection.select(looked, path), lines):
            click.echo(json.dumps({"node": node, "line": line}) if form == "json" else f"{node}  {line}")
    return 0
