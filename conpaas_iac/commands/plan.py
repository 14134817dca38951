"""conpaas plan: show what `up` would do."""

import json
from pathlib import Path

import click

from conpaas_iac import report, settings
from conpaas_iac.commands import options


@click.command("plan")
@options.manifest
@options.environment
@options.locked
@options.events
@options.form
@click.option("--files", is_flag=True, help="Show the files of each machine that would change, as diffs.")
@click.option("--refresh", is_flag=True, help="Ask the clouds what is really there.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when there is something to do.")
def command(
    manifest: Path,
    environment: str,
    locked: bool,
    events: str,
    form: str,
    files: bool,
    refresh: bool,
    exit_code: bool,
) -> int:
    """Show what `up` would do with MANIFEST. Uses neither the network nor the machines."""
    from conpaas_iac import deployment
    from conpaas_iac.commands.running import running

    request = options.request(manifest, environment, locked)
    with running(form, events, manifest=manifest, kept=False, live=False) as run:
        plan = deployment.planned(request, settings.load(), look=refresh)
        run.planned(plan)
        run.code = 2 if exit_code and not plan.is_empty else 0
    if form == "json":
        click.echo(json.dumps(report.plan_document(plan), indent=2))
    else:
        run.console.print(report.plan_view(plan, files))
    return run.code
