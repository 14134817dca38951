"""Files that are never half written, and folders that only their owner reads."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from conpaas_iac.errors import UserError


def digest_of(content: bytes) -> str:
    """As documents say which content they mean: "sha256:…"."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write beside, flush to disk, rename; raises UserError where the place is not writable or the disk is full."""
    private_folder(path.parent)
    with replacing(path, mode) as write:
        write(content)


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[Callable[[bytes], None]]:
    """What is written takes the place of `path` at the end of the context; where that fails, all stays as it was."""
    with _said(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            yield writer(file, path)
            with _said(path):
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
        with _said(path):
            Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def writer(file: FileIO, name: object) -> Callable[[bytes], None]:
    """Writes all that it is given to an unbuffered file; raises UserError where that does not work."""

    def write(content: bytes) -> None:
        left = memoryview(content)
        with _said(name):
            while left:
                left = left[file.write(left) or 0 :]

    return write


@contextmanager
def _said(name: object) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads any more: no error
    except OSError as error:
        raise UserError(f"{name}: cannot be written: {error.strerror}") from error


def near(path: Path) -> Path:
    """As somebody in this folder would say it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def private_folder(path: Path) -> Path:
    """The folder, made 0700 with all its parents where they were not there."""
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made: {error.strerror}") from error
    return path
