"""What a resource type of our provider is: plain dictionaries in, plain dictionaries out. Numbers arrive as floats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """How two sets of inputs differ: names updated in place, and names that need a new thing."""

    updated: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A thing that is there: its id, and outputs (inputs are added by the plugin)."""

    id: str
    outputs: Values = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()  # names of outputs that are secret


class Resource(Protocol):
    """One resource type. Methods block; the plugin runs them in threads, many at a time."""

    def check(self, inputs: Values) -> Mapping[str, str]:
        """What is wrong with the inputs: name -> reason."""

    def diff(self, old: Values, new: Values) -> Change:
        """How `new` differs from what is there."""

    def create(self, inputs: Values) -> Made:
        """Make it, or adopt what an interrupted run of ours made; raises ConpaasError."""

    def read(self, identifier: str, state: Values) -> Made | None:
        """What is there now, or None when it is gone."""

    def update(self, identifier: str, old: Values, new: Values) -> Values:
        """Change in place; the outputs that changed."""

    def delete(self, identifier: str, state: Values) -> None:
        """Remove it; nothing happens when it is gone already."""


class Remembered:
    """A resource that lives in the checkpoint and nowhere else; unless a type says so, nothing of it ever differs."""

    SECRETS: ClassVar[frozenset[str]] = frozenset()  # names of outputs and inputs that are secret

    def check(self, inputs: Values) -> Mapping[str, str]:
        """Nothing can be wrong."""
        return {}

    def diff(self, old: Values, new: Values) -> Change:
        """Nothing ever differs."""
        return Change()

    def read(self, identifier: str, state: Values) -> Made:
        """It is what the checkpoint says."""
        return Made(identifier, state, self.SECRETS)

    def update(self, identifier: str, old: Values, new: Values) -> Values:
        """Never called where nothing differs."""
        return {}

    def delete(self, identifier: str, state: Values) -> None:
        """Nothing outside the checkpoint."""


def differing(old: Values, new: Values, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` whose values differ."""
    return tuple(name for name in names if old.get(name) != new.get(name))
