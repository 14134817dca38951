"""The use case of making a version of the code active: what is edited, what can be gone back to, what is put back."""

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from conpaas_iac.backend import holder
from conpaas_iac.engine import engine
from conpaas_iac.engine.engine_checkpoint import Export
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.manifest import edit
from conpaas_iac.manifest.rewrite import Editable
from conpaas_iac.sources import code, versions
from conpaas_iac.sources.versions import SHOWN, Version
from conpaas_iac.usecases.uploads import Target


@dataclass(frozen=True)
class Switch:
    """From what is active to another version; both texts are of the file that is edited."""

    where: Target
    editable: Editable
    version: Version
    active: tuple[str, ...]
    before: str
    after: str
    notes: tuple[str, ...] = ()


def decrypting(where: Target) -> AbstractContextManager[Export | None]:
    """What `deployment.up` will ask the engine for, begun beside all that comes before it."""
    return engine.early(where.settings, where.application, where.environment)


def switch(where: Target, written: str) -> Switch:
    """To the version that is named, or to the one that was active before; raises UserError."""
    editable = where.editable
    active = tuple(where.active())
    found = where.versions.find(written) if written else versions.previous(where.versions.all(), active)
    if found is None:
        raise UserError(f"{where.named} had no other version before", f"conpaas code list {where.application} …")
    before, archive = editable.text(), {"Version": found.version}
    after = edit.set_value(before, where.service.name, ("Archive",), archive, where.types, editable.base)
    notes = tuple(filter(None, (_kept(where, each) for each in active)))
    return Switch(where, editable, found, active, before, after, notes)


def _kept(where: Target, version: str) -> str:
    """Code that the manifest gave so far becomes a version, for who wants to go back; else why it does not."""
    archive, cache = where.service.archive, where.settings.cache / "code"
    if version in where.versions.names():
        return ""
    path = cache / f"{version}.tar.gz"
    if not path.is_file() and archive and archive.kind != "version":
        with suppress(UserError):
            path = code.fetch(archive, cache).archive
    if path.name != f"{version}.tar.gz" or not path.is_file():
        return f"the code that is active now, {version[:SHOWN]}, is not here any more: there is no way back to it"
    location = archive.location if archive else ""
    name = location.rstrip("/").rpartition("/")[2]
    said = Version(version, name, f"manifest {location}", datetime.now(UTC), holder.who(), path.stat().st_size)
    where.versions.keep(said, path)
    return ""


def is_untouched(switch: Switch) -> bool:
    """Whether the version was refused before any machine took it."""
    return tuple(switch.where.active()) == switch.active and switch.where.is_settled()


def done(switch: Switch) -> None:
    """It is active: what was so before can be gone back to."""
    versions = switch.where.versions
    for each in versions.all():
        if each.version in switch.active and each.version != switch.version.version:
            versions.note(msgspec.structs.replace(each, left=datetime.now(UTC)))


def failed(switch: Switch, error: MachineError, second: MachineError | None) -> MachineError:
    """What is said once it was put back, or could not be."""
    what = f"version {switch.version.short} of {switch.where.named} was not taken: {error.message}"
    known = ", ".join(each[:SHOWN] for each in switch.active) or "what it had"
    if second is None:
        remedy = f"{known} is active on all machines, and {switch.editable.file} is as before"
        return MachineError(what, error.failures, remedy)
    file, again = switch.editable.file, f"conpaas up {switch.editable.manifest}"
    remedy = f"{file} names {known} again; when the machines are mended: {again}"
    return MachineError(f"{what}; and going back failed: {second.message}", (*error.failures, *second.failures), remedy)
