"""The application's VPN as data: topology and places of machines -> each machine's Nebula configuration. Pure.

What a machine is told about others are the lighthouses only; whom it lets in is said with groups of certificates,
never with addresses. So one more machine changes no other machine's file.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Any

import yaml

from conpaas_iac.certificates import Subject
from conpaas_iac.errors import UserError
from conpaas_iac.layout import Node
from conpaas_iac.topology import Flow, Topology

PORT = 4242
INTERFACE = "vpn0"
FOLDER = "/etc/nebula"
CONFIG = f"{FOLDER}/config.yml"
AUTHORITIES = f"{FOLDER}/ca.crt"
CERTIFICATE = f"{FOLDER}/node.crt"
KEY = f"{FOLDER}/node.key"
LIGHTHOUSES = 2
OVERHEAD = 60  # bytes that the VPN adds to a packet
READ_AT_START = (("lighthouse", "am_lighthouse"), ("listen", "port"), ("tun", "dev"), ("cipher",))

# Slugs hold neither stars nor dots, so no service can be called like one of these or like Nebula's own "any".
EVERY_NODE = "*"


@dataclass(frozen=True)
class Place:
    """Where a machine is: its address on the provider's network, and whether all others can send to it."""

    ip: str
    reachable: bool = True


@dataclass(frozen=True)
class Transport:
    """How packets travel. Every machine of an application must have the same cipher; the MTU may differ."""

    cipher: str = "aes"
    mtu: int = 1300


def service_group(service: str, group: str = "") -> str:
    """The certificate group of a service's machines, or of those that run one of its groups."""
    return f"{service}.{group or '*'}"


def subject(node: Node, topology: Topology) -> Subject:
    """What a node's certificate says."""
    groups = (EVERY_NODE, service_group(node.service), *(service_group(node.service, each) for each in node.groups))
    return Subject(node.name, IPv4Interface((node.address, topology.range.prefixlen)), groups)


def lighthouses(topology: Topology, places: Mapping[str, Place], former: Collection[str] = ()) -> tuple[Node, ...]:
    """Two machines (or the only one) that others ask where machines are, and that relay where nothing else does.

    `former` are the ones in use: they stay while they can. New ones are the first machines of the oldest services, so
    that scaling changes nothing even without a memory.
    """
    able = [node for node in topology.nodes if node.name in places and places[node.name].reachable]
    ages = {service.name: service.block.network_address for service in topology.services}
    ordered = sorted(able, key=lambda node: (node.name not in former, node.ordinal, ages[node.service], node.name))
    return tuple(sorted(ordered[:LIGHTHOUSES], key=lambda node: node.address))


def configurations(
    topology: Topology,
    places: Mapping[str, Place],
    blocked: Iterable[str] = (),
    former: Collection[str] = (),
    transport: Transport | None = None,
) -> dict[str, str]:
    """Node -> the text of its configuration, for every node that has a place.

    `blocked` are fingerprints of certificates that nobody shall talk to any more.
    Raises UserError where no machine can be reached by the others.
    """
    known = [node for node in topology.nodes if node.name in places]
    lights = lighthouses(topology, places, former)
    if len(known) > 1 and not lights:
        raise UserError(
            f"{topology.application}: no machine can be reached by all others, so they cannot find each other",
            "place one machine where UDP port 4242 is open to the others",
        )
    shared = _shared(sorted(set(blocked)), transport or Transport())
    return {
        node.name: _text({**shared, **_own(node, places, lights), "firewall": firewall(node, topology.flows)})
        for node in known
    }


def reloads(before: str, after: str) -> bool:
    """Whether SIGHUP is enough to go from one text to the other, with every tunnel kept; else it takes a restart."""
    old, new = yaml.safe_load(before), yaml.safe_load(after)
    return all(_at(old, path) == _at(new, path) for path in READ_AT_START)


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def _text(document: Mapping[str, Any]) -> str:
    return "# Written by conpaas, changes are lost.\n" + yaml.safe_dump(document, sort_keys=False)


def _shared(blocked: list[str], transport: Transport) -> dict[str, Any]:
    return {
        "pki": {
            "ca": AUTHORITIES,
            "cert": CERTIFICATE,
            "key": KEY,
            "disconnect_invalid": True,
            "blocklist": blocked,
        },
        "listen": {"host": "0.0.0.0", "port": PORT},
        "punchy": {"punch": True, "respond": True},
        "cipher": transport.cipher,
        "tun": {"dev": INTERFACE, "mtu": transport.mtu},
        "logging": {"level": "info", "disable_timestamp": True},  # the journal has its own
    }


def _own(node: Node, places: Mapping[str, Place], lights: tuple[Node, ...]) -> dict[str, Any]:
    """What depends on where this machine is, and on where the lighthouses are."""
    here = places[node.name]
    others = {str(light.address): f"{places[light.name].ip}:{PORT}" for light in lights if light != node}
    is_light = node in lights
    return {
        "static_host_map": {address: [place] for address, place in others.items()},
        "lighthouse": {
            "am_lighthouse": is_light,
            "hosts": [] if is_light else list(others),
            "advertise_addrs": [f"{here.ip}:{PORT}"] if here.reachable else [],
        },
        # Relays are for reaching this machine: only where it cannot be reached directly.
        "relay": {"am_relay": is_light, "use_relays": True, "relays": [] if here.reachable else list(others)},
    }


def firewall(node: Node, flows: Iterable[Flow]) -> dict[str, Any]:
    """Everything out; in comes what the flows say and ping, nothing else."""
    allowed = {rule for flow in flows if _concerns(flow, node) for rule in _rules(flow)}
    ping = {"port": "any", "proto": "icmp", "group": EVERY_NODE}
    inbound = [{"port": port, "proto": protocol, "group": group} for port, protocol, group in sorted(allowed)]
    return {
        "outbound_action": "drop",
        "inbound_action": "drop",
        "outbound": [{"port": "any", "proto": "any", "host": "any"}],
        "inbound": [ping, *inbound],
    }


def _concerns(flow: Flow, node: Node) -> bool:
    service, group = flow.target
    return service == node.service and (not group or group in node.groups)


def _rules(flow: Flow) -> list[tuple[int, str, str]]:
    """(port, protocol, group). What is open to everybody outside is open to every machine inside, too."""
    service, group = flow.source
    if service:
        return [(flow.port, flow.protocol, service_group(service, group))]
    everybody = not flow.sources or any(not source.prefixlen for source in flow.sources)
    return [(flow.port, flow.protocol, EVERY_NODE)] if everybody else []
