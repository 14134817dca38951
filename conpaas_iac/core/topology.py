"""The pure core: manifest + service types + lock -> machines, groups, fixed addresses, who may talk to whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from ipaddress import IPv4Address, IPv4Network

from conpaas_iac.catalog import Catalog, Secret, ServiceType
from conpaas_iac.core import flows, placeholders
from conpaas_iac.core.addresses import Lock
from conpaas_iac.core.flows import Flow, Offer, Port
from conpaas_iac.core.layout import Node, directory, entries, nodes
from conpaas_iac.core.placeholders import Versions
from conpaas_iac.core.places import Places, named
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import model


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
    entries: tuple[IPv4Address, ...]  # of the machines that answer for it, the first one first
    code: str = ""  # version of the code (sha256), "" without code
    at_once: int = 1  # machines in service that a change may visit side by side
    rank: int = 0  # start order among services: lower first
    secrets: Mapping[str, str] = field(default_factory=dict)  # the type's name of a secret -> the application's
    environment_secrets: Mapping[str, str] = field(default_factory=dict)  # variable -> secret
    fields: Mapping[str, object] = field(default_factory=dict)  # the type's own, but for code, data and secrets
    mounts: tuple[model.Mount, ...] = ()

    @property
    def entry(self) -> IPv4Address:
        """The address that answers for it."""
        return self.entries[0]


@dataclass(frozen=True)
class Topology:
    """The whole application, as it should be."""

    application: str
    environment: str
    range: IPv4Network
    services: tuple[Service, ...]
    flows: tuple[Flow, ...] = field(default=())
    offers: tuple[Offer, ...] = field(default=())
    secrets: Mapping[str, Versions] = field(default_factory=dict)
    places: Places = field(default_factory=dict)  # that machines are at

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every machine, in the order of services and ordinals."""
        return tuple(node for service in self.services for node in service.nodes)

    def node(self, name: str) -> Node:
        """The machine of that name; raises KeyError."""
        return {node.name: node for node in self.nodes}[name]

    def provider(self, node: Node) -> str:
        """The provider of the cloud that a machine is on."""
        return named(self.places, node.cloud).provider

    def public(self, node: Node) -> tuple[Port, ...]:
        """Ports of a machine that are open to the outside."""
        return tuple(
            Port(flow.port, flow.protocol, tuple(map(str, flow.sources)))
            for flow in self.flows
            if flow.source == ("", "") and flow.target[0] == node.service and flow.target[1] in ("", *node.groups)
        )

    def current(self, service: Service) -> dict[str, str]:
        """The type's name of each secret of a service -> its current value's placeholder."""
        return {name: placeholders.current(each, self.secrets[each]) for name, each in service.secrets.items()}

    def service(self, name: str) -> Service:
        """The service of that name; raises KeyError."""
        return {service.name: service for service in self.services}[name]


def build(
    manifest: model.Manifest,
    environment: str,
    types: Catalog,
    lock: Lock,
    code: Mapping[str, str],
    secrets: Mapping[str, Versions] | None = None,
    secret_names: Mapping[str, Mapping[str, str]] | None = None,
) -> Topology:
    """Lay the manifest out.

    `lock` must hold a block for every service; `code` is service -> version of its code; `secrets` are those that have
    a value, those that lack one and may be made are added; `secret_names` are those in use, by service.
    Raises UserError where a block is too small for what is asked.
    """
    ranks = _ranks(manifest, types)
    services = tuple(
        _service(
            replace(service, secrets={**_names_in_use(service, types, secret_names or {}), **service.secrets}),
            types[service.type],
            lock.blocks[service.name],
            code.get(service.name, ""),
            ranks[service.name],
        )
        for service in sorted(manifest.services, key=lambda each: each.name)
    )
    _distinct(services)
    allowed = flows.flows(manifest, types)
    offers = flows.offers(manifest, types, allowed)
    known = _secrets(manifest.application, services, secrets or {})
    names = {node.cloud for service in services for node in service.nodes}
    places = {name: named(manifest.clouds, name) for name in sorted(names)}
    return Topology(manifest.application, environment, lock.range, services, allowed, offers, known, places)


def _secrets(application: str, services: Iterable[Service], known: Mapping[str, Versions]) -> dict[str, Versions]:
    """Every secret with its versions; what services ask for and nobody made yet is made now, in version 1."""
    made = {name: (1,) for service in services for name in service.secrets.values()}
    for service in services:
        for variable, name in service.environment_secrets.items():
            if name not in known and name not in made:
                raise UserError(
                    f"the secret {name!r} of {service.name}'s variable {variable} has no value",
                    f"conpaas secret set {application} {name}",
                )
    return {**made, **known}


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
        nodes=nodes(service, kind, block, service.counts) if service.start else (),
        directory=directory(service, kind, block),
        uses=service.uses,
        options=service.options,
        environment=service.environment,
        entries=entries(service, kind, block),
        code=code,
        rank=rank,
        secrets={
            name: service.secrets.get(said.field or name) or _own(service.name, name, said)
            for name, said in kind.descriptor.secrets.items()
        },
        environment_secrets=service.environment_secrets,
        at_once=service.at_once,
        fields=_fields(service, kind),
        mounts=service.mounts,
    )


def _fields(service: model.Service, kind: ServiceType) -> dict[str, object]:
    """What templates may see of them."""
    secrets = {secret.field for secret in kind.descriptor.secrets.values()}
    return {name: value for name, value in service.fields.items() if name not in {"Archive", "Dump", *secrets}}


def _names_in_use(
    service: model.Service, types: Catalog, known: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Field (or, for an inner secret, its name) -> the secret that the service has: it keeps it when it is renamed."""
    used = known.get(service.name) or known.get(service.renamed_from) or {}
    secrets = types[service.type].descriptor.secrets
    return {secrets[name].field or name: secret for name, secret in used.items() if name in secrets}


def _own(service: str, name: str, said: Secret) -> str:
    """A secret that the manifest does not name."""
    return service if said.field else f"{service}.{name}"


def _ranks(manifest: model.Manifest, types: Catalog) -> dict[str, int]:
    """Start order: a service comes after those that it uses and whose type its own type needs, or that it mounts."""
    by_name = {service.name: service for service in manifest.services}
    graph = {
        service.name: {
            used for used in service.uses if by_name[used].type in types[service.type].descriptor.needs
        }
        | {mount.service for mount in service.mounts}
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
