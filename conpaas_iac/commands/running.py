"""How a verb that changes something runs: seen on the terminal, told as events, remembered in the history."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from conpaas_iac import __version__, settings
from conpaas_iac.backend import holder
from conpaas_iac.backend.place import stack_name
from conpaas_iac.commands import output
from conpaas_iac.errors import ConpaasError, MachineError
from conpaas_iac.runs import history, journal, stream
from conpaas_iac.runs.events import Event, Listener, State
from conpaas_iac.runs.journal import Journal
from conpaas_iac.runs.stream import Begun, Change, File
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import digest_of
from conpaas_iac.views.live import shown

if TYPE_CHECKING:
    from conpaas_iac.plans.plan import Plan


class Run:
    """One run of one verb; `code` is how it ends where nothing is raised."""

    def __init__(self, console: Console, kept: Journal, configured: Settings) -> None:
        self.console, self.code = console, 0
        self._journal, self._settings = kept, configured
        self._listeners: list[Listener] = [kept.hear]
        self._expected: float | None = None

    def listen(self, event: Event) -> None:
        """To whoever wants to know."""
        for hear in self._listeners:
            hear(event)

    def note(self, phase: str, text: str, state: State = "done") -> None:
        """Something was done that no event told of."""
        self._journal.hear(Event(phase, state, text=text))

    def planned(self, plan: "Plan") -> None:
        """The plan, before anything happens."""
        self._journal.named(plan.application, plan.environment)
        for change in plan.changes:
            listed = change.files if change.action != "add" else ()  # what is made gets all its files
            files = tuple(File(file.path, file.on_change, file.unit) for file in listed)
            said = Change(change.action, change.service, change.address, files, change.code, change.danger)
            self._journal.plan(change.node, change.cause, said)
        if plan.changes and self.console.is_terminal:
            threading.Thread(target=self._learn, args=(plan,), daemon=True).start()

    def expected(self) -> float | None:
        """Seconds that it may take; None while nobody knows."""
        return self._expected

    def _learn(self, plan: "Plan") -> None:
        """Former runs are read beside the work: nothing waits for them."""
        try:
            former = pasts(self._settings, stack_name(plan.application, plan.environment), 2 * history.SAMPLES)
            self._expected = history.estimate(former, {change.action for change in plan.changes})
        except Exception:  # an estimate is no reason to fail, nor to say anything
            return

    @contextmanager
    def live(self) -> Iterator[None]:
        """Shown on the terminal meanwhile."""
        with shown(self.console, self.expected) as listen:
            self._listeners.append(listen)
            yield


@contextmanager
def running(
    form: str,
    events: str,
    application: str = "",
    environment: str = "",
    manifest: Path | None = None,
    kept: bool = True,
    live: bool = True,
    quiet: bool = False,
) -> Iterator[Run]:
    """Tell and remember what happens inside, and how it ends. `application` may be said later, by its plan."""
    if events == "-" and form == "json":
        raise click.UsageError("standard output is for --events - or for --format json, not for both")
    configured, console = settings.load(near=manifest), output.console(form == "json" or events == "-", quiet)
    begun = Begun(
        by=holder.who(),
        pid=os.getpid(),
        command=click.get_current_context().command_path.partition(" ")[2],
        tool=__version__,
        application=application,
        environment=environment,
        manifest=_digest(manifest),
        ci=holder.ci_page(),
        process=holder.process(os.getpid()),
    )
    log = Journal(begun, configured if kept else None, events)
    run = Run(console, log, configured)
    try:
        with run.live() if live else nullcontext():
            yield run
    except BaseException as error:
        log.end(code_of(error), said_of(error))
        raise
    log.end(run.code)
    if log.problem:
        click.echo(f"note: the history does not know of this run: {log.problem}", err=True)


def _digest(manifest: Path | None) -> str:
    try:
        return digest_of(manifest.read_bytes()) if manifest else ""
    except OSError:
        return ""  # reading it says why


def code_of(error: BaseException) -> int:
    """The exit code that it leads to."""
    if isinstance(error, ConpaasError):
        return error.exit_code
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return 130
    return 1 if isinstance(error, click.ClickException) else 70


def said_of(error: BaseException) -> str:
    """One line of why."""
    if isinstance(error, MachineError) and error.failures:
        first = error.failures[0]
        return f"{first.node}, {first.step}: {first.reason}"
    if isinstance(error, ConpaasError):
        return error.message
    return type(error).__name__ if not isinstance(error, KeyboardInterrupt | click.Abort) else "interrupted"


def pasts(configured: Settings, stack: str, last: int) -> list[history.Past]:
    """The last runs of a stack, the oldest first."""
    return [past for past, _ in with_lines(configured, stack, journal.runs(configured, stack)[-last:])]


def with_lines(
    configured: Settings, stack: str, names: Sequence[str]
) -> list[tuple[history.Past, list[stream.Line]]]:
    """Runs with their lines."""
    found = []
    for name, lines in zip(names, journal.streams(configured, stack, names), strict=True):
        past = history.past(name, lines, running=bool(lines) and _is_running(lines))
        if past:
            found.append((past, lines))
    return found


def _is_running(lines: Sequence[stream.Line]) -> bool:
    """A run without an end, whose very process is still there: on this host it can be seen."""
    begun = lines[0].begun
    if begun is None or lines[-1].ended:
        return False
    return bool(begun.process) and holder.process(begun.pid) == begun.process
