"""`conpaas types test` on a cloud in memory, whose machines answer nobody: what is made is removed, however it ends."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conpaas_iac.backend import record
from conpaas_iac.usecases import proving
from tests import schemas
from tests.engine.conftest import World, backends
from tests.engine.test_killed import TOOL, until
from tests.processes import begun

CHILDREN = f"""
from conpaas_iac.runs import workers
workers.TOOL = (sys.executable, '-c', {TOOL!r}, 'pretend')
"""
Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def temporary(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the suite makes its folder."""
    folder = world.folder.parent / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def begin(world: World, temporary: Path) -> Iterator[Begin]:
    """`conpaas types test php --only install`, as a user starts it."""
    tool = TOOL.replace("from conpaas_iac import cli", CHILDREN + "from conpaas_iac import cli", 1)
    with begun(f"TMPDIR={temporary}", subprocess.PIPE) as start:
        yield lambda *options: start(tool, "pretend", "types", "test", "php", "--only", "install", *options)


def left(temporary: Path) -> list[str]:
    return [path.name for path in temporary.glob("conpaas-types-test-*")]


def test_a_check_that_fails_says_why_and_nothing_is_left(world: World, begin: Begin, temporary: Path) -> None:
    process = begin("--format", "json")
    out, said = process.communicate(timeout=90)
    assert process.returncode == 3, said
    document = schemas.check(out, "conformance")
    [check] = document["checks"]
    assert (check["check"], check["outcome"], document["exit"]) == ("install", "failed", 3)
    assert "not well after it was done: pages-1: does not answer" in check["reason"]
    assert "install FAILED" in said
    assert len(world.lxd.made) == 1 and world.lxd.machines == {}
    assert left(temporary) == []


def test_what_is_kept_is_said_and_can_be_looked_at(world: World, begin: Begin, temporary: Path) -> None:
    process = begin("--keep", "--format", "json")
    out, said = process.communicate(timeout=90)
    assert process.returncode == 3
    document = json.loads(out)
    assert left(temporary) == [Path(document["kept"]).name]
    assert world.lxd.running() == {f"{document['application']}--pages-1"}
    line = next(line for line in said.splitlines() if line.startswith("to remove: "))
    assert f"conpaas down {document['application']} --yes" in line and document["kept"] in line


def test_ctrl_c_removes_what_was_made(world: World, begin: Begin, temporary: Path) -> None:
    process = begin()
    until(lambda: world.lxd.running())
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130, out + said
    assert "Traceback" not in said
    assert world.lxd.machines == {} and left(temporary) == []


def test_machines_are_visited_as_they_are_and_confirm_nothing(world: World) -> None:
    world.up({**backends(2)})
    before = world.engine().applied(), record.read(world.engine().shelf, world.engine().name)
    world.visits.seen.clear()
    world.visits.fail("web-2")
    outcome = proving.visit("prove", world.name, "default", world.settings, world.events.append, world.visits)
    assert world.visits.seen == [("prove", ("web-1", "web-2"))]
    assert [failure.node for failure in outcome.failures] == ["web-2"]
    assert (world.engine().applied(), record.read(world.engine().shelf, world.engine().name)) == before
