"""`conpaas up A B`: a worker for each application, its end told in one line, and nothing outlives the tool."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import World, backends
from tests.engine.test_killed import TOOL, mark  # noqa: F401
from tests.processes import begun, gone_within
from tests.schemas import check

SEVERAL = f"""
from conpaas_iac.runs import workers
workers.TOOL = (sys.executable, '-c', {TOOL!r}, 'pretend')
"""
Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(mark: str) -> Iterator[Begin]:  # noqa: F811
    """`conpaas up` with these arguments, as a user starts it."""
    tool = TOOL.replace("from conpaas_iac import cli", SEVERAL + "from conpaas_iac import cli", 1)
    with begun(mark, subprocess.PIPE) as start:
        yield lambda *arguments: start(tool, "pretend", "up", *arguments)


def written(world: World, name: str, **fields: object) -> str:
    """A manifest of its own, in a file of that name."""
    world.name = name
    path = world.write({**backends(1), **fields})
    return str(path.rename(path.with_name(f"{name}.json")))


def test_each_ends_for_itself_and_the_worst_code_counts(world: World, begin: Begin) -> None:
    good, bad = written(world, "good"), written(world, "bad", Color="red")
    failing = written(world, "failing")
    world.lxd.faults.create["failing--web-1"] = 9
    out, err = begin(good, bad, failing, "--format", "json").communicate(timeout=90)
    document = check(out, "results")
    ends = {each["application"]: each for each in document["applications"]}
    assert {name: each["exit"] for name, each in ends.items()} == {"good": 0, bad: 1, "failing": 3}
    assert document["exit"] == 3
    assert ends["good"]["result"]["plan"]["changes"][0]["node"] == "web-1"
    assert "web-1" in ends["failing"]["error"]
    assert "No space left" in err
    assert "Color" in err
    assert world.lxd.running() == {"good--web-1"}

    process = begin(good, good.replace("good.json", "./good.json"))
    assert "is there twice" in process.communicate(timeout=30)[1]
    assert process.returncode == 1


def test_the_same_application_twice_is_refused_before_anything_begins(world: World, begin: Begin) -> None:
    one = written(world, "shop")
    two = str(Path(one).with_name("other.json"))
    Path(two).write_text(Path(one).read_text())
    process = begin(one, two)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert "are both of application 'shop'" in said
    assert world.lxd.calls == []


def test_a_line_for_each_at_the_end_and_events_of_all(world: World, begin: Begin, tmp_path: Path) -> None:
    manifests = [written(world, name) for name in ("one", "two")]
    first = begin(*manifests, "--parallel", "1", "--events", str(tmp_path / "events"))
    out, _ = first.communicate(timeout=90)
    assert first.returncode == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["one:", "web-1:", "machine", "ok"] in lines
    assert [line[0] for line in lines[-3:]] == ["application", "one", "two"]
    assert [line[1:3] for line in lines[-2:]] == [["1", "add"]] * 2
    assert [line[-1] for line in lines[-2:]] == ["done"] * 2
    names = [json.loads(line).get("begun", {}).get("application") for line in (tmp_path / "events").open()]
    assert [name for name in names if name] == ["one", "two"]  # one after the other


@pytest.mark.parametrize("times", [1, 2])
def test_interrupted_all_end_and_what_waits_does_not_begin(world: World, begin: Begin, times: int) -> None:
    manifests = [written(world, name) for name in ("one", "two", "three")]
    gates = [world.lxd.faults.hold(f"{name}--web-1") for name in ("one", "two")]
    process = begin(*manifests, "--parallel", "2", "--format", "json")
    for arrived, _ in gates:
        assert arrived.wait(60)
    process.send_signal(signal.SIGINT)
    assert process.stderr
    heard: set[str] = set()
    while len(heard) < 2:  # a signal that comes before the former one was heard is the same signal
        line = process.stderr.readline()
        heard |= {line.partition(":")[0]} if "interrupt" in line else set()
    if times == 2:
        process.send_signal(signal.SIGINT)
    else:
        for _, release in gates:
            release.set()
    out, _ = process.communicate(timeout=60)
    document = check(out, "results")
    assert process.returncode == document["exit"] == 130
    assert {each["exit"] for each in document["applications"]} == {130}
    assert document["applications"][2]["error"] == "not begun"


def test_what_is_killed_leaves_nothing_running(world: World, begin: Begin, mark: str) -> None:  # noqa: F811
    manifests = [written(world, name) for name in ("one", "two")]
    gates = [world.lxd.faults.hold(f"{name}--web-1") for name in ("one", "two")]
    process = begin(*manifests)
    for arrived, _ in gates:
        assert arrived.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    assert gone_within(10, mark)
