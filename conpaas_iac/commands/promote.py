"""conpaas promote: what one environment says, for another, as a branch."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conpaas_iac import settings
from conpaas_iac.commands import fleet_options, options
from conpaas_iac.errors import ConpaasError
from conpaas_iac.manifest import meaning

if TYPE_CHECKING:
    from conpaas_iac.fleet.promoting import Promotion, Wanted


@click.command("promote")
@click.argument("application", callback=options.slug)
@click.option("--from", "source", required=True, callback=options.slug, metavar="ENVIRONMENT", help="What was tried.")
@click.option("--to", "target", required=True, callback=options.slug, metavar="ENVIRONMENT", help="Where it is to go.")
@click.option("--only", multiple=True, metavar="SERVICE", help="This service and no other.")
@click.option("--with", "also", multiple=True, metavar="FIELD", help="Also this field, as StartupInstances.")
@click.option("--branch", default="", metavar="NAME", help="How the branch is called.")
@click.option("--push", is_flag=True, help="Push the branch.")
@fleet_options.folder
@options.form
def command(
    application: str,
    source: str,
    target: str,
    only: tuple[str, ...],
    also: tuple[str, ...],
    branch: str,
    push: bool,
    form: str,
) -> int:
    """Make a branch on which one environment of APPLICATION says what another one says.

    Promoted are services, their types, code (its pinned versions, too), options, scripts, dumps, volumes and Uses, and
    environment variables that are new. What else differs stays: counts, machines, sizes, clouds, placement, addresses,
    budget, network, secrets, and the values of environment variables.

    The branch begins at the last commit. Its commit says what differs in meaning, and the plan of what it would do.
    """
    from conpaas_iac.fleet import promoting

    wanted = promoting.Wanted(application, source, target, branch, frozenset(also), frozenset(only))
    done = promoting.promote(Path(), wanted, _plan, push)
    click.echo(_document(done) if form == "json" else _text(done, wanted))
    return 0


def _plan(manifest: Path, environment: str) -> str:
    """In Markdown, or why there is none."""
    from conpaas_iac.usecases import prospect
    from conpaas_iac.views import planmarkdown

    try:
        now, _ = prospect.survey(options.request(manifest, environment, False), settings.load(near=manifest))
        return planmarkdown.markdown(prospect.plan_of(now), False)
    except ConpaasError as error:
        return f"No plan could be made: {error.message}"


def _text(done: "Promotion", wanted: "Wanted") -> str:
    stays = [f"Stays {wanted.target}'s own:", *map(meaning.text, done.kept)] if done.kept else []
    if not done.commit:
        return "\n".join([*stays, f"Nothing to promote from {wanted.source} to {wanted.target}."])
    branch = f"Branch {done.branch}, commit {done.commit[:12]}: {', '.join(done.files)}"
    then = "Next: open a request to merge it." if done.remote else f"Next: git push -u origin {done.branch}"
    return "\n".join([*map(meaning.text, done.taken), *stays, branch, then])


def _document(done: "Promotion") -> str:
    return json.dumps({"version": 1, **asdict(done)}, indent=2, ensure_ascii=False)
