"""Which application is made next, and which run is to end, as commits come and runs end. Pure: time is an argument."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

SAFE_SECONDS = 20.0  # that a superseded run has to come to its next safe point; then it ends at once
PAUSES = (15.0, 60.0, 300.0)  # seconds before what failed is tried again; the last one from then on

Outcome = Literal["done", "waiting", "busy", "failed", "interrupted"]


@dataclass(frozen=True)
class Begin:
    """Make an application as a commit has it."""

    name: str
    commit: str


@dataclass(frozen=True)
class End:
    """End the run of an application: at the next safe point, or now."""

    name: str
    now: bool = False


@dataclass
class _Entry:
    """One application."""

    wanted: str
    since: float  # it waits
    running: str = ""
    told: float | None = None  # when its run was told to end
    is_cut: bool = False  # … to end now
    failures: int = 0
    again: float | None = None  # when to try anew; None: nothing is left to do, or it was not tried yet
    is_open: bool = True  # not tried yet


class Backlog:
    """Newer commits supersede: what waits is made as the newest says, a run of an older one ends."""

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._entries: dict[str, _Entry] = {}

    def seen(self, commit: str, names: Iterable[str], now: float) -> None:
        """A commit that changes these applications."""
        for name in names:
            before = self._entries.get(name)
            entry = _Entry(commit, before.since if before and before.is_open else now)
            if before and before.running:
                entry.running, entry.told, entry.is_cut = before.running, before.told, before.is_cut
            self._entries[name] = entry

    def ended(self, name: str, outcome: Outcome, now: float) -> None:
        """A run ended. What was interrupted is open again; what waits for somebody is left to a newer commit."""
        entry = self._entries[name]
        is_newest = entry.running == entry.wanted
        entry.running, entry.told, entry.is_cut = "", None, False
        entry.is_open = not is_newest or outcome == "interrupted"
        if entry.is_open:
            return
        entry.failures = entry.failures + 1 if outcome == "failed" else 0
        pauses = {"busy": PAUSES[0], "failed": PAUSES[min(entry.failures, len(PAUSES)) - 1]}
        entry.again = now + pauses[outcome] if outcome in pauses else None

    def steps(self, now: float) -> list[Begin | End]:
        """What to do now; it counts as done."""
        return [*self._ends(now), *self._begins(now)]

    def _ends(self, now: float) -> Iterator[End]:
        for name, entry in self._entries.items():
            if not entry.running or entry.running == entry.wanted:
                continue
            if entry.told is None:
                entry.told = now
                yield End(name)
            elif not entry.is_cut and now - entry.told >= SAFE_SECONDS:
                entry.is_cut = True
                yield End(name, now=True)

    def _begins(self, now: float) -> Iterator[Begin]:
        free = self._parallel - len(self.running)
        due = [name for name, entry in self._entries.items() if not entry.running and _is_due(entry, now)]
        for name in sorted(due, key=lambda name: self._entries[name].since)[:free]:
            entry = self._entries[name]
            entry.running, entry.again = entry.wanted, None
            yield Begin(name, entry.wanted)

    @property
    def running(self) -> dict[str, str]:
        """Application -> commit of its run."""
        return {name: entry.running for name, entry in self._entries.items() if entry.running}

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and all was tried: what failed, too, which is tried again later."""
        return not any(entry.running or entry.is_open for entry in self._entries.values())

    @property
    def commits(self) -> frozenset[str]:
        """Those that are still needed."""
        waiting = (entry.wanted for entry in self._entries.values() if entry.is_open or entry.again is not None)
        return frozenset((*self.running.values(), *waiting))


def _is_due(entry: _Entry, now: float) -> bool:
    return entry.is_open or (entry.again is not None and entry.again <= now)
