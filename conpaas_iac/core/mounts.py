"""Volumes that services mount of others: what those know of it, and where the mounting machines find them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog, ServiceType
from conpaas_iac.core.layout import Node
from conpaas_iac.core.topology import Service, Topology
from conpaas_iac.manifest import model

PLACES = "/srv/conpaas/volumes"  # of those that lie in the code: a link leads from there to here
UNITS = (".service", ".timer", ".socket")


@dataclass(frozen=True)
class Mounted:
    """A mount of a service's machines."""

    name: str  # in the names of its files and its unit
    volume: str
    source: Service
    kind: ServiceType  # of the source
    mount: catalog.Mount
    secrets: Mapping[str, str]  # of the source
    path: str  # on the machine
    link: str = ""  # in the code
    owner: str = ""  # whose the volume is, where the manifest says it

    @property
    def mount_unit(self) -> str:
        """Active while it is mounted."""
        return named(self.mount.unit, self.name)

    def of(self, file: catalog.File) -> catalog.File:
        """A file of its type, as that of this mount."""
        return msgspec.structs.replace(file, path=named(file.path, self.name), unit=named(file.unit, self.name))

    def context(self, services: Mapping[str, Any], units: Iterable[str]) -> dict[str, Any]:
        """What templates see of it; `units` come after it when the machine boots."""
        return {
            "name": self.name,
            "volume": self.volume,
            "path": self.path,
            "from": services[self.source.name],
            "secrets": self.secrets,
            "before": [each if each.endswith(UNITS) else f"{each}.service" for each in units],
        }


def named(text: str, name: str) -> str:
    """A path or unit of a type, as that of the mount of this name."""
    return text.replace("{name}", name)


def name_of(mount: model.Mount) -> str:
    """In the names of its files and its unit."""
    return f"{mount.service}-{mount.volume}"


def of_node(node: Node, topology: Topology, types: Catalog) -> tuple[Mounted, ...]:
    """What a machine mounts: all that its service does, where it runs what the code is for."""
    service = topology.service(node.service)
    code = types[service.type].descriptor.code
    if code and not {*code} & {*node.groups}:
        return ()
    found = []
    for each in service.mounts:
        source, name, inside = topology.service(each.service), name_of(each), each.path[0] != "/"
        kind = types[source.type]
        owner = next((asked["owner"] for asked in _asked(source) if asked["name"] == each.volume), "")
        places = (f"{PLACES}/{name}", each.path) if inside else (each.path, "")
        assert kind.descriptor.mount
        about = (source, kind, kind.descriptor.mount, topology.current(source))
        found.append(Mounted(name, each.volume, *about, *places, owner))
    return tuple(found)


def kind_of(service: Service, topology: Topology, types: Catalog) -> ServiceType:
    """A service's type, with what its machines have besides so that they can mount what it mounts."""
    names = sorted({topology.service(each.service).type for each in service.mounts})
    return replace(types[service.type], clients=tuple(types[name] for name in names))


def volumes(service: Service, topology: Topology) -> list[dict[str, Any]]:
    """Those that a service has from the start: what it asks for, and what others mount of it."""
    asked = {each["name"]: {**each, "asked": True} for each in _asked(service)}
    mounted = {volume for _, volume in _mounts_of(service, topology.services)}
    others = {volume: {"name": volume, "owner": "", "asked": False} for volume in mounted}
    return [each for _, each in sorted({**others, **asked}.items())]


def mounted(service: Service, topology: Topology) -> list[dict[str, Any]]:
    """Who mounts which volume of a service, and from where."""
    return [
        {"volume": volume, "service": other.name, "ranges": _ranges(other)}
        for other, volume in _mounts_of(service, topology.services)
    ]


def _mounts_of(service: Service, services: Iterable[Service]) -> Iterator[tuple[Service, str]]:
    for other in services:
        yield from ((other, mount.volume) for mount in other.mounts if mount.service == service.name)


def _ranges(service: Service) -> list[str]:
    """The service's addresses, those of machines to come included."""
    outside = (str(node.address) for node in service.nodes if node.address not in service.block)
    return [str(service.block), *outside]


def _asked(service: Service) -> list[dict[str, str]]:
    written: Any = service.fields.get("VolumeStartup", [])
    found = [written] if isinstance(written, dict) else written
    return [{"name": each["volumeName"], "owner": each.get("owner", "")} for each in found]
