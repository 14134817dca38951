"""Services that move between two places: one machine after another, under their addresses, nobody else touched."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.machines.visit import Visit
from conpaas_iac.plans import plandocument
from conpaas_iac.usecases import prospect
from conpaas_iac.usecases.wish import Request
from conpaas_iac.views import planmarkdown
from tests import schemas
from tests.engine.conftest import World, backends

CLOUDS = {"lab": {"Provider": "lxd", "Project": "lab"}, "here": {"Provider": "lxd"}}
DATABASE = {"Type": "mysql", "ServiceName": "db", "Cloud": "here", "Password": {"Secret": "db"}, "Uses": []}


@pytest.fixture(autouse=True)
def projects(world: World) -> None:
    world.lxd.projects.add("lab")


def web(count: int, cloud: str, **fields: Any) -> dict[str, Any]:
    return {**backends(count), "Cloud": cloud, "Uses": [], **fields}


def members(count: int, cloud: str = "here") -> dict[str, Any]:
    return {**DATABASE, "Cloud": cloud, "StartupInstances": {"mysql": count, "glb": 1}}


def plan(world: World) -> Any:
    return prospect.planned(Request(world.folder / "manifest.json"), world.settings)


def watched(world: World, least: int) -> list[tuple[str, tuple[str, ...], int]]:
    """Each visit of web's machines with how many of them run meanwhile, which must be so many at least."""
    seen: list[tuple[str, tuple[str, ...], int]] = []

    def at_visit(playbook: str, visits: Sequence[Visit]) -> None:
        running = sum("--web-" in name for name in world.lxd.running())
        seen.append((playbook, tuple(visit.node for visit in visits), running))
        assert running >= least

    world.visits.at_visit = at_visit
    return seen


def test_one_machine_after_another_moves_and_nobody_else_is_visited(world: World) -> None:
    world.up(members(2), web(3, "here"), Clouds=CLOUDS)
    ids, addresses = world.lxd.ids(), {node: each.address for node, each in world.applied().items()}
    world.write(members(2), web(3, "lab"), Clouds=CLOUDS)
    made = plan(world)
    assert [(change.node, change.action, change.danger, change.cause) for change in made.changes] == [
        ("web-1", "move", "downtime", "cloud: here -> lab"),  # the proxy is there and nowhere else
        ("web-2", "move", "restart", "cloud: here -> lab"),
        ("web-3", "move", "restart", "cloud: here -> lab"),
    ]
    assert {cause.text for change in made.changes for cause in change.causes} == {"web Cloud: here -> lab"}
    seen = watched(world, 3)
    world.up()
    assert [each[:2] for each in seen] == [
        (playbook, (node,)) for node in ("web-3", "web-2", "web-1") for playbook in ("leave", "configure")
    ]
    assert world.lxd.running() == {f"lab:shop--web-{n}" for n in (1, 2, 3)} | {"shop--db-1", "shop--db-2"}
    assert {name: each for name, each in world.lxd.ids().items() if "db" in name}.items() <= ids.items()
    assert {node: each.address for node, each in world.applied().items()} == addresses
    assert world.up().plan.is_empty
    assert world.visits.seen == []


def test_many_at_once_where_that_is_asked_for(world: World) -> None:
    world.up(web(3, "here", MaxUnavailable=2), Clouds=CLOUDS)
    seen = watched(world, 2)
    world.up(web(3, "lab", MaxUnavailable=2), Clouds=CLOUDS)
    assert [each[1] for each in seen if each[0] == "leave"] == [("web-2", "web-3"), ("web-1",)]
    assert world.up().plan.is_empty


def test_one_machine_of_a_service_moves_with_machines(world: World) -> None:
    world.up(web(2, "here"), Clouds=CLOUDS)
    mix = {"backend": [{"Count": 1}, {"Count": 1, "Cloud": "lab"}]}
    world.up({"Cloud": "here", "Uses": [], "Machines": mix}, Clouds=CLOUDS)
    assert world.lxd.running() == {"shop--web-1", "lab:shop--web-2"}
    assert world.visits.seen == [("leave", ("web-2",)), ("configure", ("web-2",))]
    assert world.up().plan.is_empty


def test_the_only_member_does_not_lose_its_data(world: World) -> None:
    world.up(members(1), Clouds=CLOUDS)
    world.write(members(1, "lab"), Clouds=CLOUDS)
    assert [(change.action, change.danger) for change in plan(world).changes] == [("move", "data loss")]
    with pytest.raises(UserError, match="db-1 is the only one that has it: scale db to two or three first, then move"):
        world.up()
    assert world.lxd.running() == {"shop--db-1"}

    world.up(members(3, "lab"), Clouds=CLOUDS)  # the others come first, then it moves
    assert [playbook for playbook, _ in world.visits.seen] == ["configure", "leave", "configure"]
    assert set(world.visits.seen[0][1]) >= {"db-2", "db-3"}
    assert world.visits.seen[1:] == [("leave", ("db-1",)), ("configure", ("db-1",))]
    assert world.lxd.running() == {f"lab:shop--db-{n}" for n in (1, 2, 3)}
    assert world.up().plan.is_empty


def test_a_cloud_that_fails_keeps_the_others_where_they_are(world: World) -> None:
    world.up(members(2), web(3, "here"), Clouds=CLOUDS)
    world.lxd.faults.create["lab:shop--web-3"] = 3
    with pytest.raises(MachineError, match="web-3"):
        world.up(members(2), web(3, "lab"), Clouds=CLOUDS)
    assert world.lxd.running() == {"shop--web-1", "shop--web-2", "shop--db-1", "shop--db-2"}
    world.up()
    assert {name for name in world.lxd.running() if "web" in name} == {f"lab:shop--web-{n}" for n in (1, 2, 3)}
    assert world.up().plan.is_empty


class Killed(BaseException):
    """Stands where SIGKILL stands."""


@pytest.mark.parametrize("at", range(6))
def test_cut_off_anywhere_the_next_up_goes_on(world: World, at: int) -> None:
    world.up(web(3, "here"), Clouds=CLOUDS)
    addresses = {node: each.address for node, each in world.applied().items()}
    left = [at]

    def at_visit(playbook: str, visits: Sequence[Visit]) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    world.visits.at_visit = at_visit
    with pytest.raises(Killed):
        world.up(web(3, "lab"), Clouds=CLOUDS)
    watched(world, 3)
    world.up()
    assert world.lxd.running() == {f"lab:shop--web-{n}" for n in (1, 2, 3)}
    assert {node: each.address for node, each in world.applied().items()} == addresses
    assert world.up().plan.is_empty


def test_a_move_back_before_it_has_ended(world: World) -> None:
    world.up(web(2, "here"), Clouds=CLOUDS)
    world.lxd.faults.create["lab:shop--web-1"] = 3
    with pytest.raises(MachineError):
        world.up(web(2, "lab"), Clouds=CLOUDS)
    assert world.lxd.running() == {"lab:shop--web-2"}
    world.up(web(2, "here"), Clouds=CLOUDS)
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    assert world.up().plan.is_empty


def test_the_plan_is_told_in_all_forms(world: World) -> None:
    world.up(web(2, "here"), Clouds=CLOUDS)
    world.write(web(2, "lab"), Clouds=CLOUDS)
    made = plan(world)
    assert plandocument.summary(made) == "Plan: 0 to add, 0 to change, 0 to remove, 2 to move; 0 as they are."
    schemas.check(json.dumps(plandocument.document(made)), "plan")
    assert "cloud: here -\\> lab" in planmarkdown.markdown(made)
    assert "A month: 1460 credits, price of here not known, price of lab not known." in plandocument.cost(made)
