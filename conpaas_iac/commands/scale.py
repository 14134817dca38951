"""conpaas scale: change numbers in the manifest, and make it so."""

from pathlib import Path

import click

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.commands import options
from conpaas_iac.commands.up import carry_out
from conpaas_iac.manifest import layers
from conpaas_iac.manifest.read import compile_
from conpaas_iac.manifest.rewrite import read_exactly, rewrite
from conpaas_iac.usecases import scaling


@click.command("scale", context_settings={"ignore_unknown_options": True})
@options.manifest
@click.argument("changes", nargs=-1, metavar="SERVICE GROUP=N…")
@click.option("--remove", multiple=True, metavar="NODE", help="Take out this machine; the others keep their names.")
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
    environment: str,
    locked: bool,
    may_lose: tuple[str, ...],
    events: str,
    form: str,
) -> int:
    """Change how many machines of SERVICE run GROUP: to N, or by +N or -N; edits MANIFEST, shows the diff, applies it.

    Nothing else of the manifest's text is touched. Several services in one go are fine:
    conpaas scale manifest.json blog backend=+2 db mysql=5
    """
    types, providers = catalog.load(), clouds.providers()
    layers.refuse_overlay(manifest, environment)
    known = compile_(manifest, types, providers, settings.load(near=manifest).default_cloud, environment)
    text = scaling.edited(read_exactly(manifest), known, scaling.wanted(changes), remove, types)
    rewrite(manifest, text, types, providers)
    return carry_out(options.request(manifest, environment, locked, may_lose), form, events)
