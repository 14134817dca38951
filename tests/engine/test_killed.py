"""A run that dies, in whole or in part, or is stopped: nothing of it goes on, and the next `up` takes over at once."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conpaas_iac.backend import place
from tests.engine.conftest import World, backends
from tests.processes import begun, gone_within, marked

TOOL = """
import sys
from conpaas_iac.system import supervisor
supervisor.begin()
from conpaas_iac import cli
from conpaas_iac.usecases import deployment
deployment.ensure_route = lambda settings: None
if sys.argv.pop(1) == "pretend":
    from tests.engine.conftest import Visits
    deployment.up.__defaults__ = (Visits(),)
sys.exit(cli.run(sys.argv[1:]))
"""

Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def mark(world: World) -> str:
    """What all processes of a run in this world inherit."""
    return f"CONPAAS_STATE_DIR={world.folder.parent / 'state'}"


@pytest.fixture
def begin(world: World, mark: str) -> Iterator[Begin]:
    """`conpaas up` as a user starts it, in a process group of its own."""
    with begun(mark, subprocess.STDOUT) as start:
        yield lambda manifest, ansible="pretend": start(TOOL, ansible, "up", str(manifest))


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill(mark: str, *names: str) -> None:
    """Processes of these names; none named: all."""
    found = [pid for pid, name in marked(mark).items() if name in names or not names]
    assert found
    for pid in found:
        os.kill(pid, signal.SIGKILL)


def goes_on(world: World) -> None:
    """The next `up` waits for nobody and leaves one machine each."""
    world.lxd.faults.gates.clear()
    begun = time.monotonic()
    world.up()
    assert time.monotonic() - begun < 20
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    assert sorted(name for name in world.lxd.made if name.startswith("shop--")) == ["shop--web-1", "shop--web-2"]
    assert world.up().plan.is_empty
    world.down()
    assert world.lxd.machines == {}
    assert [path for path in (world.folder.parent / "state").rglob("*shop*") if path.is_file()] == []


@pytest.mark.parametrize("who", ["front", "guard", "worker", "pulumi", "pulumi-resource", "all"])
def test_what_is_killed_while_a_machine_is_made(world: World, mark: str, begin: Begin, who: str) -> None:
    arrived, release = world.lxd.faults.hold("shop--web-2")
    tool = begin(world.write(backends(2)))
    assert arrived.wait(30)
    until(lambda: "shop--web-1" in world.lxd.running())
    tree = chain(tool.pid)
    if who in tree:
        os.kill(tree[who], signal.SIGKILL)
    else:
        kill(mark, *([] if who == "all" else [who]))
    if who != "pulumi-resource":
        assert gone_within(2, mark)
    release.set()
    said, _ = tool.communicate(timeout=30)
    assert gone_within(2, mark)
    assert "Traceback" not in said
    assert tool.returncode == {"pulumi": 1, "pulumi-resource": 3, "worker": 137, "guard": 137}.get(who, -9), said
    goes_on(world)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("who", ["pulumi-resource", "all"])
def test_a_move_that_is_killed_goes_on_or_back(world: World, mark: str, begin: Begin, who: str, back: bool) -> None:
    clouds = {"lab": {"Provider": "lxd", "Project": "lab"}, "here": {"Provider": "lxd"}}
    world.lxd.projects.add("lab")
    world.up({**backends(2), "Cloud": "here"}, Clouds=clouds)
    addresses = {node: each.address for node, each in world.applied().items()}
    arrived, release = world.lxd.faults.hold("lab:shop--web-2")
    tool = begin(world.write({**backends(2), "Cloud": "lab"}, Clouds=clouds))
    assert arrived.wait(60)
    kill(mark, *([] if who == "all" else [who]))
    release.set()
    tool.communicate(timeout=60)
    assert gone_within(2, mark)
    assert "shop--web-1" in world.lxd.running()  # its turn had not come
    world.lxd.faults.gates.clear()
    world.up({**backends(2), "Cloud": "here" if back else "lab"}, Clouds=clouds)
    where = "" if back else "lab:"
    assert set(world.lxd.machines) == world.lxd.running() == {f"{where}shop--web-1", f"{where}shop--web-2"}
    assert {node: each.address for node, each in world.applied().items()} == addresses
    assert world.up().plan.is_empty
    world.down()
    assert world.lxd.machines == {}


def chain(front: int) -> dict[str, int]:
    """The tool's own processes, from the one that was started to the one that works."""
    found = {"front": front}
    for name, above in (("guard", "front"), ("worker", "guard")):
        found[name] = next(pid for pid in marked("") if parent(pid) == found[above])
    return found


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.parametrize("who", ["front", "ansible-playboo", "ssh-agent"])
def test_what_is_killed_while_ansible_is_at_work(
    world: World, mark: str, begin: Begin, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = world.folder / "bin" / "ssh"
    waits.parent.mkdir()
    waits.write_text("#!/bin/sh\nsleep 600\n")
    waits.chmod(0o755)
    monkeypatch.setenv("PATH", f"{waits.parent}{os.pathsep}{os.environ['PATH']}")
    tool = begin(world.write(backends(2)), "real")
    until(lambda: list(marked(mark).values()).count("sleep") >= 2)
    assert "ssh-agent" in marked(mark).values()
    if who == "front":
        tool.kill()
    else:
        kill(mark, who)
    if who == "ssh-agent":  # the run does not notice while ssh goes on
        kill(mark, "sleep", "ssh")
    else:
        assert gone_within(2, mark)
    said, _ = tool.communicate(timeout=60)
    assert gone_within(2, mark)
    assert "Traceback" not in said
    goes_on(world)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_ends_after_the_running_steps(world: World, mark: str, begin: Begin, number: int) -> None:
    arrived, release = world.lxd.faults.hold("shop--web-2")
    tool = begin(world.write(backends(2)))
    assert arrived.wait(30)
    until(lambda: "shop--web-1" in world.lxd.running())
    os.killpg(tool.pid, number)
    with pytest.raises(subprocess.TimeoutExpired):  # the step goes on for as long as it takes
        tool.wait(1)
    assert world.lxd.running() == {"shop--web-1"}
    release.set()
    said, _ = tool.communicate(timeout=30)
    assert tool.returncode == 130, said
    assert "interrupt … what is going on ends first (make machines); Ctrl-C again: now" in said
    assert "error: stopped, as asked. Not done: " in said
    assert "the same command goes on from here" in said
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    assert gone_within(2, mark)
    lease = json.loads(place.leases(world.settings).read("shop.default.json") or b"{}")
    assert (lease.get("holder"), lease.get("is_left", False)) == (None, False)
    goes_on(world)


def test_twice_ends_now(world: World, mark: str, begin: Begin) -> None:
    arrived, release = world.lxd.faults.hold("shop--web-2")
    tool = begin(world.write(backends(2)))
    assert arrived.wait(30)
    until(lambda: "shop--web-1" in world.lxd.running())
    os.killpg(tool.pid, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        tool.wait(0.5)
    begun = time.monotonic()
    os.killpg(tool.pid, signal.SIGINT)
    said, _ = tool.communicate(timeout=30)
    assert time.monotonic() - begun < 5
    assert tool.returncode == 130, said
    assert "Traceback" not in said
    assert "the same command goes on from here" in said
    assert gone_within(0.5, mark)
    release.set()
    goes_on(world)
