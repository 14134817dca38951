"""A change costs what it changes, not what is there: who is visited, and what is asked of the cloud, is counted."""

import pytest

from tests.engine.conftest import World, backends


@pytest.mark.parametrize("count", [10, 40])
def test_one_more_machine_is_a_visit_to_it_and_to_its_proxy(world: World, count: int) -> None:
    world.up(backends(count))
    ids = world.lxd.ids()
    more = world.up(backends(count + 1))
    new = f"web-{count + 1}"
    assert {change.node: change.action for change in more.plan.changes} == {"web-1": "change", new: "add"}
    assert [file.path for file in more.plan.changes[0].files] == ["/etc/haproxy/haproxy.cfg"]
    assert world.visits.seen == [("configure", ("web-1", new))]
    assert world.lxd.calls == [f"create shop--{new}", f"start shop--{new}"]
    assert world.lxd.ids().items() >= ids.items()


def test_one_more_machine_of_another_service_is_told_to_nobody(world: World) -> None:
    """Names up to the next of 16 are in all hosts files already; who may talk to whom is said with groups."""
    world.up(backends(10), {"ServiceName": "shop", **backends(2)})
    more = world.up(backends(10), {"ServiceName": "shop", **backends(3)})
    assert world.visits.seen == [("configure", ("shop-1", "shop-3"))]
    assert [change.node for change in more.plan.changes] == ["shop-1", "shop-3"]


def test_all_visits_every_machine_once_and_rolls(world: World) -> None:
    world.up(backends(3))
    ids = world.lxd.ids()
    batches: dict[str, tuple[int, bool]] = {}
    world.visits.at_visit = lambda _, visits: batches.update({each.node: (each.batch, each.drains) for each in visits})
    again = world.up(every=True)
    assert {change.node: change.cause for change in again.plan.changes} == dict.fromkeys(
        ("web-1", "web-2", "web-3"), "asked for"
    )
    [(playbook, nodes)] = world.visits.seen
    assert (playbook, sorted(nodes)) == ("configure", ["web-1", "web-2", "web-3"])
    assert sorted(batch for batch, _ in batches.values()) == [1, 2, 3]  # one after another
    assert batches["web-3"][1]  # out of service meanwhile: others serve
    assert world.lxd.ids() == ids
    assert world.up().plan.is_empty


def test_all_beside_a_change_visits_each_once(world: World) -> None:
    world.up(backends(2))
    world.up(backends(3), every=True)
    assert [sorted(nodes) for _, nodes in world.visits.seen] == [["web-1", "web-2", "web-3"]]
    world.up(backends(2), every=True)  # one goes: the others are told to lock it out, and not visited a third time
    assert [(playbook, sorted(nodes)) for playbook, nodes in world.visits.seen] == [
        ("configure", ["web-1", "web-2"]),
        ("leave", ["web-3"]),
        ("configure", ["web-1", "web-2"]),
    ]
