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


def of_staging(fleet: Path, overlay: str) -> Path:
    """The environment's overlay, committed."""
    path = fleet.with_name("manifest.staging.json")
    path.write_text(overlay)
    git.run(fleet.parent, "add", path.name)
    git.run(fleet.parent, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "staging")
    return path


def test_where_there_is_an_overlay_that_is_edited(world: World, fleet: Path) -> None:
    before = fleet.read_text()
    overlay = of_staging(fleet, '{\n "Services": {"web": {"Size":"large"}}}')
    assert cli.run(["scale", str(fleet), "-e", "staging", "web", "backend=+1"]) == 0
    changed = '{\n "Services": {"web": {"Size":"large","StartupInstances":{"backend": 3}}}}'
    assert (fleet.read_text(), overlay.read_text()) == (before, changed)
    assert last(fleet).startswith("shop:staging: scale web backend 2 -> 3\n")
    assert git.run(fleet.parent, "show", "--format=", "--name-only").split() == ["manifest.staging.json"]
    assert len(world.lxd.running()) == 3
    [node] = sorted(world.lxd.running())[:1]
    assert cli.run(["scale", str(fleet), "-e", "staging", "--remove", "web-2"]) == 0
    assert node in world.lxd.running()
    assert len(world.lxd.running()) == 2
    assert '"Without":["web-2"]' in overlay.read_text()
    assert fleet.read_text() == before


def test_an_overlay_that_would_have_errors_stays_as_it_is(
    world: World, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = of_staging(fleet, "{}")
    assert cli.run(["scale", str(fleet), "-e", "staging", "web", "backend=4"]) == 1
    assert "should be at most 3, is 4" in capsys.readouterr().err
    assert (overlay.read_text(), last(fleet)) == ("{}", "staging")


def test_an_environment_in_a_folder_of_its_own(world: World, fleet: Path) -> None:
    (world.folder / "fleet/shop/production").mkdir(parents=True)
    manifest = world.folder / "fleet/shop/production/manifest.json"
    manifest.write_text(fleet.read_text())
    (world.folder / "conpaas.json").write_text(
        '{"Fleet": "acme", "DefaultCloud": "near", "Clouds": {"near": {"Provider": "lxd"}}}'
    )
    assert cli.run(["scale", str(manifest), "-e", "production", "web", "backend=1"]) == 1  # it is not committed
    git.run(world.folder, "add", "-A", "fleet", "conpaas.json")
    git.run(world.folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "more")
    assert cli.run(["scale", str(manifest), "-e", "production", "web", "backend=1"]) == 0
    assert last(manifest).startswith("shop:production: scale web backend 2 -> 1\n")
    assert len(world.lxd.running()) == 1
