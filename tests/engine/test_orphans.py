"""Machines that nobody knows: found, told apart from those of others, and removed; a `down` that is hindered."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conpaas_iac import cli, lxd
from conpaas_iac.backend.holding import holding
from conpaas_iac.errors import MachineError, StateError, UserError
from conpaas_iac.provider.lxd_instance import Instance
from conpaas_iac.usecases import orphans
from tests import schemas
from tests.engine.conftest import World, backends

pytestmark = pytest.mark.filterwarnings("ignore:Error in event stream")


def verdicts(world: World) -> dict[str, str]:
    return {each.name: each.verdict for each in orphans.find(world.settings)}


def checkpoint_of(world: World) -> Path:
    [found] = (world.settings.state / "backend").rglob(f"stacks/conpaas/{world.name}.default.json")
    return found


@pytest.fixture
def left(world: World) -> Iterator[World]:
    """A machine whose application's state is lost, one of an application that is there, and one of nobody's."""
    world.lxd.add_foreign("somebody-else")
    world.up(backends(1))
    shutil.rmtree(world.settings.state / "backend")
    world.name = "blog"
    (world.folder / "conpaas.lock.json").unlink()
    world.up(backends(1))
    yield world


def test_what_nobody_knows_is_listed_and_removed(left: World, capsys: pytest.CaptureFixture[str]) -> None:
    world = left
    assert verdicts(world) == {"shop--web-1": "orphan", "blog--web-1": "known"}
    assert cli.run(["doctor", "--orphans"]) == 1
    out = capsys.readouterr().out
    assert "shop--web-1" in out
    assert "no application here" in out
    assert "blog--web-1" not in out
    assert cli.run(["doctor", "--orphans", "--remove"]) == 1  # nobody answers
    assert "--yes" in capsys.readouterr().err
    assert "shop--web-1" in world.lxd.machines
    assert cli.run(["doctor", "--orphans", "--remove", "--yes", "--format", "json"]) == 0
    document = schemas.check(capsys.readouterr().out, "orphans")
    assert document["removed"] == ["shop--web-1"]
    assert set(world.lxd.machines) == {"blog--web-1", "somebody-else"}
    assert cli.run(["doctor", "--orphans"]) == 0
    assert "No orphans; 1 tagged machine in use." in capsys.readouterr().out
    assert world.up().plan.is_empty


def test_only_what_is_tagged_and_not_in_use_can_be_named(left: World, capsys: pytest.CaptureFixture[str]) -> None:
    for name, said in (("blog--web-1", "is in use: blog.default"), ("somebody-else", "carries a tag of ours")):
        assert cli.run(["doctor", "--orphans", "--remove", name, "--yes"]) == 1
        assert said in capsys.readouterr().err
    assert cli.run(["doctor", "--remove"]) == 1
    assert len(left.lxd.machines) == 3


def test_machines_of_other_backends(left: World, tmp_path: Path) -> None:
    """Another backend that can be looked at tells; one that cannot leaves a doubt, and the machine."""
    world = left
    elsewhere = replace(world.settings, state_dir=str(tmp_path / "elsewhere"))
    assert {each.name: each.verdict for each in orphans.find(elsewhere)} == {
        "shop--web-1": "orphan",  # that backend was looked at: it does not know it
        "blog--web-1": "known",
    }
    config = world.lxd.machines["shop--web-1"].config
    for origin, why in (
        ("", "it does not say"),
        ("s3://bucket/team", "not looked at from here"),
        ("file://another-host/state", "not looked at from here"),
        (world.settings.origin.replace("/state/", "/gone/"), "which is not there"),
    ):
        config[lxd.BACKEND] = origin
        [found] = [each for each in orphans.find(world.settings) if each.name == "shop--web-1"]
        assert (found.verdict, why in found.why) == ("doubt", True), found
        assert orphans.removable([found], ()) == ()
    chosen = orphans.removable(orphans.find(world.settings), ["shop--web-1"])
    assert orphans.remove(chosen, world.settings, world.events.append) == ("shop--web-1",)


def test_a_state_that_cannot_be_read_judges_nobody(left: World) -> None:
    checkpoint_of(left).write_text("{")
    with pytest.raises(StateError, match="the checkpoint of blog"):
        orphans.find(left.settings)


def test_what_an_interrupted_run_left_is_a_stray(world: World) -> None:
    world.up(backends(1))
    world.lxd.faults.start["shop--web-2"] = 3
    with pytest.raises(MachineError):
        world.up(backends(2))
    assert verdicts(world) == {"shop--web-1": "known", "shop--web-2": "stray"}
    chosen = orphans.removable(orphans.find(world.settings), ())
    with holding(world.settings, "shop.default"), pytest.raises(MachineError, match="not removed: shop--web-2"):
        orphans.remove(chosen, world.settings, world.events.append)
    world.lxd.faults.delete["shop--web-2"] = 1
    with pytest.raises(MachineError) as failed:
        orphans.remove(chosen, world.settings, world.events.append)
    assert "dataset is busy" in failed.value.failures[0].reason
    assert orphans.remove(chosen, world.settings, world.events.append) == ("shop--web-2",)
    assert set(world.lxd.machines) == {"shop--web-1"}
    world.up()
    assert orphans.remove(chosen, world.settings, world.events.append) == ()  # another machine has that name now
    assert set(world.lxd.machines) == {"shop--web-1", "shop--web-2"}


def test_an_oven_belongs_to_a_run_for_a_while(world: World) -> None:
    world.up(backends(1))
    machine = world.lxd.machines["shop--web-1"]
    machine.config.update({lxd.OWNER: "oven", lxd.APPLICATION: "conpaas", lxd.NODE: "bake"})
    assert verdicts(world) == {"shop--web-1": "known"}
    machine.made = datetime.now(UTC) - timedelta(hours=2)
    assert verdicts(world) == {"shop--web-1": "orphan"}


def test_machines_of_an_older_conpaas_are_tagged_by_the_next_up(world: World) -> None:
    world.up(backends(1))
    ids = world.lxd.ids()
    path = checkpoint_of(world)
    document = json.loads(path.read_text())
    for resource in document["checkpoint"]["latest"]["resources"]:
        for values in ("inputs", "outputs"):
            resource.get(values, {}).pop("backend", None)
    path.write_text(json.dumps(document))
    del world.lxd.machines["shop--web-1"].config[lxd.BACKEND]
    world.up()
    assert world.lxd.machines["shop--web-1"].config[lxd.BACKEND] == world.settings.origin
    assert world.lxd.ids() == ids
    world.up()
    assert world.lxd.calls == []


def test_down_removes_the_others_names_what_blocks_and_goes_on(world: World) -> None:
    world.up(backends(3))
    world.lxd.faults.delete["shop--web-2"] = 1
    with pytest.raises(MachineError, match="shop is not gone yet: web-2 could not be removed") as failed:
        world.down()
    assert failed.value.exit_code == 3
    assert [(failure.node, failure.step) for failure in failed.value.failures] == [("web-2", "remove")]
    assert "dataset is busy" in failed.value.failures[0].reason
    assert set(world.lxd.machines) == {"shop--web-2"}
    world.down()
    assert world.lxd.machines == {}
    with pytest.raises(UserError, match="no application"):
        world.down()


def test_a_delete_that_hangs_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.up(backends(1))
    world.lxd.halt("shop--web-1")
    monkeypatch.setattr(lxd, "SECONDS", 1)
    world.lxd.faults.slow["shop--web-1"] = 5.0
    config = world.lxd.machines["shop--web-1"].config
    state = {"name": "shop--web-1", "project": "conpaas", "owner": config[lxd.OWNER], "incarnation": 1}
    begun = time.monotonic()
    with pytest.raises(MachineError, match="machine shop--web-1: LXD has not done it within 1 s") as failed:
        Instance().delete("", state)
    assert time.monotonic() - begun < 4
    assert failed.value.exit_code == 3
