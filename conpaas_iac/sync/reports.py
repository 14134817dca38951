"""What became of each application, told to whoever wants to know: the terminal, a file, a forge."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from conpaas_iac.system.files import write_atomically

State = Literal["running", "done", "waiting", "busy", "failed", "interrupted"]


@dataclass(frozen=True)
class Report:
    """One application; `since` is a time in ISO 8601, `text` one line."""

    name: str
    commit: str
    state: State
    since: str
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Seen:
    """The repository: its newest commit, and since when and why it is not reached; empty where it is."""

    repository: str
    branch: str
    commit: str = ""
    at: str = ""
    unreached: str = ""
    error: str = ""  # of the commit itself: its fleet cannot be read


class Reporter(Protocol):
    """Must not block, and must not raise."""

    def seen(self, seen: Seen) -> None:
        """The repository was looked at, and something is new."""

    def report(self, report: Report) -> None:
        """A run began or ended."""


class File:
    """A JSON document of how all is now, replaced whole with each news."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path, self._say = path, say
        self._seen: Seen | None = None
        self._reports: dict[str, Report] = {}

    def seen(self, seen: Seen) -> None:
        """See Reporter."""
        self._seen = seen
        self._write()

    def report(self, report: Report) -> None:
        """See Reporter."""
        self._reports[report.name] = report
        self._write()

    def _write(self) -> None:
        try:
            write_atomically(self._path, json.dumps(document(self._seen, self._reports), indent=2).encode() + b"\n")
        except Exception as error:  # what is applied does not wait for who reads of it
            self._say(f"note: {self._path} could not be written: {error}")


def document(seen: Seen | None, reports: Mapping[str, Report]) -> dict[str, object]:
    """As schemas/sync.schema.json says."""
    applications = {
        name: asdict(replace(each, seconds=round(each.seconds, 1))) for name, each in sorted(reports.items())
    }
    return {"version": 1, **(asdict(seen) if seen else {}), "applications": applications}
