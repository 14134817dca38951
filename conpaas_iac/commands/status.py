"""conpaas status: how an application is, now."""

import json
from dataclasses import asdict

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output
from conpaas_iac.views import report


@click.command("status")
@click.argument("application", metavar="APPLICATION[/SERVICE]")
@options.environment
@options.form
def command(application: str, environment: str, form: str) -> int:
    """Say how APPLICATION is now: asks clouds, machines and URLs. Exit code 3 when something is not well."""
    from conpaas_iac.usecases import inspection

    name, _, service = application.partition("/")
    status = inspection.status_of(name, environment, settings.load(), service)
    if form == "json":
        document = {"version": 1, **asdict(status), "well": status.is_well}
        click.echo(json.dumps(document, indent=2))
    else:
        output.console().print(report.status_view(status))
    return 0 if status.is_well else 3
