"""`conpaas validate`: says everything that is wrong with manifests; changes nothing, asks nobody."""

from itertools import chain
from pathlib import Path

import click

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.commands import options
from conpaas_iac.core.environments import DEFAULT
from conpaas_iac.fleet import place, units
from conpaas_iac.manifest import fleetfile
from conpaas_iac.manifest.assembly import meant, overlays
from conpaas_iac.manifest.diagnostics import Diagnostic
from conpaas_iac.manifest.formats import FORMATS
from conpaas_iac.manifest.read import read
from conpaas_iac.plans import prices
from conpaas_iac.sources.inspected import Inspector


@click.command()
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="MANIFEST…")
@options.environment
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True)
def command(manifests: tuple[Path, ...], environment: str, form: str) -> int:
    """Check manifests: every mistake in one go, with its place. Nothing is created, nothing is fetched.

    Also the other files of a fleet: conpaas.json, overlays (manifest.staging.json) and tombstones (removed.json). A
    manifest that has overlays is checked with each of them.

    Exits 0 if there are no errors, else 1. `conpaas explain CODE` tells more about a finding.
    """
    found: list[Diagnostic] = []
    for path in manifests:
        found += _said(path, environment)
    click.echo(FORMATS[form](found), nl=False)
    if form == "text":
        click.echo(_summary(found, len(manifests)))
    return int(any(each.severity == "error" for each in found))


def _said(path: Path, environment: str) -> tuple[Diagnostic, ...]:
    types = catalog.load()
    if path.name == place.NAME:
        return fleetfile.read(path, types, clouds.providers())[1]
    if path.name == units.TOMBSTONE and place.found(path):
        return fleetfile.tombstone(path)[1]
    configured = settings.load(near=path)
    inspect, currencies = Inspector(configured.cache), prices.load(configured.prices).currencies
    path, environment = meant(path, environment)
    about = (path, types, clouds.providers(), configured.default_cloud, inspect, currencies)
    environments = overlays(path) if environment == DEFAULT else ()
    said = (read(*about, each).diagnostics for each in environments or (environment,))
    return tuple(dict.fromkeys(chain.from_iterable(said)))


def _summary(found: list[Diagnostic], manifests: int) -> str:
    counts = {name: sum(each.severity == name for each in found) for name in ("error", "warning", "note")}
    told = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count)
    checked = f"{manifests} manifest{'s' * (manifests != 1)} checked"
    return f"{checked}: {told or 'no errors'}."
