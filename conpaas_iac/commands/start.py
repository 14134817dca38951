"""conpaas start: start what was stopped."""

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.command("start")
@click.argument("target", metavar="APPLICATION[/SERVICE]")
@options.environment
@options.wait
@options.form
def command(target: str, environment: str, form: str) -> int:
    """Start machines that `conpaas stop` stopped, and wait until they do their work."""
    from conpaas_iac import lifecycle
    from conpaas_iac.live import shown

    application, _, service = target.partition("/")
    with shown(output.console(stderr=form == "json")) as listen:
        started = lifecycle.start(application, environment, service, settings.load(), listen)
    text = f"Started: {', '.join(started) or 'nothing was stopped'}. See: conpaas status {application}"
    output.end(form, "start", application, started, text)
    return 0
