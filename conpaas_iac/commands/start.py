"""conpaas start: start what was stopped."""

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.command("start")
@click.argument("target", metavar="APPLICATION[/SERVICE]")
@options.environment
def command(target: str, environment: str) -> int:
    """Start machines that `conpaas stop` stopped, and wait until they do their work."""
    from conpaas_iac import deployment
    from conpaas_iac.live import shown

    application, _, service = target.partition("/")
    console = output.console()
    with shown(console) as listen:
        started = deployment.start(application, environment, service, settings.load(), listen)
    console.print(f"Started: {', '.join(started) or 'nothing was stopped'}. See: conpaas status {application}")
    return 0
