"""What became of each application, told to whoever wants to know: the terminal, a file, a forge."""

import json
from collections.abc import Callable, Mapping, Sequence
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


class Together:
    """All of several."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = reporters

    def seen(self, seen: Seen) -> None:
        """See Reporter."""
        for each in self._reporters:
            each.seen(seen)

    def report(self, report: Report) -> None:
        """See Reporter."""
        for each in self._reporters:
            each.report(report)


class Lines:
    """A line for each news."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def seen(self, seen: Seen) -> None:
        """See Reporter."""
        if seen.unreached:
            self._say(f"{seen.repository} is not reached since {seen.unreached}")
        elif seen.error:
            self._say(f"{seen.commit[:12]} is left out: {seen.error}")
        else:
            self._say(f"{seen.commit[:12]} is the newest commit of {seen.branch}")

    def report(self, report: Report) -> None:
        """See Reporter."""
        took = f" in {report.seconds:.1f} s" if report.seconds else ""
        text = f": {report.text}" if report.text else ""
        self._say(f"{report.commit[:12]} {report.name} {report.state}{took}{text}")


class File:
    """A JSON document of how all is now, replaced whole with each news."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path, self._say = path, say
        self._seen = Seen("", "")
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


def document(seen: Seen, reports: Mapping[str, Report]) -> dict[str, object]:
    """As schemas/sync.schema.json says."""
    applications = {
        name: asdict(replace(each, seconds=round(each.seconds, 1))) for name, each in sorted(reports.items())
    }
    return {"version": 1, **asdict(seen), "applications": applications}
