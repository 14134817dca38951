"""From a file to a `Manifest`, or to everything that is wrong with it."""

import codecs
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.catalog import Catalog
from conpaas_iac.manifest.build import build
from conpaas_iac.manifest.context import Context, Inspect, Versions, look, prune
from conpaas_iac.manifest.diagnostics import Diagnostic, ManifestError, say
from conpaas_iac.manifest.findings import Findings
from conpaas_iac.manifest.model import Manifest, Place
from conpaas_iac.manifest.provider import Providers
from conpaas_iac.manifest.reader import parse
from conpaas_iac.manifest.schema import compose
from conpaas_iac.manifest.shape import check
from conpaas_iac.manifest.source import Source

LARGEST = 4_000_000  # bytes


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
    versions: Versions | None = None,
) -> Reading:
    """Read a manifest; says all that is wrong in one go, ordered by place. Reads files, never the network.

    `providers` are the clouds of this installation; `settings_cloud` is the user's default; `inspect` looks at code;
    `currencies` are those that prices are known in, `versions` tells what was uploaded.
    """
    source = load(path)
    if isinstance(source, Diagnostic):
        return Reading(None, (source,))
    document = parse(source)
    findings = Findings(document)
    if not document.complete:
        return Reading(None, findings.diagnostics)
    useless = check(findings, compose(types, providers))
    if not isinstance(document.data, dict):
        return Reading(None, findings.diagnostics)
    context = Context(path, findings, types, providers, settings_cloud, inspect, currencies, versions)
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


def compile_(path: Path, types: Catalog, providers: Providers, settings_cloud: str = "lxd") -> Manifest:
    """The manifest of a file that has no errors; raises ManifestError with everything that was said."""
    reading = read(path, types, providers, settings_cloud)
    if reading.manifest is None:
        raise ManifestError(reading.diagnostics)
    return reading.manifest


def load(path: Path) -> Source | Diagnostic:
    """The text of a manifest file, or why there is none."""
    name = str(path).encode(errors="backslashreplace").decode()
    place = Place(name, 1, 1)
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except IsADirectoryError:
        return Diagnostic("E0001", place, "it is a folder", f"did you mean {path / 'manifest.json'}?")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return Diagnostic("E0001", place, f"the file cannot be read: {reason}")
    if len(content) > LARGEST:
        return Diagnostic("E0001", place, f"the file is larger than {LARGEST} bytes", "a manifest is a small JSON file")
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return Source(name, content.decode())
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        shown = Source(name, before + content[error.start :].decode(errors="replace"))
        return say(shown, "E0002", (len(before), len(before) + 1), "the file is not UTF-8 text", "save it as UTF-8")
