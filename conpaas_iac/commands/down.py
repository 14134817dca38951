"""conpaas down: remove an application's machines."""

import time

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.command("down")
@click.argument("application")
@options.environment
@options.events
@options.wait
@options.form
@options.may_lose
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(application: str, environment: str, events: str, form: str, may_lose: tuple[str, ...], yes: bool) -> int:
    """Remove the machines, network and state of APPLICATION. Data on its machines is lost; the manifest stays."""
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import inspection, lifecycle

    begun, configured = time.monotonic(), settings.load()
    machines = inspection.machines_of(application, environment, configured)
    if not yes:
        names = ", ".join(machines) or "no machine"
        output.ask(f"Remove {application} ({environment}) with {names}, and all data on them?", "down")
    with running(form, events, application, environment) as run:
        lifecycle.down(application, environment, configured, run.listen, frozenset(may_lose))
        run.note("remove", f"{application} is gone")
    removed = ", ".join(machines) or "it had no machines"
    text = f"{application} is gone: {removed} ({time.monotonic() - begun:.1f} s)."
    output.end(form, "down", application, machines, text)
    return 0
