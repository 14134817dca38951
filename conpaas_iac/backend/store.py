"""Where documents beside the engine's checkpoint are kept: a folder or an object store, as the backend says."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile, rmtree
from typing import NamedTuple, Protocol

from conpaas_iac.errors import UserError
from conpaas_iac.system.files import private_folder, replacing, write_atomically

FORMER = ".1"  # the version before
PIECE = 1 << 20  # bytes that are moved at once


class Version(NamedTuple):
    """What a document holds now; another content has another mark."""

    content: bytes
    mark: str


class Store(Protocol):
    """Documents by name ("dokuwiki.default/record.json")."""

    def read(self, name: str) -> bytes | None:
        """The document, or None when there is none."""

    def write(self, name: str, content: bytes, keeps: bool = False) -> None:
        """Replace it, whole or not at all; `keeps`: its former version stays beside it, as <name>.1."""

    def take(self, name: str, source: Path) -> None:
        """Make it a copy of a file of any size, whole or not at all."""

    def give(self, name: str, target: Path) -> bool:
        """Copy it to a file, which may be half written where this fails; False where there is none."""

    def delete(self, name: str) -> None:
        """Nothing happens when there is none."""

    def names(self) -> tuple[str, ...]:
        """All documents."""

    def look(self, name: str) -> Version | None:
        """The document with its mark, or None when there is none."""

    def swap(self, name: str, mark: str | None, content: bytes) -> str | None:
        """Replace it if it still has this mark (None: if there is none); the new mark, or None where it has not.

        No two writers may ever write the same content.
        """

    def drop(self, name: str, mark: str) -> bool:
        """Delete it if it still has this mark."""

    def entries(self, name: str) -> tuple[str, ...]:
        """Names of the documents right below a folder."""

    def folders(self, name: str) -> tuple[str, ...]:
        """Names of the folders right below one."""

    def clear(self, name: str) -> None:
        """Delete a folder with all that is below it."""


def at(backend_url: str, folder: str = "conpaas") -> Store:
    """The store of a backend: its folder `conpaas/`, beside the engine's `.pulumi/`."""
    if backend_url.startswith("file://"):
        return Folder(Path(backend_url.removeprefix("file://")) / folder)
    from conpaas_iac.backend.bucket import Bucket

    return Bucket(backend_url, folder)


def below(backend_url: str, folder: str) -> str:
    """A backend inside a backend."""
    place, mark, options = backend_url.partition("?")
    return f"{place.rstrip('/')}/{folder}{mark}{options}"


class Folder:
    """A folder of the local disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """See Store."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"{self._root / name}: cannot be read: {error.strerror}") from error

    def write(self, name: str, content: bytes, keeps: bool = False) -> None:
        """See Store."""
        path = self._root / name
        if keeps:
            _keep(path)
        write_atomically(path, content)

    def take(self, name: str, source: Path) -> None:
        """See Store."""
        path = self._root / name
        private_folder(path.parent)
        with source.open("rb") as file, replacing(path) as write:
            while piece := file.read(PIECE):
                write(piece)

    def give(self, name: str, target: Path) -> bool:
        """See Store."""
        try:
            copyfile(self._root / name, target)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise UserError(f"{self._root / name}: cannot be copied: {error.strerror}") from error
        return True

    def delete(self, name: str) -> None:
        """See Store."""
        path = self._root / name
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def names(self) -> tuple[str, ...]:
        """See Store."""
        files = (path for path in self._root.glob("*/*") if path.is_file() and not path.name.startswith("."))
        return tuple(sorted(path.relative_to(self._root).as_posix() for path in files))

    def look(self, name: str) -> Version | None:
        """See Store. No version has the same content as another: that is its mark."""
        content = self.read(name)
        return None if content is None else Version(content, content.hex())

    def swap(self, name: str, mark: str | None, content: bytes) -> str | None:
        """See Store."""
        with self._alone():
            if self._mark(name) != mark:
                return None
            self.write(name, content)
            return content.hex()

    def drop(self, name: str, mark: str) -> bool:
        """See Store."""
        with self._alone():
            if self._mark(name) != mark:
                return False
            self.delete(name)
            return True

    def entries(self, name: str) -> tuple[str, ...]:
        """See Store."""
        return tuple(path.name for path in self._below(name) if path.is_file() and not path.name.startswith("."))

    def folders(self, name: str) -> tuple[str, ...]:
        """See Store."""
        return tuple(path.name for path in self._below(name) if path.is_dir())

    def _below(self, name: str) -> list[Path]:
        folder = self._root / name
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def clear(self, name: str) -> None:
        """See Store."""
        rmtree(self._root / name, ignore_errors=True)
        parent = (self._root / name).parent
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()

    def _mark(self, name: str) -> str | None:
        there = self.look(name)
        return there.mark if there else None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else swaps or drops in this folder meanwhile; the kernel lets go of what a dead process held."""
        try:
            with (private_folder(self._root) / ".swap").open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise UserError(f"{self._root}: cannot be locked: {error.strerror}") from error


def _keep(path: Path) -> None:
    """A second name for what is there now: nothing is copied."""
    beside = path.with_name(f".{path.name}{FORMER}")
    try:
        beside.unlink(missing_ok=True)
        beside.hardlink_to(path)
        beside.replace(path.with_name(path.name + FORMER))
    except FileNotFoundError:
        return  # there is none yet
    except OSError:  # a file system without second names
        path.with_name(path.name + FORMER).write_bytes(path.read_bytes())
