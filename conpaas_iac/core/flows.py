"""Who may talk to whom: what types' ports and the manifest's relations allow, and nothing else. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from conpaas_iac.catalog import Catalog
from conpaas_iac.manifest import model


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

    @property
    def is_public(self) -> bool:
        """Whether it is open to everybody."""
        return not self.source[0] and (not self.sources or any(not source.prefixlen for source in self.sources))


@dataclass(frozen=True)
class Port:
    """A port of one machine that is open to the outside: to `sources`, or to everybody."""

    port: int
    protocol: str = "tcp"
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offer:
    """A port that a service (or a group of it) has for others, used by any or not: what one may join for."""

    target: tuple[str, str]
    port: int
    protocol: str = "tcp"


def flows(manifest: model.Manifest, types: Catalog) -> tuple[Flow, ...]:
    """What the types' ports and the manifest's relations and published ports allow."""
    found: list[Flow] = []
    for service in manifest.services:
        users = [other.name for other in manifest.services if service.name in other.uses]
        for port in types[service.type].descriptor.ports:
            target = (service.name, port.group)
            sources = {
                "public": [("", "")],
                "service": [(service.name, "")],
                "application": [(user, "") for user in users],
                "mounts": [(other.name, "") for other in manifest.services if service.name in _mounted(other)],
            }
            found += [Flow(source, target, port.port, port.protocol) for source in sources[port.source]]
        found += [
            Flow(("", ""), (service.name, published.group), published.port, sources=published.sources)
            for published in service.publish
        ]
    return tuple(sorted(found, key=lambda flow: (flow.target, flow.port, flow.source)))


def _mounted(service: model.Service) -> set[str]:
    return {mount.service for mount in service.mounts}


def offers(manifest: model.Manifest, types: Catalog, allowed: Iterable[Flow]) -> tuple[Offer, ...]:
    """What there is to join for."""
    public = {Offer(flow.target, flow.port, flow.protocol) for flow in allowed if flow.is_public}
    for_users = {
        Offer((service.name, port.group), port.port, port.protocol)
        for service in manifest.services
        for port in types[service.type].descriptor.ports
        if port.source == "application"
    }
    return tuple(sorted(public | for_users, key=lambda offer: (offer.target, offer.port, offer.protocol)))
