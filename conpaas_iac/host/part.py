"""The shape of a part: `look` never changes anything, `mend` is safe to repeat."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

Say = Callable[[str], None]

SETUP = "conpaas setup"


class State(StrEnum):
    """What was found."""

    THERE = "there"
    MISSING = "missing"  # `mend` brings it
    WRONG = "wrong"  # the user has to decide: `remedy` says what
    UNKNOWN = "unknown"  # cannot be looked at before another part is there


@dataclass(frozen=True)
class Finding:
    """One line about a part, and the command that mends it."""

    state: State
    text: str
    remedy: str = ""


class Part(Protocol):
    """One thing that the machine needs."""

    @property
    def name(self) -> str:
        """One or two words."""

    def look(self) -> Finding:
        """What is there; changes nothing."""

    def mend(self, say: Say) -> None:
        """Bring it; says what it does before it does. Raises UserError with a remedy."""


def there(text: str) -> Finding:
    """It is as it should be."""
    return Finding(State.THERE, text)


def missing(text: str, remedy: str = SETUP) -> Finding:
    """Set-up would bring it."""
    return Finding(State.MISSING, text, remedy)


def wrong(text: str, remedy: str) -> Finding:
    """Set-up must not touch it; the user can."""
    return Finding(State.WRONG, text, remedy)


def unknown(text: str, remedy: str = SETUP) -> Finding:
    """Something else has to be there first."""
    return Finding(State.UNKNOWN, text, remedy)
