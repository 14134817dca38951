"""The code of a service: a file, a folder, a URL or a git revision, fetched once and kept in canonical form.

The cache: <version>.tar.gz (canonical archives) · raw/<sha256 of what was fetched> (the version that it became).
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.manifest.model import Archive
from conpaas_iac.sources import archives
from conpaas_iac.system import downloads
from conpaas_iac.system.files import private_folder, write_atomically


@dataclass(frozen=True)
class Code:
    """One version of a service's code, on this machine."""

    version: str  # SHA-256 of the canonical tar
    archive: Path
    source: str


def source(archive: Archive) -> str:
    """Where the code comes from, in one line: a pin holds as long as this stays the same. Touches nothing."""
    revision = f"@{archive.revision}" if archive.revision else ""
    checksum = f" sha256:{archive.sha256}" if archive.sha256 else ""
    return f"{archive.location}{revision}{checksum}"


def fetch(archive: Archive, cache: Path, pinned: str = "") -> Code:
    """The code; from the cache if that holds the pinned version. Raises UserError, also when the pin is not met."""
    kept = cache / f"{pinned}.tar.gz"
    if pinned and kept.is_file():
        return Code(pinned, kept, source(archive))
    private_folder(cache)
    version = _FETCH[archive.kind](archive, cache)
    if pinned and version != pinned:
        raise UserError(
            f"{archive.location}: holds version {version[:12]} now, the lock file pins {pinned[:12]}",
            "if the new one is wanted, let `conpaas lock` pin it",
        )
    return Code(version, cache / f"{version}.tar.gz", source(archive))


def _from_file(archive: Archive, cache: Path) -> str:
    path = Path(archive.location)
    if not path.exists():
        raise UserError(f"{path}: there is no such archive")
    if path.is_dir():
        return _keep(cache, lambda target: archives.normalise(path, target))
    return _from_archive(path, archive, cache)


def _from_url(archive: Archive, cache: Path) -> str:
    if archive.sha256 and (known := _known(cache, archive.sha256)):
        return known
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as folder:
        path = Path(folder) / "archive"
        downloads.download(archive.location, path)
        return _from_archive(path, archive, cache)


def _from_git(archive: Archive, cache: Path) -> str:
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as folder:
        tar = downloads.git_tar(archive.location, archive.revision, Path(folder))
        return _keep(cache, lambda target: archives.normalise(tar, target))


_FETCH: dict[str, Callable[[Archive, Path], str]] = {"file": _from_file, "url": _from_url, "git": _from_git}


def _from_archive(path: Path, archive: Archive, cache: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if archive.sha256 and raw != archive.sha256.lower():
        raise UserError(f"{archive.location}: its SHA-256 is {raw}, the manifest says {archive.sha256}")
    if known := _known(cache, raw):
        return known
    try:
        version = _keep(cache, lambda target: archives.normalise(path, target))
    except UserError as error:
        message = error.message.replace(str(path), archive.location)
        raise UserError(message, error.remedy) from error
    write_atomically(cache / "raw" / raw, version.encode())
    return version


def _known(cache: Path, raw: str) -> str:
    """The version that these bytes became before, while its archive is still there."""
    try:
        version = (cache / "raw" / raw.lower()).read_text()
    except OSError:
        return ""
    return version if (cache / f"{version}.tar.gz").is_file() else ""


def _keep(cache: Path, write: Callable[[Path], str]) -> str:
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as folder:
        new = Path(folder) / "code.tar.gz"
        version = write(new)
        new.replace(cache / f"{version}.tar.gz")
    return version


def fetched(locations: Mapping[str, str], cache: Path) -> dict[str, Path]:
    """Scripts and seeds as files; those with an address are fetched anew, for nothing says whether they changed."""
    found = {}
    for service, location in locations.items():
        if "://" in location:
            found[service] = private_folder(cache / "fetched") / hashlib.sha256(location.encode()).hexdigest()
            downloads.download(location, found[service])
        elif location:
            found[service] = Path(location)
    return found
