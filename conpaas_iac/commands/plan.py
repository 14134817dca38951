"""conpaas plan: show what `up` would do."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conpaas_iac import settings
from conpaas_iac.commands import options
from conpaas_iac.system.files import write_atomically

if TYPE_CHECKING:
    from conpaas_iac.plans.plan import Plan


@click.command("plan")
@options.manifest
@options.environment
@options.locked
@options.events
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
@click.option("-o", "out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save it for `up`.")
@click.option("--files", is_flag=True, help="Show the files of each machine that would change, as diffs.")
@click.option("--refresh", is_flag=True, help="Ask the clouds what is really there.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when there is something to do.")
def command(
    manifest: Path,
    environment: str,
    locked: bool,
    events: str,
    form: str,
    out: Path | None,
    files: bool,
    refresh: bool,
    exit_code: bool,
) -> int:
    """Show what `up` would do with MANIFEST, why, and how dangerous it is. Uses neither network nor machines.

    With -o FILE the plan is saved: `conpaas up --plan FILE` does exactly that, or refuses and says what moved.
    """
    from conpaas_iac.commands.running import running
    from conpaas_iac.plans import promise
    from conpaas_iac.usecases import promising, prospect
    from conpaas_iac.views import planview

    request = options.request(manifest, environment, locked)
    with running("json" if form != "text" else form, events, manifest=manifest, kept=False, live=False) as run:
        configured = settings.load(near=manifest)
        now, engine = prospect.survey(request, configured, look=refresh)
        plan = prospect.plan_of(now)
        excess = plan.cost.excess if plan.cost else ""
        if out and not excess:
            write_atomically(out, promise.encode(promising.made(now.wish, engine, configured, plan)))
        run.planned(plan)
        run.code = 1 if excess else 2 if exit_code and not plan.is_empty else 0
    if form == "text":
        run.console.print(planview.view(plan, files))
        if out and not excess:
            run.console.print(f"Saved. To do exactly this: conpaas up --plan {out}", markup=False, style="dim")
    else:
        click.echo(_text(plan, form, files))
    if plan.cost:
        plan.cost.refuse(plan.application)
    return run.code


def _text(plan: "Plan", form: str, files: bool) -> str:
    from conpaas_iac.plans import plandocument
    from conpaas_iac.views import planmarkdown

    if form == "markdown":
        return planmarkdown.markdown(plan, files).rstrip("\n")
    return json.dumps(plandocument.document(plan, files), indent=2, ensure_ascii=False)
