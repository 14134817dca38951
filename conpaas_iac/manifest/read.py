"""From a file to a `Manifest`, or to everything that is wrong with it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.catalog import Catalog
from conpaas_iac.core.environments import DEFAULT
from conpaas_iac.manifest.assembly import assembled
from conpaas_iac.manifest.build import build
from conpaas_iac.manifest.context import Context, Inspect, Versions, look, prune
from conpaas_iac.manifest.diagnostics import Diagnostic, ManifestError
from conpaas_iac.manifest.findings import Findings
from conpaas_iac.manifest.model import Manifest
from conpaas_iac.manifest.provider import Providers
from conpaas_iac.manifest.reader import Document, parse
from conpaas_iac.manifest.schema import compose
from conpaas_iac.manifest.shape import check
from conpaas_iac.manifest.source import Source


@dataclass(frozen=True)
class Reading:
    """What came of reading a manifest; `manifest` is None if and only if there is an error."""

    manifest: Manifest | None
    diagnostics: tuple[Diagnostic, ...]


def read(
    path: Path,
    types: Catalog,
    providers: Providers,
    settings_cloud: str = "lxd",
    inspect: Inspect = look,
    currencies: Collection[str] = (),
    environment: str = DEFAULT,
    versions: Versions | None = None,
    common: bool = False,
) -> Reading:
    """Read a manifest; says all that is wrong in one go, ordered by place. Reads files, never the network.

    Beside the file there may be an overlay for the `environment`, above it a fleet's `conpaas.json`. The path of an
    overlay means the manifest beside it. `providers` are the clouds of this installation; `settings_cloud` is the
    user's default; `inspect` looks at code; `currencies` are those that prices are known in; `versions` tells what
    was uploaded; `common`: see assembled.
    """
    document = assembled(path, environment, types, providers, settings_cloud, common)
    if not isinstance(document, Document):
        return Reading(None, document)
    findings = Findings(document)
    if not document.complete:
        return Reading(None, findings.diagnostics)
    useless = check(findings, compose(types, providers))
    if not isinstance(document.data, dict):
        return Reading(None, findings.diagnostics)
    known = (types, providers, settings_cloud, inspect, currencies, versions)
    context = Context(Path(document.source.name), findings, *known)
    manifest = build(context, prune(document.data, useless))
    return Reading(None if findings.failed else manifest, findings.diagnostics)


def remembered(source: Source, types: Catalog, providers: Providers, settings_cloud: str = "lxd") -> Manifest | None:
    """A manifest that had no errors when it was made so, although files that it names may not be here any more."""
    document = parse(source)
    if not document.complete or not isinstance(document.data, dict):
        return None
    findings = Findings(document)
    useless = check(findings, compose(types, providers))
    return build(Context(Path(source.name), findings, types, providers, settings_cloud), prune(document.data, useless))


def compile_(
    path: Path, types: Catalog, providers: Providers, settings_cloud: str = "lxd", environment: str = DEFAULT
) -> Manifest:
    """The manifest of a file that has no errors; raises ManifestError with everything that was said."""
    reading = read(path, types, providers, settings_cloud, environment=environment)
    if reading.manifest is None:
        raise ManifestError(reading.diagnostics)
    return reading.manifest
