"""What every cloud file speaks in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from conpaas_iac.catalog import ServiceType
from conpaas_iac.core.declaration import Declaration, Machine
from conpaas_iac.machines.configure import Executor
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


class Cloud(Protocol):
    """The functions of a cloud file."""

    SUMMARY: str
    MACHINE: str  # resource type of a machine: "conpaas:lxd:Instance"
    MTU: int  # largest packet of its network, in bytes
    KEEPS_ADDRESS: bool  # whether a machine that is made anew has the address on its network that it had
    BAKES: bool  # whether its images hold the packages of a service type

    def machine_name(self, application: str, environment: str, node: str) -> str:
        """What a node's machine is called there; raises UserError where the cloud takes no such name."""

    def declare(
        self, declaration: Declaration, machines: tuple[Machine, ...], identity: "Identity", settings: Settings
    ) -> Mapping[str, "pulumi.Output[Any]"]:
        """Declare everything these machines need; node -> {id, ip, hostKey}."""

    def applied(self, inputs: Mapping[str, Any]) -> Machine:
        """The machine that the inputs of a resource in the checkpoint stand for."""

    def inventory(self, owner: str, settings: Settings) -> tuple[Seen, ...]:
        """What carries the owner's tag, in one list call."""

    def everything(self, settings: Settings) -> tuple[Tagged, ...]:
        """What carries any owner's tag, in one list call."""

    def operators(self, settings: Settings) -> tuple[str, ...]:
        """Addresses or ranges that this tool's SSH connections come from, as the machines see them."""

    def start(self, names: Iterable[str], settings: Settings) -> None:
        """Start machines that are there and stopped; ends when SSH answers."""

    def stop(self, names: Iterable[str], settings: Settings) -> None:
        """Stop machines, cleanly; their disks stay."""

    def resize(self, sizes: Mapping[str, tuple[int, int]], settings: Settings) -> None:
        """Give machines that are there cores and MiB, without a restart where the cloud can."""

    def remove(self, names: Iterable[str], settings: Settings) -> None:
        """Remove machines and their disks; only for what no checkpoint knows."""

    def image(self, kind: ServiceType, settings: Settings) -> str:
        """The image that machines of a type begin with; it is named by what is in it."""

    def bake(self, kind: ServiceType, settings: Settings, listen: Listener, execute: Executor) -> None:
        """See that the image is there."""
