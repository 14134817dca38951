"""How an application's network is, as data. Pure: from what its machines found to what is said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from conpaas_iac.core.ordering import count
from conpaas_iac.network import renewal
from conpaas_iac.network.netcause import Cause, Peer, Station, between, of_one

CLOCKS = 5.0  # seconds that clocks may differ without a word: asking over SSH is no finer than that


@dataclass(frozen=True)
class NetMachine:
    """One machine in its network."""

    name: str
    address: str
    ip: str
    state: str  # running, stopped, gone, silent
    mtu: int | None  # bytes, of the VPN's interface
    certificate_days: int | None
    clock_seconds: float | None  # that its clock is ahead of this computer's
    cause: Cause | None  # of its being broken


@dataclass(frozen=True)
class NetPair:
    """The way from one machine to another. `ms` is the best of a few round trips; None: no answer, or not asked."""

    source: str
    target: str
    ms: float | None
    path: str  # direct, relayed; "" where nothing was seen
    cause: Cause | None


@dataclass(frozen=True)
class NetReport:
    """The network, now. Machines that rest as asked are in no pair."""

    application: str
    environment: str
    machines: tuple[NetMachine, ...]
    pairs: tuple[NetPair, ...]

    @property
    def is_well(self) -> bool:
        """No machine and no pair is broken."""
        return not self.causes

    @property
    def causes(self) -> dict[str, tuple[NetPair, ...]]:
        """Each cause once, with the pairs that it breaks."""
        found: dict[str, tuple[NetPair, ...]] = {each.cause.text: () for each in self.machines if each.cause}
        for pair in self.pairs:
            if pair.cause:
                found[pair.cause.text] = (*found.get(pair.cause.text, ()), pair)
        return found

    @property
    def summary(self) -> str:
        """One phrase."""
        well = sum(pair.cause is None for pair in self.pairs)
        if self.pairs:
            return f"{well} of {len(self.pairs)} ways well"
        word = "nothing to measure" if self.is_well else "not well"
        return f"{word}, {count(len(self.machines), 'machine')}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What breaks nothing yet."""
        clocks = [
            f"the clock of {each.name} is {_ahead(each.clock_seconds)} of this computer's"
            for each in self.machines
            if each.clock_seconds is not None and abs(each.clock_seconds) > CLOCKS
        ]
        soon = [
            f"the certificate of {each.name}: {renewal.said_of(each.certificate_days)}"
            for each in self.machines
            if each.certificate_days is not None and 0 <= each.certificate_days < renewal.SOON
        ]
        return (*clocks, *soon)


def _ahead(seconds: float) -> str:
    return f"{abs(seconds):,.0f} s {'ahead' if seconds > 0 else 'behind'}"


def report(application: str, environment: str, stations: Sequence[Station], now: datetime) -> NetReport:
    """What to say of what machines answered."""
    awake = [station for station in stations if not station.rests]
    pairs = [
        _pair(source, target, awake, now) for source in awake for target in awake if source.node != target.node
    ]
    return NetReport(application, environment, tuple(_machine(each, now) for each in stations), tuple(pairs))


def _machine(station: Station, now: datetime) -> NetMachine:
    facts = station.facts
    ends = facts.certificate.ends if facts and facts.certificate else station.ends
    return NetMachine(
        station.node,
        station.address,
        station.ip,
        station.state,
        facts.mtu if facts else None,
        renewal.days_left(ends, now) if ends else None,
        round(station.skew, 1) if facts else None,
        None if station.rests else of_one(station, now),
    )


def _pair(source: Station, target: Station, all_: Iterable[Station], now: datetime) -> NetPair:
    found = source.found(target)
    ms = min(found.ms, default=None) if found else None
    path = _path(found) if found else ""
    return NetPair(source.node, target.node, ms, path, between(source, target, all_, now))


def _path(found: Peer) -> str:
    """Direct where as many packets went directly as were answered: a relay sends those of others besides its own."""
    if not found.ms:
        return ""
    if found.direct >= len(found.ms) or not found.relayed:
        return "direct" if found.direct else ""
    return "relayed"


def document(found: NetReport) -> Mapping[str, object]:
    """For `--format json`."""
    facts: dict[str, object] = msgspec.to_builtins(found)
    return {"version": 1, **facts, "notes": list(found.notes), "summary": found.summary, "well": found.is_well}
