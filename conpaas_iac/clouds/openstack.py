"""OpenStack: servers of a project, on a network of the place's own or on one that is there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, ClassVar

from conpaas_iac.catalog import ServiceType
from conpaas_iac.clouds import base
from conpaas_iac.clouds.base import Seen, Sold, Tagged
from conpaas_iac.clouds.shared import naming, ranges, tags
from conpaas_iac.core.declaration import Declaration, Machine, machine_of
from conpaas_iac.core.layout import SIZES
from conpaas_iac.machines.configure import Executor
from conpaas_iac.openstack import listing, lookup, power
from conpaas_iac.runs.events import Listener

if TYPE_CHECKING:
    import pulumi

    from conpaas_iac.provider.sdk import Identity

CIDR = r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$"


@dataclass(frozen=True)
class Cloud(base.Cloud):
    """Servers are known by their ids; what they are there for is in their metadata and in the checkpoint."""

    SUMMARY = "servers of an OpenStack project"
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "required": ["SshFrom"],
        "properties": {
            "Cloud": {"type": "string", "description": "a cloud of clouds.yaml; else OS_CLOUD, or the OS_* variables"},
            "Region": {"type": "string", "description": "a region of that cloud"},
            "SshFrom": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": CIDR, "description": 'a range, as "203.0.113.0/24"'},
                "description": 'ranges that your own SSH connections come from, as ["203.0.113.0/24"]',
            },
            "Network": {"type": "string", "description": "a network that is there, instead of a network of its own"},
            "Range": {"type": "string", "pattern": CIDR, "description": "the range of its own network"},
            "Dns": {
                "type": "array",
                "items": {"type": "string", "pattern": r"^(\d{1,3}\.){3}\d{1,3}$", "description": "an IPv4 address"},
                "description": "resolvers of its own network, where the cloud has none",
            },
            "ExternalNetwork": {
                "type": "string",
                "description": "the network that leads outside, where there is more than one",
            },
            "FloatingIps": {
                "enum": ["all", "public", "none"],
                "description": "machines with a public address: all (on a network of its own, where SSH has no other"
                " way in), those with public ports, or none (on a network that is there)",
            },
            "Image": {"type": "string", "description": "name or id of the image, which is a Debian 12"},
            "Flavors": {
                "type": "object",
                "properties": {size: {"type": "string", "description": "a flavor's name"} for size in SIZES},
                "additionalProperties": False,
                "x-noun": "size",
                "description": "flavors that sizes stand for; else the smallest with as many cores and as much memory",
            },
            "Disk": {"type": "integer", "minimum": 5, "description": "GiB of a boot volume, not the flavor's own disk"},
            "Data": {"type": "integer", "minimum": 1, "maximum": 16384, "description": "GiB of a data volume"},
            "VolumeType": {"type": "string", "description": "type of its volumes, as one that encrypts them"},
        },
    }
    FIXED = ("Cloud", "Region", "Network", "Range")
    MACHINE = "openstack:compute/instance:Instance"
    MTU = 1442  # of a network in an overlay
    KEEPS_ADDRESS = True
    RESIZES = False
    BAKES = False
    ADOPTS = False
    OWN_RESOURCES = True
    KEYS_IN_USER_DATA = True

    def machine_name(self, application: str, environment: str, node: str) -> str:
        """What the dashboard shows; OpenStack takes any name, also twice, but it is the host name, too."""
        return naming.host_name(application, environment, node, "a host name has")

    def declare(
        self, declaration: Declaration, machines: tuple[Machine, ...], identity: "Identity"
    ) -> Mapping[str, "pulumi.Output[Any]"]:
        """See base.Cloud."""
        from conpaas_iac.openstack import machine, network

        place, owner, origin = self.place, identity.owner, self.settings.origin
        application, environment = declaration.application, declaration.environment
        title = self.machine_name(application, environment, place.resource)
        addresses = {each.node: self._has_address(each) for each in machines}
        shared = network.declare(place, title, tags.of_place(declaration, owner, origin), any(addresses.values()))
        flavors, images, made = lookup.flavors(place), lookup.images(place), {}
        for each in machines:
            # An image that is gone is no matter to machines that are there; others have been looked at before.
            kind = lookup.flavor(place, flavors, each.cpu, each.memory), images.get(each.image, each.image)
            own = tags.of_machine(declaration, each, owner, origin)
            called = self.machine_name(application, environment, each.resource)
            has_address = addresses[each.node]
            made[each.node] = machine.declare(each, called, place, shared, kind, identity, own, has_address)
        return made

    @property
    def _addressed(self) -> str:
        """Which machines have a floating address."""
        settings = self.place.settings
        return str(settings.get("FloatingIps", "none" if "Network" in settings else "all"))

    def _has_address(self, machine: Machine) -> bool:
        return self._addressed == "all" or (self._addressed == "public" and bool(machine.ports))

    @property
    def is_public(self) -> bool:
        """Where all have a floating address."""
        return self._addressed == "all"

    def sold(self, machine: Machine) -> Sold:
        """By our size: flavors are each cloud's own."""
        settings = self.place.settings
        storage = settings.get("Disk", 0) + (settings.get("Data", lookup.DATA) if machine.data else 0)
        return Sold("", settings.get("Region", ""), storage, int(self._has_address(machine)))

    @staticmethod
    def applied(inputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Machine:
        """Its facts are remembered beside it."""
        return machine_of(beside["host"])

    @staticmethod
    def made(outputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
        """The floating address, where it has one."""
        ip = beside.get("address", {}).get("address") or outputs.get("accessIpV4", "")
        return {"ip": ip, "hostKey": beside["host"].get("publicKey", "")}

    def preflight(self, machines: Collection[Machine]) -> None:
        """Login, networks, images, flavors and quota, in this order."""
        place, settings = self.place, self.place.settings
        if "Network" in settings:
            for span in lookup.spans(place, lookup.network(place, settings["Network"])):
                ranges.refuse_overlap(place, span, machines, "another network")
        else:
            ranges.refuse_overlap(place, IPv4Network(settings.get("Range", lookup.RANGE)), machines, ranges.OWN)
        if "Network" not in settings or any(map(self._has_address, machines)):
            lookup.network(place, settings.get("ExternalNetwork", ""), external=True)
        images, known = lookup.images(place), lookup.flavors(place)
        for name in sorted({machine.image for machine in machines}):
            lookup.image(place, images, name)
        flavors = [lookup.flavor(place, known, each.cpu, each.memory) for each in machines]
        cores, memory = sum(each.cores for each in flavors), sum(each.memory for each in flavors)
        lookup.refuse_over_quota(place, {"instances": len(flavors), "total_cores": cores, "total_ram": memory})

    def inventory(self, owner: str) -> tuple[Seen, ...]:
        """See base.Cloud."""
        return listing.of_owner(self.place, owner)

    def everything(self) -> tuple[Tagged, ...]:
        """See base.Cloud."""
        return listing.of_anybody(self.place)

    def operators(self) -> tuple[str, ...]:
        """As the manifest says: no call tells what address the cloud sees."""
        return tuple(self.place.settings["SshFrom"])

    def start(self, names: Iterable[str]) -> None:
        """See base.Cloud."""
        power.start(self.place, names)

    def stop(self, names: Iterable[str]) -> None:
        """See base.Cloud."""
        power.stop(self.place, names)

    def resize(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """With a restart."""
        power.resize(self.place, sizes)

    def remove(self, names: Iterable[str]) -> None:
        """See base.Cloud."""
        power.remove(self.place, names)

    def image(self, kind: ServiceType) -> str:
        """The same for all types: what they need is installed by their first configure."""
        return str(self.place.settings.get("Image", lookup.DEBIAN))

    def bake(self, kind: ServiceType, listen: Listener, execute: Executor) -> None:
        """Images are the cloud's own."""
