"""conpaas start: start what was stopped."""

import click
from rich.console import Console

from conpaas_iac import settings
from conpaas_iac.commands import options


@click.command("start")
@click.argument("target", metavar="APPLICATION[/SERVICE]")
@options.environment
def command(target: str, environment: str) -> int:
    """Start machines that `conpaas stop` stopped, and wait until they do their work."""
    from conpaas_iac import deployment
    from conpaas_iac.live import shown

    application, _, service = target.partition("/")
    console = Console(highlight=False)
    with shown(console) as listen:
        started = deployment.start(application, environment, service, settings.load(), listen)
    console.print(f"Started: {', '.join(started) or 'nothing was stopped'}. See: conpaas status {application}")
    return 0
