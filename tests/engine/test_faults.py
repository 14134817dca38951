"""What goes wrong in a cloud and on the way, and how the next `up` mends it."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac.errors import ConpaasError, LeaseHeldError, MachineError
from conpaas_iac.usecases import deployment
from tests.engine.conftest import World, backends


def test_a_machine_that_fails_is_named_and_the_next_up_goes_on(world: World) -> None:
    world.lxd.faults.create["shop--web-2"] = 3
    with pytest.raises(MachineError) as failed:
        world.up(backends(2))
    assert [(failure.node, failure.step) for failure in failed.value.failures] == [("web-2", "machine")]
    assert "No space left on device in storage pool" in failed.value.failures[0].reason
    assert world.visits.seen == [("configure", ("web-1",))]  # the rest of the application comes up
    ids = world.lxd.ids()
    world.up()
    assert world.visits.seen == [("configure", ("web-1", "web-2"))]
    assert world.lxd.ids().items() >= ids.items()
    assert world.up().plan.is_empty


def test_of_twenty_machines_those_that_fail_are_tried_again_alone(world: World) -> None:
    failing = random.Random(6).sample([f"shop--web-{number}" for number in range(1, 21)], 4)
    for name in failing[:2]:
        world.lxd.faults.create[name] = 2
    world.lxd.faults.start[failing[2]] = 1
    world.lxd.faults.create[failing[3]] = 3  # beyond the bound
    with pytest.raises(MachineError) as failed:
        world.up(backends(20))
    [node] = (failure.node for failure in failed.value.failures)
    assert f"shop--{node}" == failing[3]
    ids = world.lxd.ids()
    assert len(ids) == 19
    assert sorted(world.lxd.made) == sorted(ids)  # each once
    assert set(world.visits.seen[0][1]) == {name.removeprefix("shop--") for name in ids}
    world.up()
    assert world.lxd.ids().items() > ids.items()
    assert len(world.lxd.running()) == 20
    assert world.up().plan.is_empty


def test_a_create_that_was_reported_failed_is_adopted(world: World) -> None:
    world.lxd.faults.report["shop--web-2"] = 1
    world.lxd.faults.start["shop--web-2"] = 1
    world.lxd.faults.no_address["shop--web-1"] = 3
    world.up(backends(2))  # tried again, alone
    assert sorted(world.lxd.made) == ["shop--web-1", "shop--web-2"]
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    world.lxd.faults.start["shop--web-3"] = 3
    with pytest.raises(MachineError):
        world.up(backends(3))
    ids = world.lxd.ids()
    world.up()
    assert world.lxd.ids() == ids
    assert world.lxd.running() == set(ids)


def test_what_a_failed_create_left_goes_with_its_wish(world: World) -> None:
    world.up(backends(1))
    world.lxd.faults.start["shop--web-2"] = 3
    with pytest.raises(MachineError):
        world.up(backends(2))
    assert "shop--web-2" in world.lxd.machines
    world.up(backends(1))  # nobody wants it any more, and the checkpoint never knew it
    assert set(world.lxd.machines) == {"shop--web-1"}

    world.lxd.faults.start["shop--web-2"] = 3
    with pytest.raises(MachineError):
        world.up(backends(2))
    world.down()
    assert world.lxd.machines == {}


def test_a_node_that_does_not_verify_is_named_and_visited_again(world: World) -> None:
    world.visits.fail("web-2")
    with pytest.raises(MachineError, match="web-2: not configured") as failed:
        world.up(backends(2))
    assert [(failure.node, failure.step) for failure in failed.value.failures] == [("web-2", "verify")]
    world.visits.failing.clear()
    again = world.up()
    assert [(change.node, change.cause) for change in again.plan.changes] == [
        ("web-2", "it has confirmed no configuration yet")
    ]
    assert world.visits.seen == [("configure", ("web-2",))]


def test_a_lost_machine_is_made_again_and_a_stopped_one_started(world: World) -> None:
    world.up(backends(3))
    ids, addresses = world.lxd.ids(), {node: each.address for node, each in world.applied().items()}
    world.lxd.lose("shop--web-2")
    world.lxd.halt("shop--web-3")
    out = world.up()
    assert [(change.node, change.action) for change in out.plan.changes] == [("web-2", "replace"), ("web-3", "wake")]
    assert world.visits.seen == [("configure", ("web-2", "web-3"))]
    assert {name for name, each in world.lxd.ids().items() if each == ids[name]} == {"shop--web-1", "shop--web-3"}
    assert world.lxd.running() == set(ids)
    assert world.lxd.machines["shop--web-2"].config["user.conpaas.incarnation"] == "2"
    assert {node: each.address for node, each in world.applied().items()} == addresses
    assert world.up().plan.is_empty


def test_a_lost_machine_whose_new_one_fails_is_made_by_the_next_up(world: World) -> None:
    world.up(backends(2))
    world.lxd.lose("shop--web-2")
    world.lxd.faults.create["shop--web-2"] = 3
    with pytest.raises(MachineError):
        world.up()
    world.up()
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    assert world.up().plan.is_empty


def test_a_foreign_machine_of_that_name_is_refused_and_kept(world: World) -> None:
    world.lxd.add_foreign("shop--web-1")
    with pytest.raises(MachineError) as refused:
        world.up(backends(1))
    [failure] = refused.value.failures
    assert failure.node == "web-1"
    assert "machine shop--web-1 exists in LXD project conpaas and is not this application's" in failure.reason
    world.down()
    assert set(world.lxd.machines) == {"shop--web-1"}


def test_a_delete_that_fails_is_named_and_the_next_down_goes_on(world: World) -> None:
    world.up(backends(1))
    world.lxd.faults.delete["shop--web-1"] = 1
    with pytest.raises(MachineError) as failed:
        world.down()
    assert "dataset is busy" in failed.value.failures[0].reason
    world.down()
    assert world.lxd.machines == {}


@pytest.mark.filterwarnings("ignore:Error in event stream")
def test_a_killed_engine_leaves_no_duplicate_no_orphan_and_no_lock(world: World, in_thread: Any) -> None:
    arrived, release = world.lxd.faults.hold("shop--web-2")
    thread: threading.Thread = in_thread(world.up, backends(2))
    assert arrived.wait(30)
    for pid in engines():
        os.kill(pid, signal.SIGKILL)
    thread.join(30)
    assert not thread.is_alive()
    release.set()
    world.lxd.faults.gates.clear()
    world.up()
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    made = [name for name in world.lxd.made if name.startswith("shop--")]
    assert sorted(made) == ["shop--web-1", "shop--web-2"]
    assert world.up().plan.is_empty
    engine = world.engine()
    engine.applied()
    assert not engine._checkpoint.get("pending_operations")  # the engine would keep them for ever
    world.down()
    assert world.lxd.machines == {}


TOOL = """
import sys
from pathlib import Path
from conpaas_iac.usecases import deployment
from conpaas_iac import settings
from conpaas_iac.usecases.wish import Request
deployment.ensure_route = lambda settings: None
deployment.up(Request(Path(sys.argv[1])), settings.load(), lambda event: None, lambda plan, wish: None)
"""


def test_a_killed_tool_leaves_nothing_that_up_does_not_mend(world: World) -> None:
    arrived, release = world.lxd.faults.hold("shop--web-2")
    with subprocess.Popen([sys.executable, "-c", TOOL, str(world.write(backends(2)))]) as tool:
        assert arrived.wait(30)
        tool.kill()
    world.lxd.faults.gates.clear()
    release.set()
    deadline = time.monotonic() + 30
    while True:
        try:
            world.up()
            break
        except LeaseHeldError as held:  # the engine has not yet noticed that nobody listens
            assert "process" in held.message
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    assert sorted(world.lxd.made) == ["shop--web-1", "shop--web-2"]
    assert world.up().plan.is_empty


def engines() -> list[int]:
    """Processes of the engine that this process started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if fields["PPid"] == str(os.getpid()) and fields["Name"] == "pulumi":
            found.append(int(fields["Pid"]))
    assert found
    return found


def test_an_lxd_that_does_not_answer_begins_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONPAAS_LXD_SOCKET", str(world.folder / "nothing"))
    with pytest.raises(ConpaasError, match="LXD is not there"):
        world.up(backends(1))
    assert deployment.Engine.find(world.settings, "shop", "default") is None
