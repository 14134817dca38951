"""`conpaas validate`: says everything that is wrong with manifests; changes nothing, asks nobody."""

from pathlib import Path

import click

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.manifest.diagnostics import Diagnostic
from conpaas_iac.manifest.formats import FORMATS
from conpaas_iac.manifest.read import read
from conpaas_iac.plans import prices
from conpaas_iac.sources.inspected import Inspector


@click.command()
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="MANIFEST…")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True)
def command(manifests: tuple[Path, ...], form: str) -> int:
    """Check manifests: every mistake in one go, with its place. Nothing is created, nothing is fetched.

    Exits 0 if there are no errors, else 1. `conpaas explain CODE` tells more about a finding.
    """
    types, configured = catalog.load(), settings.load()
    inspect, currencies = Inspector(configured.cache), prices.load(configured.prices).currencies
    found: list[Diagnostic] = []
    for path in manifests:
        reading = read(path, types, clouds.providers(), configured.default_cloud, inspect, currencies)
        found += reading.diagnostics
    click.echo(FORMATS[form](found), nl=False)
    if form == "text":
        click.echo(_summary(found, len(manifests)))
    return int(any(each.severity == "error" for each in found))


def _summary(found: list[Diagnostic], manifests: int) -> str:
    counts = {name: sum(each.severity == name for each in found) for name in ("error", "warning", "note")}
    told = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count)
    checked = f"{manifests} manifest{'s' * (manifests != 1)} checked"
    return f"{checked}: {told or 'no errors'}."
