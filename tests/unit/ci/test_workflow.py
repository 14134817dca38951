"""The workflow files: valid, careful with rights and secrets, and never written over what somebody changed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conpaas_iac import cli
from conpaas_iac.ci import workflow
from conpaas_iac.forge.base import PLANS
from conpaas_iac.forge.github import WORKFLOW

GITHUB, GITLAB = Path(".github/workflows/conpaas.yml"), Path(".gitlab/conpaas.yml")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(forge: str, folder: Path, path: Path) -> dict[Any, Any]:
    assert cli.run(["ci", forge, "--output", str(folder)]) == 0
    found: dict[Any, Any] = yaml.safe_load((folder / path).read_text())
    return found


def test_twice_changes_nothing_and_what_is_ours_is_renewed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.run(["ci", "github"]) == 0
    assert f"{GITHUB}: written" in capsys.readouterr().out
    before = (GITHUB.read_bytes(), GITHUB.stat().st_mtime_ns)
    assert cli.run(["ci", "github"]) == 0
    assert f"{GITHUB}: as it was" in capsys.readouterr().out
    assert (GITHUB.read_bytes(), GITHUB.stat().st_mtime_ns) == before
    monkeypatch.setattr(workflow, "__version__", "99")
    assert cli.run(["ci", "github"]) == 0
    assert "==99" in GITHUB.read_text()


@pytest.mark.parametrize(("forge", "path"), [("github", GITHUB), ("gitlab", GITLAB)])
def test_what_somebody_changed_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str], forge: str, path: Path
) -> None:
    written(forge, folder, path)
    path.write_text(path.read_text() + "# mine\n")
    assert cli.run(["ci", forge]) == 1
    assert "not as conpaas wrote it" in capsys.readouterr().err
    assert path.read_text().endswith("# mine\n")
    assert cli.run(["ci", forge, "--overwrite"]) == 0
    assert not path.read_text().endswith("# mine\n")


def test_a_pipeline_of_ones_own_is_told_what_to_include(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = folder / ".gitlab-ci.yml"
    own.write_text("test:\n  script: make\n")
    for options in ([], ["--overwrite"]):
        assert cli.run(["ci", "gitlab", *options]) == 0
        assert "  - local: .gitlab/conpaas.yml" in capsys.readouterr().out
        assert own.read_text() == "test:\n  script: make\n"
    own.write_text("include:\n  - local: .gitlab/conpaas.yml\n")
    assert cli.run(["ci", "gitlab"]) == 0
    assert "To be added" not in capsys.readouterr().out


def test_a_place_that_cannot_be_written_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".github").write_text("a file")
    assert cli.run(["ci", "github"]) == 1
    assert "cannot be made" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("forge", "path", "options"),
    [
        ("github", GITHUB, ["vendor.github-workflows"]),
        ("gitlab", GITLAB, ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
        ("gitlab", Path(".gitlab-ci.yml"), ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_they_are_what_their_forge_takes(folder: Path, forge: str, path: Path, options: list[str]) -> None:
    written(forge, folder, path)
    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *options, str(path)]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def steps(document: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in document["jobs"].values() for step in job["steps"]]


def test_github_gives_each_job_the_least(folder: Path) -> None:
    document = written("github", folder, GITHUB)
    text = GITHUB.read_text()
    assert GITHUB.name == WORKFLOW
    triggers = document[True]  # YAML's idea of `on`
    assert set(triggers) == {"pull_request", "push", "workflow_dispatch"}  # never pull_request_target
    assert {"labeled", "unlabeled"} <= set(triggers["pull_request"]["types"])
    assert document["permissions"] == {}
    rights = {name: job["permissions"] for name, job in document["jobs"].items()}
    assert rights == {
        "validate": {"contents": "read", "security-events": "write"},
        "plan": {"contents": "read", "pull-requests": "write"},
        "apply": {"contents": "read", "actions": "read", "pull-requests": "write"},
    }
    assert all(job["timeout-minutes"] for job in document["jobs"].values())
    checkouts = [step for step in steps(document) if str(step.get("uses", "")).startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * 3
    # Nobody's text is put into a script: titles, branches and inputs come in by the environment.
    assert not [step for step in steps(document) if "${{" in step.get("run", "")]
    assert text.count("uses:") - 1 == len([step for step in steps(document) if "@v" in step.get("uses", "")])
    upload = next(step for step in steps(document) if "upload-artifact" in step.get("uses", ""))
    assert (upload["with"]["name"], upload["with"]["overwrite"]) == (PLANS, True)


def test_github_secrets_are_where_no_fork_is(folder: Path) -> None:
    document = written("github", folder, GITHUB)
    for name, job in document["jobs"].items():
        holds = "secrets." in str(job)
        assert holds == (name != "validate")
        if holds and name != "apply":
            assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]
    assert "PASSPHRASE" not in str(document["jobs"]["plan"])
    assert document["jobs"]["apply"]["environment"] == "conpaas"
    assert document["jobs"]["apply"]["if"] == "github.event_name != 'pull_request'"


def test_gitlab_plans_nothing_of_a_fork_and_applies_one_by_one(folder: Path) -> None:
    document = written("gitlab", folder, GITLAB)
    assert document[PLANS]["artifacts"]["paths"] == ["conpaas-plans"]
    assert document[PLANS]["artifacts"]["when"] == "always"
    [rule] = document[PLANS]["rules"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID" in rule["if"]
    assert document["conpaas-validate"]["artifacts"]["reports"] == {"codequality": "conpaas.codequality.json"}
    assert document["conpaas-apply"]["resource_group"] == "conpaas"
    assert document["conpaas-apply"]["interruptible"] is False
