"""conpaas clouds: the clouds of this installation."""

import json

import click

from conpaas_iac import clouds, settings
from conpaas_iac.commands import options


@click.command("clouds")
@options.form
def command(form: str) -> int:
    """List the clouds that a manifest may name."""
    default = settings.load().default_cloud
    found = {name: clouds.kind(name).SUMMARY for name in clouds.names()}
    if form == "json":
        click.echo(json.dumps({"version": 1, "default": default, "clouds": found}, indent=2))
        return 0
    width = max(map(len, found))
    for name, summary in found.items():
        click.echo(f"{name:{width}}  {summary}{'  (default)' if name == default else ''}")
    return 0
