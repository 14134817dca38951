"""conpaas up: make the application as the manifest says."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from conpaas_iac import settings
from conpaas_iac.commands import options, output
from conpaas_iac.core.environments import option
from conpaas_iac.plans.plan import DANGERS, Danger
from conpaas_iac.views import report

if TYPE_CHECKING:
    from conpaas_iac.engine.engine_checkpoint import Export
    from conpaas_iac.plans.plan import Plan
    from conpaas_iac.usecases.promising import Saved
    from conpaas_iac.usecases.wish import Request, Wish


@click.command("up")
@click.argument(
    "manifests", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="MANIFEST…"
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
@click.option(
    "--within",
    type=click.Choice(DANGERS),
    default="data loss",
    metavar="CLASS",
    help="Do nothing where the plan is more dangerous: safe, restart or downtime.",
)
@options.events
@options.wait
@click.option("--all", "every", is_flag=True, help="Visit every machine, also those that are as they should be.")
@click.option(
    "--parallel",
    type=click.IntRange(1, 999),
    metavar="N",
    help="Of several applications, how many at the same time; without it the setting of that name (4).",
)
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@options.form
def command(
    manifests: tuple[Path, ...],
    plan_file: Path | None,
    environment: str,
    locked: bool,
    may_lose: tuple[str, ...],
    within: Danger,
    events: str,
    every: bool,
    parallel: int | None,
    quiet: bool,
    form: str,
) -> int:
    """Make the application as MANIFEST says: shows the plan, then carries it out.

    Several manifests are made side by side, each by a worker of its own: one that fails leaves the others alone. The
    exit code is the worst of all: 70 before 130, 3, 4, 1 and 0.

    Safe to repeat: where nothing differs, nothing happens; after a failure or Ctrl-C it goes on.
    """
    if len(manifests) > 1:
        if may_lose or plan_file:
            option = "--allow-data-loss" if may_lose else "--plan"
            raise click.UsageError(f"{option} is for one application: give it to the `up` of that one alone")
        from conpaas_iac.commands import several

        arguments = ["--within", within, *["--locked"] * locked, *["--all"] * every]
        return several.carry_out(manifests, environment, arguments, parallel, form, events)
    manifest = manifests[0] if manifests else None
    if plan_file is None:
        if manifest is None:
            raise click.UsageError("say which MANIFEST, or which --plan FILE")
        request = replace(options.request(manifest, environment, locked, may_lose), every=every, within=within)
        return carry_out(request, form, events, quiet=quiet)
    if every:
        raise click.UsageError("--all visits more than the plan of --plan says: one of them")
    from conpaas_iac.plans import promise
    from conpaas_iac.usecases.promising import Saved

    saved = Saved(plan_file, promise.load(plan_file))
    given = click.get_current_context().get_parameter_source("environment") is not ParameterSource.DEFAULT
    where = environment if given else saved.promise.environment
    found = manifest or promise.place(saved.promise, plan_file)
    request = replace(options.request(found, where, locked, may_lose), within=within)
    return carry_out(request, form, events, saved, quiet)


def carry_out(
    request: "Request",
    form: str,
    events: str = "",
    saved: "Saved | None" = None,
    quiet: bool = False,
    early: "Export | None" = None,
) -> int:
    """Plan, apply, and say how it ended; `scale` ends here too. Of a `saved` plan: that one or none."""
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import deployment
    from conpaas_iac.views import planview

    begun = time.monotonic()
    # In JSON, what is going on goes to stderr, so that stdout is one document.
    with running(form, events, manifest=request.manifest, quiet=quiet) as run:
        console = run.console
        warnings = output.console(stderr=True) if quiet else console

        def announce(plan: "Plan", wish: "Wish") -> None:
            for diagnostic in wish.diagnostics:
                text = f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
                warnings.print(text, markup=False)
            console.print(report.headline(wish.topology, time.monotonic() - begun))
            console.print(planview.view(plan))
            run.planned(plan)

        configured = settings.load(near=request.manifest)
        result = deployment.up(request, configured, run.listen, announce, saved=saved, early=early)
    if form == "json":
        click.echo(json.dumps(report.result_document(result, time.monotonic() - begun), indent=2))
        return 0
    where = f": {', '.join(result.urls.values())}" if result.urls else ""
    plan = result.plan
    look = f"conpaas status {plan.application}{option(plan.environment)}"
    console.print(f"Ready in {time.monotonic() - begun:.1f} s{where}   ({look})")
    return 0
