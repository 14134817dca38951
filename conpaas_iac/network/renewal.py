"""When the VPN's certificates are renewed, and which authorities overlap. Pure: `now` is an input.

Machines are visited by `up`s only, whenever somebody runs one. So a new authority is trusted everywhere before it
signs anything, and everything is renewed long before it ends: an application that has an `up` at least every
`Policy.pause` never has a gap, nor two nodes that do not trust each other.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from conpaas_iac.core.ordering import count

SOON = 30  # days left at which somebody should be told: ordinary `up`s renew long before


@dataclass(frozen=True)
class Policy:
    """Lifetimes, and how much of them is left when the next one is made."""

    authority: timedelta = timedelta(days=3 * 365)
    successor: timedelta = timedelta(days=2 * 365)
    certificate: timedelta = timedelta(days=365)
    renewal: timedelta = timedelta(days=240)

    @property
    def pause(self) -> timedelta:
        """The longest time between visits of a node that leaves no gap: a certificate just not renewed lives on."""
        return self.renewal


class Due(StrEnum):
    """What is to be done about a certificate."""

    FRESH = "fresh"
    RENEW = "renew"
    EXPIRED = "expired"


class Lifetime(Protocol):
    """What is asked of a certificate here; `certificates.Facts` has more."""

    @property
    def begins(self) -> datetime: ...
    @property
    def ends(self) -> datetime: ...
    @property
    def fingerprint(self) -> str: ...


Kept = TypeVar("Kept", bound=Lifetime)


def due(certificate: Lifetime, now: datetime, policy: Policy) -> Due:
    """A certificate from the future (a clock that went back) is renewed."""
    if now >= certificate.ends:
        return Due.EXPIRED
    return Due.RENEW if certificate.ends - now < policy.renewal or certificate.begins > now else Due.FRESH


def days_left(ends: datetime, now: datetime) -> int:
    """Whole days; below zero once it has ended."""
    return (ends - now).days


def said_of(days: int) -> str:
    """What to say of a certificate with so many days left, and what to do where that is due."""
    if days < 0:
        return "expired: `conpaas up` renews it"
    left = count(days, "day")
    return f"{left}: `conpaas up` renews it" if days < SOON else left


def needs_successor(authorities: Iterable[Lifetime], now: datetime, policy: Policy) -> bool:
    """Whether a new authority is to be made now."""
    return all(authority.ends - now < policy.successor for authority in authorities)


def trusted(authorities: Iterable[Kept], now: datetime) -> tuple[Kept, ...]:
    """The authorities that every node must trust: all that have not ended, oldest first."""
    return tuple(sorted((each for each in authorities if now < each.ends), key=lambda each: each.begins))


def signer(authorities: Iterable[Kept], now: datetime, trusts: Iterable[Collection[str]]) -> Kept:
    """The authority that signs: the newest that every node is known to trust.

    `trusts`: for each node that has confirmed anything, fingerprints of the authorities it trusts. Where none is
    trusted by all, no certificate would do for all, and the newest is as good. Raises ValueError where none is alive.
    """
    alive, known = trusted(authorities, now), tuple(trusts)
    if not alive:
        raise ValueError("no authority is alive")
    everywhere = [each for each in alive if all(each.fingerprint in trust for trust in known)]
    return (everywhere or alive)[-1]
