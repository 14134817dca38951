"""What a run leaves that was cut off at the worst moment; how the next one finds it. Found by tests/crash."""

import json
from dataclasses import replace
from typing import Any

import pytest

from conpaas_iac.backend import place, record
from conpaas_iac.backend.store import Store
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_state import SECRET
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.machines import power
from conpaas_iac.usecases import deployment, lifecycle, prospect, rotation
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World, backends


class Cut(Exception):
    """The run ends here."""


def cut(*_: Any) -> None:
    raise Cut


def shelf(world: World) -> Store:
    """Its documents, wherever they are now."""
    return place.shelf(place.placed(world.settings, "shop.default"))


def test_a_machine_that_is_listed_late_is_not_lost(world: World) -> None:
    world.up(backends(2))
    ids = world.lxd.ids()
    world.lxd.faults.late["shop--web-2"] = 2
    assert world.up().plan.is_empty
    assert world.lxd.ids() == ids


def test_a_machine_that_came_back_elsewhere_is_found_there_from_then_on(world: World) -> None:
    world.up(backends(2))
    world.lxd.halt("shop--web-2")
    world.lxd.machines["shop--web-2"].ip = "127.83.0.77"
    world.up()
    assert world.up().plan.is_empty
    met: list[str] = []
    world.visits.at_visit = lambda playbook, visits: met.extend(visit.ip for visit in visits if playbook == "leave")
    request = Request(world.folder / "manifest.json", replaced=frozenset({"web-2"}))
    deployment.up(request, world.settings, world.events.append, lambda plan, wish: None, world.visits)
    assert met == ["127.83.0.77"]


def test_what_is_listed_late_does_not_survive_down(world: World) -> None:
    world.up(backends(1))
    world.lxd.faults.start["shop--web-2"] = 3
    with pytest.raises(MachineError):
        world.up(backends(2))
    world.lxd.faults.late["shop--web-2"] = 1
    world.down()
    assert world.lxd.machines == {}


def test_down_forgets_the_stack_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.up(backends(1))
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(Engine, "forget", cut)
        world.down()
    assert shelf(world).names() == ()
    world.down()
    with monkeypatch.context() as patched, pytest.raises(Cut):
        world.up(backends(1))
        patched.setattr(Engine, "forget", cut)
        world.down()
    world.up()
    assert world.lxd.running() == {"shop--web-1"}
    assert world.up().plan.is_empty


def test_what_a_failed_up_made_and_the_cloud_shows_late_is_found(world: World) -> None:
    world.up(backends(1))
    for end in (world.down, lambda: world.up(backends(1))):
        world.lxd.faults.start["shop--web-2"] = 3
        with pytest.raises(MachineError):
            world.up(backends(2))
        assert record.read(shelf(world), "shop.default").making == {"web-2"}
        world.lxd.faults.late["shop--web-2"] = 2
        end()
        assert "shop--web-2" not in world.lxd.machines
        world.up(backends(1))
        assert record.read(shelf(world), "shop.default").making == frozenset()


def test_machines_that_were_started_and_not_proved_are_visited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.up(backends(1))
    lifecycle.stop("shop", "default", "", world.settings, world.events.append)
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(lifecycle, "_prove", cut)
        lifecycle.start("shop", "default", "", world.settings, world.events.append, world.visits)
    world.up()
    assert world.visits.seen == [("configure", ("web-1",))]
    assert world.up().plan.is_empty

    world.lxd.halt("shop--web-1")
    really = power.rouse
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(power, "rouse", lambda *arguments: cut(really(*arguments)))
        world.up()
    assert world.lxd.running() == {"shop--web-1"}
    world.up()
    assert world.visits.seen == [("configure", ("web-1",))]


def test_versions_that_nobody_is_asked_for_leave_the_record_too(world: World) -> None:
    """A rotation that was cut off before anybody was told, of a secret that no other machine is asked for."""
    api = {"Environment": {"API_KEY": {"Secret": "api"}}}
    rotation.give("shop", "default", "api", "one", world.settings, world.events.append)
    world.up({**backends(1), **api})
    world.visits.at_visit = cut
    with pytest.raises(Cut):
        rotation.rotate("shop", "default", "api", world.settings, world.events.append, execute=world.visits)
    world.visits.at_visit = None
    world.up()
    there = record.read(shelf(world), "shop.default")
    assert list(there.secrets["api"]) == [2]
    assert {key for key in world.engine().applied().secrets if key.startswith("api@")} == {"api@2"}


def test_what_a_killed_run_made_can_be_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outputs of the last run that ended know nothing of it."""
    world.up(backends(1))
    world.lxd.faults.create["shop--web-3"] = 3
    with pytest.raises(MachineError):
        world.up(backends(3))
    outputs = world.engine().machines()
    assert set(outputs.nodes) == {"web-1", "web-2"}
    assert outputs.login and outputs.keys and outputs.owner


def test_a_secret_that_half_a_down_took_is_told_anew(world: World) -> None:
    """Its next value has the same name: what machines confirmed does not show that they have another."""
    world.up(backends(2))
    [path] = (world.settings.state / "backend").rglob("stacks/conpaas/shop.default.json")
    document = json.loads(path.read_text())
    latest = document["checkpoint"]["latest"]
    latest["resources"] = [each for each in latest["resources"] if each["type"] != SECRET]
    path.write_text(json.dumps(document))
    plan = prospect.planned(Request(world.folder / "manifest.json"), world.settings)
    assert {change.node for change in plan.changes} >= {"web-1", "web-2"}
    world.visits.fail("web-2")
    with pytest.raises(MachineError):
        world.up()
    world.visits.failing.clear()
    world.up()
    assert {node for _, nodes in world.visits.seen for node in nodes} == {"web-2"}
    assert world.up().plan.is_empty


def test_data_that_nobody_holds_begins_anew(world: World) -> None:
    world.up(backends(1))
    there = record.read(shelf(world), "shop.default")
    record.write(shelf(world), "shop.default", replace(there, founded=frozenset({"web", "db"})))
    world.up(backends(2))
    assert record.read(shelf(world), "shop.default").founded == frozenset()


def test_data_that_was_given_up_by_a_run_that_was_cut_off_is_not_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps = {"Type": "mysql", "ServiceName": "db", "Configuration": {"databases": ["shop"]}}
    world.up(keeps)
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(Engine, "destroy", lambda *_: cut(world.lxd.lose("shop--db-1")))
        world.down("db")
    world.up()
    assert world.lxd.running() == {"shop--db-1"}
    world.lxd.lose("shop--db-1")
    with pytest.raises(UserError, match="db would lose its data"):
        world.up()
