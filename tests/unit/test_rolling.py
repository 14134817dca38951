"""Which machines a change visits one after another, and which leave service for it."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.backend.record import Record
from conpaas_iac.core.render import Tree
from conpaas_iac.core.topology import Topology
from conpaas_iac.plans import rolling
from conpaas_iac.plans.rolling import Effect
from tests.builders import TYPES, build, confirmed, service, trees

PHP = msgspec.structs.replace(TYPES["php"].descriptor, drain=("backend",))


def of(**fields: Any) -> Topology:
    return build(service(counts={"backend": 3}, **fields))


def effect(node: str, before: Topology, after: Topology, there: Record | None = None) -> Effect:
    return rolling.effect(node, trees(after)[node], PHP, there or confirmed(before))


def test_one_more_machine_rolls_the_proxy_only() -> None:
    more = build(service(counts={"backend": 4}))
    assert effect("web-1", of(), more) == Effect(frozenset({"proxy"}), True)
    assert effect("web-2", of(), more) == Effect()


def test_an_option_and_code_change_what_they_are_of() -> None:
    options = {**TYPES["php"].default_options(), "memory_limit": "99M"}
    assert effect("web-2", of(), of(options=options)) == Effect(frozenset({"backend"}), True)
    with_code = trees(build(service(counts={"backend": 3}), code={"web": "1" * 64}))
    assert rolling.effect("web-1", with_code["web-1"], PHP, confirmed(of())).groups >= {"web", "backend"}


def test_nothing_is_believed_of_a_machine_whose_last_visit_did_not_end() -> None:
    there = replace(confirmed(of()), visiting=frozenset({"web-2"}))
    assert effect("web-2", of(), of(), there) == Effect(frozenset({"backend"}), True)
    assert effect("web-3", of(), of(), there) == Effect()


def test_a_machine_that_gets_another_group_is_rolled() -> None:
    assert "web" in effect("web-2", of(), build(service(counts={"backend": 3, "web": 2}))).groups


@pytest.mark.parametrize(
    ("groups", "serving", "leaves"),
    [
        ({"backend"}, {"backend": ["web-1", "web-2"]}, True),
        ({"backend"}, {"backend": ["web-1"]}, False),  # nobody else would serve
        ({"backend"}, {"backend": ["web-2"]}, False),  # it is out already
        ({"proxy"}, {"backend": ["web-1", "web-2"]}, False),
    ],
)
def test_who_leaves_service(groups: set[str], serving: dict[str, list[str]], leaves: bool) -> None:
    assert rolling.leaves(Effect(frozenset(groups), True), "web-1", PHP, serving) is leaves


@given(st.lists(st.text(min_size=1), unique=True, max_size=9), st.integers(1, 4), st.booleans())
def test_never_more_at_once_than_is_allowed(rolled: list[str], at_once: int, leaving: bool) -> None:
    found = rolling.batches(rolled, rolled if leaving else [], at_once)
    assert set(found) == set(rolled)
    sizes = [list(found.values()).count(batch) for batch in set(found.values()) - {0}]
    assert all(size <= at_once for size in sizes)
    assert list(found.values()) == sorted(found.values())


def test_a_single_one_that_stays_in_service_goes_along_with_new_machines() -> None:
    assert rolling.batches(["web-1"], [], 1) == {"web-1": 0}
    assert rolling.batches(["web-1"], ["web-1"], 1) == {"web-1": 1}


def test_an_unknown_tree_is_no_tree() -> None:
    tree: Tree = trees(of())["web-2"]
    assert rolling.effect("web-2", tree, PHP, Record()).rolled
