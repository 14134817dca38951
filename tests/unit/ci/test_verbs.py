"""`ci comment`, `ci check`, `ci up` as a job calls them, on a forge of both kinds that has bad days."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import cli
from conpaas_iac.ci import bundle, verdict
from conpaas_iac.ci.bundle import Entry
from conpaas_iac.forge import rest
from conpaas_iac.plans import plandocument, promise
from conpaas_iac.plans.plan import MachineChange, Plan
from conpaas_iac.plans.promise import Promise
from tests.standins.forge import PROJECT, REPOSITORY, TOKEN, Standin, standin

SAFE = MachineChange("web-1", "web", "change", "10.42.16.1", "an option")
PLANS = Path("conpaas-plans")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Standin]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rest.Rest.__init__, "__defaults__", ({}, "", 60.0, lambda seconds: None, lambda: 0.0))
    monkeypatch.setattr("conpaas_iac.ci.applying.PAUSES", (0.0,))
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    with standin() as found:
        yield found


def job(kind: str, server: Standin, monkeypatch: pytest.MonkeyPatch, labels: tuple[str, ...] = ()) -> None:
    """Of request 1, whose labels were these when it began."""
    Path("event.json").write_text(json.dumps({"pull_request": {"number": 1, "labels": [{"name": n} for n in labels]}}))
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": server.github,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": "event.json",
        "GITHUB_SHA": "b" * 40,
        "GITHUB_TOKEN": TOKEN,
    }
    gitlab = {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": server.gitlab,
        "CI_PROJECT_ID": PROJECT,
        "CI_MERGE_REQUEST_IID": "1",
        "CI_MERGE_REQUEST_LABELS": ",".join(labels),
        "CI_COMMIT_SHA": "b" * 40,
        "GITLAB_TOKEN": TOKEN,
    }
    for name, value in (github if kind == "github" else gitlab).items():
        monkeypatch.setenv(name, value)


kinds = pytest.mark.parametrize("kind", ["github", "gitlab"])


def saved(name: str, *changes: MachineChange, losses: dict[str, str] | None = None) -> Promise:
    plan = Plan(name, "default", "10.42.0.0/16", changes or (SAFE,), 0, losses=losses or {})
    made, document = datetime(2030, 1, 1, tzinfo=UTC), plandocument.document(plan)
    return Promise(promise.VERSION, name, "default", "manifest.json", made, "me@here", "1", {}, {}, document)


def folder(*plans: Promise, gone: str = "", **errors: str) -> None:
    """As `ci plan` leaves it."""
    PLANS.mkdir(exist_ok=True)
    removed = [Entry(gone, f"fleet/{gone}/removed.json", removal="2 machines; by ann: old")] if gone else []
    entries = removed + [Entry(name, "x.json", error=error) for name, error in errors.items()]
    for plan in plans:
        (PLANS / f"{plan.application}.plan").write_bytes(promise.encode(plan))
        entries.append(Entry(plan.application, "manifest.json", f"{plan.application}.plan"))
    bundle.write(PLANS, "a" * 40, entries)


LOSING = saved("db", replace(SAFE, danger="data loss"), losses={"db": "its last copy goes"})
Say = pytest.CaptureFixture[str]


@kinds
def test_one_comment_for_all_plans(kind: str, server: Standin, monkeypatch: pytest.MonkeyPatch, capsys: Say) -> None:
    job(kind, server, monkeypatch)
    change = server.open()
    folder(saved("shop"))
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 0
    folder(saved("shop"), LOSING, blog="error: E0104")
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 0
    [comment] = change.comments
    assert comment["body"].startswith("<!-- conpaas: fleet -->\n### conpaas plan: 2 applications of 2 to change, ")
    assert "wants the label `conpaas: data loss`" in comment["body"]
    assert "Plan of aaaaaaaaaaaa." in comment["body"]
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err


@kinds
@pytest.mark.parametrize("status", [503, 404, 401])
def test_a_forge_that_fails_is_a_warning(
    kind: str, status: int, server: Standin, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    job(kind, server, monkeypatch)
    server.open()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    monkeypatch.setattr(rest.Rest.__init__, "__defaults__", ({}, "", 0.0, lambda seconds: None, lambda: 0.0))
    server.fail(status, times=100)
    folder(saved("shop"))
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 0
    assert f"warning: no comment: GET {server.url}" in capsys.readouterr().err
    assert "### conpaas plan: shop" in Path("summary.md").read_text()


def test_no_token_and_no_job(server: Standin, monkeypatch: pytest.MonkeyPatch, capsys: Say) -> None:
    folder(saved("shop"))
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 0
    assert "for any other forge: --print" in capsys.readouterr().err
    job("github", server, monkeypatch)
    monkeypatch.delenv("GITHUB_TOKEN")
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 0
    assert "GITHUB_TOKEN is not set" in capsys.readouterr().err
    assert server.seen == []


def test_any_other_forge(server: Standin, capsys: Say) -> None:
    folder(saved("shop"))
    assert cli.run(["ci", "comment", "--print", "--plan", "conpaas-plans/shop.plan"]) == 0
    assert capsys.readouterr().out.startswith("### conpaas plan: shop\n")
    assert cli.run(["ci", "check", "--plan", "conpaas-plans/shop.plan"]) == 0


@kinds
def test_nothing_to_plan_changes_a_comment_and_makes_none(
    kind: str, server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(kind, server, monkeypatch)
    change = server.open()
    folder()
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 0
    assert change.comments == []
    folder(saved("shop"))
    cli.run(["ci", "comment", "--plan", "conpaas-plans"])
    folder()
    cli.run(["ci", "comment", "--plan", "conpaas-plans"])
    assert "no application changes" in change.comments[0]["body"]


@kinds
def test_the_check_wants_the_label(kind: str, server: Standin, monkeypatch: pytest.MonkeyPatch, capsys: Say) -> None:
    job(kind, server, monkeypatch)
    change = server.open()
    folder(saved("shop"), LOSING)
    assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == 1
    said = capsys.readouterr().err
    assert "error: db: db loses its data: its last copy goes" in said
    assert "shop" not in said
    change.labels.append(verdict.LABEL)
    assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == 0
    assert cli.run(["ci", "check", "--plan", "conpaas-plans", "--label", "another"]) == 1


@kinds
def test_who_goes_wants_the_label_too(
    kind: str, server: Standin, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    job(kind, server, monkeypatch)
    change = server.open()
    folder(gone="old")
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 0
    assert "1 application of 1 to change, class data loss" in change.comments[0]["body"]
    assert "**removed** old\n\n    2 machines; by ann: old\n" in change.comments[0]["body"]
    assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == 1
    assert "error: old would be removed: 2 machines; by ann: old" in capsys.readouterr().err
    change.merged_as = "b" * 40
    plans = artifact(plans_json=(PLANS / "plans.json").read_bytes())
    change.runs.append({"id": 11, "status": "success", "own": True, "plans": plans})
    assert cli.run(["ci", "up"]) == 1
    assert "old: not removed: no label 'conpaas: data loss'" in capsys.readouterr().err
    assert "**not applied** old" in change.comments[0]["body"]
    change.labels.append(verdict.LABEL)
    folder(gone="old")
    assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == 0


@kinds
@pytest.mark.parametrize("labels", [(), (verdict.LABEL,)])
def test_the_verdict_does_not_hang_on_the_forge(
    kind: str, labels: tuple[str, ...], server: Standin, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    job(kind, server, monkeypatch, labels)
    server.open()
    server.fail(404, times=10)
    folder(saved("shop"))
    assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == 0
    assert server.seen == []
    folder(LOSING)
    assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == (0 if labels else 1)
    assert "labels are those that this job began with" in capsys.readouterr().err


def test_what_is_not_planned_fails_the_check(server: Standin, capsys: Say) -> None:
    folder(saved("shop"), blog="error: E0104")
    assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == 1
    assert "blog: not planned" in capsys.readouterr().err


def test_plans_that_are_none(server: Standin, capsys: Say) -> None:
    PLANS.mkdir()
    for content in (None, "{", '{"version": 1}', '{"version": 7, "commit": "", "entries": []}'):
        if content is not None:
            (PLANS / "plans.json").write_text(content)
        assert cli.run(["ci", "check", "--plan", "conpaas-plans"]) == 1
    folder(saved("shop"))
    (PLANS / "shop.plan").write_bytes((PLANS / "shop.plan").read_bytes().replace(b"an option", b"a trick!!"))
    assert cli.run(["ci", "comment", "--plan", "conpaas-plans"]) == 1
    assert "was edited" in capsys.readouterr().err


def artifact(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in files.items():
            made.writestr(f"../../conpaas-plans/{name.replace('_', '.')}", content)
    return file.getvalue()


@kinds
def test_what_cannot_be_applied_is_said(
    kind: str, server: Standin, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    job(kind, server, monkeypatch)
    change = server.open()

    def said() -> str:
        assert cli.run(["ci", "up"]) == 1
        return capsys.readouterr().err

    assert "bbbbbbbbbbbb came without a reviewed plan" in said()
    change.merged_as = "b" * 40
    assert "are not to be had" in said()
    run: dict[str, Any] = {"id": 11, "status": "success", "own": True, "plans": b"no archive"}
    change.runs.append(run)
    assert "cannot be unpacked" in said()
    folder(blog="error: E0104")
    run["plans"] = artifact(plans_json=(PLANS / "plans.json").read_bytes())
    assert "not planned when it was reviewed: blog" in said()
    server.fail(401, times=9)
    assert "the token may not do this" in said()
    server.faults.clear()
    folder()
    run["plans"] = artifact(plans_json=(PLANS / "plans.json").read_bytes())
    assert cli.run(["ci", "up"]) == 0
    assert "nothing was planned, nothing is applied" in capsys.readouterr().out
    assert not list(Path("..").glob("conpaas-plans"))


def test_data_is_lost_only_where_the_label_agreed(server: Standin) -> None:
    from conpaas_iac.ci.applying import Reviewed, commands
    from conpaas_iac.ci.bundle import Bundle
    from conpaas_iac.forge.base import Request

    plans = Bundle("", {Path("db.plan"): LOSING}, {"old": "1 machine"})
    no = commands(Reviewed(Request(1, "a", frozenset()), plans))
    yes = commands(Reviewed(Request(1, "a", frozenset({verdict.LABEL})), plans))
    assert no["db"][:3] == ("up", "--plan", "db.plan")
    assert not [word for word in no["db"] if "data-loss" in word]
    assert "--allow-data-loss=db" in yes["db"]
    assert ("old" in no, yes["old"]) == (False, ("fleet", "up", "old", "--wait"))
