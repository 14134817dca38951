"""Which checks a type goes through, from what it says of its groups."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac import catalog
from conpaas_iac.errors import UserError
from conpaas_iac.kit import trial as trials
from conpaas_iac.kit.course import CHECKS, Row, Step, course, way
from conpaas_iac.kit.trial import Broken, Trial
from tests.unit.kit.made import kind, skeleton


def rows(check: str, trial: Trial | None = None, **descriptor: object) -> list[Row]:
    return [*course(kind(**descriptor), trial or Trial(), [check])]


def test_a_new_type_goes_through_every_check_once(tmp_path: Path) -> None:
    found = course(skeleton(tmp_path / "roles"), Trial())
    assert [row.check for row in found] == list(CHECKS)
    assert not any(row.skipped for row in found)


def test_checks_are_named_alone_or_with_their_group() -> None:
    made = kind(groups={"store": {"default": 1}, "proxy": {"default": 1}})
    named = course(made, Trial(), ["scale proxy", "verify", "install"])
    assert [row.name for row in named] == ["install", "verify store", "verify proxy", "scale proxy"]
    with pytest.raises(UserError, match="no check scale web"):
        course(made, Trial(), ["scale web"])


def test_each_group_grows_by_two_and_shrinks_again() -> None:
    groups = {"proxy": {"default": 1, "minimum": 1}, "node": {"default": 0}, "few": {"default": 2, "maximum": 2}}
    scaled = rows("scale", groups=groups, entry="proxy")
    counts = {row.group: [step.counts[row.group] for step in row.steps] for row in scaled}
    assert counts == {"node": [1, 3, 1], "few": [1, 2, 1], "proxy": [1, 3, 1]}
    assert all(step.counts["proxy"] == 1 for row in scaled if row.group != "proxy" for step in row.steps)


def test_a_group_of_one_is_said_to_be_left_out() -> None:
    groups = {"master": {"default": 1, "minimum": 1, "maximum": 1}}
    assert [row.skipped for row in rows("scale", groups=groups)] == [
        "it has 1 machine, neither more nor fewer (meta/service.yml)"
    ]
    assert [row.skipped for row in rows("leave", groups=groups)] == [
        "no group may have two machines (meta/service.yml)"
    ]


def test_what_keeps_data_gives_up_one_machine_at_a_time() -> None:
    made = kind(groups={"store": {"default": 1, "keeps_data": True}, "proxy": {"default": 1}})
    assert way(made, {"store": 3, "proxy": 3}, {"store": 1, "proxy": 1}) == [
        {"store": 2, "proxy": 1}, {"store": 1, "proxy": 1},
    ]  # fmt: skip
    assert way(made, {"store": 1, "proxy": 1}, {"store": 3, "proxy": 1}) == [{"store": 3, "proxy": 1}]
    assert way(made, {}, {"store": 1, "proxy": 1}) == [{"store": 1, "proxy": 1}]
    moved = kind(groups={"store": {"default": 1, "keeps_data": True, "hands_over": True}})
    assert way(moved, {"store": 3}, {"store": 1}) == [{"store": 1}]


def test_the_only_copy_of_data_loses_its_power_and_not_its_machine() -> None:
    alone = {"store": {"default": 1, "maximum": 1, "keeps_data": True}}
    several = {"store": {"default": 1, "keeps_data": True}}
    assert [[step.act for step in row.steps] for row in rows("kill", groups=alone)] == [["cut"]]
    assert [[step.act for step in row.steps] for row in rows("kill", groups=several)] == [["cut", "lose"]]


def test_each_unit_of_a_group_is_stopped_but_timers() -> None:
    units = [{"name": "nginx"}, {"name": "tidy.timer"}, {"name": "cache", "groups": ["server"]}]
    groups = {"server": {"default": 1}, "other": {"default": 0}}
    found = rows("verify", groups=groups, units=units)
    assert [[step.unit for step in row.steps] for row in found] == [["nginx", "cache", ""], ["nginx", ""]]
    assert found[1].steps[0].counts == {"server": 1, "other": 1}, "a machine of the group is there"


def test_what_a_type_breaks_itself_stands_for_its_units() -> None:
    trial = Trial(breaks={"server": Broken("rm it", "put it back")})
    found = rows("verify", trial, groups={"server": {"default": 1}}, units=[{"name": "nginx"}])
    assert [(step.act, step.unit) for step in found[0].steps] == [("break", ""), ("mend", "")]


def test_only_groups_that_drain_are_changed_one_after_another() -> None:
    groups = {"proxy": {"default": 1}, "backend": {"default": 1}}
    drained, plain = rows("leave", groups=groups, drain=["backend"]), rows("leave", groups=groups, entry="proxy")
    assert [(row.group, [step.act for step in row.steps]) for row in (*drained, *plain)] == [
        ("backend", ["up", "roll", "shrink"]),
        ("proxy", ["up", "shrink"]),
    ]


def test_checks_are_chosen_by_name() -> None:
    assert {row.check for row in course(kind(groups={"a": {"default": 1}}), Trial(), ["kill", "install"])} == {
        "install", "kill",
    }  # fmt: skip
    with pytest.raises(UserError, match="no check kil") as raised:
        course(kind(groups={"a": {"default": 1}}), Trial(), ["kil"])
    assert "readme, install" in raised.value.remedy


numbers = st.integers(0, 4)


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(numbers, numbers, numbers), min_size=1))
def test_no_step_asks_for_what_a_type_does_not_take(drawn: dict[str, tuple[int, int, int]]) -> None:
    groups = {}
    for name, (minimum, more, default) in drawn.items():
        maximum = max(1, minimum + more)
        groups[name] = {"minimum": minimum, "maximum": maximum, "default": min(max(default, minimum), maximum)}
    for row in course(kind(groups=groups, drain=[next(iter(groups))]), Trial()):
        assert bool(row.steps) != bool(row.skipped or row.check == "readme")
        for step in row.steps:
            assert all(groups[name]["minimum"] <= number <= groups[name]["maximum"]
                       for name, number in step.counts.items())  # fmt: skip
            assert not step.group or step.counts[step.group] >= 1


def members(step: Step) -> int:
    return step.counts[step.group]


@pytest.mark.parametrize("found", catalog.load().values(), ids=catalog.load())
def test_every_type_of_this_installation_has_a_course(found: catalog.ServiceType) -> None:
    own = course(found, trials.of(found))
    assert {row.check for row in own} == set(CHECKS)
    assert all(members(step) > 1 for row in own for step in row.steps if step.act == "roll")
