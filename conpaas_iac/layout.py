"""One service laid out on machines: ordinals, groups, addresses. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from conpaas_iac import addresses
from conpaas_iac.catalog import ServiceType
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


def entry(service: model.Service, kind: ServiceType, block: IPv4Network) -> IPv4Address:
    """The address that answers for the service: its entry group's first machine, there or not."""
    group_slice = tuple(kind.descriptor.groups).index(kind.descriptor.entry) if _is_spread(service, kind) else 0
    asked = service.addresses.get("", ()) or service.addresses.get(kind.descriptor.entry, ())
    return addresses.node_address(block, asked, 1, group_slice)


def nodes(
    service: model.Service, kind: ServiceType, block: IPv4Network, counts: Mapping[str, int]
) -> tuple[Node, ...]:
    """Packed: machine k runs every group whose count is at least k. Spread: each group has its own machines."""
    groups = tuple(kind.descriptor.groups)
    _fits(service, max(counts.values()), _room(service, kind, block), block)
    if not _is_spread(service, kind):
        return tuple(
            _node(service, block, tuple(group for group in groups if counts[group] >= ordinal), ordinal)
            for ordinal in range(1, max(counts.values()) + 1)
        )
    return tuple(
        _node(service, block, (group,), ordinal, group_slice, f"{group}-")
        for group_slice, group in enumerate(groups)
        for ordinal in range(1, counts[group] + 1)
    )


def directory(
    service: model.Service, kind: ServiceType, block: IPv4Network
) -> tuple[tuple[str, IPv4Address], ...]:
    """Up to the next of 16, 64, 256 … machines, so that one more machine changes no hosts file."""
    room = _room(service, kind, block)
    ceilings = {group: min(_ceiling(count), room) for group, count in service.counts.items()}
    return tuple((node.name, node.address) for node in nodes(service, kind, block, ceilings))


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
    group_slice: int = 0,
    infix: str = "",
) -> Node:
    asked = next((service.addresses[group] for group in ("", *groups) if group in service.addresses), ())
    cloud, size = _place(service, groups, ordinal)
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


def _place(service: model.Service, groups: tuple[str, ...], ordinal: int) -> tuple[str, str]:
    """Cloud and size of a machine: the batch of `Machines` that its ordinal falls into, else the service's."""
    for group in groups:
        upto = 0
        for batch in service.batches.get(group, ()):
            upto += batch.count
            if ordinal <= upto:
                return batch.cloud or service.cloud, batch.size or service.size
    return service.cloud, service.size
