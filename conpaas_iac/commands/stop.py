"""conpaas stop: stop an application or a service; data is kept."""

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.command("stop")
@click.argument("target", metavar="APPLICATION[/SERVICE]")
@options.environment
@options.events
@options.wait
@options.form
def command(target: str, environment: str, events: str, form: str) -> int:
    """Stop machines; their data and addresses stay. `up` leaves them stopped until `conpaas start`."""
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import lifecycle

    application, _, service = target.partition("/")
    with running(form, events, application, environment) as run:
        stopped = lifecycle.stop(application, environment, service, settings.load(), run.listen)
    text = f"Stopped: {', '.join(stopped) or 'nothing ran'}. Again with: conpaas start {target}"
    output.end(form, "stop", application, stopped, text)
    return 0
