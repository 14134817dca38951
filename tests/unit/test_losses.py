"""When a change would destroy the last copy of a service's data."""

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.backend.record import Confirmed, Record
from conpaas_iac.catalog import Group, ServiceType
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.topology import Topology
from conpaas_iac.plans import losses
from tests.builders import TYPES, applied, build, service


def keeping(**fields: Any) -> dict[str, ServiceType]:
    """The types, php's backends made the keepers of data."""
    php = TYPES["php"]
    groups = {**php.descriptor.groups, "backend": Group(default=1, keeps_data=True, **fields)}
    return {"php": replace(php, descriptor=msgspec.structs.replace(php.descriptor, groups=groups))}


def proved(machines: tuple[Machine, ...]) -> Record:
    return Record({machine.node: Confirmed("id", "digest", {}, ("backend",)) for machine in machines})


def lost(before: Topology, after: Topology, missing: tuple[str, ...] = (), there: Record | None = None) -> Any:
    machines = applied(before)
    return losses.of_change(after, machines, there or proved(machines), keeping(), missing)


def of(count: int, **fields: Any) -> Topology:
    return build(service(counts={"backend": count}, **fields))


def test_the_last_machine_and_the_service_itself() -> None:
    assert lost(of(1), of(1)) == {}
    assert lost(of(1), of(3)) == {}
    assert lost(of(3), of(2)) == {}
    assert lost(of(2), of(1)) == {}
    assert lost(of(1), of(1), ("web-1",)) == {"web": "web-1 held the last copy of it"}
    assert lost(of(2), build(service("other"))) == {
        "web": "it is no longer in the manifest, and its data is on web-1, web-2"
    }
    assert lost(of(2), of(2, start=False)) == {}  # they rest, and keep it
    assert lost(of(1), of(1), ("web-1",), Record()) == {}  # it never proved to hold anything


def test_less_than_a_majority_goes_in_steps() -> None:
    assert "only web-1 of 3 would stay" in lost(of(3), of(1))["web"]
    assert "web-1, web-2 of 5" in lost(of(5), of(2))["web"]
    assert lost(of(5), of(3)) == {}


def test_machines_that_hand_over_what_they_hold_go_in_one_step() -> None:
    machines, types = applied(of(5)), keeping(hands_over=True)
    assert losses.of_change(of(1), machines, proved(machines), types, ()) == {}
    last = losses.of_change(of(1), machines, proved(machines), types, ("web-1",))
    assert last == {"web": "web-1 held the last copy of it"}


def test_machines_that_are_there_but_gone_hold_nothing() -> None:
    assert lost(of(3), of(3), ("web-1", "web-2")) == {}  # the third one has it
    assert "web-1, web-2, web-3 held the last copy" in lost(of(3), of(3), ("web-1", "web-2", "web-3"))["web"]
    # The one that would stay is the one that was lost.
    assert "web" in lost(of(2), of(1), ("web-1",))


@given(st.integers(1, 6), st.integers(1, 6), st.sets(st.integers(1, 6)))
def test_what_is_not_refused_leaves_a_machine_with_the_data(before: int, after: int, gone: set[int]) -> None:
    missing = tuple(f"web-{ordinal}" for ordinal in gone if ordinal <= before)
    staying = {f"web-{ordinal}" for ordinal in range(1, min(before, after) + 1)} - set(missing)
    assert staying or "web" in lost(of(before), of(after), missing)


def test_the_refusal_says_how_to_go_on() -> None:
    message, remedy = losses.said({"web": "why"}, "shop", {"web": "php"}, keeping())
    assert message == "web would lose its data: why"
    assert remedy == "to lose it: --allow-data-loss=web"


def test_each_group_keeps_data_of_its_own() -> None:
    php = keeping()["php"]
    groups = {**php.descriptor.groups, "web": Group(default=1, keeps_data=True)}
    types = {"php": replace(php, descriptor=msgspec.structs.replace(php.descriptor, groups=groups))}
    before = build(service(counts={"backend": 3, "web": 1}))
    there = Record({
        machine.node: Confirmed("id", "digest", {}, ("web", "backend") if machine.node == "web-1" else ("backend",))
        for machine in applied(before)
    })
    after = build(service(counts={"backend": 2, "web": 1}, without=frozenset({"web-1"})))
    assert losses.of_change(after, applied(before), there, types, ()) == {"web": "web-1 held the last copy of it"}
    without = build(service(counts={"backend": 2, "web": 1}, without=frozenset({"web-2"})))
    assert losses.of_change(without, applied(before), there, types, ()) == {}


def test_a_group_that_is_copied_to_another_one_outlives_its_machines() -> None:
    php = keeping()["php"]
    groups = {**php.descriptor.groups, "web": Group(default=1, keeps_data=True, copied_to="proxy")}
    types = {"php": replace(php, descriptor=msgspec.structs.replace(php.descriptor, groups=groups))}
    layout = build(service(counts={"web": 1, "proxy": 2, "backend": 2}))
    running = {"web-1": ("web", "proxy", "backend"), "web-2": ("proxy", "backend")}
    there = Record({node: Confirmed("id", "digest", {}, groups) for node, groups in running.items()})
    assert losses.of_change(layout, applied(layout), there, types, ("web-1",)) == {}
    both = losses.of_change(layout, applied(layout), there, types, ("web-1", "web-2"))
    assert both == {"web": "web-1, web-2 held the last copy of it"}


def test_one_copy_of_what_is_copied_is_enough() -> None:
    types = keeping(copied_to="web")
    before = build(service(counts={"backend": 1, "web": 3}))
    running = {"web-1": ("web", "backend"), "web-2": ("web",), "web-3": ("web",)}
    there = Record({node: Confirmed("id", "digest", {}, groups) for node, groups in running.items()})
    after = build(service(counts={"backend": 1, "web": 1}))
    assert losses.of_change(after, applied(before), there, types, ()) == {}
