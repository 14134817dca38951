"""The use cases of versions of code, but for making one active: upload, list, delete, download."""

import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from conpaas_iac import catalog, clouds
from conpaas_iac.backend import holder, place, record
from conpaas_iac.backend.record import Record
from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.model import Manifest, Service
from conpaas_iac.manifest.names import slug, suggestion
from conpaas_iac.manifest.read import compile_, remembered
from conpaas_iac.manifest.rewrite import Editable
from conpaas_iac.manifest.source import Source
from conpaas_iac.settings import Settings
from conpaas_iac.sources import archives, versions
from conpaas_iac.sources.versions import Version, Versions
from conpaas_iac.system.files import private_folder


@dataclass(frozen=True)
class Target:
    """One service of an application, and where its manifest is, if that is known here."""

    settings: Settings
    application: str
    environment: str
    service: Service
    types: Catalog
    manifest: Path | None

    @property
    def editable(self) -> Editable:
        """What says which code is active; raises UserError where that is not known here."""
        if self.manifest is None:
            message = f"the manifest of {self.application}, which says what it is to be, is not where it was"
            raise UserError(message, "name the manifest instead of the application")
        cloud = self.settings.default_cloud
        return Editable(self.manifest, self.environment, self.types, clouds.providers(), cloud)

    @property
    def stack(self) -> str:
        """Of the application."""
        return place.stack_name(self.application, self.environment)

    @property
    def versions(self) -> Versions:
        """Of its code."""
        return versions.of(self.settings, self.stack, self.service.name)

    @property
    def named(self) -> str:
        """As people name it."""
        return f"{self.application}/{self.service.name}"

    def active(self) -> Mapping[str, tuple[str, ...]]:
        """Version -> machines that have it, those that rest included."""
        there = self._record()
        groups = "|".join(self.types[self.service.type].descriptor.groups)
        own = re.compile(rf"{re.escape(self.service.name)}-(?:(?:{groups})-)?[1-9]\d*")
        found: dict[str, tuple[str, ...]] = {}
        for node, known in there.nodes.items():
            if known.code and own.fullmatch(node):
                found[known.code] = (*found.get(known.code, ()), node)
        return found

    def is_settled(self) -> bool:
        """Whether every machine of the application proved to work with what it has."""
        return not self._record().visiting

    def _record(self) -> Record:
        return record.read(place.shelf(place.placed(self.settings, self.stack)), self.stack)

    def needed(self) -> Mapping[str, str]:
        """Version -> who needs it."""
        found = {version: ", ".join(nodes) for version, nodes in self.active().items()}
        archive = self.service.archive
        if archive and archive.kind == "version":
            with suppress(UserError):
                found.setdefault(self.versions.find(archive.location).version, str(self.manifest or "its manifest"))
        return found


def is_manifest(word: str) -> bool:
    """Whether it is a path, and no application's name."""
    return word.endswith(".json") or "/" in word or Path(word).is_file()


def target(word: str, service: str, environment: str, settings: Settings) -> Target:
    """`word` is a manifest, or the name of an application that is there; raises UserError."""
    types = catalog.load()
    if is_manifest(word):
        where: Path | None = Path(word)
        manifest = compile_(Path(word), types, clouds.providers(), settings.default_cloud, environment)
    else:
        manifest, where = _applied(word, environment, settings, types)
    services = {each.name: each for each in manifest.services}
    found = services.get(service) or services.get(slug(service))
    if found is None:
        raise UserError(f"{manifest.application} has no service {service!r}", suggestion(service, services, "services"))
    if not types[found.type].descriptor.code:
        raise UserError(f"{found.name} is of type {found.type}, which has no code")
    return Target(settings, manifest.application, environment, found, types, where)


def _applied(
    application: str, environment: str, settings: Settings, types: Catalog
) -> tuple[Manifest, Path | None]:
    """The manifest that was last made so, and its file where that is here and still the application's."""
    stack = place.stack_name(application, environment)
    placed, providers = place.placed(settings, stack), clouds.providers()
    origin = record.read(place.shelf(placed), stack).origin
    if origin is None:
        raise UserError(f"no application {application!r} ({environment}) is there", "name its manifest instead")
    path = Path(origin.path)
    with suppress(UserError):  # it is not here, or is being edited
        manifest = compile_(path, types, providers, settings.default_cloud, environment)
        if manifest.application == application:
            return manifest, path
    known = remembered(Source(origin.path, origin.text), types, providers, settings.default_cloud)
    if known is None:
        raise UserError(f"the manifest of {application} is not known any more", "name it instead")
    return known, None


def upload(where: Target, path: Path) -> tuple[Version, bool]:
    """Keep an archive or folder as a version; False where the same content was there already."""
    if not path.exists():
        raise UserError(f"{path}: there is no such archive")
    name = path.resolve().name
    return keep(where, name, "upload", lambda new: archives.normalise(path, new))


def keep(
    where: Target, name: str, source: str, write: Callable[[Path], str], by: str = ""
) -> tuple[Version, bool]:
    """Keep what `write` writes as a canonical archive, whose version it returns; as `upload`. `by`: who sent it."""
    cache = private_folder(where.settings.cache / "code")
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as folder:
        new = Path(folder) / "code.tar.gz"
        version = write(new)
        known = Version(version, name, source, datetime.now(UTC), by or holder.who(), new.stat().st_size)
        is_new = where.versions.keep(known, new)
        new.replace(cache / f"{version}.tar.gz")
    return (known if is_new else where.versions.find(version)), is_new


def delete(where: Target, written: str) -> Version:
    """Forget a version that nobody needs; raises UserError."""
    known = where.versions.find(written)
    if user := where.needed().get(known.version):
        message = f"version {known.short} of {where.named} is in use: {user}"
        raise UserError(message, "conpaas code activate another one first")
    where.versions.delete(known.version)
    return known


def download(where: Target, written: str, write: Callable[[bytes], object]) -> Version:
    """Hand on the archive of a version: a tar.gz."""
    known = where.versions.find(written)
    with where.versions.bring(known.version, where.settings.cache / "code").open("rb") as file:
        while piece := file.read(versions.PIECE):
            write(piece)
    return known
