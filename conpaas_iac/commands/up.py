"""conpaas up: make the application as the manifest says."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from conpaas_iac import report, settings
from conpaas_iac.commands import options

if TYPE_CHECKING:
    from conpaas_iac.plan import Plan
    from conpaas_iac.promising import Saved
    from conpaas_iac.wish import Request, Wish


@click.command("up")
@click.argument(
    "manifest", type=click.Path(path_type=Path, dir_okay=False), metavar="[MANIFEST]", required=False
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Do what `conpaas plan -o FILE` saved, or nothing where anything moved since.",
)
@options.environment
@options.locked
@options.may_lose
@options.events
@options.wait
@options.form
def command(
    manifest: Path | None,
    plan_file: Path | None,
    environment: str,
    locked: bool,
    may_lose: tuple[str, ...],
    events: str,
    form: str,
) -> int:
    """Make the application as MANIFEST says: shows the plan, then carries it out.

    Safe to repeat: where nothing differs, nothing happens; after a failure or Ctrl-C it goes on.
    """
    if plan_file is None:
        if manifest is None:
            raise click.UsageError("say which MANIFEST, or which --plan FILE")
        return carry_out(options.request(manifest, environment, locked, may_lose), form, events)
    from conpaas_iac import promise
    from conpaas_iac.promising import Saved

    saved = Saved(plan_file, promise.load(plan_file))
    given = click.get_current_context().get_parameter_source("environment") is not ParameterSource.DEFAULT
    where = environment if given else saved.promise.environment
    found = manifest or promise.place(saved.promise, plan_file)
    return carry_out(options.request(found, where, locked, may_lose), form, events, saved)


def carry_out(request: "Request", form: str, events: str = "", saved: "Saved | None" = None) -> int:
    """Plan, apply, and say how it ended; `scale` ends here too. Of a `saved` plan: that one or none."""
    from conpaas_iac import deployment, planview
    from conpaas_iac.commands.running import running

    begun = time.monotonic()
    # In JSON, what is going on goes to stderr, so that stdout is one document.
    with running(form, events, manifest=request.manifest) as run:
        console = run.console

        def announce(plan: "Plan", wish: "Wish") -> None:
            for diagnostic in wish.diagnostics:
                text = f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
                console.print(text, markup=False)
            console.print(report.headline(wish.topology, time.monotonic() - begun))
            console.print(planview.view(plan))
            run.planned(plan)

        result = deployment.up(request, settings.load(), run.listen, announce, saved=saved)
    if form == "json":
        click.echo(json.dumps(report.result_document(result, time.monotonic() - begun), indent=2))
        return 0
    where = f": {', '.join(result.urls.values())}" if result.urls else ""
    console.print(f"Ready in {time.monotonic() - begun:.1f} s{where}   (conpaas status {result.plan.application})")
    return 0
