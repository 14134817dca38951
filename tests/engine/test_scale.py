"""`conpaas scale` in a fleet: what is committed, what is pushed, what is refused."""

from functools import partial
from pathlib import Path

import pytest

from conpaas_iac import cli
from conpaas_iac.system import git
from conpaas_iac.usecases import deployment
from tests.engine.conftest import World, backends


@pytest.fixture(autouse=True)
def no_ansible(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "up", partial(deployment.up, execute=world.visits))


@pytest.fixture
def fleet(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one application, which is pushed to a bare one."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    manifest = world.write({**backends(2), "Scaling": {"backend": {"Min": 1, "Max": 3}}})
    (manifest.parent / "conpaas.json").write_text('{"Fleet": "acme"}')
    git.run(world.folder, "init", "--quiet", "--bare", "--initial-branch=main", "hub.git")
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "conpaas.json", str(manifest)),
        ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "begin"),
        ("remote", "add", "origin", str(world.folder / "hub.git")),
        ("push", "--quiet", "--set-upstream", "origin", "main"),
    ):
        git.run(manifest.parent, *words)
    return manifest


def last(manifest: Path) -> str:
    return git.run(manifest.parent, "log", "-1", "--format=%B").strip()


def test_scaling_is_a_commit_that_says_from_what_to_what_and_why(world: World, fleet: Path) -> None:
    assert cli.run(["scale", str(fleet), "web", "backend=3", "--cause", "CPU at 93 %"]) == 0
    subject, _, body = last(fleet).partition("\n\n")
    assert subject == "shop: scale web backend 2 -> 3"
    assert body.startswith("CPU at 93 % (")
    assert len(world.lxd.running()) == 3


def test_outside_of_its_bounds_nothing_is_committed(
    world: World, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = fleet.read_text()
    for change in ("backend=4", "backend=0"):
        assert cli.run(["scale", str(fleet), "web", change, "--push"]) == 1
    said = capsys.readouterr().err
    assert '"backend" should be at most 3, is 4: Scaling says so' in said
    assert (last(fleet), fleet.read_text(), world.lxd.running()) == ("begin", text, set())


def test_what_is_pushed_is_not_applied_here(
    world: World, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["scale", str(fleet), "web", "backend=+1", "--push"]) == 0
    commit = git.run(world.folder / "hub.git", "rev-parse", "main")
    assert f"Pushed {commit[:12]}" in capsys.readouterr().out
    assert not world.lxd.running()


def test_outside_of_a_fleet(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = world.write(backends(1))
    assert cli.run(["scale", str(manifest), "web", "backend=2", "--push"]) == 1
    assert "is in no fleet" in capsys.readouterr().err
    assert cli.run(["scale", str(manifest), "web", "backend=2"]) == 0
    assert len(world.lxd.running()) == 2
