"""Versions of a service's code that were uploaded: kept in the backend by content, for whoever may use the backend.

code/<stack>/<service>/<version>.tar.gz   the canonical archive
code/<stack>/<service>/<version>.json     what is known of it; written last, so that what is listed is whole
code/<stack>/<service>/commits            those that were pushed and became versions, a line each
code/<stack>/<service>/repository         a bundle of the repository that they were pushed to
"""

import hashlib
import tempfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from gzip import GzipFile
from pathlib import Path

import msgspec

from conpaas_iac.backend import place
from conpaas_iac.backend.store import Store
from conpaas_iac.backend.stores import at
from conpaas_iac.errors import StateError, UserError
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import private_folder

FOLDER = "code"  # of the whole backend
SHOWN = 12  # digits of a version
FEWEST = 6  # digits that it may be named by
PIECE = 1 << 20


class Version(msgspec.Struct, frozen=True):
    """One version, and where it comes from."""

    version: str  # SHA-256 of the canonical tar
    name: str  # of the file that was uploaded, or the commit's first line
    source: str  # "upload", "git <commit>", or what the manifest said
    at: datetime
    by: str  # user@host
    size: int  # bytes of the archive
    left: datetime | None = None  # when another one took its place

    @property
    def short(self) -> str:
        """As people name it."""
        return self.version[:SHOWN]


class Versions:
    """Those of one service."""

    def __init__(self, store: Store, stack: str, service: str) -> None:
        self._store, self._stack, self._folder = store, stack, f"{stack}/{service}"

    def names(self) -> tuple[str, ...]:
        """All digits of each."""
        found = (name for name in self._store.entries(self._folder) if name.endswith(".json"))
        return tuple(name.removesuffix(".json") for name in found)

    def all(self) -> tuple[Version, ...]:
        """What is known of them, the newest first."""
        with ThreadPoolExecutor(8) as pool:
            found = tuple(pool.map(self._read, self.names()))
        return tuple(sorted(found, key=lambda each: (each.at, each.version), reverse=True))

    def find(self, written: str) -> Version:
        """The one that these first digits mean; raises UserError."""
        names, digits = self.names(), written.lower()
        found = [name for name in names if name.startswith(digits)]
        service = self._folder.partition("/")[2]
        if len(digits) < FEWEST:
            message = f"{written!r} has too few digits"
            raise UserError(message, f"a version is named by its first digits, {FEWEST} or more")
        if not found:
            listed = ", ".join(each.short for each in self.all()[:3])
            hint = f"there are: {listed}" if listed else "conpaas code upload"
            raise UserError(f"{service} has no version {written!r}", hint)
        if len(found) > 1:
            raise UserError(f"{written!r} could be several versions", f"say more digits: {', '.join(found)}")
        return self._read(found[0])

    def keep(self, known: Version, archive: Path) -> bool:
        """Keep its archive; False where it was there already, then with what was known of it before."""
        if self._store.read(f"{self._folder}/{known.version}.json") is not None:
            return False
        self._store.take(f"{self._folder}/{known.version}.tar.gz", archive)
        self.note(known)
        return True

    def note(self, known: Version) -> None:
        """Remember this of it."""
        self._store.write(f"{self._folder}/{known.version}.json", msgspec.json.encode(known))

    def bring(self, version: str, cache: Path) -> Path:
        """Its archive on this machine; what is not what it says is refused."""
        place = cache / f"{version}.tar.gz"
        if place.is_file():
            return place
        with tempfile.TemporaryDirectory(dir=private_folder(cache), prefix=".version-") as folder:
            new = Path(folder) / "code.tar.gz"
            if not self._store.give(f"{self._folder}/{version}.tar.gz", new):
                raise UserError(f"version {version[:SHOWN]} is not in the backend any more", "upload it again")
            if _digest(new) != version:
                message = f"version {version[:SHOWN]} in the backend is damaged"
                raise UserError(message, "conpaas code delete, then upload it again")
            new.replace(place)
        return place

    def delete(self, version: str) -> None:
        """First what makes it one."""
        self._store.delete(f"{self._folder}/{version}.json")
        self._store.delete(f"{self._folder}/{version}.tar.gz")

    def commits(self) -> tuple[str, ...]:
        """Pushed ones that became versions."""
        return tuple((self._store.read(f"{self._folder}/commits") or b"").decode().split())

    def remember(self, commits: Iterable[str], bundle: Path) -> None:
        """Keep the repository, then say what is in it."""
        self._store.take(f"{self._folder}/repository", bundle)
        self._store.write(f"{self._folder}/commits", "\n".join(commits).encode())

    def repository(self, target: Path) -> bool:
        """Its bundle, where one was kept."""
        return self._store.give(f"{self._folder}/repository", target)

    def _read(self, version: str) -> Version:
        content = self._store.read(f"{self._folder}/{version}.json")
        try:
            return msgspec.json.decode(content or b"", type=Version)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateError(f"version {version[:SHOWN]}", self._stack, str(error)) from error


def of(settings: Settings, stack: str, service: str) -> Versions:
    """Those of a service; they outlive `down`, as the lock file does."""
    return Versions(at(place.whole(settings).backend_url, FOLDER), stack, service)


def previous(versions: Iterable[Version], active: Iterable[str]) -> Version | None:
    """The one that was active before: whose place was taken last."""
    now = set(active)
    left = [each for each in versions if each.left and each.version not in now]
    return max(left, key=lambda each: each.left, default=None)  # type: ignore[arg-type,return-value]


def _digest(archive: Path) -> str:
    digest = hashlib.sha256()
    with suppress(OSError, EOFError, zlib.error), GzipFile(archive) as content:
        while piece := content.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
