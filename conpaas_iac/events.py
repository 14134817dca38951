"""What happens during a run, as data: the steps emit, reports and logs listen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["started", "done", "failed"]


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


def silent(_: Event) -> None:
    """Nobody listens."""
