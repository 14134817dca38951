"""Documents in a folder of the local disk."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile, rmtree

from conpaas_iac.backend.store import FORMER, Version
from conpaas_iac.errors import UserError
from conpaas_iac.system.files import private_folder, replacing, write_atomically

PIECE = 1 << 20  # bytes that are moved at once


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
