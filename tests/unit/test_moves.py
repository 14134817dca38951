"""In which steps machines move between clouds, and which services cannot."""

import itertools
from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.catalog import Group, ServiceType
from conpaas_iac.core.topology import Topology
from conpaas_iac.plans import moves
from tests.builders import TYPES, applied, build, service


def keeping() -> dict[str, ServiceType]:
    """The types, php's backends made the keepers of data."""
    php = TYPES["php"]
    groups = {**php.descriptor.groups, "backend": Group(default=1, keeps_data=True)}
    return {"php": replace(php, descriptor=msgspec.structs.replace(php.descriptor, groups=groups))}


def web(count: int, cloud: str = "lxd", name: str = "web", **fields: object) -> object:
    return service(name, counts={"backend": count}, cloud=cloud, **fields)


def of(*services: object) -> Topology:
    return build(*services)  # type: ignore[arg-type]


def test_who_moves_is_said_with_both_clouds() -> None:
    before, after = of(web(2)), of(web(3, "ec2"))
    assert moves.moving(applied(before), after) == {"web-1": "cloud: lxd -> ec2", "web-2": "cloud: lxd -> ec2"}
    assert moves.moving(applied(before), before) == {}
    assert moves.moving(applied(before), of()) == {}  # who goes does not move


def test_one_after_another_the_last_first_services_side_by_side() -> None:
    layout = of(web(3, "ec2"), web(2, "ec2", "shop"))
    names = [node.name for node in layout.nodes]
    done = [sorted(each) for each in moves.steps(layout, names, names)]
    assert done == [
        [],
        ["shop-2", "web-3"],
        ["shop-1", "shop-2", "web-2", "web-3"],
        ["shop-1", "shop-2", "web-1", "web-2", "web-3"],
    ]
    two = of(web(3, "ec2", at_once=2))
    three = ["web-1", "web-2", "web-3"]
    assert [len(each) for each in moves.steps(two, three, three)] == [0, 2, 3]


def test_who_serves_nobody_goes_at_once() -> None:
    layout = of(web(3, "ec2"))
    assert [sorted(each) for each in moves.steps(layout, ["web-1", "web-2", "web-3"], ["web-2"])] == [
        ["web-1", "web-3"],
        ["web-1", "web-2", "web-3"],
    ]
    assert moves.steps(layout, [], ["web-1"]) == (frozenset(),)


def test_the_only_one_that_has_the_data_does_not_move() -> None:
    lone = moves.stranded(of(web(1, "ec2")), ["web-1"], (), keeping())
    assert lone == {"web": "web-1 is the only one that has it: scale web to two or three first, then move it"}
    assert moves.stranded(of(web(2, "ec2")), ["web-1", "web-2"], (), keeping()) == {}
    assert "the only one" in moves.stranded(of(web(2, "ec2")), ["web-1", "web-2"], ["web-2"], keeping())["web"]
    together = moves.stranded(of(web(2, "ec2", at_once=2)), ["web-1", "web-2"], (), keeping())
    assert '"MaxUnavailable": 1' in together["web"]
    assert moves.stranded(of(web(1, "ec2")), ["web-1"], (), TYPES) == {}  # without data it is a pause
    assert moves.stranded(of(web(1)), [], ["web-1"], keeping()) == {}  # that is a loss, and no move


def test_until_its_turn_a_machine_is_where_it_was() -> None:
    machines, moving = applied(of(web(3))), ["web-1", "web-2"]  # web-3 was lost: it comes where it is to be
    assert moves.held(machines, moving, ()) == {"web-1": "lxd", "web-2": "lxd"}
    assert moves.held(machines, moving, {"web-2"}) == {"web-1": "lxd"}


@given(st.integers(1, 9), st.integers(1, 4), st.sets(st.integers(1, 9)), st.sets(st.integers(1, 9)))
def test_everybody_moves_once_and_never_more_at_once_than_may(
    count: int, at_once: int, idle: set[int], staying: set[int]
) -> None:
    layout = of(web(count, "ec2", at_once=at_once))
    names = {node.name for node in layout.nodes}
    movers = names - {f"web-{number}" for number in staying}
    serving = names - {f"web-{number}" for number in idle}
    done = moves.steps(layout, movers, serving)
    assert done[0] == movers - serving
    assert done[-1] == movers
    for before, after in itertools.pairwise(done):
        assert before < after
        assert len(after - before) <= at_once
