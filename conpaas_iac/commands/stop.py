"""conpaas stop: stop an application or a service; data is kept."""

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.command("stop")
@click.argument("target", metavar="APPLICATION[/SERVICE]")
@options.environment
def command(target: str, environment: str) -> int:
    """Stop machines; their data and addresses stay. `up` leaves them stopped until `conpaas start`."""
    from conpaas_iac import deployment
    from conpaas_iac.live import shown

    application, _, service = target.partition("/")
    console = output.console()
    with shown(console) as listen:
        stopped = deployment.stop(application, environment, service, settings.load(), listen)
    console.print(f"Stopped: {', '.join(stopped) or 'nothing ran'}. Again with: conpaas start {target}")
    return 0
