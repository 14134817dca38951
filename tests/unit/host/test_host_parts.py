"""How the list of parts is gone through."""

import json
from dataclasses import dataclass, field

import pytest

from conpaas_iac.commands.doctor import document
from conpaas_iac.errors import UserError
from conpaas_iac.host.part import Finding, Say, State
from conpaas_iac.host.parts import examine, mend, parts
from conpaas_iac.settings import Settings


@dataclass
class Fake:
    """Answers with one finding after the other; the last stays."""

    name: str
    findings: list[Finding]
    mended: list[str] = field(default_factory=list)

    def look(self) -> Finding:
        return self.findings[0] if not self.mended else self.findings[-1]

    def mend(self, say: Say) -> None:
        say(f"mending {self.name}")
        self.mended.append(self.name)


THERE = Finding(State.THERE, "fine")
MISSING = Finding(State.MISSING, "gone", "conpaas setup")
WRONG = Finding(State.WRONG, "odd", "decide")
UNKNOWN = Finding(State.UNKNOWN, "waits", "conpaas setup")


def test_only_what_is_missing_is_mended_and_said_before() -> None:
    said: list[str] = []
    fakes = [Fake("a", [THERE]), Fake("b", [MISSING, THERE]), Fake("c", [THERE])]
    reports = list(mend(fakes, said.append))
    assert [(report.part, report.mended) for report in reports] == [("a", False), ("b", True), ("c", False)]
    assert said == ["mending b"]


def test_nothing_is_changed_while_the_user_has_to_decide() -> None:
    fakes = [Fake("a", [MISSING, THERE]), Fake("b", [WRONG])]
    with pytest.raises(UserError, match=r"^b: odd$") as raised:
        list(mend(fakes, print))
    assert raised.value.remedy == "decide"
    assert fakes[0].mended == []


def test_a_part_that_stays_away_is_an_error() -> None:
    with pytest.raises(UserError, match="a: still not there: gone"):
        list(mend([Fake("a", [MISSING])], print))
    with pytest.raises(UserError, match="a: waits"):
        list(mend([Fake("a", [UNKNOWN])], print))


def test_examine_goes_on_after_a_part_that_raises() -> None:
    class Broken(Fake):
        def look(self) -> Finding:
            raise UserError("no rights", "join the group")

    broken, fine = Broken("a", []), Fake("b", [MISSING])
    reports = list(examine([broken, fine]))
    assert [report.finding.state for report in reports] == [State.WRONG, State.MISSING]
    assert fine.mended == []
    listed = json.loads(document("doctor", reports))
    assert listed["schema"] == "conpaas/doctor/v1" and listed["ok"] is False
    assert listed["parts"][0] | {"seconds": 0} == {
        "part": "a",
        "state": "wrong",
        "text": "no rights",
        "remedy": "join the group",
        "mended": False,
        "seconds": 0,
    }


def test_every_part_has_a_name_of_its_own() -> None:
    names = [part.name for part in parts(Settings())]
    assert len(names) == len(set(names))
