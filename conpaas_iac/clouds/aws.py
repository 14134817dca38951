"""AWS: instances of EC2 in a network of the place's own, or in a subnet that is there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from conpaas_iac.aws import images, listing, power, preflight, sizes
from conpaas_iac.aws.sizes import DATA, DISK
from conpaas_iac.catalog import ServiceType
from conpaas_iac.clouds import base
from conpaas_iac.clouds.base import Seen, Sold, Tagged
from conpaas_iac.clouds.shared import naming, tags
from conpaas_iac.core.declaration import Declaration, Machine, machine_of
from conpaas_iac.core.places import Place
from conpaas_iac.machines.configure import Executor
from conpaas_iac.manifest import model
from conpaas_iac.manifest.provider import Objection
from conpaas_iac.runs.events import Listener

if TYPE_CHECKING:
    import pulumi

    from conpaas_iac.provider.sdk import Identity

CIDR = r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$"
TYPE = {"type": "string", "pattern": r"^[a-z0-9-]+\.[a-z0-9-]+$", "description": 'an instance type, as "t3.small"'}


@dataclass(frozen=True)
class Cloud(base.Cloud):
    """Instances are known by their ids; what they are there for is in their tags and in the checkpoint."""

    SUMMARY = "instances of Amazon EC2"
    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "required": ["Region", "SshFrom"],
        "properties": {
            "Region": {
                "type": "string",
                "pattern": r"^[a-z]{2}(-[a-z]+)+-\d+$",
                "description": 'the region that its machines are in, as "eu-west-1"',
            },
            "SshFrom": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": CIDR, "description": 'a range, as "203.0.113.0/24"'},
                "description": 'ranges that your own SSH connections come from, as ["203.0.113.0/24"]',
            },
            "Profile": {"type": "string", "description": "a profile of ~/.aws/config; else AWS's own default"},
            "Account": {
                "type": "string",
                "pattern": r"^\d{12}$",
                "description": "the account's number: credentials of another account are refused",
            },
            "Subnet": {
                "type": "string",
                "pattern": "^subnet-[0-9a-f]+$",
                "description": "a subnet that is there and has a way to the internet, instead of a network of its own",
            },
            "Range": {"type": "string", "pattern": CIDR, "description": "the range of its own network; /16 to /28"},
            "Zone": {"type": "string", "description": 'the availability zone of its own subnet, as "eu-west-1a"'},
            "Sizes": {
                "type": "object",
                "properties": {"small": TYPE, "medium": TYPE, "large": TYPE},
                "additionalProperties": False,
                "x-noun": "size",
                "description": "instance types that sizes stand for, where they are not ours",
            },
            "Disk": {"type": "integer", "minimum": 8, "maximum": 16384, "description": "GiB of a machine's own disk"},
            "Data": {"type": "integer", "minimum": 1, "maximum": 16384, "description": "GiB of a data volume"},
        },
    }
    FIXED = ("Region", "Account", "Subnet", "Range", "Zone")
    MACHINE = "aws:ec2/instance:Instance"
    MTU = 1500  # packets that cross the internet
    KEEPS_ADDRESS = False
    PUBLIC = True
    RESIZES = False
    BAKES = False
    ADOPTS = False
    KEYS_IN_USER_DATA = True
    OWN_RESOURCES = True

    def sold(self, machine: Machine) -> Sold:
        """Its type, its disks, and the public address that every instance has."""
        own, more = self.place.settings.get("Disk", DISK), self.place.settings.get("Data", DATA)
        kind, region = sizes.instance_type(self.place, machine.cpu, machine.memory), self.place.settings["Region"]
        return Sold(kind, region, own + (more if machine.data else 0), 1)

    @staticmethod
    def objections(service: model.Service, place: Place) -> Iterable[Objection]:
        """Only images of EC2 are there."""
        if service.image and not service.image.startswith("ami-"):
            yield Objection("Image", f'"{service.image}" is no image of EC2', 'an id, as "ami-0f0e1d2c3b4a59687"')

    def machine_name(self, application: str, environment: str, node: str) -> str:
        """What the console shows; EC2 takes any name, also twice."""
        return naming.full_name(application, environment, node)

    def declare(
        self, declaration: Declaration, machines: tuple[Machine, ...], identity: "Identity"
    ) -> Mapping[str, "pulumi.Output[Any]"]:
        """See base.Cloud."""
        from conpaas_iac.aws import machine, network

        owner, origin = identity.owner, self.settings.origin
        shared = network.declare(self.place, tags.of_place(declaration, owner, origin), identity.publicKey)
        made = {}
        for each in machines:
            name = self.machine_name(declaration.application, declaration.environment, each.node)
            own = {**tags.of_machine(declaration, each, owner, origin), "Name": name}
            made[each.node] = machine.declare(each, self.place, shared, identity, own)
        return made

    @staticmethod
    def applied(inputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Machine:
        """Its facts are remembered beside it."""
        return machine_of(beside["host"])

    @staticmethod
    def made(outputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
        """The fixed public address, where it has one."""
        ip = beside.get("address", {}).get("publicIp") or outputs.get("publicIp", "")
        return {"ip": ip, "hostKey": beside["host"].get("publicKey", "")}

    def preflight(self, machines: Collection[Machine]) -> None:
        """See base.Cloud."""
        preflight.check(self.place, machines)

    def inventory(self, owner: str) -> tuple[Seen, ...]:
        """See base.Cloud."""
        return listing.of_owner(self.place, owner)

    def everything(self) -> tuple[Tagged, ...]:
        """See base.Cloud."""
        return listing.of_anybody(self.place)

    def operators(self) -> tuple[str, ...]:
        """As the manifest says: this computer cannot know how AWS sees it."""
        return tuple(self.place.settings["SshFrom"])

    def start(self, names: Iterable[str]) -> None:
        """See base.Cloud."""
        power.start(self.place, names)

    def stop(self, names: Iterable[str]) -> None:
        """See base.Cloud."""
        power.stop(self.place, names)

    def resize(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """See base.Cloud."""
        power.resize(self.place, sizes)

    def remove(self, names: Iterable[str]) -> None:
        """See base.Cloud."""
        power.remove(self.place, names)

    def image(self, kind: ServiceType) -> str:
        """Debian's own, whatever the type: its packages are installed on the machine."""
        return images.DEBIAN

    def bake(self, kind: ServiceType, listen: Listener, execute: Executor) -> None:
        """Nothing is baked."""
