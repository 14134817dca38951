"""What is tried again, how often, and who does not wait for it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from conpaas_iac.core.render import Tree
from conpaas_iac.errors import ConpaasError, Failure, UserError
from conpaas_iac.machines.contact import patient
from conpaas_iac.machines.outcome import FIRST_CONTACT, Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Event, Listener, silent
from conpaas_iac.settings import Settings
from conpaas_iac.system.trying import stubborn

ACCESS = Access(Path("/nowhere"), Path("/nowhere/known_hosts"), {})


def visits(*nodes: str) -> list[Visit]:
    return [Visit(node, "10.1.0.1", "php", (), Tree.empty(node), True, batch=place) for place, node in enumerate(nodes)]


@pytest.mark.parametrize(("failures", "slept"), [(0, []), (1, [1.0]), (2, [1.0, 4.0]), (9, [1.0, 4.0])])
def test_a_call_is_repeated_after_pauses_three_times_in_all(failures: int, slept: list[float]) -> None:
    asked, pauses = [], []

    def call(word: str) -> str:
        asked.append(word)
        if len(asked) <= failures:
            raise ConpaasError("no room")
        return word

    again = stubborn(call, Settings(retry_pause="1").pauses, pauses.append)
    if failures > 2:
        with pytest.raises(ConpaasError, match="no room"):
            again("a")
    else:
        assert again("a") == "a"
    assert (asked, pauses) == (["a"] * min(failures + 1, 3), slept)


def test_what_the_user_has_to_mend_is_not_tried_again() -> None:
    def call() -> None:
        raise UserError("somebody else's machine")

    with pytest.raises(UserError):
        stubborn(call, (1.0, 4.0), lambda pause: pytest.fail("it waits"))()


class Machines:
    """An executor: who is silent so often, and what fails for good. Later batches wait for former ones."""

    def __init__(self, silent: dict[str, int], broken: Sequence[str] = ()) -> None:
        self.silent, self.broken, self.seen = silent, broken, list[tuple[str, ...]]()

    def __call__(self, playbook: str, visits: Sequence[Visit], access: Access, listen: Listener) -> Outcome:
        self.seen.append(tuple(visit.node for visit in visits))
        confirmed: list[str] = []
        for place, visit in enumerate(visits):
            self.silent[visit.node] = self.silent.get(visit.node, 0) - 1
            step = FIRST_CONTACT if self.silent[visit.node] >= 0 else "verify"
            if step == FIRST_CONTACT or visit.node in self.broken:
                left = tuple(each.node for each in visits[place + 1 :])
                return Outcome(tuple(confirmed), (Failure(visit.node, step, "no"),), {}, left)
            confirmed.append(visit.node)
        return Outcome(tuple(confirmed), ())


def test_who_does_not_answer_is_asked_again_alone_with_those_that_waited_for_it() -> None:
    machines, pauses, heard = Machines({"b": 2}), list[float](), list[Event]()
    outcome = patient(machines, (2.0, 8.0), pauses.append)("configure", visits("a", "b", "c"), ACCESS, heard.append)
    assert machines.seen == [("a", "b", "c"), ("b", "c"), ("b", "c")]
    assert (outcome.confirmed, outcome.failures, outcome.untouched) == (("a", "b", "c"), (), ())
    assert pauses == [2.0, 8.0]
    assert [event.text for event in heard] == ["it does not answer; again in 2 s", "it does not answer; again in 8 s"]


def test_the_third_silence_is_a_failure() -> None:
    machines = Machines({"b": 3})
    outcome = patient(machines, (0.0, 0.0), lambda pause: None)("configure", visits("a", "b", "c"), ACCESS, silent)
    assert (outcome.confirmed, [each.node for each in outcome.failures], outcome.untouched) == (("a",), ["b"], ("c",))


def test_what_failed_otherwise_is_not_repeated() -> None:
    machines = Machines({}, broken=("b",))
    outcome = patient(machines, (0.0, 0.0), lambda pause: None)("configure", visits("a", "b", "c"), ACCESS, silent)
    assert machines.seen == [("a", "b", "c")]
    assert outcome.untouched == ("c",)
