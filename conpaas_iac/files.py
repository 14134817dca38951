"""Files that are never half written, and folders that only their owner reads."""

import os
import tempfile
from pathlib import Path

from conpaas_iac.errors import UserError


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write beside, flush to disk, rename; raises UserError where the place is not writable or the disk is full."""
    private_folder(path.parent)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def private_folder(path: Path) -> Path:
    """The folder, made 0700 with all its parents where they were not there."""
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made: {error.strerror}") from error
    return path
