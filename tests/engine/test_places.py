"""One application at two places of one provider: machines, commands without a manifest, renamed places, kills."""

import json
from typing import Any

import pytest

from conpaas_iac.backend import record
from conpaas_iac.backend.statefile import RECORD
from conpaas_iac.core.places import Place
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.usecases import inspection, keeping, lifecycle, orphans, prospect
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World, backends

CLOUDS = {"lab": {"Provider": "lxd", "Project": "lab"}, "here": {"Provider": "lxd", "Size": "medium"}}
TWO: list[dict[str, Any]] = [
    {"ServiceName": "web", "Cloud": "here"},
    {"ServiceName": "db", "Cloud": "lab", "Uses": []},
]


@pytest.fixture(autouse=True)
def projects(world: World) -> None:
    world.lxd.projects.add("lab")


def there(world: World) -> record.Record:
    content = keeping.kept(world.settings, "shop.default").read(RECORD)
    assert content
    return record.decode(content, "shop.default")


def plan(world: World) -> Any:
    return prospect.planned(Request(world.folder / "manifest.json"), world.settings, look=True)


def test_two_places_are_used_looked_at_and_left(world: World) -> None:
    world.up(*TWO, Clouds=CLOUDS)
    assert {name: machine.project for name, machine in world.lxd.machines.items()} == {
        "lab:shop--db-1": "lab",
        "shop--web-1": "conpaas",
    }
    assert {node: each.cloud for node, each in world.applied().items()} == {"web-1": "here", "db-1": "lab"}
    assert {node: each.cpu for node, each in world.applied().items()} == {"web-1": 2, "db-1": 1}
    assert there(world).places == {
        "here": Place("here", "lxd", {"Size": "medium"}),
        "lab": Place("lab", "lxd", {"Project": "lab"}),
    }
    assert world.up().plan.is_empty
    assert world.lxd.calls == []

    with inspection.view("shop", "default", world.settings) as looked:
        assert set(looked.seen) == {"web-1", "db-1"}
    assert {(each.name, each.cloud, each.verdict) for each in orphans.find(world.settings)} == {
        ("shop--db-1", "lab", "known"),
        ("shop--web-1", "lxd", "known"),
    }
    assert set(lifecycle.stop("shop", "default", "", world.settings, world.events.append)) == {"web-1", "db-1"}
    assert world.lxd.running() == set()
    lifecycle.start("shop", "default", "", world.settings, world.events.append, execute=world.visits)
    assert world.lxd.running() == {"lab:shop--db-1", "shop--web-1"}
    world.down()
    assert not world.lxd.machines


def test_what_a_failed_run_left_at_a_place_is_found_without_a_manifest(world: World) -> None:
    """The record names the place before the engine begins, so `down` looks there."""
    world.lxd.faults.start["lab:shop--db-1"] = 9
    with pytest.raises(MachineError):
        world.up(*TWO, Clouds=CLOUDS)
    assert "lab:shop--db-1" in world.lxd.machines
    assert set(there(world).places) == {"here", "lab"}
    (world.folder / "manifest.json").unlink()
    world.down()
    assert not world.lxd.machines


def test_a_place_is_forgotten_once_nothing_is_there(world: World) -> None:
    world.up(*TWO, Clouds=CLOUDS)
    world.up(TWO[0], Clouds=CLOUDS)
    assert set(there(world).places) == {"here"}
    assert set(world.lxd.machines) == {"shop--web-1"}


def test_a_place_may_get_another_name_and_no_other_meaning(world: World) -> None:
    world.up(*TWO, Clouds=CLOUDS)
    ids = world.lxd.ids()
    renamed = [{**TWO[0], "Cloud": "desk"}, {**TWO[1], "Cloud": "cellar"}]
    names = {"desk": CLOUDS["here"], "cellar": CLOUDS["lab"]}
    world.write(*renamed, Clouds=names)
    assert plan(world).is_empty
    assert world.up().plan.is_empty
    assert world.lxd.ids() == ids
    assert {node: each.cloud for node, each in world.applied().items()} == {"web-1": "desk", "db-1": "cellar"}

    world.lxd.projects.add("attic")
    world.write(*renamed, Clouds={**names, "cellar": {"Provider": "lxd", "Project": "attic"}})
    with pytest.raises(UserError, match="Project of the cloud cellar was 'lab', where machines are, and is 'attic'"):
        plan(world)
    assert world.lxd.ids() == ids


def test_an_application_made_before_places_were_kept_stays_as_it_is(world: World) -> None:
    """Its machines say no place, its record holds none."""
    world.up(backends(2))
    ids = world.lxd.ids()
    for path in (world.settings.state / "backend").rglob("*.json"):
        document = json.loads(path.read_text())
        if path.name == record.NAME:
            del document["places"]
        elif path.name == "shop.default.json" and "checkpoint" in document:
            for resource in document["checkpoint"]["latest"]["resources"]:
                resource.get("inputs", {}).pop("cloud", None)
                resource.get("outputs", {}).pop("cloud", None)
        path.write_text(json.dumps(document))
    assert {each.verdict for each in orphans.find(world.settings)} == {"known"}
    assert plan(world).is_empty
    world.write({**backends(2), "Cloud": "here"}, Clouds={"here": {"Provider": "lxd"}})
    assert plan(world).is_empty
    assert world.up().plan.is_empty
    assert world.lxd.ids() == ids
    assert there(world).places == {"here": Place("here", "lxd", made_as="lxd")}
    world.down()
    assert not world.lxd.machines


def test_a_project_that_is_not_there_is_said_before_anything_is_made(world: World) -> None:
    world.lxd.projects.remove("lab")
    with pytest.raises(UserError, match="no LXD project lab") as raised:
        world.up(*TWO, Clouds=CLOUDS)
    assert raised.value.remedy == "CONPAAS_LXD_PROJECT=lab conpaas setup"
    assert not world.lxd.made
    world.lxd.projects.add("lab")
    world.up(*TWO[1:], Clouds=CLOUDS)
    world.lxd.projects.remove("lab")
    with pytest.raises(UserError, match="no LXD project lab"):
        world.up({**TWO[1], **backends(2)}, Clouds=CLOUDS)
    assert world.lxd.made == ["lab:shop--db-1"]
