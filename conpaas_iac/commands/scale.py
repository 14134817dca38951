"""conpaas scale: change numbers in the manifest, and make it so."""

from pathlib import Path

import click

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.backend import holder
from conpaas_iac.commands import options
from conpaas_iac.commands.up import carry_out
from conpaas_iac.core.environments import title
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.rewrite import Editable
from conpaas_iac.usecases import committing, scaling


@click.command("scale", context_settings={"ignore_unknown_options": True})
@options.manifest
@click.argument("changes", nargs=-1, metavar="SERVICE GROUP=N…")
@click.option("--remove", multiple=True, metavar="NODE", help="Take out this machine; the others keep their names.")
@click.option("--cause", default="", metavar="TEXT", help="Why, for the commit's message in a fleet.")
@click.option("--push", is_flag=True, help="In a fleet: push the commit, and leave applying it to who syncs the fleet.")
@options.environment
@options.locked
@options.may_lose
@options.events
@options.wait
@options.form
def command(
    manifest: Path,
    changes: tuple[str, ...],
    remove: tuple[str, ...],
    cause: str,
    push: bool,
    environment: str,
    locked: bool,
    may_lose: tuple[str, ...],
    events: str,
    form: str,
) -> int:
    """Change how many machines of SERVICE run GROUP: to N, or by +N or -N; edits MANIFEST, shows the diff, applies it.

    Nothing else of the manifest's text is touched; where the environment has an overlay, that one is edited.
    Several services in one go are fine: conpaas scale manifest.json blog backend=+2 db mysql=5

    In a fleet (below a conpaas.json) the edit is a commit, whose message says from which numbers to which, and why.
    Numbers outside a service's `Scaling` are refused.
    """
    cloud = settings.load(near=manifest).default_cloud
    editable = Editable(manifest, environment, catalog.load(), clouds.providers(), cloud)
    wanted = scaling.wanted(changes)

    def edit() -> str:
        before = editable.compiled()
        text = scaling.edited(editable.text(), before, wanted, remove, editable.types, editable.base)
        editable.rewrite(text)
        said = scaling.summary(before, editable.compiled())
        name = title(before.application, environment)
        return f"{name}: scale {said}\n\n{cause or 'By hand'} ({holder.who()})\n"

    if push:
        fleet = committing.fleet_of(manifest)
        if fleet is None:
            raise UserError(f"{manifest} is in no fleet of a Git repository", "without --push")
        commit = committing.pushed(fleet, editable.file, edit)
        click.echo(f"Pushed {commit[:12]}: applied by who syncs the fleet." if commit else "Nothing to scale.")
        return 0
    committing.made(editable.file, edit)
    return carry_out(options.request(manifest, environment, locked, may_lose), form, events)

