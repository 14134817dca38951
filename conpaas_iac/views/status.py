"""How an application is, as data. Pure: from what was seen to what is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from conpaas_iac.backend.record import Record
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.network import joins, renewal

# What a service type may put on its machines: it prints one line when something is wrong, or nothing.
HEALTH = "/usr/local/lib/conpaas/health"


@dataclass(frozen=True)
class Probe:
    """What a machine said of itself; `units` is unit -> systemd's word. None where it did not answer."""

    units: Mapping[str, str]
    pending: bool  # a run was interrupted there
    reason: str = ""  # why it did not answer
    draining: bool = False  # taken out of service for a change that did not end well
    complaint: str = ""  # what its own software says is wrong

    @property
    def answered(self) -> bool:
        """Whether it could be asked."""
        return not self.reason


@dataclass(frozen=True)
class NodeStatus:
    """One machine, now."""

    name: str
    service: str
    groups: tuple[str, ...]
    address: str
    cloud: str
    ip: str
    state: str  # running, stopped, gone
    health: str
    is_well: bool
    certificate_days: int | None = None  # that its certificate has left; None: it has none yet
    rests: bool = False  # stopped, as it was asked to be


@dataclass(frozen=True)
class JoinStatus:
    """An operator's machine that was let in, and is still."""

    name: str
    address: str
    reach: tuple[str, ...]
    by: str
    ends: str  # ISO 8601
    left: str  # "1 h 20 min"


@dataclass(frozen=True)
class ApplicationStatus:
    """An application, now."""

    application: str
    environment: str
    nodes: tuple[NodeStatus, ...]
    urls: Mapping[str, str]
    answers: Mapping[str, str]  # service -> what its URL answered: "200", or why it did not
    held: tuple[str, ...]
    joins: tuple[JoinStatus, ...] = ()
    connections: Mapping[str, str] = field(default_factory=dict)  # service -> how to connect, inside the network

    @property
    def is_well(self) -> bool:
        """Every machine that should run does its work, and every URL answers."""
        return all(node.is_well or node.rests for node in self.nodes) and all(
            answer.isdigit() and int(answer) < 500 for answer in self.answers.values()
        )

    @property
    def summary(self) -> str:
        """One phrase."""
        count = sum(node.is_well for node in self.nodes)
        held = f"; held by `conpaas stop`: {', '.join(self.held)}" if self.held else ""
        wrong = [f"{service} answers {answer}" for service, answer in self.answers.items() if answer[:1] not in "234"]
        return f"{count} of {len(self.nodes)} machines well" + "".join(f"; {each}" for each in wrong) + held


def node_status(
    machine: Machine, seen: Seen | None, probe: Probe | None, record: Record, now: datetime
) -> NodeStatus:
    """What to say of one machine."""
    known = record.nodes.get(machine.node)
    groups = tuple(known.groups) if known else ()
    state = "gone" if seen is None else "running" if seen.running else "stopped"
    days = renewal.days_left(known.certificate.ends, now) if known and known.certificate else None
    health, is_well = _health(machine, seen, probe, record)
    if is_well and days is not None and days < 0:
        health, is_well = "its certificate has expired: `conpaas up` renews it", False
    return NodeStatus(
        name=machine.node,
        service=machine.service,
        groups=groups,
        address=machine.fixed_address,
        cloud=machine.cloud,
        ip=seen.ip if seen else "",
        state=state,
        health=health,
        is_well=is_well,
        certificate_days=days,
        rests=state == "stopped" and machine.node in record.resting,
    )


def joined(record: Record, now: datetime) -> tuple[JoinStatus, ...]:
    """Who else is in the network now."""
    return tuple(
        JoinStatus(
            each.name, each.address, each.reach, each.by, each.ends.isoformat(), joins.spoken(each.ends - now)
        )
        for each in joins.live(record, now)
    )


def _health(machine: Machine, seen: Seen | None, probe: Probe | None, record: Record) -> tuple[str, bool]:
    if seen is None:
        return "the cloud has lost it: `conpaas up` makes it again", False
    if not seen.running:
        asked = machine.node in record.resting
        return ("stopped as asked" if asked else "stopped: `conpaas up` starts it again"), False
    if probe is None or not probe.answered:
        return f"does not answer: {probe.reason if probe else 'not asked'}", False
    if failed := sorted(unit for unit, word in probe.units.items() if word not in ("active", "reloading")):
        return ", ".join(f"{unit} is {probe.units[unit]}" for unit in failed), False
    if probe.complaint:
        return probe.complaint, False
    if machine.node not in record.nodes:
        return "not configured yet: `conpaas up` goes on", False
    if probe.draining:
        return "out of service: a change did not end well here, `conpaas up` goes on", False
    if probe.pending or machine.node in record.visiting:
        return "a run was interrupted here: `conpaas up` goes on", False
    return "well", True


def question(units: Sequence[str]) -> str:
    """The command that asks a machine how it is."""
    words = " ".join(f"'{unit}'" for unit in units)
    return (
        f"systemctl is-active {words}; test -e /var/lib/conpaas/pending && echo pending; "
        f"test -e /run/conpaas/draining && echo draining; test -x {HEALTH} && {HEALTH}"
    )


def read_probe(units: Sequence[str], output: str) -> Probe:
    """The answer to `question`: a word a unit, in their order, then marks, then what its software complains of."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    words, rest = lines[: len(units)], lines[len(units) :]
    complaint = next((line for line in rest if line not in ("pending", "draining")), "")
    known = dict(zip(units, words, strict=False))
    return Probe(known, "pending" in rest, draining="draining" in rest, complaint=complaint)
