"""conpaas scale: change numbers in the manifest, and make it so."""

from pathlib import Path

import click

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.backend import holder
from conpaas_iac.commands import options
from conpaas_iac.commands.up import carry_out
from conpaas_iac.errors import UserError
from conpaas_iac.fleet import place
from conpaas_iac.manifest import layers
from conpaas_iac.manifest.model import Manifest
from conpaas_iac.manifest.read import compile_
from conpaas_iac.manifest.rewrite import read_exactly, rewrite
from conpaas_iac.system import git
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

    Nothing else of the manifest's text is touched. Several services in one go are fine:
    conpaas scale manifest.json blog backend=+2 db mysql=5

    In a fleet (below a conpaas.json) the edit is a commit, whose message says from which numbers to which, and why.
    Numbers outside a service's `Scaling` are refused.
    """
    layers.refuse_overlay(manifest, environment)
    wanted = scaling.wanted(changes)

    def edit() -> str:
        before = compiled(manifest, environment)
        text = scaling.edited(read_exactly(manifest), before, wanted, remove, catalog.load())
        rewrite(manifest, text, catalog.load(), clouds.providers())
        said = scaling.summary(before, compiled(manifest, environment))
        return f"{before.application}: scale {said}\n\n{cause or 'By hand'} ({holder.who()})\n"

    fleet = git.checkout(manifest) if place.found(manifest) else None
    if push and fleet is None:
        raise UserError(f"{manifest} is in no fleet: there is no conpaas.json above it", "without --push")
    if fleet is None:
        edit()
    elif push:
        commit = committing.pushed(fleet, manifest, edit)
        click.echo(f"Pushed {commit[:12]}: applied by who syncs the fleet." if commit else "Nothing to scale.")
        return 0
    else:
        committing.committed(fleet, manifest, edit)
    return carry_out(options.request(manifest, environment, locked, may_lose), form, events)


def compiled(manifest: Path, environment: str) -> Manifest:
    """Raises ManifestError where it has errors."""
    cloud = settings.load(near=manifest).default_cloud
    return compile_(manifest, catalog.load(), clouds.providers(), cloud, environment)
