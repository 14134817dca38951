"""One of two clouds does not answer: the other one gets what is wanted, `up` names the silent one, the next goes on."""

from typing import Any

import pytest

from conpaas_iac.errors import MachineError
from conpaas_iac.usecases import prospect
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World, backends

CLOUDS = {"lab": {"Provider": "lxd", "Project": "lab"}, "here": {"Provider": "lxd"}}


@pytest.fixture(autouse=True)
def projects(world: World) -> None:
    world.lxd.projects.add("lab")


def web(count: int, cloud: str = "here") -> dict[str, Any]:
    return {**backends(count), "Cloud": cloud, "Uses": []}


def shop(count: int, cloud: str = "lab") -> dict[str, Any]:
    return {**web(count, cloud), "ServiceName": "shop"}


def failed(world: World, *services: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(MachineError) as raised:
        world.up(*services, Clouds=CLOUDS)
    assert raised.value.exit_code == 3
    assert "lab does not answer, its machines are left as they are" in raised.value.message
    return [(failure.node, failure.step) for failure in raised.value.failures]


def test_the_others_change_meanwhile(world: World) -> None:
    world.up(web(1), shop(1), Clouds=CLOUDS)
    world.lxd.faults.away.add("lab")
    assert failed(world, web(2), shop(2)) == [("lab", "cloud")]
    assert world.lxd.running() == {"shop--web-1", "shop--web-2", "lab:shop--shop-1"}
    planned = prospect.planned(Request(world.folder / "manifest.json"), world.settings, look=True)
    assert any("not looked at: lab" in note for note in planned.notes)
    world.lxd.faults.away.clear()
    world.up()
    assert world.lxd.running() == {"shop--web-1", "shop--web-2", "lab:shop--shop-1", "lab:shop--shop-2"}
    assert world.up().plan.is_empty


def test_nobody_moves_to_it_or_away_from_it(world: World) -> None:
    world.up(web(2), shop(1), Clouds=CLOUDS)
    ids = world.lxd.ids()
    world.lxd.faults.away.add("lab")
    assert failed(world, web(2, "lab"), shop(1, "here")) == [("lab", "cloud")]
    assert world.lxd.ids() == ids
    assert world.lxd.calls == []
    world.lxd.faults.away.clear()
    world.up()
    assert world.lxd.running() == {"lab:shop--web-1", "lab:shop--web-2", "shop--shop-1"}


def test_a_new_application_begins_where_somebody_answers(world: World) -> None:
    world.lxd.faults.away.add("lab")
    assert failed(world, web(1), shop(1)) == [("lab", "cloud")]
    assert world.lxd.running() == {"shop--web-1"}
    world.lxd.faults.away.clear()
    world.up()
    assert world.lxd.running() == {"shop--web-1", "lab:shop--shop-1"}


def test_where_none_answers_nothing_is_begun(world: World) -> None:
    world.lxd.faults.away |= {"lab", "conpaas"}
    with pytest.raises(MachineError, match="the database is locked"):
        world.up(web(1), shop(1), Clouds=CLOUDS)
    assert not (world.settings.state / "backend" / ".pulumi").exists() or not list(
        (world.settings.state / "backend").rglob("shop.default.json")
    )


def test_a_cloud_whose_creates_fail_leaves_the_other_one_made(world: World) -> None:
    world.lxd.faults.create["lab:shop--shop-1"] = 3
    with pytest.raises(MachineError, match="shop-1: not configured"):
        world.up(web(1), shop(1), Clouds=CLOUDS)
    assert world.lxd.running() == {"shop--web-1"}
    world.up()
    assert world.lxd.running() == {"shop--web-1", "lab:shop--shop-1"}
