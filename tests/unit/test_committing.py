"""Edits of a manifest as commits, and what others push at the same time; with real repositories."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.system import git
from conpaas_iac.system.git import Checkout
from conpaas_iac.usecases import committing

WHO = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A bare repository with one manifest."""
    hub = tmp_path / "hub.git"
    git.run(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(hub))
    first = tmp_path / "first"
    git.run(tmp_path, "clone", "--quiet", str(hub), str(first))
    git.run(first, "checkout", "--quiet", "-B", "main")
    (first / "manifest.json").write_text(json.dumps({"web": 2, "db": 3}, indent=1))
    git.run(first, "add", "manifest.json")
    git.run(first, *WHO, "commit", "--quiet", "-m", "begin")
    git.run(first, "push", "--quiet", "--set-upstream", "origin", "main")
    return hub


@pytest.fixture
def clone(tmp_path: Path, hub: Path) -> Callable[[str], Path]:
    def clone(name: str) -> Path:
        git.run(tmp_path, "clone", "--quiet", str(hub), str(tmp_path / name))
        return tmp_path / name / "manifest.json"

    return clone


def more(path: Path, field: str = "web", by: int = 1) -> Callable[[], str]:
    """An edit that counts from the number that is there."""

    def edit() -> str:
        content = json.loads(path.read_text())
        content[field] += by
        path.write_text(json.dumps(content, indent=1))
        return f"{field} is {content[field]}"

    return edit


def place(path: Path) -> Checkout:
    found = git.checkout(path)
    assert found
    return found


def there(hub: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads(git.run(hub, "show", "main:manifest.json"))
    return found


def test_a_commit_holds_the_edit_alone(clone: Callable[[str], Path]) -> None:
    path = clone("a")
    (path.parent / "other").write_text("not finished")
    place(path).run("add", "other")
    commit = committing.committed(place(path), path, more(path))
    assert place(path).run("show", "--format=%s", "--name-only", commit).split("\n\n") == ["web is 3", "manifest.json"]
    assert place(path).run("status", "--porcelain") == "A  other"


def test_an_edit_that_changes_nothing_is_no_commit(clone: Callable[[str], Path]) -> None:
    path = clone("a")
    before = place(path).run("rev-parse", "HEAD")
    assert not committing.committed(place(path), path, more(path, by=0))
    assert place(path).run("rev-parse", "HEAD") == before


def test_what_is_not_committed_does_not_come_along(clone: Callable[[str], Path]) -> None:
    path = clone("a")
    path.write_text('{"web": 2, "db": 4}')
    with pytest.raises(UserError, match="not committed"):
        committing.committed(place(path), path, more(path))
    assert json.loads(path.read_text()) == {"web": 2, "db": 4}


def test_who_comes_second_counts_from_the_number_of_the_first(hub: Path, clone: Callable[[str], Path]) -> None:
    ours, theirs = clone("a"), clone("b")
    committing.pushed(place(theirs), theirs, more(theirs, by=2))
    commit = committing.pushed(place(ours), ours, more(ours))
    assert there(hub) == {"web": 5, "db": 3}
    assert place(ours).run("log", "-1", "--format=%H %s") == f"{commit} web is 5"
    assert place(ours).run("status", "--porcelain") == ""


def test_commits_that_were_not_pushed_come_along(hub: Path, clone: Callable[[str], Path]) -> None:
    ours, theirs = clone("a"), clone("b")
    (ours.parent / "notes").write_text("mine")
    place(ours).run("add", "notes")
    place(ours).run(*WHO, "commit", "--quiet", "-m", "notes")
    committing.pushed(place(theirs), theirs, more(theirs))
    committing.pushed(place(ours), ours, more(ours))
    assert there(hub)["web"] == 4
    assert git.run(hub, "show", "main:notes") == "mine"


def test_commits_that_do_not_fit_are_left_as_they_were(hub: Path, clone: Callable[[str], Path]) -> None:
    ours, theirs = clone("a"), clone("b")
    committing.committed(place(ours), ours, more(ours, by=7))
    mine = place(ours).run("rev-parse", "HEAD")
    committing.pushed(place(theirs), theirs, more(theirs))
    with pytest.raises(UserError, match="do not fit together"):
        committing.pushed(place(ours), ours, more(ours, "db"))
    assert place(ours).run("rev-parse", "HEAD") == mine
    assert place(ours).run("status", "--porcelain") == ""
    assert there(hub) == {"web": 3, "db": 3}


def test_where_it_cannot_be_pushed_nothing_is_changed(hub: Path, clone: Callable[[str], Path]) -> None:
    path = clone("a")
    hub.rename(hub.with_name("gone.git"))
    with pytest.raises(UserError, match="not pushed, nothing is changed"):
        committing.pushed(place(path), path, more(path))
    assert json.loads(path.read_text())["web"] == 2
    assert place(path).run("status", "--porcelain", "--branch").splitlines() == ["## main...origin/main"]


def hook(hub: Path, name: str, script: str) -> None:
    path = hub / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_what_a_rule_of_the_server_refuses_is_not_tried_again(hub: Path, clone: Callable[[str], Path]) -> None:
    path = clone("a")
    hook(hub, "pre-receive", "echo once >>../asked; echo main is protected; exit 1")
    with pytest.raises(UserError, match="the server refuses it: pre-receive hook declined: main is protected") as error:
        committing.pushed(place(path), path, more(path))
    assert "pull request" in error.value.remedy
    assert (hub.parent / "asked").read_text() == "once\n"
    assert place(path).run("status", "--porcelain", "--branch").splitlines() == ["## main...origin/main"]


def test_a_push_whose_answer_is_lost(hub: Path, clone: Callable[[str], Path]) -> None:
    path = clone("a")
    hook(hub, "post-receive", "kill -KILL $PPID")
    commit = committing.pushed(place(path), path, more(path))
    assert there(hub)["web"] == 3
    assert git.run(hub, "rev-parse", "main").strip() == commit

    (hub / "hooks/post-receive").unlink()
    hook(hub, "pre-receive", "kill -KILL $PPID")
    with pytest.raises(UserError, match="not pushed, nothing is changed"):
        committing.pushed(place(path), path, more(path))
    assert place(path).run("rev-parse", "HEAD") == commit


def test_a_push_of_which_nobody_knows_is_kept(hub: Path, clone: Callable[[str], Path]) -> None:
    path = clone("a")
    hook(hub, "post-receive", f"mv {hub} {hub}.gone; kill -KILL $PPID")
    with pytest.raises(UserError, match=r"whether commit .* was pushed before is not known, so it is kept") as error:
        committing.pushed(place(path), path, more(path))
    assert "git push" in error.value.remedy
    hub.with_name(f"{hub.name}.gone").rename(hub)
    assert json.loads(path.read_text()) == there(hub) == {"web": 3, "db": 3}
    place(path).run("push")


def test_who_always_comes_second_gives_up(clone: Callable[[str], Path]) -> None:
    ours, theirs = clone("a"), clone("b")
    edit = more(ours)

    def late() -> str:
        committing.pushed(place(theirs), theirs, more(theirs, "db"))
        return edit()

    with pytest.raises(UserError, match="5 times; nothing is changed"):
        committing.pushed(place(ours), ours, late)
    assert place(ours).run("status", "--porcelain") == ""


def test_a_name_is_not_needed(clone: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    path = clone("a")
    commit = committing.committed(place(path), path, more(path))
    assert place(path).run("show", "--no-patch", "--format=%an", commit) == "conpaas"


def test_outside_of_git(tmp_path: Path) -> None:
    assert git.checkout(tmp_path / "manifest.json") is None
