"""What `up` does to an application, step by step: machines, visits, addresses."""

import json
from typing import Any

import pytest

from conpaas_iac.errors import LeaseHeldError, UserError
from conpaas_iac.provider.lxd_instance import Instance
from conpaas_iac.usecases import deployment, lifecycle, prospect
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World, backends


def test_up_is_one_configure_and_repeating_it_is_nothing(world: World) -> None:
    first = world.up(backends(2))
    assert [change.action for change in first.plan.changes] == ["add", "add"]
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    assert world.visits.seen == [("configure", ("web-1", "web-2"))]
    assert first.urls == {"web": f"http://{world.lxd.machines['shop--web-1'].ip}/"}

    second = world.up()
    assert second.plan.is_empty
    assert world.visits.seen == []
    assert world.lxd.calls == []

    world.down()
    assert not world.lxd.machines
    left = [path for path in (world.folder.parent / "state").rglob("*") if path.is_file()]
    assert [path for path in left if any("shop" in part for part in path.relative_to(world.folder.parent).parts)] == []
    with pytest.raises(UserError, match="no application 'shop'"):
        world.down()


def test_scaling_visits_what_is_new_and_the_proxy(world: World) -> None:
    world.up(backends(1))
    ids = world.lxd.ids()
    out = world.up(backends(3))
    assert {change.node: change.action for change in out.plan.changes} == {
        "web-1": "change",
        "web-2": "add",
        "web-3": "add",
    }
    paths = [file.path for file in out.plan.changes[0].files]
    # The second backend holds sessions, too, and is asked where machines are.
    assert paths == ["/etc/haproxy/haproxy.cfg", "/etc/conpaas/sessions", "/etc/nebula/config.yml"]
    assert world.visits.seen == [("configure", ("web-1", "web-2", "web-3"))]
    assert world.lxd.ids().items() >= ids.items()

    there_while_leaving: list[set[str]] = []
    world.visits.at_visit = lambda playbook, visits: there_while_leaving.append(world.lxd.running())
    back = world.up(backends(1))
    assert [change.action for change in back.plan.changes] == ["change", "remove", "remove"]
    assert world.visits.seen == [
        ("configure", ("web-1",)),
        ("leave", ("web-2", "web-3")),
        ("configure", ("web-1",)),  # locks them out
    ]
    # Drained and locked out before anything is removed.
    assert [len(names) for names in there_while_leaving] == [3, 3, 3]
    assert world.lxd.ids() == ids
    assert set(world.applied()) == {"web-1"}


def test_a_service_that_is_removed_and_comes_back_has_its_address(world: World) -> None:
    world.up(backends(1), {"ServiceName": "shop"})
    address = world.applied()["shop-1"].address
    world.up(backends(1))
    assert ("leave", ("shop-1",)) in world.visits.seen
    assert world.lxd.running() == {"shop--web-1"}
    world.up(backends(1), {"ServiceName": "shop"})
    assert world.applied()["shop-1"].address == address


def test_start_0_rests_machines_and_start_1_wakes_the_same_ones(world: World) -> None:
    world.up(backends(1), {"ServiceName": "new", "Start": 0})
    assert set(world.lxd.machines) == {"shop--web-1"}  # a service that never ran gets no machine
    ids = world.lxd.ids()

    rests = world.up({**backends(1), "Start": 0}, {"ServiceName": "new", "Start": 0})
    assert [change.action for change in rests.plan.changes] == ["rest"]
    assert world.lxd.running() == set()
    assert world.lxd.ids() == ids
    assert world.up().plan.is_empty

    wakes = world.up(backends(1), {"ServiceName": "new", "Start": 0})
    assert [change.action for change in wakes.plan.changes] == ["wake"]
    assert world.visits.seen == [("configure", ("web-1",))]
    assert (world.lxd.running(), world.lxd.ids()) == ({"shop--web-1"}, ids)
    assert world.up().plan.is_empty


def test_stop_holds_until_start(world: World) -> None:
    world.up(backends(1))
    stopped = lifecycle.stop("shop", "default", "", world.settings, world.events.append)
    assert stopped == ("web-1",)
    assert world.lxd.running() == set()
    held = world.up()
    assert held.plan.is_empty
    assert "held by `conpaas stop`: web" in held.plan.notes[0]
    assert world.lxd.running() == set()
    assert lifecycle.start("shop", "default", "", world.settings, world.events.append, world.visits) == ("web-1",)
    assert world.lxd.running() == {"shop--web-1"}
    assert world.up().plan.is_empty
    with pytest.raises(UserError, match="no machines of service 'blog'"):
        lifecycle.stop("shop", "default", "blog", world.settings, world.events.append)


def test_size_changes_in_place_and_an_image_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.up(backends(1))
    ids = world.lxd.ids()
    monkeypatch.setattr("conpaas_iac.clouds.lxd.Cloud.image", lambda self, kind: "conpaas-php-of-tomorrow")
    assert world.up().plan.is_empty
    out = world.up({**backends(1), "Size": "medium"})
    assert out.plan.changes[0].cause == "size: 1 cpu, 1024 MiB -> 2 cpu, 2048 MiB"
    assert world.lxd.ids() == ids
    config = world.lxd.machines["shop--web-1"].config
    assert (config["limits.cpu"], config["limits.memory"]) == ("2", "2048MiB")
    assert world.up().plan.is_empty
    world.up(backends(2) | {"Size": "medium"})
    assert world.lxd.machines["shop--web-2"].image == "conpaas-php-of-tomorrow"


def test_a_type_without_an_image_is_baked_once_and_the_oven_is_gone(world: World) -> None:
    world.lxd.any_image = False
    world.up(backends(1))
    [image] = world.lxd.images.values()
    [name] = image["names"]
    assert image["from"] == f"bake--{name}"
    assert world.visits.seen == [("bake", (name,)), ("configure", ("web-1",))]
    assert set(world.lxd.machines) == {"shop--web-1"}
    world.up(backends(2))
    assert [playbook for playbook, _ in world.visits.seen] == ["configure"]


def test_one_at_a_time(world: World) -> None:
    def meanwhile(playbook: str, visits: Any) -> None:
        with pytest.raises(LeaseHeldError, match=r"shop\.default is being changed by .*, configure web-1$"):
            deployment.up(Request(world.folder / "manifest.json"), world.settings, print, lambda plan, wish: None)

    world.visits.at_visit = meanwhile
    world.up(backends(1))


def test_a_lock_that_disagrees_with_what_runs_is_refused(world: World) -> None:
    world.up(backends(1))
    path = world.folder / "conpaas.lock.json"
    good = path.read_text()
    document = json.loads(good)
    document["Services"]["web"]["Block"] = "10.46.240.0/20"
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match="the block of web is another there"):
        world.up()
    path.unlink()
    again = world.up()  # the backend has the copy that was applied
    assert again.plan.is_empty
    assert path.read_text() == good


def test_locked_and_ci_write_no_blocks(world: World) -> None:
    with pytest.raises(UserError, match="there is no lock file") as refused:
        world.up(backends(1), locked=True)
    assert refused.value.remedy.startswith("conpaas lock ")
    world.up(backends(1))
    with pytest.raises(UserError, match="no addresses for shop"):
        world.up(backends(1), {"ServiceName": "shop"}, locked=True)
    assert world.lxd.calls == []
    assert world.up(backends(1), locked=True).plan.is_empty


def test_plan_of_what_runs_needs_no_cloud(world: World) -> None:
    world.up(backends(1))
    world.write(backends(2))
    world.lxd.halt("shop--web-1")
    before = world.settings
    plan = prospect.planned(Request(world.folder / "manifest.json"), before)
    assert {change.node: change.action for change in plan.changes} == {"web-1": "change", "web-2": "add"}
    world.lxd.lose("shop--web-1")
    looked = prospect.planned(Request(world.folder / "manifest.json"), before, look=True)
    assert {change.node: change.action for change in looked.changes} == {"web-1": "replace", "web-2": "add"}


def test_a_name_that_is_too_long_is_refused_before_anything_is_made(world: World) -> None:
    world.name = "a" * 30
    with pytest.raises(UserError, match=r"b{30}-1: 64 characters, LXD takes 63"):
        world.up({"ServiceName": "b" * 30, **backends(1)}, {"ServiceName": "web"})
    assert world.lxd.machines == {}
    assert deployment.Engine.find(world.settings, world.name, "default") is None
    assert Instance().check({"name": "a" * 64}) == {"name": "longer than 63 characters"}


def test_a_renamed_service_keeps_its_machines_and_addresses(world: World) -> None:
    world.up({**backends(2), "ServiceName": "blog"})
    ids, addresses = world.lxd.ids(), [each.address for each in world.applied().values()]
    out = world.up({**backends(2), "ServiceName": "front", "RenamedFrom": "blog"})
    assert "front was called blog" in out.plan.notes[0]
    assert {change.action for change in out.plan.changes} == {"change"}
    assert world.visits.seen == [("configure", ("front-2", "front-1"))]  # rolled
    assert world.lxd.ids() == ids
    assert {each.config["user.conpaas.node"] for each in world.lxd.machines.values()} == {"front-1", "front-2"}
    assert list(world.applied()) == ["front-1", "front-2"]
    assert [each.address for each in world.applied().values()] == addresses
    assert world.up().plan.is_empty

    # A new service may take the old name; one more machine and one fewer are as ever.
    more = world.up({**backends(3), "ServiceName": "front"}, {**backends(1), "ServiceName": "blog"})
    assert {(change.node, change.action) for change in more.plan.changes} >= {("blog-1", "add"), ("front-3", "add")}
    assert len(world.lxd.machines) == 4
    world.up({**backends(1), "ServiceName": "front"})
    assert set(world.lxd.ids()) == {"shop--blog-1"}
    world.down()
    assert not world.lxd.machines
