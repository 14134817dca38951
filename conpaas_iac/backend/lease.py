"""The lease on one application: a document in the backend that is only ever replaced by who saw its last version.

    token    grows by one with each holder
    head     the part of the backend whose content counts: checkpoint, record, lock file
    holder   who acts now, or nobody
    beat     moves while the holder lives
    is_left  a former holder may still write into the head: it is to be moved before it is used

Who finds the lease released goes on in the same head. Who takes it from a holder that did not release it copies the
head and moves it, by a conditional write: what the former holder's engine still writes lands where nobody looks.
Clocks of two machines are never compared: a holder elsewhere is dead when its beat was *seen* not to move for one TTL.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from conpaas_iac.backend.holder import Holder
from conpaas_iac.errors import UserError

VERSION = 1
TTL = 40.0  # seconds
FIRST = ""  # the head of applications made before there were leases: it is not one application's alone


class Lease(msgspec.Struct, frozen=True):
    """The document."""

    token: int
    head: str
    holder: Holder | None = None
    run: str = ""  # of this one holding
    beat: int = 0
    ttl: float = TTL
    is_left: bool = False
    version: int = VERSION


def decode(content: bytes, name: str) -> Lease:
    """Raises UserError for what is no lease, or that of a newer conpaas."""
    try:
        found = msgspec.json.decode(content, type=Lease)
    except msgspec.DecodeError as error:
        raise UserError(f"the lease {name} cannot be read: {error}") from error
    if found.version != VERSION:
        raise UserError(f"the lease {name} is of version {found.version}, this conpaas knows {VERSION}")
    return found


class Heads(Protocol):
    """The parts of the backend that a lease's head names."""

    def first(self) -> str:
        """Where an application without a lease is, or begins."""

    def new(self, token: int) -> str:
        """A name that nobody has used."""

    def copy(self, old: str, new: str) -> None:
        """Copy the last checkpoint and our documents."""

    def others(self, *kept: str) -> tuple[str, ...]:
        """All heads there are but these."""

    def clear(self, head: str) -> None:
        """Delete a head and what is in it."""

    def is_empty(self, head: str) -> bool:
        """Whether no application is there."""


@dataclass(frozen=True)
class Busy:
    """Somebody else holds it. Whether `is_alive` was seen; else time will tell."""

    holder: Holder
    is_alive: bool
