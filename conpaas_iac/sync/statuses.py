"""What became of each application, as statuses of its commit on GitHub or GitLab: beside the work, never before it."""

import queue
import threading
from collections.abc import Callable, Mapping

from conpaas_iac.errors import ConpaasError
from conpaas_iac.forge.base import Forge, State
from conpaas_iac.sync import reports
from conpaas_iac.sync.reports import Report, Seen

# One that was interrupted is running again, or another commit's.
STATES: Mapping[reports.State, State] = {
    "running": "pending", "done": "success", "waiting": "pending", "busy": "pending", "failed": "failure",
}  # fmt: skip
MOST = 500  # statuses that wait; a forge that does not answer gets no more

Status = tuple[str, State, str, str]  # commit, state, description, context


class Statuses:
    """A Reporter whose statuses are set in a thread, one after another."""

    def __init__(self, forge: Forge, say: Callable[[str], None]) -> None:
        self._forge, self._say, self._said = forge, say, ""
        self._waiting: queue.Queue[Status | None] = queue.Queue(MOST)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def seen(self, seen: Seen) -> None:
        """See Reporter."""
        if seen.error:
            self._put((seen.commit, "failure", seen.error.splitlines()[0], "conpaas/fleet"))

    def report(self, report: Report) -> None:
        """See Reporter."""
        if state := STATES.get(report.state):
            self._put((report.commit, state, report.text or report.state, f"conpaas/{report.name}"))

    def end(self, seconds: float) -> None:
        """Let what waits be set, for at most so long."""
        try:
            self._waiting.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _put(self, status: Status) -> None:
        try:
            self._waiting.put_nowait(status)
        except queue.Full:
            self._once("the forge is too slow: some statuses are left out")

    def _work(self) -> None:
        while status := self._waiting.get():
            commit, state, text, context = status
            try:
                self._forge.set_status(commit, state, text, context=context)
            except ConpaasError as error:
                self._once(f"no status: {error.message}")

    def _once(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(f"warning: {text}")
