"""What happens during a run, as data: the steps emit, reports and logs listen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["started", "done", "failed"]

# Phases that machines go through, in their order, and the others that are shown with one of them.
COLUMNS = ("machine", "ship", "settle", "verify", "leave", "remove")
ALSO = {
    "startup script": "ship",
    "install": "ship",
    "join": "verify",
    "confirm": "verify",
    "drain": "leave",
    "stop": "remove",
}
# What a plan does to a machine.
SIGNS = {"add": "+", "change": "~", "replace": "±", "move": "→", "remove": "-", "rest": "◌", "wake": "●"}


@dataclass(frozen=True)
class Event:
    """Something that began, ended or failed. `node` is empty for what concerns the whole application.

    Phases in their order: "code", "image", "machine", "ship", "settle", "verify", "leave", "remove".
    """

    phase: str
    state: State
    node: str = ""
    text: str = ""


Listener = Callable[[Event], None]


def column(phase: str) -> str:
    """The phase that it is shown with; empty where it has none."""
    found = ALSO.get(phase, phase)
    return found if found in COLUMNS else ""


def silent(_: Event) -> None:
    """Nobody listens."""
