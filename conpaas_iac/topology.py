"""The pure core: manifest + service types + lock -> machines, groups, fixed addresses, who may talk to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from ipaddress import IPv4Address, IPv4Network

from conpaas_iac import addresses
from conpaas_iac.addresses import Lock
from conpaas_iac.catalog import Catalog, ServiceType
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


@dataclass(frozen=True)
class Flow:
    """An allowed conversation: machines of `source` (service, group) may open connections to `target` on `port`.

    An empty group means all of the service; an empty source service means everybody, from `sources`.
    """

    source: tuple[str, str]
    target: tuple[str, str]
    port: int
    protocol: str = "tcp"
    sources: tuple[IPv4Network, ...] = ()


@dataclass(frozen=True)
class Service:
    """One service, laid out on machines."""

    name: str
    title: str
    type: str
    block: IPv4Network
    start: bool  # false: its machines, where there are any, rest
    counts: Mapping[str, int]
    nodes: tuple[Node, ...]  # none while `start` is false
    directory: tuple[tuple[str, IPv4Address], ...]  # names and addresses of machines, those to come included
    uses: tuple[str, ...]
    options: Mapping[str, object]
    environment: Mapping[str, str]
    entry: IPv4Address
    code: str = ""  # version of the code (sha256), "" without code
    startup_script: str = ""
    rank: int = 0  # start order among services: lower first


@dataclass(frozen=True)
class Topology:
    """The whole application, as it should be."""

    application: str
    environment: str
    range: IPv4Network
    services: tuple[Service, ...]
    flows: tuple[Flow, ...] = field(default=())

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every machine, in the order of services and ordinals."""
        return tuple(node for service in self.services for node in service.nodes)

    def service(self, name: str) -> Service:
        """The service of that name; raises KeyError."""
        return {service.name: service for service in self.services}[name]


def build(manifest: model.Manifest, environment: str, types: Catalog, lock: Lock, code: Mapping[str, str]) -> Topology:
    """Lay the manifest out.

    `lock` must hold a block for every service; `code` is service -> version of its code.
    Raises UserError where a block is too small for what is asked.
    """
    ranks = _ranks(manifest, types)
    services = tuple(
        _service(
            service, types[service.type], lock.blocks[service.name], code.get(service.name, ""), ranks[service.name]
        )
        for service in sorted(manifest.services, key=lambda each: each.name)
    )
    _distinct(services)
    return Topology(manifest.application, environment, lock.range, services, _flows(manifest, types))


def _distinct(services: tuple[Service, ...]) -> None:
    """Asked-for addresses may meet those that the lock gives."""
    owners: dict[IPv4Address, str] = {}
    for node in (node for service in services for node in service.nodes):
        other = owners.setdefault(node.address, node.name)
        if other != node.name:
            raise UserError(
                f"{node.name} and {other} would both have the address {node.address}",
                'ask for another one with "Address", outside the blocks that the lock file gives to services',
            )


def _service(service: model.Service, kind: ServiceType, block: IPv4Network, code: str, rank: int) -> Service:
    return Service(
        name=service.name,
        title=service.title,
        type=service.type,
        block=block,
        start=service.start,
        counts=service.counts,
        nodes=_nodes(service, kind, block, service.counts) if service.start else (),
        directory=_directory(service, kind, block),
        uses=service.uses,
        options=service.options,
        environment=service.environment,
        entry=_entry(service, kind, block),
        code=code,
        startup_script=service.startup_script,
        rank=rank,
    )


def _entry(service: model.Service, kind: ServiceType, block: IPv4Network) -> IPv4Address:
    """The address that answers for the service: its entry group's first machine, there or not."""
    group_slice = tuple(kind.descriptor.groups).index(kind.descriptor.entry) if _is_spread(service, kind) else 0
    asked = service.addresses.get("", ()) or service.addresses.get(kind.descriptor.entry, ())
    return addresses.node_address(block, asked, 1, group_slice)


def _nodes(
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


def _directory(
    service: model.Service, kind: ServiceType, block: IPv4Network
) -> tuple[tuple[str, IPv4Address], ...]:
    """Up to the next of 16, 64, 256 … machines, so that one more machine changes no hosts file."""
    room = _room(service, kind, block)
    ceilings = {group: min(_ceiling(count), room) for group, count in service.counts.items()}
    return tuple((node.name, node.address) for node in _nodes(service, kind, block, ceilings))


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


def _ranks(manifest: model.Manifest, types: Catalog) -> dict[str, int]:
    """Start order: a service comes after those that it uses and whose type its own type needs."""
    by_name = {service.name: service for service in manifest.services}
    graph = {
        service.name: {
            used for used in service.uses if by_name[used].type in types[service.type].descriptor.needs
        }
        for service in manifest.services
    }
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise UserError(f"services need each other at start: {' -> '.join(error.args[1])}") from error
    ranks: dict[str, int] = {}
    for name in order:
        ranks[name] = 1 + max((ranks[used] for used in graph[name]), default=-1)
    return ranks


def _flows(manifest: model.Manifest, types: Catalog) -> tuple[Flow, ...]:
    flows: list[Flow] = []
    for service in manifest.services:
        users = [other.name for other in manifest.services if service.name in other.uses]
        for port in types[service.type].descriptor.ports:
            target = (service.name, port.group)
            sources = {
                "public": [("", "")],
                "service": [(service.name, "")],
                "application": [(user, "") for user in users],
            }
            flows += [Flow(source, target, port.port, port.protocol) for source in sources[port.source]]
        flows += [
            Flow(("", ""), (service.name, published.group), published.port, sources=published.sources)
            for published in service.publish
        ]
    return tuple(sorted(flows, key=lambda flow: (flow.target, flow.port, flow.source)))
