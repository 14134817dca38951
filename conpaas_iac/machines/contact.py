"""A machine that does not answer is asked again, alone; those that answer do not wait for it."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from conpaas_iac.machines.configure import Executor
from conpaas_iac.machines.outcome import FIRST_CONTACT, Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.system.trying import Sleep


def patient(execute: Executor, pauses: Iterable[float], sleep: Sleep = time.sleep) -> Executor:
    """The same, with another visit after each of the pauses to who did not answer, and to who came after it."""
    waits = tuple(pauses)

    def visited(playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        outcome = execute(playbook, visits, access, listen)
        for pause in waits:
            silent = {failure.node for failure in outcome.failures if failure.step == FIRST_CONTACT}
            others = {failure.node for failure in outcome.failures} - silent
            if not silent:
                break
            for node in sorted(silent):
                listen(Event(FIRST_CONTACT, "started", node, f"it does not answer; again in {pause:g} s"))
            sleep(pause)
            due = silent if others else silent | set(outcome.untouched)
            again = [visit for visit in visits if visit.node in due]
            outcome = _both(outcome, execute(playbook, again, access, listen), due)
        return outcome

    return visited


def _both(first: Outcome, second: Outcome, again: set[str]) -> Outcome:
    return replace(
        second,
        confirmed=(*first.confirmed, *second.confirmed),
        failures=(*(failure for failure in first.failures if failure.node not in again), *second.failures),
        certificates={**first.certificates, **second.certificates},
        host_keys={**first.host_keys, **second.host_keys},
        untouched=(*(node for node in first.untouched if node not in again), *second.untouched),
    )
