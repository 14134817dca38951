"""Operators' machines in an application's network: who they are, what they reach, for how long. Pure."""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Interface, IPv4Network

from conpaas_iac.backend.record import Certificate, Join, Record
from conpaas_iac.core import addresses
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.topology import Topology
from conpaas_iac.errors import UserError
from conpaas_iac.network import vpn
from conpaas_iac.network.certificates import Subject

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=30)


@dataclass(frozen=True)
class Port:
    """One port of one machine that a join reaches."""

    service: str
    node: str
    address: str
    port: int
    protocol: str


def duration(text: str) -> timedelta:
    """30m, 2h, 3d; raises ValueError for anything else, and for more than 30 days."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if not found:
        raise ValueError(f"{text!r} is no duration: 30m, 2h, 3d")
    length = int(found[1]) * UNITS[found[2]]
    if length > LONGEST:
        raise ValueError(f"{text} is too long: 30d is the longest")
    return length


def spoken(length: timedelta) -> str:
    """A duration in its two largest units."""
    minutes = max(0, int(length.total_seconds())) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (rest, "min")) if count]
    return " ".join(parts[:2]) or "less than 1 min"


def interface(stack: str, name: str) -> str:
    """Of the operator's machine, which may have joined others as well; the kernel takes 15 characters."""
    return f"cp-{name[:6].strip('-')}-{hashlib.sha256(f'{stack} {name}'.encode()).hexdigest()[:5]}"


def live(record: Record, now: datetime) -> tuple[Join, ...]:
    """Those that have not ended."""
    return tuple(join for join in record.joins if now < join.ends)


def named(record: Record, name: str, now: datetime) -> Join | None:
    """The live one of that name."""
    return next((join for join in live(record, now) if join.name == name), None)


def former(record: Record, name: str, by: str, now: datetime) -> Join | None:
    """What is renewed; raises UserError where the name is somebody else's."""
    found = named(record, name, now)
    if found and found.by != by:
        raise UserError(
            f"{name!r} is the join of {found.by}, for another {spoken(found.ends - now)}",
            "take another name, or end that one with --end",
        )
    return found


def subject(join: Join, network: IPv4Network) -> Subject:
    """What its certificate says: no group of machines, so nothing but what is named is open to it."""
    groups = tuple(vpn.reach_group(service) for service in join.reach)
    return Subject(f"join:{join.name}", IPv4Interface((join.address, network.prefixlen)), groups)


def free_address(network: IPv4Network, joins: Iterable[Join], machines: Iterable[Machine]) -> str:
    """The lowest of the application's own block that nobody has."""
    taken = {join.address for join in joins} | {machine.fixed_address for machine in machines}
    own = addresses.own_block(network)
    for address in own.hosts():
        if str(address) not in taken:
            return str(address)
    raise UserError(f"all addresses for joined machines are in use: {own}", "end one: conpaas join … --end")


def ports(machines: Sequence[Machine], record: Record, reach: Collection[str]) -> tuple[Port, ...]:
    """What is open to those who join to reach these services, as the machines were configured.

    Raises UserError for services that are not there, and for those that have nothing open.
    """
    known = sorted({machine.service for machine in machines})
    for service in reach:
        if service not in known:
            raise UserError(f"no machines of service {service!r}", f"services: {', '.join(known) or 'none'}")
    found = tuple(port for machine in machines if machine.service in reach for port in _ports(machine, record))
    for service in reach:
        if not any(port.service == service for port in found):
            raise UserError(
                f"nothing of {service} is open to joined machines",
                "where an older conpaas or an interrupted run configured them: conpaas up",
            )
    return found


def _ports(machine: Machine, record: Record) -> Iterable[Port]:
    text = record.files(machine.node).get(vpn.CONFIG, "")
    for port, protocol in vpn.opened(text, vpn.reach_group(machine.service)) if text else ():
        yield Port(machine.service, machine.node, machine.fixed_address, port, protocol)


def outdated(former: Join | None, now: Join) -> tuple[Certificate, ...]:
    """Former certificates that allow more, or for longer, than is asked now."""
    if former is None or (set(former.reach) <= set(now.reach) and former.ends <= now.ends):
        return ()
    return former.certificates


def joined(record: Record, join: Join, kept: Iterable[Certificate], now: datetime) -> Record:
    """With the join in place of the one of its name; `kept` are former certificates. Those that have ended go."""
    others = without(record, join.name, now).joins
    return replace(record, joins=(*others, join.after(each for each in kept if now < each.ends)))


def without(record: Record, name: str, now: datetime) -> Record:
    """Without the join of that name, and without those that have ended."""
    return replace(record, joins=tuple(join for join in live(record, now) if join.name != name))


def refuse_taken(topology: Topology, record: Record, now: datetime) -> None:
    """A manifest may ask for any address; raises UserError where a joined machine has it."""
    nodes = {str(node.address): node.name for node in topology.nodes}
    for join in live(record, now):
        if join.address in nodes:
            raise UserError(
                f"{nodes[join.address]} is to have the address {join.address}, which {join.name} joined with",
                f"conpaas join {topology.application} --as {join.name} --end",
            )
