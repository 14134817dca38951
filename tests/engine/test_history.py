"""What the verbs leave of their runs: streams in the backend and where the user wants them, also after a SIGKILL."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import cli
from conpaas_iac.usecases import deployment
from tests import schemas
from tests.engine.conftest import World, backends

Verb = Callable[..., int]


@pytest.fixture
def verb(world: World, monkeypatch: pytest.MonkeyPatch) -> Verb:
    """Run a verb; where Ansible would be asked, `world.visits` is."""
    monkeypatch.setattr(deployment, "up", partial(deployment.up, execute=world.visits))
    return lambda *words: cli.run([str(word) for word in words])


def kept(world: World) -> list[Path]:
    return sorted((world.settings.state / "backend" / "history").glob("*/*"))


def test_what_changes_something_is_remembered(world: World, verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    events, manifest = world.folder.parent / "events", world.write(backends(2))
    assert verb("up", manifest, "--events", events) == 0
    [first] = kept(world)
    assert first.read_bytes() == events.read_bytes()
    lines = [schemas.check(line, "event") for line in first.read_text().splitlines()]
    assert lines[0]["begun"].items() >= {"command": "up", "application": "shop", "environment": "default"}.items()
    assert [line["node"] for line in lines if line["phase"] == "plan"] == ["web-1", "web-2"]
    made = {line["node"] for line in lines if (line["phase"], line["state"]) == ("machine", "done")}
    assert made == {"web-1", "web-2"}
    assert lines[-1]["ended"]["exit"] == 0

    assert verb("up", manifest) == 0
    assert verb("status", "shop") in (0, 3)
    assert verb("up", world.folder / "nothing.json") == 1
    assert kept(world) == [first]  # nothing was changed

    world.visits.fail("web-3")
    assert verb("up", world.write(backends(3))) == 3
    assert verb("stop", "shop") == 0
    assert verb("down", "shop", "--yes") == 0
    capsys.readouterr()
    assert verb("history", "shop", "--format", "json") == 0
    runs = schemas.check(capsys.readouterr().out, "history")["runs"]
    assert [(run["command"], run["outcome"], run["exit"]) for run in runs] == [
        ("down", "done", 0),
        ("stop", "done", 0),
        ("up", "failed", 3),
        ("up", "done", 0),
    ]
    assert runs[2]["text"] == "web-3, verify: it answers 502"
    assert {change["node"]: change["action"] for change in runs[2]["changes"]}["web-3"] == "add"
    for word in ("last", runs[2]["run"]):
        assert verb("history", "show", "shop", word, "--format", "json") == 0
        schemas.check(capsys.readouterr().out, "run")


def test_plan_speaks_the_same_words_and_is_not_remembered(
    world: World, verb: Verb, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = world.write(backends(2))
    assert verb("plan", manifest, "--events", "-", "--exit-code") == 2
    said = capsys.readouterr()
    lines = [schemas.check(line, "event") for line in said.out.splitlines()]
    assert [(line["phase"], line["state"]) for line in lines] == [
        ("run", "started"),
        ("plan", "planned"),
        ("plan", "planned"),
        ("run", "done"),
    ]
    assert "Plan: 2 to add" in said.err
    assert verb("plan", manifest, "--events", "-", "--format", "json") == 1
    assert verb("plan", manifest, "--events", "/nowhere/at/all") == 1
    assert kept(world) == []


def test_who_finds_it_held_changed_nothing(world: World, verb: Verb) -> None:
    manifest, codes = world.write(backends(1)), []
    world.visits.at_visit = lambda playbook, visits: codes.append(verb("up", manifest))
    assert verb("up", manifest) == 0
    assert codes == [4]
    assert len(kept(world)) == 1


TOOL = """
import sys
from conpaas_iac import cli
from conpaas_iac.usecases import deployment
deployment.ensure_route = lambda settings: None
sys.exit(cli.run(sys.argv[1:]))
"""


def test_a_killed_run_is_there_as_far_as_it_came(world: World, verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    arrived, release = world.lxd.faults.hold("shop--web-2")
    command = [sys.executable, "-c", TOOL, "up", str(world.write(backends(2)))]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as tool:
        assert arrived.wait(60)
        os.killpg(tool.pid, signal.SIGKILL)
    release.set()
    assert verb("history", "show", "shop", "--format", "json") == 0
    run: dict[str, Any] = schemas.check(capsys.readouterr().out, "run")
    assert (run["outcome"], run["exit"]) == ("interrupted", None)
    assert run["nodes"]["web-2"]["machine"]["state"] == "started"
    assert verb("history", "shop") == 0
    assert "interrupted" in capsys.readouterr().out
