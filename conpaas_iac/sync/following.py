"""A branch is followed: what its commits change is made so, side by side, the newest commit first of all."""

import queue
import re
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from conpaas_iac.backend.turn import Turn
from conpaas_iac.errors import ConpaasError
from conpaas_iac.runs.stream import now as today
from conpaas_iac.runs.workers import Done, Workers, worst
from conpaas_iac.sync.backlog import Backlog, Begin, Outcome
from conpaas_iac.sync.mirror import Mirror
from conpaas_iac.sync.reports import Report, Reporter, Seen

TICK = 0.5  # seconds after which it is looked whether somebody wants it to end

Touched = Callable[[Path, str, str], Collection[str]]  # working tree, commit before ("": none), commit -> applications


class Maker(Protocol):
    """Makes one application as its commit has it."""

    def command(self, tree: Path, name: str) -> Sequence[str]:
        """The verb and its arguments."""

    def outcome(self, done: Done) -> tuple[Outcome, str]:
        """How it ended, and one line of it."""


@dataclass(frozen=True)
class Fetched:
    """The branch was looked at: its newest commit, or why it was not reached."""

    commit: str = ""
    error: str = ""


@dataclass(frozen=True)
class Ended:
    """A run ended."""

    name: str
    commit: str
    done: Done


class Follower:
    """Follows one branch, until somebody ends it."""

    def __init__(
        self, mirror: Mirror, workers: Workers, parallel: int, maker: Maker, touched: Touched, reporter: Reporter
    ) -> None:
        self._mirror, self._workers, self._maker, self._touched = mirror, workers, maker, touched
        self._reporter, self._parallel = reporter, parallel
        self._backlog = Backlog(parallel)
        self._events: queue.SimpleQueue[Fetched | Ended] = queue.SimpleQueue()
        self._seen = Seen(mirror.url, mirror.branch)
        self._codes: dict[str, int] = {}
        self._read = ""  # the last commit whose fleet could be read
        self._trees = threading.Lock()  # git makes one at a time

    def follow(self, turn: Turn, interval: float, once: bool) -> int:
        """Until Ctrl-C; `once`: until all was tried, and the exit code is the worst of all.

        Raises GitError where `once` the repository is not reached, Interrupted, LeaseLostError.
        """
        over = threading.Event()
        looking = threading.Thread(target=self._look, args=(interval, once, over), daemon=True)
        with ThreadPoolExecutor(self._parallel) as pool, turn.telling(self._workers.end):
            looking.start()
            try:
                return self._loop(turn, once, pool)
            finally:
                over.set()
                self._workers.end()

    def _look(self, interval: float, once: bool, over: threading.Event) -> None:
        """Beside the work: an address that does not answer holds up nothing."""
        while not over.is_set():
            try:
                self._events.put(Fetched(self._mirror.fetch()))
            except ConpaasError as error:
                self._events.put(Fetched(error=error.line))
            if once or over.wait(interval):
                return

    def _loop(self, turn: Turn, once: bool, pool: ThreadPoolExecutor) -> int:
        while True:
            turn.check("follow the repository")
            for step in self._backlog.steps(time.monotonic()):
                if isinstance(step, Begin):
                    self._begin(step, pool)
                else:
                    self._workers.interrupt(step.name)
            if once and (self._seen.commit or self._seen.unreached) and self._backlog.is_idle:
                return worst([*self._codes.values(), int(bool(self._seen.unreached or self._seen.error))])
            try:
                event = self._events.get(timeout=TICK)
            except queue.Empty:
                continue
            if isinstance(event, Fetched):
                self._fetched(event)
            else:
                self._ended(event)

    def _fetched(self, event: Fetched) -> None:
        """A commit that cannot be read changes nothing; the next one is compared with the last that could."""
        before = self._seen
        if event.error:
            self._see(replace(before, unreached=_unreached(before.unreached, event.error)))
            return
        if event.commit == before.commit:
            self._see(replace(before, unreached=""))
            return
        seen = replace(before, commit=event.commit, at=_now(), unreached="", error="")
        try:
            names = self._touched(self._tree(event.commit), self._read, event.commit)
        except ConpaasError as error:
            self._see(replace(seen, error=error.line))
            return
        self._read = event.commit
        self._see(seen)
        self._backlog.seen(event.commit, names, time.monotonic())
        with self._trees:
            self._mirror.keep(self._backlog.commits | {event.commit})

    def _tree(self, commit: str) -> Path:
        with self._trees:
            return self._mirror.tree(commit)

    def _see(self, seen: Seen) -> None:
        if seen != self._seen:
            self._seen = seen
            self._reporter.seen(seen)

    def _begin(self, step: Begin, pool: ThreadPoolExecutor) -> None:
        self._reporter.report(Report(step.name, step.commit, "running", _now()))
        pool.submit(self._work, step)

    def _work(self, step: Begin) -> None:
        try:
            command = self._maker.command(self._tree(step.commit), step.name)
            done = self._workers.work(step.name, command)
        except ConpaasError as error:
            done = Done(error.exit_code, said=f"error: {error.message}")
        self._events.put(Ended(step.name, step.commit, done))

    def _ended(self, event: Ended) -> None:
        outcome, text = self._maker.outcome(event.done)
        self._codes[event.name] = event.done.code
        self._reporter.report(Report(event.name, event.commit, outcome, _now(), text, event.done.seconds))
        self._backlog.ended(event.name, outcome, time.monotonic())


def _unreached(before: str, reason: str) -> str:
    """Since when and why now; a reason that differs in numbers only is the same one."""
    since, _, last = before.partition(": ")
    if last and re.sub(r"\d+", "", last) == re.sub(r"\d+", "", reason):
        return before
    return f"{since or _now()}: {reason}"


def _now() -> str:
    return today().isoformat(timespec="seconds")
