"""Changes of machines in service, machines made anew or taken out by name, and data that is not lost by accident."""

import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from conpaas_iac import catalog
from conpaas_iac.backend import record
from conpaas_iac.catalog import Group
from conpaas_iac.errors import Interrupted, MachineError, UserError
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.machines.ssh import Access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.usecases import deployment
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World, backends

SLOW = {"Configuration": {"memory_limit": "99M"}}


def batches(world: World) -> list[list[tuple[str, int]]]:
    """(node, batch) of every play that is run from now on."""
    seen: list[list[tuple[str, int]]] = []

    def look(playbook: str, visits: Sequence[Visit]) -> None:
        if playbook == "configure":
            seen.append([(visit.node, visit.batch) for visit in visits])

    world.visits.at_visit = look
    return seen


def make_anew(world: World, *nodes: str, may_lose: tuple[str, ...] = ()) -> Any:
    world.visits.seen.clear()
    manifest = world.folder / "manifest.json"
    request = Request(manifest, replaced=frozenset(nodes), may_lose=frozenset(may_lose))
    return deployment.up(request, world.settings, world.events.append, lambda plan, wish: None, world.visits)


def test_a_changed_option_rolls_the_last_machine_first(world: World) -> None:
    world.up(backends(3))
    seen = batches(world)
    world.up({**backends(3), **SLOW})
    assert seen == [[("web-3", 1), ("web-2", 2), ("web-1", 3)]]
    world.up({**backends(3), "MaxUnavailable": 2})
    assert seen[-1] == [("web-2", 1), ("web-3", 1), ("web-1", 2)]


def test_new_machines_come_before_the_roll(world: World) -> None:
    world.up(backends(2))
    seen = batches(world)
    world.up({**backends(4), **SLOW})
    assert seen == [[("web-3", 0), ("web-4", 0), ("web-2", 1), ("web-1", 2)]]


def test_a_roll_that_stops_leaves_the_rest_and_goes_on_later(world: World) -> None:
    world.up(backends(3))
    run, failing = world.visits, {"web-2"}

    def stops(playbook: str, visits: Sequence[Visit], *arguments: Any) -> Outcome:
        """As Ansible does: nothing after the batch with a failure."""
        bad = [visit.batch for visit in visits if visit.node in failing]
        done = [visit for visit in visits if not bad or visit.batch <= min(bad)]
        for node in failing:
            run.fail(node)
        outcome = run(playbook, done, *arguments)
        return replace(outcome, untouched=tuple(visit.node for visit in visits if visit not in done))

    world.visits = stops  # type: ignore[assignment]
    with pytest.raises(MachineError, match="web-2: not configured; web-1 left as before"):
        manifest = world.write({**backends(3), **SLOW})
        deployment.up(Request(manifest), world.settings, world.events.append, lambda plan, wish: None, stops)
    there = record.read(world.engine().shelf, "shop.default")
    assert there.visiting == {"web-2"}
    world.visits, run.failing = run, {}
    # Back to what it was: the one that failed is visited although its former configuration was confirmed.
    out = world.up(backends(3))
    causes = {change.node: change.cause for change in out.plan.changes}
    assert causes["web-2"] == "its last visit did not end well"
    assert set(causes) == {"web-2", "web-3"}
    assert world.up().plan.is_empty


def test_a_roll_that_is_interrupted_ends_after_the_batch_and_goes_on_later(world: World) -> None:
    world.up(backends(3))
    run = world.visits

    def interrupted(playbook: str, visits: Sequence[Visit], way: Access, *arguments: Any) -> Outcome:
        """Ctrl-C in the first batch, after which Ansible looks for the file."""
        assert not way.stop.exists()
        signal.raise_signal(signal.SIGINT)
        assert way.stop.exists()
        outcome = run(playbook, visits[:1], way, *arguments)
        return replace(outcome, untouched=tuple(visit.node for visit in visits[1:]))

    with pytest.raises(Interrupted, match="Not done: configure web-2, web-1"):
        manifest = world.write({**backends(3), **SLOW})
        deployment.up(Request(manifest), world.settings, world.events.append, lambda plan, wish: None, interrupted)
    out = world.up()
    assert {change.node for change in out.plan.changes} == {"web-1", "web-2"}
    assert world.up().plan.is_empty


def test_a_machine_made_anew_leaves_first_and_keeps_its_address(world: World) -> None:
    world.up(backends(2))
    ids, address = world.lxd.ids(), world.applied()["web-2"].address
    out = make_anew(world, "web-2")
    assert [(change.node, change.action, change.cause) for change in out.plan.changes] == [
        ("web-2", "replace", "asked for")
    ]
    assert world.visits.seen[0] == ("leave", ("web-2",))
    assert world.applied()["web-2"].address == address
    assert world.lxd.ids()[world.machine("web-1")] == ids[world.machine("web-1")]
    assert world.lxd.ids()[world.machine("web-2")] != ids[world.machine("web-2")]
    assert world.up().plan.is_empty
    with pytest.raises(UserError, match="no machine web-9"):
        make_anew(world, "web-9")


def test_a_machine_that_left_and_stayed_after_all_is_visited(world: World) -> None:
    world.up(backends(2))
    world.visits.fail("web-2")
    with pytest.raises(MachineError, match="web-2: not drained, so not removed"):
        world.up(backends(1))
    world.visits.failing.clear()
    world.up(backends(2))
    assert any("web-2" in nodes for playbook, nodes in world.visits.seen if playbook == "configure")
    assert world.up().plan.is_empty


def test_machines_taken_out_by_name(world: World) -> None:
    world.up(backends(3))
    ids = world.lxd.ids()
    world.up({**backends(2), "Without": ["web-1"]})
    assert set(world.applied()) == {"web-2", "web-3"}
    assert world.lxd.ids().items() <= ids.items()
    world.up({**backends(2)})
    assert set(world.applied()) == {"web-1", "web-2"}


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Php's backends keep data, as a database does."""
    load = catalog.load

    def patched(*arguments: Any) -> Any:
        found = dict(load(*arguments))
        descriptor = found["php"].descriptor
        groups = {**descriptor.groups, "backend": Group(default=1, keeps_data=True)}
        changed = msgspec.structs.replace(descriptor, groups=groups, founds="backend")
        return {**found, "php": replace(found["php"], descriptor=changed)}

    monkeypatch.setattr(catalog, "load", patched)


def founders(world: World) -> list[str]:
    seen: list[str] = []
    world.visits.at_visit = lambda playbook, visits: seen.extend(visit.node for visit in visits if visit.founds)
    return seen


def test_data_begins_once_and_is_not_lost_by_accident(world: World, keeping: None) -> None:
    seen = founders(world)
    world.visits.fail("web-1")
    with pytest.raises(MachineError):
        world.up({**backends(1)})
    world.visits.failing.clear()
    world.up()
    assert seen == ["web-1", "web-1"]  # nobody saw any data yet
    seen.clear()
    world.up(backends(3))
    world.up({**backends(3), **SLOW})
    assert seen == []
    with pytest.raises(UserError, match="only web-1 of 3 would stay") as refused:
        world.up({**backends(1), **SLOW})
    assert "--allow-data-loss=web" in refused.value.remedy
    assert len(world.lxd.machines) == 3
    with pytest.raises(UserError, match="web would lose its data: its data is on web-1, web-2, web-3"):
        world.down()
    world.down("web")
    assert not world.lxd.machines


def test_a_machine_beside_the_first_does_not_prove_that_the_data_began(world: World, keeping: None) -> None:
    seen = founders(world)
    world.visits.fail("web-1")
    with pytest.raises(MachineError):
        world.up(backends(2))  # web-2 confirmed
    world.visits.failing.clear()
    world.up()
    assert seen == ["web-1", "web-1"]


def test_a_database_whose_machines_are_all_gone_is_not_quietly_empty(world: World, keeping: None) -> None:
    world.up(backends(1))
    world.lxd.lose("shop--web-1")
    with pytest.raises(UserError, match="web-1 held the last copy of it"):
        world.up()
    seen = founders(world)
    make_anew(world, may_lose=("web",))
    assert seen == ["web-1"]
    with pytest.raises(UserError, match="web-1 held the last copy of it"):
        make_anew(world, "web-1")
