"""The application's VPN as data: topology and places of machines -> each machine's Nebula configuration. Pure.

What a machine is told about others are the lighthouses only; whom it lets in is said with groups of certificates,
never with addresses. So one more machine changes no other machine's file.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Interface
from typing import Any

import yaml

from conpaas_iac.core.flows import Flow, Offer
from conpaas_iac.core.layout import Node
from conpaas_iac.core.topology import Topology
from conpaas_iac.errors import UserError
from conpaas_iac.network.certificates import Subject

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C; a large application has many files
Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

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


def reach_group(service: str) -> str:
    """The certificate group of those who joined to reach a service; no group of machines holds a colon."""
    return f"reach:{service}"


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
        node.name: _text({**shared, **_own(node, places, lights), "firewall": _firewall(node, topology)})
        for node in known
    }


def reloads(before: str, after: str) -> bool:
    """Whether SIGHUP is enough to go from one text to the other, with every tunnel kept; else it takes a restart."""
    if before == after:  # to read them takes long
        return True
    old, new = _read(before), _read(after)
    return all(_at(old, path) == _at(new, path) for path in READ_AT_START)


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def blocking(text: str, blocked: Iterable[str]) -> str:
    """A configuration with another blocklist, as `configurations` would write it."""
    document = _read(text)
    document["pki"]["blocklist"] = sorted(set(blocked))
    return _text(document)


def opened(text: str, group: str) -> tuple[tuple[int, str], ...]:
    """(port, protocol) that a machine of this configuration opens to a certificate group."""
    rules = _read(text)["firewall"]["inbound"]
    return tuple((rule["port"], rule["proto"]) for rule in rules if rule["group"] == group)


def guest(running: str, lights: Mapping[str, str], folder: str, interface: str) -> str:
    """The configuration of a machine that is none of the application's: it calls others and lets nobody in.

    `running` is the configuration of one that is; `lights` is address -> provider's address of the lighthouses.
    """
    there = _read(running)
    shared = _shared(there["pki"]["blocklist"], Transport(there["cipher"], there["tun"]["mtu"]))
    files = {name: there["pki"][name].replace(FOLDER, folder, 1) for name in ("ca", "cert", "key")}
    return _text(
        {
            **shared,
            "pki": {**shared["pki"], **files},
            "listen": {**shared["listen"], "port": 0},
            "tun": {**shared["tun"], "dev": interface},
            "static_host_map": {address: [f"{ip}:{PORT}"] for address, ip in lights.items()},
            "lighthouse": {"am_lighthouse": False, "hosts": list(lights)},
            "relay": {"am_relay": False, "use_relays": True, "relays": list(lights)},
            "firewall": _doors([]),
        }
    )


def _read(text: str) -> Any:
    return yaml.load(text, Loader)


def _text(document: Mapping[str, Any]) -> str:
    sections = (_section(json.dumps({name: value})) for name, value in document.items())
    return "# Written by conpaas, changes are lost.\n" + "".join(sections)


@lru_cache(1024)
def _section(document: str) -> str:
    """A part of the text: most are the same on many machines, and to write one takes milliseconds."""
    text: str = yaml.dump(json.loads(document), Dumper=Dumper, sort_keys=False)
    return text


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


def _firewall(node: Node, topology: Topology) -> dict[str, Any]:
    """In comes what the flows say, ping, and who joined for what is offered here; nothing else."""
    allowed = {rule for flow in topology.flows if _concerns(flow, node) for rule in _rules(flow)}
    offers = (offer for offer in topology.offers if _concerns(offer, node))
    allowed |= {(offer.port, offer.protocol, reach_group(node.service)) for offer in offers}
    ping = {"port": "any", "proto": "icmp", "group": EVERY_NODE}
    return _doors([ping, *({"port": port, "proto": proto, "group": group} for port, proto, group in sorted(allowed))])


def _doors(inbound: list[dict[str, Any]]) -> dict[str, Any]:
    """Everything out."""
    return {
        "outbound_action": "drop",
        "inbound_action": "drop",
        "outbound": [{"port": "any", "proto": "any", "host": "any"}],
        "inbound": inbound,
    }


def _concerns(what: Flow | Offer, node: Node) -> bool:
    service, group = what.target
    return service == node.service and (not group or group in node.groups)


def _rules(flow: Flow) -> list[tuple[int, str, str]]:
    """(port, protocol, group). What is open to everybody outside is open to every machine inside, too."""
    service, group = flow.source
    if service:
        return [(flow.port, flow.protocol, service_group(service, group))]
    return [(flow.port, flow.protocol, EVERY_NODE)] if flow.is_public else []
