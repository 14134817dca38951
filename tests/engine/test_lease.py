"""Who changes an application, across machines: what a run writes that lost its lease does not count."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from conpaas_iac.backend import place
from conpaas_iac.errors import LeaseHeldError
from tests.engine.conftest import World, backends
from tests.engine.test_s3 import bucket  # noqa: F401 (a fixture)
from tests.processes import gone_within, marked

# A run on another machine, as far as leases can tell, whose leases are short.
ELSEWHERE = """
import sys
from conpaas_iac.system import supervisor
supervisor.begin()
import msgspec
from conpaas_iac import cli
from conpaas_iac.usecases import deployment
from conpaas_iac.backend import holder, holding, lease
from tests.engine.conftest import Visits
lease.TTL = 2.0
holding.here = lambda: msgspec.structs.replace(holder.here(), host="elsewhere", machine="other", boot="other")
deployment.ensure_route = lambda settings: None
deployment.up.__defaults__ = (Visits(),)
sys.exit(cli.run(sys.argv[1:]))
"""


@pytest.fixture
def mark(world: World) -> Iterator[str]:
    """What all processes of the other run inherit."""
    text = f"CONPAAS_STATE_DIR={world.folder.parent / 'state'}"
    yield text
    for pid in marked(text):
        os.kill(pid, signal.SIGKILL)


def begin(world: World, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, "up", str(world.folder / "manifest.json"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )


def state(world: World) -> dict[str, bytes | None]:
    """All that counts."""
    placed = place.placed(world.settings, "shop.default")
    head = placed.backend_url.rpartition("/")[2].partition("?")[0]
    names = place.ApplicationHeads(world.settings, "shop.default").documents(head)
    return {name: place.at(placed.backend_url, "").read(name) for name in names}


def wakes_up_too_late(world: World, mark: str) -> None:
    world.up(backends(1))
    world.write(backends(2))
    arrived, release = world.lxd.faults.hold("shop--web-2")
    other = begin(world)
    assert arrived.wait(30)
    stopped = marked(mark)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    assert {"pulumi", "pulumi-resource"} <= set(stopped.values())
    world.lxd.faults.gates.clear()
    begun = time.monotonic()
    world.up()
    assert time.monotonic() - begun > 1.5
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    before, ids = state(world), world.lxd.ids()
    assert len(before) >= 3
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    release.set()
    said, _ = other.communicate(timeout=60)
    assert gone_within(5, mark)
    assert other.returncode == 4, said
    assert "shop.default was taken over by another run" in said
    assert state(world) == before
    assert world.lxd.ids() == ids
    assert world.up().plan.is_empty
    world.down()
    assert world.lxd.machines == {}


def test_a_stopped_run_elsewhere_is_taken_over_and_wakes_up_too_late(world: World, mark: str) -> None:
    wakes_up_too_late(world, mark)


def test_the_same_in_an_object_store(world: World, bucket: object, mark: str) -> None:  # noqa: F811
    wakes_up_too_late(world, mark)


def test_one_that_lives_is_seen_to_live_and_waited_for(
    world: World, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write(backends(1))
    arrived, release = world.lxd.faults.hold("shop--web-1")
    other = begin(world)
    assert arrived.wait(30)
    begun = time.monotonic()
    with pytest.raises(LeaseHeldError, match=r"@elsewhere \(process \d+\) since .*: `conpaas up .*`, make machines$"):
        world.up()
    assert time.monotonic() - begun < 3
    monkeypatch.setenv("CONPAAS_WAIT", "always")
    Timer(1.5, release.set).start()
    again = world.up()
    said, _ = other.communicate(timeout=30)
    assert other.returncode == 0, said
    assert again.plan.is_empty  # the plan is made after waiting
    assert "waiting: held by" in next(event.text for event in world.events if event.phase == "lease")


def test_the_option_is_the_setting(world: World, mark: str) -> None:
    """`--wait` before the manifest is not given the manifest for its value."""
    world.up(backends(1))
    for option in ("--wait", "--wait=5"):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, "up", option, str(world.folder / "manifest.json")],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, "up", "--wait=soon", "m.json"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "'soon' is no number of seconds" in done.stderr


def test_an_application_of_a_conpaas_without_leases_goes_on(world: World) -> None:
    world.up(backends(1))
    ids = world.lxd.ids()
    root = world.folder.parent / "state" / "backend"
    [head] = (root / "applications" / "shop.default").iterdir()
    for name in (".pulumi", "conpaas"):
        (head / name).rename(root / name)
    (root / "leases" / "shop.default.json").unlink()
    head.rmdir()
    assert world.up().plan.is_empty
    assert world.up(backends(2)).plan.changes
    assert (root / ".pulumi/stacks/conpaas/shop.default.json").exists()
    assert world.lxd.ids().items() > ids.items()
    world.down()
    assert world.lxd.machines == {}
    assert not list((root / ".pulumi" / "stacks" / "conpaas").glob("shop*"))
    assert not (root / "conpaas" / "shop.default").exists()
