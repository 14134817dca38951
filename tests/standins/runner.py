"""What forges' runners do with a workflow file, for `run:` and `script:` steps: the real shell, the real environment.

Each job is on a machine of its own: an empty home, nothing of this process's environment. `uses:` steps are stand-ins
of a few lines: checkout is git, upload-artifact hands a ZIP to the forge's stand-in, upload-sarif keeps the file.
"""

import io
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.standins.forge import JOB_TOKEN, PROJECT, REPOSITORY, TOKEN, Change, Standin

SYSTEM = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass
class Done:
    """How a job ended."""

    conclusion: str = "success"
    log: str = ""
    environments: list[dict[str, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)  # reports


@dataclass
class Machines:
    """Where jobs run: `bin` is what is installed there, `origin` the repository."""

    folder: Path
    bin: Path
    origin: Path
    forge: Standin
    variables: dict[str, str]
    secrets: dict[str, str]
    number: int = 0

    def home(self) -> Path:
        self.number += 1
        path = self.folder / f"machine-{self.number}"
        (path / "work").mkdir(parents=True)
        return path

    def environment(self, home: Path) -> dict[str, str]:
        return {"PATH": f"{self.bin}:{SYSTEM}", "HOME": str(home), "CI": "true", "LANG": "C.UTF-8"}

    def checkout(self, home: Path, sha: str, depth: int) -> None:
        work = home / "work"
        shallow = [f"--depth={depth}"] if depth else []
        git(work, "init", "-q")
        git(work, "fetch", "-q", *shallow, f"file://{self.origin}", sha)
        git(work, "checkout", "-q", "FETCH_HEAD")

    def shell(self, home: Path, script: str, environment: Mapping[str, str], *options: str) -> tuple[int, str]:
        command = ["bash", *options, "-c", script]
        done = subprocess.run(
            command, cwd=home / "work", env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300,
        )
        return done.returncode, f"$ {script}\n{done.stdout}"


def git(place: Path, *arguments: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    command = ["git", "-C", str(place), *arguments]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **who})
    return done.stdout.strip()


def zipped(folder: Path) -> bytes | None:
    """None where nothing is there."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for path in sorted(folder.rglob("*")):
            made.write(path, path.relative_to(folder))
    return file.getvalue()


# GitHub


class Expressions:
    """Of `${{ }}`, as far as the workflow uses them."""

    def __init__(self, contexts: Mapping[str, Any]) -> None:
        self.contexts = contexts

    def at(self, path: str) -> Any:
        found: Any = self.contexts
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        return "" if found is None else found

    def value(self, text: str, failed: bool = False) -> Any:
        text = text.strip().removeprefix("${{").removesuffix("}}")
        pieces = re.split(r"('[^']*')", text)
        for index, piece in enumerate(pieces):
            if not piece.startswith("'"):
                named = re.sub(r"[a-z_]+(?:\.\w+)+", lambda found: f"at({found[0]!r})", piece)
                named = re.sub(r"!(?!=)", " not ", named).replace("&&", " and ").replace("||", " or ")
                pieces[index] = " ".join(named.split()).join((" ", " "))
        return eval("".join(pieces), {"at": self.at, "cancelled": lambda: False, "success": lambda: not failed})

    def filled(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(self.value(found[1])), str(value))

    def is_true(self, condition: str | None, failed: bool) -> bool:
        """Without a function that asks how it went, only after success."""
        asks = bool(condition and re.search(r"(success|failure|cancelled|always)\(\)", condition))
        return (not failed or asks) and bool(self.value(condition, failed) if condition else True)


@dataclass
class GitHub:
    """Runs `.github/workflows/conpaas.yml` of the commit, for an event."""

    machines: Machines

    def run(
        self, event: str, sha: str, change: Change | None = None, own: bool = True, **inputs: str
    ) -> dict[str, Done]:
        machines = self.machines
        text = git(machines.origin, "show", f"{sha}:.github/workflows/conpaas.yml")
        document = yaml.safe_load(text)
        record: dict[str, Any] = {"id": machines.forge.number(), "status": "in_progress", "own": own, "plans": None}
        payload: dict[str, Any] = {}
        if change:
            change.runs.append(record)
            head = {"sha": change.head, "repo": {"full_name": REPOSITORY if own else "mallory/apps"}}
            labels = [{"name": name} for name in change.labels]
            payload = {"pull_request": {"number": change.number, "labels": labels, "head": head}}
        contexts = {
            "github": {
                "event_name": event, "event": payload, "repository": REPOSITORY, "token": TOKEN, "run_id": record["id"]
            },
            "vars": machines.variables,
            "secrets": machines.secrets if own else {},
            "inputs": inputs,
            "steps": {},
        }
        jobs = {}
        for name, job in document["jobs"].items():
            if Expressions(contexts).is_true(job.get("if"), False):
                jobs[name] = self._job(document, job, contexts, sha, record)
        bad = any(done.conclusion == "failure" for done in jobs.values())
        record["status"] = "failure" if bad else "success"
        return jobs

    def _job(self, document: Any, job: Any, contexts: Any, sha: str, record: dict[str, Any]) -> Done:
        done, home, said = Done(), self.machines.home(), Expressions({**contexts, "steps": {}})
        event = home / "event.json"
        event.write_text(json.dumps(contexts["github"]["event"]))
        usual = {
            **self.machines.environment(home),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.machines.forge.github,
            "GITHUB_SERVER_URL": self.machines.forge.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(record["id"]),
            "GITHUB_SHA": sha,
            "GITHUB_EVENT_NAME": contexts["github"]["event_name"],
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
        }
        failed = False
        for step in job["steps"]:
            outcome = "skipped"
            if said.is_true(step.get("if"), failed):
                given = {**document.get("env", {}), **job.get("env", {}), **step.get("env", {})}
                environment = {**usual, **{name: said.filled(value) for name, value in given.items()}}
                done.environments.append(environment)
                if "uses" in step:
                    options = {name: said.filled(value) for name, value in step.get("with", {}).items()}
                    code, log = self._use(step["uses"].split("@")[0], options, home, sha, record, done)
                else:
                    code, log = self.machines.shell(home, step["run"], environment, "-e")
                done.log += log
                outcome = "success" if code == 0 else "failure"
                failed = failed or (code != 0 and not step.get("continue-on-error"))
            if "id" in step:
                said.contexts["steps"][step["id"]] = {"outcome": outcome}
        done.conclusion = "failure" if failed else "success"
        return done

    def _use(
        self, action: str, options: dict[str, str], home: Path, sha: str, record: dict[str, Any], done: Done
    ) -> tuple[int, str]:
        match action:
            case "actions/checkout":
                self.machines.checkout(home, sha, int(options.get("fetch-depth", 1)))
            case "actions/upload-artifact":
                record["plans"] = zipped(home / "work" / options["path"])
            case "github/codeql-action/upload-sarif":
                done.files["sarif"] = (home / "work" / options["sarif_file"]).read_text()
            case "actions/setup-python":
                pass
            case _:
                raise AssertionError(f"no stand-in for {action}")
        return 0, ""


# GitLab


@dataclass
class GitLab:
    """Runs `.gitlab-ci.yml` of the commit with what it includes; `source` is why the pipeline runs.

    A fork's request (not `own`) runs in the fork, unless somebody runs it `here`."""

    machines: Machines

    def run(
        self, source: str, sha: str, change: Change | None = None, own: bool = True, base: str = "", here: bool = False
    ) -> dict[str, Done]:
        machines, forge = self.machines, self.machines.forge
        document = self._read(sha, ".gitlab-ci.yml")
        record: dict[str, Any] = {"id": forge.number(), "status": "in_progress", "own": own, "plans": None}
        usual = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": forge.gitlab,
            "CI_PROJECT_ID": PROJECT if own or here else "666",
            "CI_COMMIT_SHA": sha,
            "CI_PIPELINE_SOURCE": source,
            "CI_PIPELINE_URL": f"{forge.url}/pipelines/{record['id']}",
            "CI_JOB_TOKEN": JOB_TOKEN,
        }
        if change:
            change.runs.append(record)
            usual |= {
                "CI_MERGE_REQUEST_IID": str(change.number),
                "CI_MERGE_REQUEST_LABELS": ",".join(change.labels),
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": PROJECT if own else "666",
                "CI_MERGE_REQUEST_PROJECT_ID": PROJECT,
                "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
            }
        else:
            usual["CI_COMMIT_BRANCH"] = "main"
        if own or here:
            usual |= {**machines.variables, "GITLAB_TOKEN": TOKEN}
            usual |= machines.secrets if not change else {k: v for k, v in machines.secrets.items() if "PASS" not in k}
        jobs = {}
        for name, raw in document.items():
            if name.startswith(".") or not isinstance(raw, dict):
                continue
            shared = document.get(raw.get("extends", ""), {})
            variables = {**shared.get("variables", {}), **raw.get("variables", {})}
            job = {**shared, **raw, "variables": variables}
            if any(self._holds(rule["if"], usual) for rule in job["rules"]):
                jobs[name] = self._job(name, job, usual, sha, record)
        record["status"] = "failure" if any(each.conclusion == "failure" for each in jobs.values()) else "success"
        return jobs

    def _read(self, sha: str, path: str) -> dict[str, Any]:
        document = yaml.safe_load(git(self.machines.origin, "show", f"{sha}:{path}"))
        for each in document.pop("include", ()):
            document = {**self._read(sha, each["local"]), **document}
        return dict(document)

    def _holds(self, rule: str, variables: Mapping[str, str]) -> bool:
        text = re.sub(r"\$(\w+)", lambda found: repr(variables.get(found[1])), rule)
        return bool(eval(text.replace("&&", " and ").replace("||", " or ")))

    def _job(self, name: str, job: Any, usual: dict[str, str], sha: str, record: dict[str, Any]) -> Done:
        home, done = self.machines.home(), Done()
        variables = {key: str(value) for key, value in job.get("variables", {}).items()}
        environment = {**self.machines.environment(home), **variables, **usual}
        done.environments.append(environment)
        self.machines.checkout(home, sha, int(variables.get("GIT_DEPTH", "20")))
        script = "\n".join((*job.get("before_script", ()), *job["script"]))
        code, done.log = self.machines.shell(home, script, environment, "-eo", "pipefail")
        done.conclusion = "success" if code == 0 else "failure"
        kept = job.get("artifacts", {})
        if kept and (code == 0 or kept.get("when") == "always"):
            for path in kept.get("paths", ()):
                record["plans"] = zipped(home / "work" / path)
            for kind, path in kept.get("reports", {}).items():
                done.files[kind] = (home / "work" / path).read_text()
        return done
