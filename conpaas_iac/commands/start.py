"""conpaas start: start what was stopped."""

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.command("start")
@click.argument("target", metavar="APPLICATION[/SERVICE]")
@options.environment
@options.events
@options.wait
@options.form
def command(target: str, environment: str, events: str, form: str) -> int:
    """Start machines that `conpaas stop` stopped, and wait until they do their work."""
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import lifecycle

    application, _, service = target.partition("/")
    with running(form, events, application, environment) as run:
        started = lifecycle.start(application, environment, service, settings.load(), run.listen)
    text = f"Started: {', '.join(started) or 'nothing was stopped'}. See: conpaas status {application}"
    output.end(form, "start", application, started, text)
    return 0
