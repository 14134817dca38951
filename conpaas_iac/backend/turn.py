"""The time in which one run may change an application; asked between steps whether it still may go on."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from conpaas_iac.errors import ConpaasError, Interrupted, LeaseLostError, UserError
from conpaas_iac.runs.events import Event, Listener, silent
from conpaas_iac.system import processes

GOES_ON = "the same command goes on from here"


class Turn:
    """Begun by holding.py; one that nobody began never ends, which is that of who only looks."""

    def __init__(self, name: str = "", listen: Listener = silent, prove: Callable[[], bool] = lambda: True) -> None:
        """`prove` says whether the lease is held, asking the backend where that is not certain."""
        self.name, self.phase = name, ""
        self.is_begun = bool(name)
        self.waited = False  # for somebody else, who may have changed what was known
        self.is_over = False  # the application is gone
        self.is_quiet = True  # nothing that was begun may still write
        self.changed = threading.Event()  # the phase did
        self.lost_to = ""  # the line of who has the lease now
        self._listen, self._prove = listen, prove
        self._asked = self._lost = False
        self._stops: list[Callable[[], None]] = []

    def step(self, what: str) -> None:
        """Begin a step: "make machines", "configure web-1, web-2". Raises Interrupted or LeaseLostError instead."""
        self.check(what)
        if what != self.phase:
            self.phase = what
            self.changed.set()

    def check(self, what: str) -> None:
        """Raises Interrupted when the user wants it to end, LeaseLostError when another run has the application."""
        self.prove(what)
        if self._asked:
            raise Interrupted(f"stopped, as asked. Not done: {what}", GOES_ON)

    def prove(self, what: str) -> None:
        """Raises LeaseLostError when another run has the application."""
        if not self._lost:
            try:
                self._lost = not self._prove()
            except ConpaasError:
                raise
            except Exception as error:
                logging.getLogger(__name__).debug("lease of %s", self.name, exc_info=True)
                raise UserError(
                    f"the backend does not answer, so that the lease on {self.name} cannot be renewed: {error}",
                    f"not done: {what}; {GOES_ON} when it answers",
                ) from error
        if self._lost:
            by = f": {self.lost_to}" if self.lost_to else ""
            raise LeaseLostError(
                f"{self.name} was taken over by another run{by}",
                f"not done here: {what}; see how it ends, then run the same command again",
            )

    @property
    def is_stopping(self) -> bool:
        """Whether `check` is going to raise."""
        return self._asked or self._lost

    def between(self, execute: Any) -> Any:
        """An executor of plays that checks before each, and says which machines it is at."""

        def checked(playbook: str, visits: Any, access: Any, *rest: Any, **named: Any) -> Any:
            self.step(f"{playbook} {', '.join(visit.node for visit in visits)}")
            with self.telling(access.stop.touch):
                return execute(playbook, visits, access, *rest, **named)

        return checked

    @contextmanager
    def telling(self, stop: Callable[[], None]) -> Iterator[None]:
        """`stop` is called when this turn is to end early while the step goes on: begin nothing new."""
        self._stops.append(stop)
        try:
            if self.is_stopping:
                stop()
            yield
        finally:
            self._stops.remove(stop)

    def lose(self, to: str) -> None:
        """The lease is another run's."""
        self.lost_to, self._lost = to, True
        self._tell()

    def ask(self) -> None:
        """The user wants it to end after the running steps."""
        self._asked = True
        self._tell()

    def _tell(self) -> None:
        for stop in tuple(self._stops):
            stop()

    def hearing(self) -> AbstractContextManager[None]:
        """Ctrl-C and SIGTERM: once, end after the running steps; twice, now."""
        return processes.interruptible(self._heard)

    def _heard(self, *_: object) -> None:
        if self._asked:
            processes.end_descendants()  # so that nothing of it writes or creates any more
            raise KeyboardInterrupt
        self.ask()  # before anything else: a second signal may come at any time
        step = f" ({self.phase})" if self.phase else ""
        text = f"what is going on ends first{step}; Ctrl-C again: now"
        # In a thread: the signal may have come in the middle of writing to the same terminal.
        threading.Thread(target=self._listen, args=(Event("interrupt", "started", text=text),), daemon=True).start()
