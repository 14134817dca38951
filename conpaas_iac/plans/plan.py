"""What `up` would do, as data: a plan and its lines. `planning` makes it, `danger` and `causes` complete it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import lru_cache
from typing import Literal

from conpaas_iac.core.declaration import Machine
from conpaas_iac.errors import UserError
from conpaas_iac.plans.cost import Cost

Action = Literal["add", "change", "replace", "move", "remove", "rest", "wake"]
Step = Literal["add", "change", "remove"]
Danger = Literal["safe", "restart", "downtime", "data loss"]
DANGERS: tuple[Danger, ...] = ("safe", "restart", "downtime", "data loss")


def worst(found: Iterable[Danger]) -> Danger:
    """The most dangerous one."""
    return max(found, key=DANGERS.index, default="safe")


@dataclass(frozen=True)
class Cause:
    """Why something differs; `place` is where that is said: "manifest.json:12:5", or empty."""

    text: str
    place: str = ""


@dataclass(frozen=True)
class FileChange:
    """A file of a machine that will differ; None is a file that is not there."""

    path: str
    unit: str
    on_change: str
    before: str | None = None
    after: str | None = None
    danger: Danger = "safe"
    causes: tuple[Cause, ...] = ()

    @property
    def diff(self) -> str:
        """Unified."""
        return _diff(self.path, self.before, self.after)


@dataclass(frozen=True)
class Part:
    """Something else that happens to a machine, or to the whole application."""

    kind: Literal["machine", "address", "certificate", "code", "unit", "data", "network", "authority", "secret"]
    name: str
    action: Step
    text: str = ""
    danger: Danger = "safe"
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class MachineChange:
    """What happens to one machine, and why. Of a machine that is made, `files` are all that it gets."""

    node: str
    service: str
    action: Action
    address: str
    cause: str
    files: tuple[FileChange, ...] = ()
    code: str = ""  # the new version, when it changes
    parts: tuple[Part, ...] = ()
    danger: Danger = "safe"
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class Totals:
    """What machines of an application have together; memory in MiB."""

    machines: int = 0
    cpu: int = 0
    memory: int = 0

    @classmethod
    def of(cls, machines: Iterable[Machine]) -> "Totals":
        """Of these machines."""
        machines = tuple(machines)
        return cls(len(machines), sum(each.cpu for each in machines), sum(each.memory for each in machines))


@dataclass(frozen=True)
class Plan:
    """Everything that will happen, in the order of services and machines."""

    application: str
    environment: str
    range: str
    changes: tuple[MachineChange, ...]
    unchanged: int  # machines
    notes: tuple[str, ...] = field(default=())
    losses: Mapping[str, str] = field(default_factory=dict)  # service -> why its data would be lost
    shared: tuple[Part, ...] = ()  # what belongs to no machine
    types: Mapping[str, str] = field(default_factory=dict)  # service -> type
    before: Totals = field(default_factory=Totals)
    after: Totals = field(default_factory=Totals)
    cost: Cost | None = None

    def count(self, *actions: Action) -> int:
        """How many machines meet one of these actions; a replaced machine counts as added and removed."""
        return sum(change.action in actions for change in self.changes)

    @property
    def is_empty(self) -> bool:
        """Nothing to do."""
        return not self.changes and not self.shared

    @property
    def danger(self) -> Danger:
        """Of its most dangerous line."""
        lost: tuple[Danger, ...] = ("data loss",) if self.losses else ()
        return worst((*lost, *(each.danger for each in self.changes), *(each.danger for each in self.shared)))

    def refuse_beyond(self, limit: Danger) -> None:
        """Raises UserError where it is more dangerous than this."""
        if DANGERS.index(self.danger) > DANGERS.index(limit):
            message = f"the plan of {self.application} is of class {self.danger!r}, and only {limit!r} is allowed here"
            raise UserError(message, f"look at it with `conpaas plan`; then allow it: --within {self.danger!r}")


@lru_cache(maxsize=1000)
def _diff(path: str, before: str | None, after: str | None) -> str:
    """Most files of a large application are the same on all machines."""
    names = ("(none)" if before is None else f"{path} (now)", "(none)" if after is None else f"{path} (then)")
    lines = unified_diff((before or "").splitlines(), (after or "").splitlines(), *names, lineterm="", n=2)
    return "\n".join(lines)
