"""A run as a stream of events: one JSON document a line, as schemas/event.schema.json says.

The same words in plan and apply. The first line says who does what, the last one how it ended; a run that was killed
has no last one.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

VERSION = 1
LONGEST = 500  # characters of a text
RUN, PLAN = "run", "plan"
QUIET = ("run", "plan", "lease", "interrupt")  # phases that change nothing


class Begun(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who does what, with which tool."""

    by: str  # user@host
    pid: int
    command: str
    tool: str  # version of conpaas
    application: str = ""  # empty where the run ended before it was known
    environment: str = ""
    manifest: str = ""  # digest of the file
    ci: str = ""  # the page of the CI job
    process: str = ""  # which one had that number: the machine's boot, and its start


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that will differ, and what happens for it."""

    path: str
    on_change: str = "nothing"
    unit: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True, rename={"danger": "class"}):
    """A line of the plan; the machine and the cause are the line's own node and text."""

    action: str
    service: str
    address: str
    files: tuple[File, ...] = ()
    code: str = ""
    danger: str = "safe"


class Ended(msgspec.Struct, frozen=True):
    """How it ended."""

    exit: int
    seconds: float


class Line(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="version", tag=VERSION):
    """One line; `begun`, `change` and `ended` come with the phases "run" and "plan" only."""

    run: str
    time: datetime
    phase: str
    state: Literal["started", "planned", "done", "failed"]
    node: str = ""
    text: str = ""
    begun: Begun | None = None
    change: Change | None = None
    ended: Ended | None = None

    @property
    def matters(self) -> bool:
        """Whether something changes or is to change."""
        return self.phase not in QUIET or self.change is not None

    @property
    def content(self) -> bytes:
        """As it is written."""
        return _ENCODER.encode(self) + b"\n"


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def one_line(text: str) -> str:
    """A text as an event holds it."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def read(content: bytes) -> list[Line]:
    """The lines of a stream; one that is only half there, and what other versions wrote, is left out."""
    found = []
    for each in content.splitlines():
        try:
            found.append(_DECODER.decode(each))
        except msgspec.DecodeError:
            continue
    return found


def now() -> datetime:
    """To the millisecond, which is what is written."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
