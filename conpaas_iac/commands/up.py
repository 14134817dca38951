"""conpaas up: make the application as the manifest says."""

import json
import time
from pathlib import Path

import click

from conpaas_iac import planview, report, settings
from conpaas_iac.commands import options
from conpaas_iac.plan import Plan
from conpaas_iac.wish import Request, Wish


@click.command("up")
@options.manifest
@options.environment
@options.locked
@options.may_lose
@options.events
@options.wait
@options.form
def command(
    manifest: Path, environment: str, locked: bool, may_lose: tuple[str, ...], events: str, form: str
) -> int:
    """Make the application as MANIFEST says: shows the plan, then carries it out.

    Safe to repeat: where nothing differs, nothing happens; after a failure or Ctrl-C it goes on.
    """
    return carry_out(options.request(manifest, environment, locked, may_lose), form, events)


def carry_out(request: Request, form: str, events: str = "") -> int:
    """Plan, apply, and say how it ended; `scale` ends here too."""
    from conpaas_iac import deployment
    from conpaas_iac.commands.running import running

    begun = time.monotonic()
    # In JSON, what is going on goes to stderr, so that stdout is one document.
    with running(form, events, manifest=request.manifest) as run:
        console = run.console

        def announce(plan: Plan, wish: Wish) -> None:
            for diagnostic in wish.diagnostics:
                text = f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
                console.print(text, markup=False)
            console.print(report.headline(wish.topology, time.monotonic() - begun))
            console.print(planview.view(plan))
            run.planned(plan)

        result = deployment.up(request, settings.load(), run.listen, announce)
    if form == "json":
        click.echo(json.dumps(report.result_document(result, time.monotonic() - begun), indent=2))
        return 0
    where = f": {', '.join(result.urls.values())}" if result.urls else ""
    console.print(f"Ready in {time.monotonic() - begun:.1f} s{where}   (conpaas status {result.plan.application})")
    return 0
