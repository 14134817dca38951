"""conpaas scale: change numbers in the manifest, and make it so."""

import re
from pathlib import Path

import click

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog
from conpaas_iac.commands import options
from conpaas_iac.commands.up import carry_out
from conpaas_iac.errors import UserError
from conpaas_iac.files import write_atomically
from conpaas_iac.manifest import edit
from conpaas_iac.manifest.read import compile_

CHANGE = re.compile(r"(?P<group>[A-Za-z_]+)=(?P<sign>[+-]?)(?P<number>\d+)")


@click.command("scale", context_settings={"ignore_unknown_options": True})
@options.manifest
@click.argument("service")
@click.argument("changes", nargs=-1, required=True, metavar="GROUP=N…")
@options.environment
@options.locked
@options.form
def command(
    manifest: Path, service: str, changes: tuple[str, ...], environment: str, locked: bool, form: str
) -> int:
    """Change how many machines of SERVICE run GROUP: to N, or by +N or -N; edits MANIFEST, shows the diff, applies it.

    Nothing else of the manifest's text is touched. Example: conpaas scale manifest.json blog backend=+2
    """
    types = catalog.load()
    counts = _counts(manifest, service, types)
    before = manifest.read_bytes().decode()  # line ends as they are
    text = before
    for change in changes:
        group, number = _wanted(change, service, counts)
        text = edit.set_count(text, service, group, number, types)
    mode = manifest.stat().st_mode & 0o777
    write_atomically(manifest, text.encode(), mode)
    try:
        compile_(manifest, types)
    except UserError:
        write_atomically(manifest, before.encode(), mode)
        raise
    return carry_out(options.request(manifest, environment, locked), form)


def _counts(manifest: Path, service: str, types: Catalog) -> dict[str, int]:
    """Today's numbers of the service."""
    services = {each.name: each for each in compile_(manifest, types).services}
    if service not in services:
        raise UserError(f"{manifest}: no service {service!r}", f"its services: {', '.join(sorted(services))}")
    return dict(services[service].counts)


def _wanted(change: str, service: str, counts: dict[str, int]) -> tuple[str, int]:
    match = CHANGE.fullmatch(change)
    if not match:
        raise UserError(f"{change!r} is no change of a number", "GROUP=N, GROUP=+N or GROUP=-N: backend=4, backend=+1")
    group, number = match["group"], int(match["number"])
    if group not in counts:
        raise UserError(f"service {service!r} has no group {group!r}", f"its groups: {', '.join(counts)}")
    signs = {"": number, "+": counts[group] + number, "-": counts[group] - number}
    if signs[match["sign"]] < 0:
        raise UserError(f"{service} has only {counts[group]} {group}", "")
    return group, signs[match["sign"]]
