"""Which applications a commit has to do with, and how a run of `fleet up` ended, in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac.runs.workers import Done
from conpaas_iac.sync.making import Runs, touched
from conpaas_iac.system import git
from tests.unit.sync.conftest import WHO

APPLICATION = {"what": "apply", "why": "", "remedy": "", "machines": {"add": 1, "change": 0}, "result": None}


def done(code: int, **fields: Any) -> Done:
    return Done(code, printed=json.dumps({"applications": [{**APPLICATION, **fields}]}), said="error: other\nmore")


@pytest.mark.parametrize(
    ("ended", "outcome", "text"),
    [
        (done(0), "done", "1 add"),
        (done(0, what="as it is", machines={}), "done", "as it is"),
        (done(2, what="wait", why="downtime waits", remedy="--approve downtime"), "waiting",
         "downtime waits; --approve downtime"),
        (done(1, what="refuse", why="no secret\nconpaas secret set shop api"), "failed",
         "no secret; conpaas secret set shop api"),
        (done(1, what="refuse", why="a.json:1: error\n  1 | {\n  ^"), "failed", "a.json:1: error"),
        (done(3, result={"error": "web-1, verify: 502"}), "failed", "web-1, verify: 502"),
        (Done(4, said="error: held by ann\n  → wait"), "busy", "held by ann"),
        (Done(137), "failed", ""),
        (Done(130, said="error: stopped"), "interrupted", ""),
    ],
)  # fmt: skip
def test_one_line(ended: Done, outcome: str, text: str) -> None:
    assert Runs().outcome(ended) == (outcome, text)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet of two applications, in a repository with one commit."""
    monkeypatch.setenv("CONPAAS_STATE_DIR", str(tmp_path / "state"))
    top = tmp_path / "fleet"
    for name in ("shop", "blog"):
        (top / "fleet" / name).mkdir(parents=True)
        manifest = {"Application": name, "Services": [{"Type": "php"}]}
        (top / "fleet" / name / "manifest.json").write_text(json.dumps(manifest))
    (top / "conpaas.json").write_text('{"Fleet": "0a1b2c3d4e5f"}')
    git.run(tmp_path, "init", "--quiet", str(top))
    commit(top, "first")
    return top


def commit(top: Path, message: str) -> str:
    git.run(top, "add", "--all")
    git.run(top, *WHO, "commit", "--quiet", "--allow-empty", "-m", message)
    return git.run(top, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("nothing", ()),
        ("Yes\n\nApprove: shop downtime", ("shop",)),
        ("Yes\n\nApprove: shpo downtime\nApprove: shop:staging restart", ()),  # nobody's: not tried for ever
    ],
)
def test_an_approval_has_to_do_with_what_is_there(fleet: Path, message: str, wanted: tuple[str, ...]) -> None:
    before = git.run(fleet, "rev-parse", "HEAD").strip()
    assert touched(fleet, before, commit(fleet, message)) == wanted


def test_a_commit_has_to_do_with_what_it_changes_and_all_where_that_is_not_known(fleet: Path) -> None:
    before = git.run(fleet, "rev-parse", "HEAD").strip()
    (fleet / "fleet" / "blog" / "notes.md").write_text("new")
    after = commit(fleet, "notes")
    assert touched(fleet, before, after) == ("blog",)
    assert set(touched(fleet, "", after)) == set(touched(fleet, "f" * 40, after)) == {"shop", "blog"}
