"""What `conpaas diff` is given: a manifest, an application of the fleet, or either as it was at a revision."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.backend import lockfile
from conpaas_iac.core.environments import DEFAULT
from conpaas_iac.errors import UserError
from conpaas_iac.fleet import git, place, units
from conpaas_iac.manifest.assembly import meant
from conpaas_iac.manifest.diagnostics import ManifestError
from conpaas_iac.manifest.meaning import Meaning
from conpaas_iac.manifest.read import read
from conpaas_iac.sources import code
from conpaas_iac.sources.inspected import Inspector
from conpaas_iac.system.files import near


@contextmanager
def side(written: str) -> Iterator[Meaning]:
    """What it means: `manifest.json`, `shop`, `shop:staging`, `HEAD~1:fleet/shop/manifest.json`, `HEAD~1:shop:staging`.

    Raises UserError for what is none of them, ManifestError for a manifest with errors.
    """
    if (path := Path(written)).is_file():
        yield of(*meant(path))
    elif unit := _unit(Path.cwd(), written):
        yield of(near(unit.manifest), unit.environment)
    else:
        revision, colon, rest = written.partition(":")
        if not colon or not rest:
            known = ", ".join(each.title for each in _units(Path.cwd()))
            message = f"{written!r} is neither a file nor an application of this fleet"
            raise UserError(message, f"its applications: {known}" if known else "MANIFEST, or REVISION:MANIFEST")
        with tempfile.TemporaryDirectory(prefix="conpaas-diff-") as folder:
            top, there = git.top(Path.cwd()), Path(folder).resolve()
            git.unpack(top, revision, there)
            here = there / Path.cwd().resolve().relative_to(top.resolve())
            yield _renamed(_at(here if here.is_dir() else there, there, rest, written), there, revision)


def _at(here: Path, top: Path, rest: str, written: str) -> Meaning:
    """Paths at a revision begin at the repository's top, as Git's do, or at the current folder."""
    for path in (top / rest, here / rest):
        if path.is_file():
            return of(*meant(path))
    if unit := _unit(here, rest):
        return of(unit.manifest, unit.environment)
    remedy = f"git ls-tree -r --name-only {written.partition(':')[0]}"
    raise UserError(f"{written}: there is no such manifest at that revision", remedy)


def _units(folder: Path) -> tuple[units.Unit, ...]:
    path = place.found(folder)
    return units.found(path.parent) if path else ()


def _unit(folder: Path, written: str) -> units.Unit | None:
    return next((each for each in _units(folder) if written in (each.title, f"{each.name}:{each.environment}")), None)


def of(path: Path, environment: str = DEFAULT) -> Meaning:
    """What a manifest means in an environment; raises ManifestError for one with errors."""
    configured = settings.load(near=path)
    known = (catalog.load(), clouds.providers(), configured.default_cloud, Inspector(configured.cache))
    reading = read(path, *known, environment=environment, common=True)
    if reading.manifest is None:
        raise ManifestError(reading.diagnostics)
    lock = lockfile.read(lockfile.path_of(path, environment))
    versions = {name: pin["Version"] for name, pin in lock.code.items() if "Version" in pin} if lock else {}
    for each in reading.manifest.services:
        if each.archive and each.archive.kind == "file":
            versions[each.name] = code.fetch(each.archive, configured.cache / "code").version
    return Meaning(reading.manifest, {name: version[:12] for name, version in versions.items()})


def _renamed(meaning: Meaning, folder: Path, revision: str) -> Meaning:
    """Places as Git calls them, not where they were unpacked."""
    def named(file: str) -> str:
        return f"{revision}:{file.removeprefix(f'{folder}/')}"

    places = {pointer: replace(each, file=named(each.file)) for pointer, each in meaning.manifest.places.items()}
    return replace(meaning, manifest=replace(meaning.manifest, places=places))
