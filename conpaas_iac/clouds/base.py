"""What every cloud file speaks in."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from conpaas_iac.catalog import ServiceType
from conpaas_iac.core.declaration import Declaration, Machine
from conpaas_iac.core.places import Place
from conpaas_iac.machines.configure import Executor
from conpaas_iac.manifest import model
from conpaas_iac.manifest.provider import Objection
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings

if TYPE_CHECKING:
    import pulumi

    from conpaas_iac.provider.sdk import Identity


@dataclass(frozen=True)
class Seen:
    """One machine as the cloud has it now."""

    node: str
    id: str
    name: str
    running: bool
    incarnation: int
    ip: str = ""  # on the provider's network, while it runs
    cpu: int | None = None  # cores; 0: no limit, None: the cloud does not say
    memory: int | None = None  # MiB, alike
    port: int = 22  # where SSH greets


@dataclass(frozen=True)
class Tagged:
    """A machine that carries anybody's tag."""

    owner: str
    application: str
    seen: Seen
    made: datetime | None = None
    origin: str = ""  # of the state of its application (`Settings.origin`); empty where it does not say


@dataclass(frozen=True)
class Sold:
    """What a provider is paid for, of one machine; tables of prices speak of it."""

    type: str = ""  # as the provider calls it; empty: by our size
    region: str = ""
    storage: int = 0  # GB that are paid for besides
    addresses: int = 0  # public ones


@dataclass(frozen=True)
class Cloud(ABC):
    """A cloud as one application means it; the file of a cloud holds a class of this name."""

    place: Place
    settings: Settings

    SUMMARY: ClassVar[str]
    SETTINGS: ClassVar[Mapping[str, Any]]  # of a place, in the manifest: JSON Schema (properties, required)
    FIXED: ClassVar[Collection[str]]  # those settings that say where the place is
    MACHINE: ClassVar[str]  # resource type of a machine: "conpaas:lxd:Instance"
    MTU: ClassVar[int]  # largest packet of its network, in bytes
    KEEPS_ADDRESS: ClassVar[bool]  # whether a machine that is made anew has the address on its network that it had
    RESIZES: ClassVar[bool]  # whether a machine gets another size without a restart
    BAKES: ClassVar[bool]  # whether its images hold the packages of a service type
    PUBLIC: ClassVar[bool] = False  # whether its machines always have addresses that are reached from everywhere
    ADOPTS: ClassVar[bool]  # whether a create takes over the machine that a create which was cut off has left
    KEYS_IN_USER_DATA: ClassVar[bool]  # whether a machine boots with a host key that others may have read
    OWN_RESOURCES: ClassVar[bool]  # whether a place has resources besides its machines, as a network of its own

    @property
    def network(self) -> str:
        """What machines reach each other on without the VPN: places that share it have the same name for it."""
        return f"{self.place.provider} {self.place.resource}"

    @property
    def is_public(self) -> bool:
        """Whether all machines of this place have addresses that are reached from everywhere."""
        return self.PUBLIC

    def sold(self, machine: Machine) -> Sold:
        """What is paid for a machine."""
        return Sold()

    @staticmethod
    def objections(service: model.Service, place: Place) -> Iterable[Objection]:
        """Why a service of the manifest cannot be there, as far as the manifest tells."""
        return ()

    @abstractmethod
    def machine_name(self, application: str, environment: str, node: str) -> str:
        """What a node's machine is called there; raises UserError where the cloud takes no such name."""

    @abstractmethod
    def declare(
        self, declaration: Declaration, machines: tuple[Machine, ...], identity: "Identity"
    ) -> Mapping[str, "pulumi.Output[Any]"]:
        """Declare everything these machines need; node -> {id, ip, hostKey}."""

    @staticmethod
    @abstractmethod
    def applied(inputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Machine:
        """The machine that a resource in the checkpoint stands for; its cloud is `Place.resource`.

        `beside` are outputs of the resources that are named after it: "address" of "web-1.address".
        """

    @staticmethod
    @abstractmethod
    def made(outputs: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
        """{ip, hostKey} of a machine, from its resource's outputs and those beside it."""

    @abstractmethod
    def preflight(self, machines: Collection[Machine]) -> None:
        """See that these machines can be made, before any is; raises UserError with what they would lack."""

    @abstractmethod
    def inventory(self, owner: str) -> tuple[Seen, ...]:
        """What carries the owner's tag, in one list call."""

    @abstractmethod
    def everything(self) -> tuple[Tagged, ...]:
        """What carries any owner's tag, in one list call."""

    @abstractmethod
    def operators(self) -> tuple[str, ...]:
        """Addresses or ranges that this tool's SSH connections come from, as the machines see them."""

    @abstractmethod
    def start(self, names: Iterable[str]) -> None:
        """Start machines that are there and stopped; ends when SSH answers."""

    @abstractmethod
    def stop(self, names: Iterable[str]) -> None:
        """Stop machines, cleanly; their disks stay."""

    @abstractmethod
    def resize(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Give machines that are there cores and MiB, without a restart where the cloud can."""

    @abstractmethod
    def remove(self, names: Iterable[str]) -> None:
        """Remove machines and their disks; only for what no checkpoint knows."""

    @abstractmethod
    def image(self, kind: ServiceType) -> str:
        """The image that machines of a type begin with; it is named by what is in it."""

    @abstractmethod
    def bake(self, kind: ServiceType, listen: Listener, execute: Executor) -> None:
        """See that the image is there; nothing where images are the cloud's own."""
