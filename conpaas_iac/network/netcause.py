"""Why two machines of an application do not reach each other, in one line. Pure.

The first cause that explains it is said: a machine's own trouble, then what one thinks of the other's certificate,
then the provider's network, then the VPN's firewall.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal

import msgspec

from conpaas_iac.network import vpn

Kind = Literal[
    "gone",
    "stopped",
    "unreachable",
    "nebula",
    "expired",
    "not-yet-valid",
    "no-certificate",
    "clock",
    "blocked",
    "authority",
    "udp",
    "firewall",
    "handshake",
]
PATIENCE = timedelta(seconds=5)  # clocks are compared over SSH


@dataclass(frozen=True)
class Cause:
    """Why something is broken."""

    kind: Kind
    text: str


class Peer(msgspec.Struct, frozen=True):
    """What a machine found of another (guest/net.py)."""

    ms: tuple[float, ...] = ()  # round trips, inside the VPN
    direct: int = 0  # its packets that left for a tunnel to the other
    relayed: int = 0  # … through a relay
    door: str = ""  # what the other's UDP port said: answers, silent, refused, unreachable
    ports: dict[str, str] = {}  # TCP port that the manifest opens -> open, refused, silent


class Signed(msgspec.Struct, frozen=True):
    """A certificate as the machine reads it."""

    fingerprint: str
    issuer: str
    begins: datetime
    ends: datetime


class Facts(msgspec.Struct, frozen=True):
    """What a machine says of itself. `began` and `ended` are its clock."""

    began: float
    ended: float
    unit: str
    mtu: int | None
    certificate: Signed | None
    authorities: tuple[str, ...]
    blocked: tuple[str, ...]
    peers: tuple[Peer, ...]


@dataclass(frozen=True)
class Station:
    """A machine, and what it said; `facts` is None where it did not answer."""

    node: str
    address: str
    ip: str
    state: str  # running, stopped, gone, silent
    facts: Facts | None = None
    peers: Mapping[str, Peer] = field(default_factory=dict)  # by node
    skew: float = 0.0  # seconds that its clock is ahead
    reason: str = ""  # why it did not answer
    rests: bool = False  # stopped as asked
    ends: datetime | None = None  # of its certificate, as recorded

    def found(self, other: "Station") -> Peer | None:
        """What it found of another."""
        return self.peers.get(other.node)


def of_one(station: Station, now: datetime) -> Cause | None:
    """What is wrong with a machine by itself."""
    if station.state == "gone":
        return Cause("gone", f"{station.node}: the cloud has lost it: `conpaas up` makes it again")
    if station.state == "stopped":
        return Cause("stopped", f"{station.node} is stopped: `conpaas up` starts it again")
    if station.facts is None:
        return Cause("unreachable", f"{station.node} does not answer over SSH: {station.reason}")
    if station.facts.unit != "active":
        return Cause("nebula", f"nebula is {station.facts.unit or 'not there'} on {station.node}")
    return _validity(station.node, station.facts.certificate, now)


def _validity(node: str, certificate: Signed | None, now: datetime) -> Cause | None:
    if certificate is None:
        return Cause("no-certificate", f"{node} has no certificate: `conpaas up` gives it one")
    if now >= certificate.ends:
        return Cause("expired", f"the certificate of {node} expired {_ago(now - certificate.ends)} ago: {RENEWS}")
    if now < certificate.begins - PATIENCE:
        wait = _ago(certificate.begins - now)
        return Cause("not-yet-valid", f"the certificate of {node} is not valid yet, for {wait}: {RENEWS}")
    return None


RENEWS = "`conpaas up` renews it"


def _ago(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{span.days} days" if span.days > 1 else f"{hours} h" if hours else f"{int(span.total_seconds())} s"


def between(source: Station, target: Station, stations: Iterable[Station], now: datetime) -> Cause | None:
    """What is wrong between two machines; None where all is well."""
    ends = (target, source)
    for one in ends:
        if one.facts is None and (cause := of_one(one, now)):
            return cause
    found, back = source.found(target), target.found(source)
    if found and found.ms:
        return _firewall(target, found)
    alone = (of_one(one, now) for one in ends)
    judged = (_judged(holder, judge, now) for holder, judge in ((target, source), (source, target)))
    known = next((cause for cause in chain(alone, judged) if cause), None)
    return known or _door(source, target, tuple(stations)) or _silence(source, target, found or Peer(), back or Peer())


def _firewall(target: Station, found: Peer) -> Cause | None:
    """Ping passes; does what the manifest's relations say pass, too?"""
    ports = [port for port, word in found.ports.items() if word == "silent"]
    if not ports:
        return None
    names = ", ".join(f"tcp/{port}" for port in ports)
    return Cause("firewall", f"the firewall of {target.node} drops {names}, which the manifest allows")


def _judged(holder: Station, judge: Station, now: datetime) -> Cause | None:
    """What one thinks of the other's certificate, by its own clock."""
    assert holder.facts and judge.facts and holder.facts.certificate
    certificate, facts = holder.facts.certificate, judge.facts
    there = now + timedelta(seconds=judge.skew)
    if not certificate.begins - PATIENCE <= there < certificate.ends:
        word = "has expired" if there >= certificate.ends else "is not valid yet"
        clock = f"{abs(judge.skew):,.0f} s {'ahead' if judge.skew > 0 else 'behind'}"
        return Cause("clock", f"the clock of {judge.node} is {clock}: to it, the certificate of {holder.node} {word}")
    if certificate.fingerprint in facts.blocked:
        return Cause("blocked", f"{judge.node} has the certificate of {holder.node} on its blocklist")
    if certificate.issuer not in facts.authorities:
        return Cause("authority", f"{judge.node} does not trust who signed for {holder.node}: `conpaas up` mends it")
    return None


def _door(source: Station, target: Station, stations: tuple[Station, ...]) -> Cause | None:
    """A UDP port that does not answer. Where both do not, the one that fewer machines reach."""
    deaf = [one for other, one in ((source, target), (target, source)) if _is_deaf(other, one)]
    counts = [sum(_is_deaf(other, one) for other in stations) for one in deaf]
    if not deaf:
        return None
    if len(deaf) == 2 < len(stations) and counts == [1, 1]:
        names = " and ".join(sorted((source.node, target.node)))
        return Cause("udp", f"the provider's network lets no UDP {vpn.PORT} pass between {names}")
    worst = deaf[counts.index(max(counts))]
    return Cause("udp", f"UDP port {vpn.PORT} of {worst.node} ({worst.ip}) does not answer: closed there or before it")


def _is_deaf(source: Station, target: Station) -> bool:
    found = source.found(target)
    return found is not None and not found.ms and found.door not in ("", "answers")


def _silence(source: Station, target: Station, found: Peer, back: Peer) -> Cause:
    """Ports answer, certificates are good, ping does not pass."""
    both = sorted((source.node, target.node))
    if found.direct + found.relayed:
        # Where the way back works, it is the target's door; a broken relay or MTU would stop both.
        where = " or ".join(both) if back.direct + back.relayed and not back.ms else target.node
        return Cause("firewall", f"there is a tunnel, but ping does not pass: a firewall of {where}")
    names = " and ".join(both)
    return Cause("handshake", f"no tunnel between {names} though their UDP ports answer: see `journalctl -u nebula`")
