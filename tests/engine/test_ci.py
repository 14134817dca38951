"""The workflow files of `conpaas ci`, run as their forges' runners do: what is reviewed is what is done, or nothing.

Real are the shell steps, git, the tool and its engine; the cloud is in memory, Ansible notes whom it would visit; the
forge and its runners are stand-ins (tests/standins/forge.py, runner.py).
"""

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import cli
from conpaas_iac.usecases import deployment
from tests.engine.conftest import World, backends
from tests.engine.test_killed import TOOL
from tests.engine.test_several import SEVERAL
from tests.processes import gone_within
from tests.standins.forge import TOKEN, Change, Standin, standin
from tests.standins.runner import Done, GitHub, GitLab, Machines, git

ROOT = Path(__file__).parents[2]
LABEL = "conpaas: data loss"
PASSPHRASE = "passphrase-of-the-test"
PLAN = {"github": "plan", "gitlab": "conpaas-plans"}
APPLY = {"github": "apply", "gitlab": "conpaas-apply"}
VALIDATE = {"github": "validate", "gitlab": "conpaas-validate"}
Edit = Callable[[], None]


@dataclass
class Team:
    """A repository with its forge, runners, and a laptop beside them."""

    kind: str
    world: World
    machines: Machines
    work: Path

    @property
    def forge(self) -> Standin:
        return self.machines.forge

    def file(self, path: str, document: object) -> None:
        written = self.work / path
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps(document, indent=2))

    def application(self, name: str, *services: dict[str, Any]) -> None:
        known = {"Type": "php", "ServiceName": "web"}
        document = {"Application": name, "Services": [{**known, **each} for each in services or (backends(1),)]}
        self.file(f"fleet/{name}/manifest.json", document)

    def conpaas(self, *words: str) -> None:
        """On the laptop, which is this process, in its checkout."""
        with chdir(self.work):
            assert cli.run([*words]) == 0

    def commit(self) -> str:
        git(self.work, "add", "-A")
        git(self.work, "commit", "-qm", "change")
        return git(self.work, "rev-parse", "HEAD")

    def push(self, ref: str = "main") -> str:
        git(self.work, "push", "-qf", "origin", f"HEAD:refs/heads/{ref}")
        return git(self.work, "rev-parse", "HEAD")

    def propose(self, change: Change, edit: Edit) -> None:
        """A further commit on the request's branch."""
        git(self.work, "checkout", "-q", "-B", f"topic-{change.number}", change.head if change.head != "" else "main")
        edit()
        change.head = self.commit()
        self.push(f"topic-{change.number}")
        git(self.work, "checkout", "-q", "main")

    def review(self, change: Change, own: bool = True, here: bool = False) -> dict[str, Done]:
        """What runs for the request."""
        if self.kind == "gitlab":
            base = git(self.work, "merge-base", "main", change.head)
            return GitLab(self.machines).run("merge_request_event", change.head, change, own, base, here)
        git(self.work, "checkout", "-q", "--detach", "main")
        git(self.work, "merge", "-q", "--no-ff", "-m", "merge", change.head)
        merged = self.push(f"merge-{change.number}")
        git(self.work, "checkout", "-q", "main")
        return GitHub(self.machines).run("pull_request", merged, change, own)

    def merge(self, change: Change) -> dict[str, Done]:
        """Into main, and what runs then."""
        git(self.work, "merge", "-q", "--no-ff", "-m", "merge", change.head)
        change.merged_as = self.push()
        return self.pushed(change.merged_as)

    def pushed(self, sha: str) -> dict[str, Done]:
        return (GitHub if self.kind == "github" else GitLab)(self.machines).run("push", sha)

    def comments(self, change: Change) -> list[str]:
        return [each["body"] for each in change.comments if each["user"] == 1]


both = pytest.mark.parametrize("kind", ["github", "gitlab"])
one = pytest.mark.parametrize("kind", ["github"])
other = pytest.mark.parametrize("kind", ["gitlab"])


@pytest.fixture
def team(kind: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """With an application `shop`, which is up, and `idle`, which nobody touches."""
    bin = tmp_path / "bin"
    bin.mkdir()
    tool = TOOL.replace("from conpaas_iac import cli", SEVERAL + "from conpaas_iac import cli", 1)
    known = {
        "CONPAAS_LXD_SOCKET": str(tmp_path / "lxd.socket"),
        "CONPAAS_CACHE_DIR": str(tmp_path / "cache"),
        "CONPAAS_RETRY_PAUSE": "0.05",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{bin}:{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in known.items())
    program(bin / "conpaas", f'{exports}exec {sys.executable} -c {shlex.quote(tool)} pretend "$@"\n')
    program(bin / "python", 'case "$*" in "-m pip install"*) exit 0;; esac\nexit 1\n')  # what it would install is there
    origin, home = tmp_path / "origin.git", tmp_path / "laptop"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "init", "-q", "-b", "main", str(home / "work"))
    git(home / "work", "remote", "add", "origin", str(origin))
    variables = {"CONPAAS_BACKEND": f"file://{tmp_path}/backend"}
    secrets = {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    for name, value in (*variables.items(), *secrets.items()):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(deployment, "up", partial(deployment.up, execute=world.visits))
    with standin() as forge:
        machines = Machines(tmp_path, bin, origin, forge, variables, secrets)
        made = Team(kind, world, machines, home / "work")
        made.file("conpaas.json", {"Fleet": "team"})
        made.application("shop")
        made.application("idle")
        made.conpaas("ci", kind)
        made.conpaas("lock", "fleet/shop/manifest.json")
        made.conpaas("lock", "fleet/idle/manifest.json")
        made.commit()
        made.push()
        made.conpaas("up", "fleet/shop/manifest.json")
        world.lxd.calls.clear()
        yield made
    assert gone_within(5, f"CONPAAS_CACHE_DIR={tmp_path / 'cache'}")


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}")
    path.chmod(0o755)


def ends(jobs: dict[str, Done]) -> dict[str, str]:
    return {name: done.conclusion for name, done in jobs.items()}


@both
def test_what_was_reviewed_is_applied(team: Team) -> None:
    change = team.forge.open(head="")
    team.propose(change, lambda: team.application("shop", backends(2)))
    jobs = team.review(change)
    assert set(ends(jobs).values()) == {"success"}, [done.log for done in jobs.values()]
    [first] = team.comments(change)
    assert first.startswith("<!-- conpaas: fleet -->\n### conpaas plan: shop\n")
    assert "| + | web-2 |" in first
    assert "idle" not in first
    assert team.world.lxd.calls == []

    team.propose(change, lambda: team.application("shop", backends(3)))
    team.review(change)
    [second] = team.comments(change)
    assert "web-2, web-3" in second

    [apply] = team.merge(change).values()
    assert apply.conclusion == "success", apply.log
    assert team.world.lxd.running() == {"shop--web-1", "shop--web-2", "shop--web-3"}
    [last] = team.comments(change)
    assert "**Applied** ([run](" in last
    plans = [run["plans"] for run in change.runs]
    every = b"".join(plans) + "".join(done.log for done in (*jobs.values(), apply)).encode()
    assert not [secret for secret in (PASSPHRASE, TOKEN) if secret.encode() in every]
    assert PASSPHRASE not in str([done.environments for done in jobs.values()])


def with_database(team: Team) -> Change:
    """An application whose database is there; the request takes it out."""
    team.application("data", backends(1), {"Type": "mysql", "ServiceName": "db"})
    team.conpaas("lock", "fleet/data/manifest.json")
    team.commit()
    team.push()
    team.conpaas("up", "fleet/data/manifest.json")
    change = team.forge.open(head="")
    team.propose(change, lambda: team.application("data", backends(1)))
    return change


@both
def test_data_is_lost_only_with_the_label(team: Team) -> None:
    change, plan, apply = with_database(team), PLAN[team.kind], APPLY[team.kind]
    jobs = team.review(change)
    assert jobs[plan].conclusion == "failure"
    assert "error: data: db loses its data" in jobs[plan].log
    [comment] = team.comments(change)
    assert "**data loss** db: it is no longer in the manifest" in comment
    assert f"wants the label `{LABEL}`" in comment

    refused = team.merge(change)[apply]  # past the check
    assert refused.conclusion == "failure"
    assert "is no success but: fail" in refused.log
    assert "data--db-1" in team.world.lxd.running()

    git(team.work, "reset", "-q", "--hard", "HEAD^")
    team.push()
    change.merged_as = ""
    change.labels.append(LABEL)
    jobs = team.review(change)
    assert jobs[plan].conclusion == "success", jobs[plan].log
    done = team.merge(change)[apply]
    assert done.conclusion == "success", done.log
    assert "data--db-1" not in team.world.lxd.running()
    assert len(team.comments(change)) == 1


@both
def test_what_moved_in_between_is_named_and_nothing_is_done(team: Team) -> None:
    change = team.forge.open(head="")
    team.propose(change, lambda: team.application("shop", backends(2)))
    team.review(change)
    team.application("shop", {**backends(1), "Configuration": {"memory_limit": "64M"}})
    team.conpaas("up", "fleet/shop/manifest.json")
    git(team.work, "checkout", "-q", ".")
    team.world.lxd.calls.clear()
    done = team.merge(change)[APPLY[team.kind]]
    assert done.conclusion == "failure"
    assert "moved since it was made: the state (the application was changed: conpaas history)" in done.log
    assert team.world.lxd.running() == {"shop--web-1"}
    [comment] = team.comments(change)
    assert "**not applied** shop" in comment
    assert "moved since it was made: the state" in comment
    if team.kind == "github":  # by hand, it is planned anew and applied
        again = GitHub(team.machines).run("workflow_dispatch", change.merged_as, **{"class": "restart"})
    else:
        again = GitLab(team.machines).run("web", change.merged_as)
    [by_hand] = again.values()
    assert by_hand.conclusion == "success", by_hand.log
    assert team.world.lxd.running() == {"shop--web-1", "shop--web-2", "idle--web-1"}


@other
def test_main_moved_in_between_is_named(team: Team) -> None:
    change = team.forge.open(head="")
    team.propose(change, lambda: team.application("shop", {**backends(2)}))
    team.review(change)
    path = team.work / "fleet/shop/manifest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "Description": "a shop"}, indent=2))
    team.commit()
    team.push()
    done = team.merge(change)[APPLY[team.kind]]
    assert done.conclusion == "failure"
    assert "shop.plan is not applied; moved since it was made: the manifest" in done.log
    assert team.world.lxd.running() == {"shop--web-1"}


@both
def test_what_a_fork_proposes_sees_no_secret(team: Team) -> None:
    change = team.forge.open(head="")
    team.propose(change, lambda: team.application("shop", backends(2)))
    jobs = team.review(change, own=False)
    assert ends(jobs) == {VALIDATE[team.kind]: "success"}
    if team.kind == "gitlab":  # a member may run it in the project itself
        assert ends(team.review(change, own=False, here=True)) == {VALIDATE[team.kind]: "success"}
    seen = str([done.environments for done in jobs.values()])
    assert not [secret for secret in (PASSPHRASE, TOKEN) if secret in seen]
    assert team.comments(change) == []
    done = team.merge(change)[APPLY[team.kind]]
    assert done.conclusion == "failure"
    assert "are not to be had" in done.log
    assert team.world.lxd.running() == {"shop--web-1"}


@both
def test_what_is_wrong_is_said_where_it_is_and_the_others_are_planned(team: Team) -> None:
    change = team.forge.open(head="")

    def edit() -> None:
        team.application("shop", {**backends(1), "Color": "red"})
        team.application("idle", backends(2))

    team.propose(change, edit)
    jobs = team.review(change)
    assert set(ends(jobs).values()) == {"failure"}
    report = jobs[VALIDATE[team.kind]].files
    [name] = report
    assert "unknown field" in report[name]
    assert "fleet/shop/manifest.json" in report[name]
    [comment] = team.comments(change)
    assert "**not planned** shop" in comment
    assert "### conpaas plan: idle" in comment


@one
def test_an_application_that_goes_wants_tombstone_and_label(team: Team) -> None:
    change = team.forge.open(head="")
    team.propose(change, lambda: shutil.rmtree(team.work / "fleet/shop"))
    plan, apply = PLAN[team.kind], APPLY[team.kind]
    assert team.review(change)[plan].conclusion == "failure"
    assert "no tombstone says so" in team.comments(change)[0]
    team.propose(
        change, lambda: team.file("fleet/shop/removed.json", {"Application": "shop", "By": "ann", "Why": "old"})
    )
    jobs = team.review(change)
    assert "error: shop would be removed: 1 machine; fleet/shop/removed.json, by ann: old" in jobs[plan].log
    [comment] = team.comments(change)
    assert "**removed** shop" in comment
    change.labels.append(LABEL)
    jobs = team.review(change)
    assert jobs[plan].conclusion == "success", jobs[plan].log
    done = team.merge(change)[apply]
    assert done.conclusion == "success", done.log
    assert team.world.lxd.running() == set()


@other
def test_a_commit_without_a_review_is_not_applied(team: Team) -> None:
    team.application("shop", backends(2))
    team.commit()
    done = team.pushed(team.push())[APPLY[team.kind]]
    assert done.conclusion == "failure"
    assert "came without a reviewed plan: nothing is applied" in done.log
    assert team.world.lxd.running() == {"shop--web-1"}


@one
def test_a_forge_that_takes_no_comment_holds_up_nothing(team: Team) -> None:
    change = team.forge.open(head="")
    team.propose(change, lambda: team.application("shop", backends(2)))
    team.review(change)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        team.forge.fail(403, times=9, method=method)
    done = team.merge(change)[APPLY[team.kind]]
    assert done.conclusion == "success", done.log
    assert "warning: no comment: " in done.log
    assert team.world.lxd.running() == {"shop--web-1", "shop--web-2"}
