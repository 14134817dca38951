"""Why there is a machine, or an address."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from conpaas_iac.clouds import Reach
from conpaas_iac.core.layout import Node
from conpaas_iac.manifest.model import Service
from conpaas_iac.why.whyground import Ground
from conpaas_iac.why.whystep import Answer, Step, role


def of_machine(query: str, ground: Ground) -> Iterator[Answer]:
    """By its name, its fixed address, the provider's, or what the cloud calls it."""
    for node in ground.topology.nodes:
        if query in _names(node, ground):
            yield Answer("machine", node.name, tuple(_machine(node, ground)), (node.name,))
            return
    joined = [each for each in ground.joins if query in (each.name, each.address)]
    for each in joined:
        text = f"{each.name} joined, let in by {each.by} until {each.ends:%Y-%m-%d %H:%M} UTC"
        yield Answer("address", each.address, (Step(text), Step(f"reaches {', '.join(each.reach)}")))
    if not joined:
        yield from _reserved(query, ground)


def _names(node: Node, ground: Ground) -> set[str]:
    layout = ground.topology
    cloud = Reach(layout.places, ground.settings)[node.cloud]
    machine = cloud.machine_name(layout.application, layout.environment, node.name)
    full = f"{node.name}.{layout.application}.internal"
    return {node.name, full, str(node.address), machine, ground.ips.get(node.name, "")} - {""}


def _service(name: str, ground: Ground) -> Service:
    return next(each for each in ground.manifest.services if each.name == name)


def _machine(node: Node, ground: Ground) -> Iterator[Step]:
    service = _service(node.service, ground)
    kind, at = ground.types[service.type], service.pointer
    yield Step(f"a machine of service {service.title!r}, type {kind.name}", ground.where(at))
    for group in node.groups:
        place = ground.where(f"{at}/Machines/{group}", f"{at}/StartupInstances/{group}")
        place = place or role(kind, "meta/service.yml", "groups", group, "default")
        yield Step(f"runs {group}: {service.counts[group]} of them", place)
    yield _address(node, service, ground)
    size = f"{node.size.cpu} cpu, {node.size.memory} MiB"
    place = ground.where(*(f"{at}/Machines/{group}" for group in node.groups), f"{at}/Size")
    yield Step(f"{size}: size {service.size}" + ("" if place else " (the default)"), place)
    place = ground.where(f"{at}/Cloud")
    yield Step(f"on {node.cloud}" + ("" if place else " (the default)"), place)
    if ip := ground.ips.get(node.name):
        yield Step(f"{ip} on the network of {node.cloud}: the cloud gave it")


def _address(node: Node, service: Service, ground: Ground) -> Step:
    asked = ground.where(f"{service.pointer}/Address")
    if asked and any(node.address in addresses for addresses in service.addresses.values()):
        return Step(f"{node.address}: asked for", asked)
    block = ground.topology.service(service.name).block
    return Step(f"{node.address}: number {node.ordinal} of {block}, fixed by the lock file", ground.block(service.name))


def _reserved(query: str, ground: Ground) -> Iterator[Answer]:
    """An address, or a name, that is kept for a machine to come."""
    for layout in ground.topology.services:
        service = _service(layout.name, ground)
        for name, address in layout.directory:
            if query in (name, str(address)):
                count = f"its service has {len(layout.nodes)} machines now"
                steps = (
                    Step(f"kept for {name} ({address}), which is not wanted: {count}", ground.where(service.pointer)),
                    Step(f"of {layout.block}, fixed by the lock file", ground.block(layout.name)),
                )
                yield Answer("address", str(address), steps)
                return
    yield from _in_block(query, ground)


def _in_block(query: str, ground: Ground) -> Iterator[Answer]:
    try:
        address = IPv4Address(query)
    except ValueError:
        return
    for layout in ground.topology.services:
        if address in layout.block:
            step = Step(f"in {layout.block}, the block of {layout.name}; no machine has it", ground.block(layout.name))
            yield Answer("address", query, (step,))


def of_service(query: str, ground: Ground) -> Iterator[Answer]:
    """By its name or title."""
    for service in ground.manifest.services:
        if query in (service.name, service.title):
            kind, layout = ground.types[service.type], ground.topology.service(service.name)
            steps = [
                Step(f"service {service.title!r}", ground.where(service.pointer)),
                Step(f"type {kind.name}: {kind.descriptor.summary}", role(kind, "meta/service.yml", "summary")),
                Step(f"addresses {layout.block}, fixed by the lock file", ground.block(service.name)),
            ]
            steps += [
                Step(f"used by {other.title!r}", ground.where(f"{other.pointer}/Uses", other.pointer))
                for other in ground.manifest.services
                if service.name in other.uses
            ]
            yield Answer("service", service.name, tuple(steps), tuple(node.name for node in layout.nodes))
