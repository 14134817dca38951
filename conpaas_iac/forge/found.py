"""Which forge this is: of a CI job by its environment, of a checkout by its remote. Tokens come from there."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conpaas_iac.errors import UserError
from conpaas_iac.forge import github
from conpaas_iac.forge.base import Forge
from conpaas_iac.forge.github import GitHub
from conpaas_iac.forge.gitlab import GitLab
from conpaas_iac.forge.rest import Rest

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """A CI job; `request` is 0 where it is of none, `labels` are those that the job began with."""

    forge: Forge
    sha: str
    url: str = ""
    request: int = 0
    labels: frozenset[str] = frozenset()


def job(environment: Environment) -> Job | None:
    """What the environment says; None outside of GitHub's and GitLab's. Raises UserError where something lacks."""
    if environment.get("GITHUB_ACTIONS") == "true":
        return _github_job(environment)
    if environment.get("GITLAB_CI") == "true":
        return _gitlab_job(environment)
    return None


def _github_job(environment: Environment) -> Job:
    repository, sha = _needed(environment, "GITHUB_REPOSITORY"), environment.get("GITHUB_SHA", "")
    pull = _event(environment).get("pull_request") or {}
    server, run = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_RUN_ID", "")
    return Job(
        _github(environment.get("GITHUB_API_URL", github.API), repository, environment),
        sha,
        f"{server}/{repository}/actions/runs/{run}" if server and run else "",
        int(pull.get("number", 0)),
        frozenset(each["name"] for each in pull.get("labels", ())),
    )


def _event(environment: Environment) -> dict[str, Any]:
    path = environment.get("GITHUB_EVENT_PATH", "")
    try:
        found = json.loads(Path(path).read_text()) if path else {}
    except (OSError, ValueError) as error:
        raise UserError(f"GITHUB_EVENT_PATH {path}: cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _gitlab_job(environment: Environment) -> Job:
    api, project = _needed(environment, "CI_API_V4_URL"), _needed(environment, "CI_PROJECT_ID")
    return Job(
        _gitlab(api, project, environment),
        environment.get("CI_COMMIT_SHA", ""),
        environment.get("CI_PIPELINE_URL", ""),
        int(environment.get("CI_MERGE_REQUEST_IID") or 0),
        frozenset(filter(None, environment.get("CI_MERGE_REQUEST_LABELS", "").split(","))),
    )


def of_remote(address: str, environment: Environment) -> Forge | None:
    """Of a git remote; None where no token is there for its host, or it is a folder."""
    found = re.fullmatch(r"(?:ssh://)?[\w.-]+@([\w.-]+)(?::\d+/|[:/])(.+?)(?:\.git)?/?", address)
    if found:
        host, path = found.groups()
    elif address.startswith("https://"):
        parts = urlsplit(address)
        host, path = parts.netloc.rpartition("@")[2], parts.path.strip("/").removesuffix(".git")
    else:
        return None
    if host == "github.com" and environment.get("GITHUB_TOKEN"):
        return _github(github.API, path, environment)
    if environment.get("GITLAB_TOKEN"):
        return _gitlab(f"https://{host}/api/v4", path, environment)
    if environment.get("GITHUB_TOKEN") and host != "gitlab.com":
        return _github(f"https://{host}/api/v3", path, environment)
    return None


def _github(api: str, repository: str, environment: Environment) -> GitHub:
    token = _needed(environment, "GITHUB_TOKEN")
    return GitHub(Rest(api.rstrip("/"), github.headers(token)), repository)


def _gitlab(api: str, project: str, environment: Environment) -> GitLab:
    """CI_JOB_TOKEN may fetch artifacts; comments want GITLAB_TOKEN."""
    own = environment.get("GITLAB_TOKEN", "")
    headers = {"PRIVATE-TOKEN": own} if own else {"JOB-TOKEN": _needed(environment, "CI_JOB_TOKEN", "GITLAB_TOKEN")}
    return GitLab(Rest(api.rstrip("/"), headers, environment.get("CI_SERVER_TLS_CA_FILE", "")), project)


def _needed(environment: Environment, name: str, better: str = "") -> str:
    if not environment.get(name):
        raise UserError(f"{name} is not set", f"give the job {better or name}, from the forge's own store of secrets")
    return environment[name]
