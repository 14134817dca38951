"""What every cloud file speaks in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from conpaas_iac.declaration import Declaration, Machine
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


class Cloud(Protocol):
    """The functions of a cloud file."""

    SUMMARY: str
    MACHINE: str  # resource type of a machine: "conpaas:lxd:Instance"

    def declare(
        self, declaration: Declaration, machines: tuple[Machine, ...], identity: "Identity", settings: Settings
    ) -> Mapping[str, "pulumi.Output[Any]"]:
        """Declare everything these machines need; node -> {id, ip, hostKey}."""

    def applied(self, inputs: Mapping[str, Any]) -> Machine:
        """The machine that the inputs of a resource in the checkpoint stand for."""

    def inventory(self, owner: str, settings: Settings) -> tuple[Seen, ...]:
        """What carries the owner's tag, in one list call."""

    def start(self, names: Iterable[str], settings: Settings) -> None:
        """Start machines that are there and stopped."""
