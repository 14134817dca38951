"""Statuses on a forge that answers, and on one that does not."""

import threading

import pytest

from conpaas_iac.forge.base import Forge
from conpaas_iac.forge.rest import ForgeError
from conpaas_iac.sync import statuses
from conpaas_iac.sync.reports import Report, Seen
from conpaas_iac.sync.statuses import Statuses


class Remembering(Forge):
    """A forge that only knows statuses; `lets` holds it up."""

    def __init__(self, error: str = "") -> None:
        self.set: list[tuple[str, str, str, str]] = []
        self.lets, self._error = threading.Event(), error
        self.lets.set()

    def set_status(self, sha: str, state: str, description: str, url: str = "", context: str = "conpaas") -> None:
        self.lets.wait(30)
        if self._error:
            raise ForgeError(self._error)
        self.set.append((sha, state, description, context))

    comments = add_comment = change_comment = remove_comment = labels = merged = plans = None  # type: ignore[assignment]


def report(state: str, text: str = "") -> Report:
    return Report("shop:staging", "abc", state, "2026-11-21T00:00:00+00:00", text)  # type: ignore[arg-type]


def test_each_state_is_a_status_of_the_commit() -> None:
    forge, said = Remembering(), list[str]()
    told = Statuses(forge, said.append)
    for each in (report("running"), report("interrupted"), report("waiting", "downtime"), report("done", "1 add")):
        told.report(each)
    told.seen(Seen("url", "main", "abc"))
    told.seen(Seen("url", "main", "def", error="conpaas.json: broken\nmore"))
    told.end(30)
    context = "conpaas/shop:staging"
    assert forge.set == [
        ("abc", "pending", "running", context),
        ("abc", "pending", "downtime", context),
        ("abc", "success", "1 add", context),
        ("def", "failure", "conpaas.json: broken", "conpaas/fleet"),
    ]
    assert said == []


def test_a_forge_that_refuses_is_said_once() -> None:
    said = list[str]()
    told = Statuses(Remembering("api: 403"), said.append)
    for _ in range(3):
        told.report(report("done"))
    told.end(30)
    assert said == ["warning: no status: api: 403"]


def test_a_forge_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "MOST", 2)
    forge, said = Remembering(), list[str]()
    forge.lets.clear()
    told = Statuses(forge, said.append)
    for _ in range(9):
        told.report(report("done"))
    told.end(0.01)
    assert said == ["warning: the forge is too slow: some statuses are left out"]
    forge.lets.set()
