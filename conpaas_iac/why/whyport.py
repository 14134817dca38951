"""Why a port is open, and to whom."""

import re
from collections.abc import Iterator

from conpaas_iac.catalog import Port
from conpaas_iac.manifest.model import Service
from conpaas_iac.network import vpn
from conpaas_iac.why.whyground import Ground
from conpaas_iac.why.whystep import Answer, Step, role

FIREWALL = "roles/machine/templates/etc/nftables.conf.j2"


def of_port(query: str, ground: Ground) -> Iterator[Answer]:
    """3306, 3306/tcp or :3306."""
    match = re.fullmatch(r":?(\d{1,5})(?:/(tcp|udp))?", query)
    if not match:
        return
    wanted, protocol = int(match[1]), match[2]
    for service in ground.manifest.services:
        ports = ground.types[service.type].descriptor.ports
        for number, port in enumerate(ports):
            if port.port in (wanted, 0) and (protocol is None or port.protocol in (protocol, "any")):
                yield _listening(service, port, number, ground, f"{port.port or wanted}/{port.protocol}")
        for published in service.publish:
            if published.port == wanted:
                sources = ", ".join(map(str, published.sources)) or "everybody"
                place = ground.where(f"{service.pointer}/Publish/{published.group}", f"{service.pointer}/Publish")
                step = Step(f"published to {sources}", place)
                yield Answer("port", f"{wanted}/tcp", (step,), _nodes(service, ground, published.group))
    yield from _of_every_machine(wanted, ground)


def _nodes(service: Service, ground: Ground, group: str = "") -> tuple[str, ...]:
    nodes = ground.topology.service(service.name).nodes
    return tuple(node.name for node in nodes if not group or group in node.groups)


def _listening(service: Service, port: Port, number: int, ground: Ground, name: str) -> Answer:
    kind = ground.types[service.type]
    steps = [
        Step(f"{port.name} of {kind.name}: its {port.group} listens", role(kind, "meta/service.yml", "ports", number)),
        Step(f"service {service.title!r} is of this type", ground.where(f"{service.pointer}/Type", service.pointer)),
        *_open_to(service, port, ground),
    ]
    return Answer("port", name, tuple(steps), _nodes(service, ground, port.group))


def _open_to(service: Service, port: Port, ground: Ground) -> Iterator[Step]:
    if port.source == "public":
        yield Step("open to everybody, as the type says")
    elif port.source == "service":
        yield Step(f"open to machines of {service.name} alone")
    else:
        users = [other for other in ground.manifest.services if service.name in other.uses]
        for other in users:
            place = ground.where(f"{other.pointer}/Uses")
            why = "it uses it" if place else 'it has no "Uses", so it uses all others'
            yield Step(f"open to machines of {other.name}: {why}", place or ground.where(other.pointer))
        if not users:
            yield Step("open to nobody: no service uses it")


def _of_every_machine(wanted: int, ground: Ground) -> Iterator[Answer]:
    known = {22: ("tcp", "SSH, from the operator alone"), vpn.PORT: ("udp", "the application's own network")}
    if wanted in known:
        protocol, what = known[wanted]
        template = ground.internal["machine"].folder / "templates/etc/nftables.conf.j2"
        lines = enumerate(template.read_text().splitlines(), 1)
        line = next((number for number, text in lines if f"{protocol} dport {wanted}" in text), 1)
        nodes = tuple(node.name for node in ground.topology.nodes)
        step = Step(f"{what}: every machine has it", f"{FIREWALL}:{line}:1")
        yield Answer("port", f"{wanted}/{protocol}", (step,), nodes)
