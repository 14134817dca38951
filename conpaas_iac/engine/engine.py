"""The Pulumi engine through its Automation API: one stack per application, errors mapped to ours.

The SDK is imported where the engine is to change something: to look at a stack takes none of it.
"""

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cached_property
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from conpaas_iac.backend import record
from conpaas_iac.backend.place import placed, shelf, stack_name
from conpaas_iac.backend.store import Store
from conpaas_iac.core.declaration import Declaration, Machine, encode
from conpaas_iac.engine import engine_checkpoint, engine_events, engine_lock, engine_state, engine_workspace
from conpaas_iac.engine.engine_checkpoint import Export, decrypting
from conpaas_iac.engine.engine_state import Applied, Machines
from conpaas_iac.errors import ConpaasError, Failure, MachineError, UserError
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings
from conpaas_iac.system import processes
from conpaas_iac.system.files import write_atomically

if TYPE_CHECKING:
    from conpaas_iac.engine.engine_calls import Stack


class NoStackError(Exception):
    """There is no stack, and none is to be made."""


@contextmanager
def early(settings: Settings, application: str, environment: str) -> Iterator[Export | None]:
    """For `Engine.reading` later on; None where there is nothing to read, or something that `Engine` will say is wrong.
    """
    name = stack_name(application, environment)
    with ExitStack() as stack:
        export = None
        with suppress(ConpaasError):
            place = engine_workspace.of(placed(settings, name), name)
            export = stack.enter_context(decrypting(place)) if place.stored() else None
        yield export


class Engine:
    """The stack of one application; opening it makes the stack where there is none yet."""

    def __init__(self, settings: Settings, application: str, environment: str, create: bool = True) -> None:
        """Raises NoStackError."""
        self.name = stack_name(application, environment)
        self._settings = placed(settings, self.name)
        if create and not self._settings.turn.is_begun:
            raise ConpaasError(f"{self.name} is begun without holding it")
        self._place = engine_workspace.of(self._settings, self.name)
        found = engine_checkpoint.plain(self._place.stored())
        self._checkpoint = self._opened(create) if found is None else found

    @classmethod
    def find(cls, settings: Settings, application: str, environment: str) -> "Engine | None":
        """The stack of an application that is there, or None."""
        try:
            return cls(settings, application, environment, create=False)
        except NoStackError:
            return None

    @classmethod
    def existing(cls, settings: Settings, application: str, environment: str) -> "Engine":
        """The stack of an application; raises UserError when there is none."""
        found = cls.find(settings, application, environment)
        if found is None:
            raise UserError(f"no application {application!r} ({environment}) here", "conpaas list")
        return found

    def _opened(self, create: bool) -> Mapping[str, Any]:
        """What is not plainly a checkpoint of our version is left to the engine to read."""
        try:
            return engine_checkpoint.read(self._place)
        except engine_checkpoint.ExportError as error:
            if not error.is_absence:
                raise engine_events.translated(error, [], self.name) from error
        if not create:
            raise NoStackError
        from conpaas_iac.engine import engine_calls

        engine_calls.make(self._place)
        return {}

    @cached_property
    def _stack(self) -> "Stack":
        """As the SDK knows it."""
        from conpaas_iac.engine.engine_calls import Stack

        return Stack(self._place, self._checkpoint)

    def again(self) -> "Engine":
        """The same stack, as it is by now."""
        application, _, environment = self.name.partition(".")
        return Engine.existing(self._settings, application, environment)

    @property
    def shelf(self) -> Store:
        """Our documents beside its checkpoint."""
        return shelf(self._settings)

    def applied(self) -> Applied:
        """What the checkpoint held when the stack was opened."""
        return engine_state.applied(self._checkpoint, record.places(self.shelf, self.name))

    def up(self, declaration: Declaration, listen: Listener, given: Mapping[str, str] | None = None) -> Machines:
        """Make it as declared, with the secrets `given`; raises MachineError naming machines that failed."""
        import pulumi

        from conpaas_iac.engine import stack

        failures, done = list[Failure](), set[str]()
        outputs: dict[str, Any] = {}

        def program() -> None:
            pulumi.Output.all(**stack.declare(declaration, self._settings, given)).apply(outputs.update)

        nodes = self._nodes(declaration.machines)
        write_atomically(self._place.folder / "declaration.json", encode(declaration))
        self._run(
            lambda: self._stack.up(program=program, **_quiet(listen, failures, done, nodes)),
            failures,
            "make machines",
            lambda: _undone(machine.node for machine in declaration.machines if machine.resource not in done),
        )
        return engine_state.machines(outputs)

    def expand(
        self, declaration: Declaration, listen: Listener, given: Mapping[str, str] | None = None
    ) -> tuple[Machines, tuple[Failure, ...]]:
        """As `up`, but where nothing but machines failed: those that are there, and the failures of the others."""
        try:
            return self.up(declaration, listen, given), ()
        except MachineError as error:
            failures = tuple(engine_events.of_machines(error.failures, declaration))
            if not {failure.node for failure in failures} <= {machine.node for machine in declaration.machines}:
                raise
            return self.machines(), failures

    def machines(self) -> Machines:
        """What is there now."""
        with self.reading() as machines:
            return machines()

    @contextmanager
    def reading(self, early: Export | None = None) -> Iterator[Callable[[], Machines]]:
        """What was there when the context began: it is decrypted beside other work, until it is asked for.

        An export that was begun `early`, before the application was held, counts where nobody wrote since.
        """
        is_good = early is not None and early.is_of(self._place)
        with nullcontext(early) if is_good else decrypting(self._place) as export:
            assert export
            yield lambda: engine_state.machines(engine_state.outputs(self._decrypted(export)))

    def _decrypted(self, export: Export) -> Mapping[str, Any]:
        try:
            return export.deployment()
        except engine_checkpoint.ExportError as error:
            raise engine_events.translated(error, []) from error

    def destroy(self, listen: Listener) -> None:
        """Remove everything; the stack stays until it is forgotten."""
        failures: list[Failure] = []
        quiet = _quiet(listen, failures, set(), self._nodes())
        self._run(lambda: self._stack.destroy(**quiet), failures, "remove machines")

    def forget(self) -> None:
        """The stack itself; the last trace of an application, so that what was killed before is done again."""
        self._run(lambda: self._stack.workspace.remove_stack(self.name), [], "remove the stack")
        rmtree(self._place.folder, ignore_errors=True)

    def _nodes(self, machines: Iterable[Machine] = ()) -> dict[str, str]:
        """Resource -> machine, of those that are there and those that are to be."""
        return {machine.resource: machine.node for machine in (*self.applied().machines, *machines)}

    def _run(
        self, call: Callable[[], object], failures: list[Failure], what: str, undone: Callable[[], str] = str
    ) -> None:
        """A step of the engine; its lock is taken from a run that was killed, never from one that lives.

        Where the turn ends early, the engine ends what it is at and begins nothing more; `undone` says what it left.
        """
        from pulumi.automation import errors

        turn = self._settings.turn
        if not turn.is_begun:
            raise ConpaasError(f"{self.name} is changed without holding it")
        turn.step(what)
        try:
            with turn.telling(lambda: processes.tell("pulumi", signal.SIGINT)):
                try:
                    call()
                except errors.ConcurrentUpdateError:
                    engine_lock.refuse_living(self._settings, self.name)
                    self._stack.cancel()
                    call()
        except errors.CommandError as error:
            turn.is_quiet = turn.is_quiet and not engine_events.was_killed(error)
            left = undone() or what
            turn.prove(left)
            if not failures:
                turn.check(left)
            raise engine_events.translated(error, failures) from error


def _undone(nodes: Iterable[str]) -> str:
    names = ", ".join(nodes)
    return f"make machines {names}" if names else "what follows the machines, which are made"


def _quiet(listen: Listener, failures: list[Failure], done: set[str], nodes: Mapping[str, str]) -> dict[str, Any]:
    """What every run is told: nothing is printed, events are heard."""
    silence = {"continue_on_error": True, "suppress_outputs": True, "suppress_progress": True, "color": "never"}
    return {**silence, "on_event": engine_events.listener(listen, failures, done, nodes)}
