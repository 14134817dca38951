"""The code of every service, and the lock file's pins of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from conpaas_iac.core.addresses import Lock
from conpaas_iac.manifest.model import Archive, Manifest
from conpaas_iac.settings import Settings
from conpaas_iac.sources import code, versions
from conpaas_iac.sources.code import Code
from conpaas_iac.sources.versions import Versions

Uploaded = Callable[[str], Versions]  # service -> versions of its code


def uploaded(settings: Settings, stack: str) -> Uploaded:
    """What the backend has."""
    return lambda service: versions.of(settings, stack, service)


def with_code(
    lock: Lock, manifest: Manifest, cache: Path, there: Uploaded | None, dry: bool
) -> tuple[Lock, dict[str, Code], list[str]]:
    """Service -> code, and the lock with its pins. What may not be fetched now is noted.

    A file beside the manifest is the user's own and needs no pin: when it changes, that is the new version. A version
    that was uploaded is its own pin; that of the address before it is kept, for who goes back there.
    """
    pins, codes, notes = dict(lock.code), {}, []
    for service in manifest.services:
        archive = service.archive
        if archive and archive.kind == "version":
            assert there  # or the manifest would have been refused
            codes[service.name] = _kept(archive, there(service.name), cache, dry)
            continue
        pin = pins.pop(service.name, {})
        if archive is None:
            continue
        if archive.kind == "file":
            codes[service.name] = code.fetch(archive, cache)
            continue
        source = code.source(archive)
        pinned = pin.get("Version", "") if pin.get("Source") == source else ""
        if pinned and dry:
            codes[service.name] = Code(pinned, cache / f"{pinned}.tar.gz", source)
        elif dry:
            notes.append(f"code of {service.name}: known after fetch ({archive.location})")
        else:
            codes[service.name] = code.fetch(archive, cache, pinned)
        if service.name in codes:
            pins[service.name] = {"Source": source, "Version": codes[service.name].version}
    return replace(lock, code=pins), codes, notes


def _kept(archive: Archive, known: Versions, cache: Path, dry: bool) -> Code:
    version = archive.location
    path = cache / f"{version}.tar.gz" if dry else known.bring(version, cache)
    return Code(version, path, code.source(archive))
