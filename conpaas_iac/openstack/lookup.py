"""What there is in a project of OpenStack: flavors, images, networks, and how much more it may have."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from conpaas_iac import openstack
from conpaas_iac.core.layout import SIZES
from conpaas_iac.core.ordering import count
from conpaas_iac.core.places import Place
from conpaas_iac.errors import UserError

DEBIAN = "debian-12"  # what a machine's image is called where it is the cloud's own one
RANGE = "172.31.0.0/20"  # of a place's own network: outside of what applications get
DISK, DATA = 16, 20  # GiB of volumes: to boot from, for data
QUOTAS: dict[str, tuple[str, Callable[[int], str]]] = {  # a quota -> what of it is in use, and how one speaks of it
    "instances": ("instances_used", lambda number: count(number, "machine")),
    "total_cores": ("total_cores_used", lambda number: count(number, "core")),
    "total_ram": ("total_ram_used", lambda number: f"{number} MiB of memory"),
}


@dataclass(frozen=True, order=True)
class Flavor:
    """What machines may be like there, in the order of what they take. Memory in MiB, disk in GiB."""

    memory: int
    cores: int
    disk: int
    name: str


@dataclass(frozen=True)
class Network:
    """A network that is there."""

    id: str
    name: str


def spans(place: Place, network: Network) -> tuple[IPv4Network, ...]:
    """The IPv4 ranges of its subnets."""
    with openstack.errors("list of subnets", place):
        found = openstack.client(place).network.subnets(network_id=network.id, ip_version=4)
        return tuple(IPv4Network(each.cidr) for each in found)


def flavors(place: Place) -> tuple[Flavor, ...]:
    """All that the project may use, smallest first."""
    with openstack.errors("list of flavors", place):
        found = openstack.client(place).compute.flavors()
        return tuple(sorted(Flavor(each.ram, each.vcpus, each.disk or 0, each.name) for each in found))


def flavor(place: Place, known: Iterable[Flavor], cores: int, memory: int) -> Flavor:
    """As set for the size of so much, else the smallest that has both; raises UserError where there is none."""
    known = tuple(known)
    sizes = {(size.cpu, size.memory): name for name, size in SIZES.items()}
    name = place.settings.get("Flavors", {}).get(sizes.get((cores, memory), ""))
    if name:
        fitting = [each for each in known if each.name == name]
        what = f"no flavor {name!r}"
    else:
        fitting = [each for each in known if each.cores >= cores and each.memory >= memory]
        what = f"no flavor of {cores} cores and {memory} MiB"
    if not fitting:
        there = ", ".join(each.name for each in known)
        raise UserError(f"cloud {place.name}: OpenStack has {what}", f"there are {there}" if there else "")
    return fitting[0]


def images(place: Place) -> dict[str, str]:
    """Name or id -> id, of those that machines may begin with; of several with one name, the newest. DEBIAN is there
    where an image of Debian 12 is.
    """
    with openstack.errors("list of images", place):
        active = sorted(openstack.client(place).image.images(status="active"), key=lambda each: each.created_at or "")
    named = [(each.name or "", each.id) for each in active]
    known = {**dict(named), **{key: key for _, key in named}}
    debian = [key for name, key in named if is_debian(name)]
    return {**({DEBIAN: debian[-1]} if debian else {}), **known}


def image(place: Place, known: Mapping[str, str], name: str) -> str:
    """Its id; raises UserError where there is none."""
    if name not in known:
        remedy = 'set "Image" of the cloud to the name of one with Debian 12: openstack image list'
        raise UserError(f"cloud {place.name}: OpenStack has no image {name!r}", remedy)
    return known[name]


def is_debian(name: str) -> bool:
    """Whether an image is Debian 12, as clouds call it: "Debian 12", "debian-12-genericcloud-amd64"."""
    name = name.lower().replace("_", "-")
    return bool(re.match(r"debian([- ./]|gnu|linux)*12\b", name)) and not re.search("arm|aarch", name)


def network(place: Place, name: str = "", external: bool = False) -> Network:
    """The network of that name or id; with `external` and no name, the only one that leads outside.

    Raises UserError where there is none, or more than one.
    """
    with openstack.errors("list of networks", place):
        found = [
            Network(each.id, each.name)
            for each in openstack.client(place).network.networks()
            if (each.is_router_external or not external) and name in ("", each.name, each.id)
        ]
    field = "ExternalNetwork" if external else "Network"
    kind = ("external network" if external else "network") + (f" {name!r}" if name else "")
    if len(found) == 1:
        return found[0]
    there = ", ".join(sorted(each.name for each in found))
    message = f"more than one {kind}: {there}" if found else f"no {kind}"
    remedy = f'set "{field}" of the cloud: openstack network list'
    raise UserError(f"cloud {place.name}: OpenStack has {message}", remedy)


def refuse_over_quota(place: Place, wanted: Mapping[str, int]) -> None:
    """Raises UserError where the project may not have so much more. Keys are those of QUOTAS; -1 is no limit."""
    with openstack.errors("list of quotas", place):
        limits = openstack.client(place).compute.get_limits().absolute
    short = []
    for name, more in wanted.items():
        used, words = QUOTAS[name]
        limit, there = getattr(limits, name), getattr(limits, used) or 0
        if limit is not None and limit >= 0 and there + more > limit:
            short.append(f"{words(more)} wanted, {max(0, limit - there)} of {limit} left")
    if short:
        remedy = "remove machines, make them smaller, or ask the cloud's operators for a higher quota"
        raise UserError(f"cloud {place.name}: the quota is short: {'; '.join(short)}", remedy)
