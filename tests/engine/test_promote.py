"""`conpaas promote` with real repositories: a branch, what its commit says, and that nothing else is touched."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import cli
from conpaas_iac.system import git
from tests.engine.conftest import World, backends
from tests.schemas import check

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org")
PIN = {"Source": "https://code.invalid/2.tgz", "Version": "2" * 64}


def lock(environment: str, third: int, **code: Any) -> str:
    services = {"web": {"Block": f"10.{third}.16.0/20", **code}}
    document = {"Version": 1, "Application": "shop", "Environment": environment, "Range": f"10.{third}.0.0/16"}
    return json.dumps({**document, "Services": services}, indent=2) + "\n"


@pytest.fixture
def fleet(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one application in two environments, pushed to a bare one."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    top = world.folder
    folder = top / "fleet" / "shop"
    folder.mkdir(parents=True)
    (top / "conpaas.json").write_text('{"Fleet": "acme", "Environments": {"staging": {}, "production": {}}}')
    service = {"Type": "php", "ServiceName": "web", "Archive": "https://code.invalid/1.tgz"}
    (folder / "manifest.json").write_text(json.dumps({"Application": "shop", "Services": [service]}))
    tried = {"Archive": PIN["Source"], "Configuration": {"memory_limit": "96M"}, **backends(1)}
    (folder / "manifest.staging.json").write_text(json.dumps({"Services": {"web": tried}}))
    (folder / "manifest.production.json").write_text('{"Services":\n  {"web": {"Size" : "large"}}\n}\n')
    (folder / "conpaas.staging.lock.json").write_text(lock("staging", 77, Code=PIN))
    (folder / "conpaas.production.lock.json").write_text(lock("production", 78))
    git.run(top, "init", "--quiet", "--bare", "--initial-branch=main", "hub.git")
    (top / ".gitignore").write_text("hub.git\n")
    git.run(top, "init", "--quiet", "--initial-branch=main")
    commit(top)
    git.run(top, "remote", "add", "origin", str(top / "hub.git"))
    git.run(top, "push", "--quiet", "--set-upstream", "origin", "main")
    monkeypatch.chdir(top)
    return folder


def commit(top: Path) -> None:
    git.run(top, "add", "--all")
    git.run(top, *WHO, "commit", "--quiet", "-m", "change")


def promote(*more: str) -> int:
    return cli.run(["promote", "shop", "--from", "staging", "--to", "production", *more])


BRANCH = "promote-shop-staging-to-production"


def test_a_branch_with_what_was_tried(
    world: World, fleet: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "a_b").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(world.folder / "a_b"))  # Markdown escapes the sign
    manifest = fleet / "manifest.json"
    manifest.write_text(manifest.read_text() + "\nnot committed")
    before = {path: path.read_bytes() for path in fleet.iterdir()}
    assert promote("--push", "--format", "json") == 0
    done = check(capsys.readouterr().out, "promote")
    assert {each["field"] for each in done["taken"]} == {"Archive", "Configuration.memory_limit"}
    assert {each["field"] for each in done["kept"]} == {"Size"}
    assert (done["branch"], done["remote"]) == (BRANCH, "origin")
    assert before == {path: path.read_bytes() for path in fleet.iterdir()}
    assert git.run(fleet, "branch", "--show-current").strip() == "main"
    assert len(git.run(fleet, "worktree", "list").splitlines()) == 1

    hub = world.folder / "hub.git"
    assert git.run(hub, "rev-parse", BRANCH).strip() == done["commit"]
    assert git.run(hub, "show", "--format=", "--name-only", BRANCH).split() == [
        "fleet/shop/conpaas.production.lock.json", "fleet/shop/manifest.production.json",
    ]  # fmt: skip
    overlay = git.run(hub, "show", f"{BRANCH}:fleet/shop/manifest.production.json")
    assert overlay.startswith('{"Services":\n  {"web": {"Size" : "large"')
    assert json.loads(overlay)["Services"]["web"] == {
        "Size": "large", "Archive": PIN["Source"], "Configuration": {"memory_limit": "96M"},
    }  # fmt: skip
    pins = json.loads(git.run(hub, "show", f"{BRANCH}:fleet/shop/conpaas.production.lock.json"))
    assert pins["Services"]["web"] == {"Block": "10.78.16.0/20", "Code": PIN}
    said = git.run(hub, "log", "-1", "--format=%B", BRANCH)
    assert said.startswith("shop: promote staging to production\n\n~ web  Archive: https://code.invalid/1.tgz -> ")
    assert "What stays production's own (production -> staging):\n~ web  Size: large -> small" in said
    assert "web-1" in said.partition("What stays")[2]  # the plan
    assert "/tree/" not in said
    assert not world.lxd.running()
    assert promote() == 1
    assert f"there is a branch {BRANCH} already" in capsys.readouterr().err


def test_where_nothing_differs_no_branch_is_made(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote("--only", "web", "--branch", "one") == 0
    git.run(fleet, "merge", "--quiet", "--ff-only", "one")
    capsys.readouterr()
    assert promote() == 0
    out = capsys.readouterr().out
    assert "Nothing to promote from staging to production." in out
    assert "~ web  Size: large -> small" in out
    assert BRANCH not in git.run(fleet, "branch")


def test_only_the_pin_of_the_code_differs(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = fleet / "manifest.production.json"
    overlay.write_text((fleet / "manifest.staging.json").read_text())
    commit(fleet)
    assert promote() == 0
    assert git.run(fleet, "show", "--format=", "--name-only", BRANCH).split() == [
        "fleet/shop/conpaas.production.lock.json"
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("promote", "shop", "--from", "stagign", "--to", "production"), "did you mean \"staging\""),
        (("promote", "shop", "--from", "staging", "--to", "default"), "no environment 'default'"),
        (("promote", "shpo", "--from", "staging", "--to", "production"), "no application 'shpo'"),
        (("promote", "shop", "--from", "staging", "--to", "staging"), "are both staging"),
        (("promote", "shop", "--from", "staging", "--to", "production", "--only", "wbe"), "--only wbe"),
        (("promote", "shop", "--from", "staging", "--to", "production", "--with", "size"), "--with size"),
        (("promote", "shop", "--from", "staging", "--to", "production", "--branch", "a..b"), "no name of a branch"),
    ],
)
def test_slips_are_named_and_leave_nothing(
    fleet: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert cli.run([*words]) == 1
    assert said in capsys.readouterr().err
    assert git.run(fleet, "branch").split() == ["*", "main"]
    assert len(git.run(fleet, "worktree", "list").splitlines()) == 1


def test_files_beside_a_manifest_are_not_those_beside_another(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = fleet / "production"
    (own / "code").mkdir(parents=True)
    (own / "code/index.php").write_text("1")
    (fleet / "manifest.production.json").unlink()
    service = {"Type": "php", "ServiceName": "web", "Archive": "code"}
    (own / "manifest.json").write_text(json.dumps({"Application": "shop", "Services": [service]}))
    (fleet / "manifest.staging.json").write_text('{"Services": {"web": {"Archive": "code"}}}')
    (fleet / "code").mkdir()
    (fleet / "code/index.php").write_text("2")
    commit(fleet)
    assert promote() == 1
    assert "web of staging has files beside its manifest: code; production's are others" in capsys.readouterr().err


def test_what_cannot_be_pushed_is_there_all_the_same(
    world: World, fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.folder / "hub.git").rename(world.folder / "gone.git")
    assert promote("--push") == 1
    err = capsys.readouterr().err
    assert "is made, and not pushed" in err
    assert f"git push -u origin {BRANCH}" in err
