"""What archives were found to hold, kept by their content: a look at 6,000 members takes a quarter of a second."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from conpaas_iac.errors import UserError
from conpaas_iac.system.files import write_atomically

if TYPE_CHECKING:
    from conpaas_iac.sources.archives import Inspection

RULES = 1  # count up when `archives.inspect` judges otherwise


@dataclass(frozen=True)
class Inspector:
    """`archives.inspect` with a memory. Whatever is wrong with the memory, it looks."""

    cache: Path

    def __call__(self, path: Path) -> "Inspection":
        """Look at an archive or folder; never raises for what it holds."""
        from conpaas_iac.sources import archives  # slow, and not needed for manifests without archives

        place = self._place(path)
        if place is None:
            return archives.inspect(path)
        try:
            return msgspec.json.decode(place.read_bytes(), type=archives.Inspection)
        except (OSError, msgspec.DecodeError):
            found = archives.inspect(path)
        with contextlib.suppress(UserError):  # a cache that cannot be written is no cache
            write_atomically(place, msgspec.json.encode(found))
        return found

    def _place(self, path: Path) -> Path | None:
        """Where the findings of these bytes are kept; folders have no such place."""
        try:
            with path.open("rb") as file:
                return self.cache / f"inspected-{RULES}" / hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
