"""conpaas list: all applications."""

import json
from dataclasses import asdict

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output
from conpaas_iac.views import report


@click.command("list")
@options.form
def command(form: str) -> int:
    """List the applications of the backend."""
    from conpaas_iac.usecases import listing

    found = listing.listings(settings.load())
    if form == "json":
        click.echo(json.dumps({"version": 1, "applications": [asdict(each) for each in found]}, indent=2))
    elif found:
        output.console().print(report.list_view(found))
    else:
        click.echo("No applications. Begin with: conpaas up manifest.json")
    return 1 if any(each.problem for each in found) else 0
