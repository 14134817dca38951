"""What the stack declares, as data: the topology's machines plus what only the stack cares for. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import msgspec

from conpaas_iac.core import placeholders
from conpaas_iac.core.flows import Port
from conpaas_iac.core.layout import Node
from conpaas_iac.core.places import Place, Places
from conpaas_iac.core.topology import Topology
from conpaas_iac.errors import UserError


@dataclass(frozen=True)
class Machine:
    """One machine resource. `image` is read at creation only; a higher `incarnation` is a new machine."""

    node: str
    service: str
    type: str
    cloud: str
    address: str  # with prefix length: "10.42.16.1/16"
    cpu: int
    memory: int  # MiB
    image: str
    incarnation: int = 1
    made_as: str = ""  # the node's name when it was made, where its service was renamed since; names the resource
    ports: tuple[Port, ...] = field(default=(), compare=False)  # open to the outside, in the cloud's own firewall
    data: str = field(default="", compare=False)  # the folder of the data that it keeps, for a volume of its own

    @property
    def fixed_address(self) -> str:
        """Inside the application's network, without the prefix length."""
        return self.address.partition("/")[0]

    @property
    def resource(self) -> str:
        """Its name in the stack and, in part, in the cloud: it stays when the service is renamed."""
        return self.made_as or self.node


@dataclass(frozen=True)
class Declaration:
    """All that one run of the engine is told to have."""

    application: str
    environment: str
    range: str  # of the application's network
    epoch: int  # of its authority
    machines: tuple[Machine, ...]
    secrets: tuple[str, ...] = ()  # versions, as "db@3"
    places: Mapping[str, Place] = field(default_factory=dict)  # that its machines are at

    @property
    def clouds(self) -> tuple[str, ...]:
        """Clouds in use, by name."""
        return tuple(sorted({machine.cloud for machine in self.machines}))


def encode(declaration: Declaration) -> bytes:
    """Readable text; `stacks/application` declares from it."""
    return msgspec.json.format(msgspec.json.encode(declaration), indent=2) + b"\n"


def decode(content: bytes) -> Declaration:
    """Raises UserError for what is no declaration."""
    try:
        return msgspec.json.decode(content, type=Declaration)
    except msgspec.DecodeError as error:
        raise UserError(f"not a declaration: {error}", "take the declaration.json that `conpaas up` wrote") from error


def facts(machine: Machine, place: Place) -> dict[str, Any]:
    """A machine as values that a resource may hold; `machine_of` reads them again."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(replace(machine, cloud=place.resource, made_as="")))
    return found


def machine_of(facts: Mapping[str, Any]) -> Machine:
    """The machine of such values, as they are in the checkpoint; numbers may be floats."""
    known = {each.name for each in fields(Machine)}
    return msgspec.convert({name: value for name, value in facts.items() if name in known}, Machine, strict=False)


def wanted(
    topology: Topology,
    images: Mapping[str, str],
    applied: Iterable[Machine] = (),
    epoch: int = 1,
) -> Declaration:
    """The declaration of a topology. `images` is node -> image; machines that are there keep their incarnation."""
    there = {machine.node: machine for machine in applied}
    taken = {machine.made_as for machine in there.values() if machine.made_as}
    return Declaration(
        topology.application,
        topology.environment,
        str(topology.range),
        epoch,
        tuple(
            _machine(node, topology, images.get(node.name, ""), there.get(node.name), taken) for node in topology.nodes
        ),
        placeholders.all_keys(topology.secrets),
        topology.places,
    )


def _machine(node: Node, topology: Topology, image: str, there: Machine | None, taken: Collection[str]) -> Machine:
    """`taken` are names that machines of renamed services were made with."""
    return Machine(
        node=node.name,
        service=node.service,
        type=topology.service(node.service).type,
        cloud=node.cloud,
        address=f"{node.address}/{topology.range.prefixlen}",
        cpu=node.size.cpu,
        memory=node.size.memory,
        image=there.image if there else image,
        incarnation=there.incarnation if there else 1,
        made_as=there.made_as if there else f"{node.name}-new" if node.name in taken else "",
        ports=topology.public(node),
        data=node.data,
    )


def renamed(machines: Iterable[Machine], names: Mapping[str, str]) -> tuple[Machine, ...]:
    """The machines under their services' new names. `names` is former name -> name."""
    return tuple(
        replace(
            machine,
            node=new_name(machine.node, machine.service, names[machine.service]),
            service=names[machine.service],
            made_as=machine.resource,
        )
        if machine.service in names
        else machine
        for machine in machines
    )


def new_name(node: str, service: str, name: str) -> str:
    """blog-1 of blog, now called front: front-1."""
    return name + node.removeprefix(service)


def with_going(
    declaration: Declaration, applied: Iterable[Machine], places: Places, secrets: Iterable[str] = ()
) -> Declaration:
    """Expand first: everything wanted, and what is applied, at its places, and not wanted any more."""
    names = {machine.node for machine in declaration.machines}
    going = tuple(machine for machine in applied if machine.node not in names)
    kept = tuple(sorted({*declaration.secrets, *secrets}))
    return replace(with_machines(declaration, going, places), secrets=kept)


def with_machines(declaration: Declaration, machines: Iterable[Machine], there: Places) -> Declaration:
    """With these besides, and the places that they are at."""
    machines = (*declaration.machines, *machines)
    used, known = {machine.cloud for machine in machines}, {**there, **declaration.places}
    places = {name: known[name] for name in sorted(used & known.keys())}
    return replace(declaration, machines=machines, places=places)


def reborn(declaration: Declaration, gone: Iterable[str], images: Mapping[str, str]) -> Declaration:
    """Machines that the cloud has lost get a new incarnation, from today's image."""
    lost = set(gone)
    machines = tuple(
        replace(machine, incarnation=machine.incarnation + 1, image=images.get(machine.node) or machine.image)
        if machine.node in lost
        else machine
        for machine in declaration.machines
    )
    return replace(declaration, machines=machines)
