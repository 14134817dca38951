"""What documents beside the engine's checkpoint are kept in: the same for a folder and an object store."""

from pathlib import Path
from typing import NamedTuple, Protocol

FORMER = ".1"  # the version before


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
