"""One service laid out on machines: ordinals, groups, addresses. Pure."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from conpaas_iac.catalog import ServiceType
from conpaas_iac.core import addresses
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import model


@dataclass(frozen=True)
class Size:
    """cpu in cores, memory in MiB."""

    cpu: int
    memory: int


SIZES = {
    "small": Size(1, 1024),
    "medium": Size(2, 2048),
    "large": Size(4, 8192),
}


def size_name(cpu: int, memory: int) -> str:
    """"small", or "3 cpu, 512 MiB" where no size is like that."""
    return next((name for name, size in SIZES.items() if size == Size(cpu, memory)), f"{cpu} cpu, {memory} MiB")


@dataclass(frozen=True)
class Node:
    """One machine, before it exists."""

    name: str  # "blog-1": its host name, unique in the application
    service: str
    ordinal: int  # from 1; its address is the ordinal's offset in the service's block
    groups: tuple[str, ...]
    address: IPv4Address
    cloud: str
    size: Size
    image: str = ""  # the user's own image; empty: the service type's
    data: str = ""  # the folder of the data that it keeps, if any


def entries(service: model.Service, kind: ServiceType, block: IPv4Network) -> tuple[IPv4Address, ...]:
    """The addresses that answer for the service: its entry group's machines, there or not; at least the first."""
    group = kind.descriptor.entry
    at_least_one = {**service.counts, group: max(1, service.counts[group])}
    return tuple(node.address for node in nodes(service, kind, block, at_least_one) if group in node.groups)


def nodes(
    service: model.Service, kind: ServiceType, block: IPv4Network, counts: Mapping[str, int]
) -> tuple[Node, ...]:
    """Packed: the k-th machine runs every group whose count is at least k. Spread: each group has its own machines."""
    groups = tuple(kind.descriptor.groups)
    if not _is_spread(service, kind):
        ordinals = _ordinals(service, "", max(counts.values()))
        found = tuple(
            _node(service, block, tuple(group for group in groups if counts[group] >= place), ordinal, place)
            for place, ordinal in enumerate(ordinals, 1)
        )
    else:
        found = tuple(
            _node(service, block, (group,), ordinal, place, group_slice, f"{group}-")
            for group_slice, group in enumerate(groups)
            for place, ordinal in enumerate(_ordinals(service, f"{group}-", counts[group]), 1)
        )
    _fits(service, max((node.ordinal for node in found), default=0), _room(service, kind, block), block)
    groups_of = kind.descriptor.groups
    return tuple(
        replace(node, data=next((groups_of[group].data for group in node.groups if groups_of[group].data), ""))
        for node in found
    )


def _ordinals(service: model.Service, infix: str, count: int) -> tuple[int, ...]:
    """The lowest ones that are not left out."""
    kept = (ordinal for ordinal in itertools.count(1) if f"{service.name}-{infix}{ordinal}" not in service.without)
    return tuple(itertools.islice(kept, count))


def directory(
    service: model.Service, kind: ServiceType, block: IPv4Network
) -> tuple[tuple[str, IPv4Address], ...]:
    """Up to the next of 16, 64, 256 … machines, so that one more machine changes no hosts file."""
    room = _room(service, kind, block)
    ceilings = {group: min(_ceiling(count + len(service.without)), room) for group, count in service.counts.items()}
    whole = replace(service, without=frozenset())
    return tuple((node.name, node.address) for node in nodes(whole, kind, block, ceilings))


def _ceiling(count: int) -> int:
    ceiling = 16
    while ceiling < count:
        ceiling *= 4
    return ceiling


def _is_spread(service: model.Service, kind: ServiceType) -> bool:
    return service.placement == "spread" and len(kind.descriptor.groups) > 1


def _room(service: model.Service, kind: ServiceType, block: IPv4Network) -> int:
    return addresses.capacity(block, len(kind.descriptor.groups) if _is_spread(service, kind) else 1)


def _fits(service: model.Service, wanted: int, room: int, block: IPv4Network) -> None:
    if wanted > room:
        raise UserError(
            f"service {service.name!r} asks for {wanted} machines, its block {block} holds {room}",
            'give the application a larger range before its first `up`: "Network": {"Range": "10.48.0.0/14"}',
        )


def _node(
    service: model.Service,
    block: IPv4Network,
    groups: tuple[str, ...],
    ordinal: int,
    place: int,
    group_slice: int = 0,
    infix: str = "",
) -> Node:
    asked = next((service.addresses[group] for group in ("", *groups) if group in service.addresses), ())
    cloud, size = _place(service, groups, place)
    if size not in SIZES:
        raise UserError(f"service {service.name!r}: unknown size {size!r}", f"known sizes: {', '.join(SIZES)}")
    return Node(
        name=f"{service.name}-{infix}{ordinal}",
        service=service.name,
        ordinal=ordinal,
        groups=groups,
        address=addresses.node_address(block, asked, ordinal, group_slice),
        cloud=cloud,
        size=SIZES[size],
        image=service.image,
    )


def _place(service: model.Service, groups: tuple[str, ...], place: int) -> tuple[str, str]:
    """Cloud and size of a machine: the batch of `Machines` that its place falls into, else the service's."""
    for group in groups:
        upto = 0
        for batch in service.batches.get(group, ()):
            upto += batch.count
            if place <= upto:
                return batch.cloud or service.cloud, batch.size or service.size
    return service.cloud, service.size
