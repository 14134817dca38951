"""`conpaas fleet sync` on a cloud in memory: commits are pushed, and machines follow."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac.system import git
from tests.engine.conftest import World
from tests.engine.test_fleet import Fleet
from tests.engine.test_killed import TOOL, kill, mark, until  # noqa: F401
from tests.engine.test_several import SEVERAL
from tests.processes import begun
from tests.schemas import check

UP = TOOL.replace("from conpaas_iac import cli", SEVERAL + "from conpaas_iac import cli", 1)
FLEET_UP = f"""
from conpaas_iac.commands import several
several.TOOL = (sys.executable, '-c', {UP!r}, 'pretend')
"""
SYNC = TOOL.replace("from conpaas_iac import cli", FLEET_UP + "from conpaas_iac import cli", 1)


class Followed(Fleet):
    """A fleet that is pushed, and those who follow it."""

    def __init__(self, top: Path, start: Callable[..., subprocess.Popen[str]], follow: Callable[..., Any]) -> None:
        super().__init__(top, start)
        self.hub, self.told_to, self._follow = top.with_name("hub.git"), top.with_name("report.json"), follow
        git.run(top.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(self.hub))

    def push(self, message: str = "change") -> str:
        """All that is there, with lock files."""
        for path in self.top.glob("fleet/*/manifest.json"):
            self._start("lock", str(path)).communicate(timeout=60)
        git.run(self.top, "add", "--all")
        who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
        git.run(self.top, *who, "commit", "--quiet", "--allow-empty", "-m", message)
        git.run(self.top, "push", "--quiet", str(self.hub), "HEAD:main")
        return git.run(self.top, "rev-parse", "HEAD").strip()

    def follow(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin to."""
        words = (str(self.hub), "--branch", "main", "--interval", "0.2s", "--report", str(self.told_to))
        process: subprocess.Popen[str] = self._follow("pretend", "fleet", "sync", *words, *arguments)
        return process

    def once(self) -> tuple[int, dict[str, Any], str]:
        """One look: exit code, report, output."""
        process = self.follow("--once")
        out, err = process.communicate(timeout=120)
        return process.returncode, self.applications(), out + err

    def applications(self) -> dict[str, Any]:
        """Of the report."""
        found: dict[str, Any] = (
            check(self.told_to.read_text(), "sync")["applications"] if self.told_to.exists() else {}
        )
        return found

    def state(self, name: str, commit: str) -> str:
        """Of an application, as far as this commit was tried."""
        found = self.applications().get(name, {})
        return str(found["state"]) if found.get("commit") == commit else ""


@pytest.fixture
def fleet(tmp_path: Path, world: World, mark: str) -> Iterator[Followed]:  # noqa: F811
    with begun(mark, subprocess.PIPE) as begin:

        def start(*arguments: str) -> subprocess.Popen[str]:
            return begin(UP, "pretend", *arguments)

        yield Followed(tmp_path / "repository", start, lambda *arguments: begin(SYNC, *arguments))


def test_once_each_for_itself(world: World, fleet: Followed) -> None:
    fleet.application("good")
    fleet.application("bad", Color="red")
    fleet.push()
    code, applications, said = fleet.once()
    assert code == 1, said
    assert {name: each["state"] for name, each in applications.items()} == {"good": "done", "bad": "failed"}
    assert "Color" in applications["bad"]["text"]
    assert world.lxd.running() == {"good--web-1"}

    fleet.application("bad", 2)
    (fleet.top / "fleet/good/manifest.json").unlink()
    (fleet.top / "fleet/good/conpaas.lock.json").unlink()
    fleet.push()
    code, applications, said = fleet.once()
    assert code == 1, said
    assert {name: each["state"] for name, each in applications.items()} == {"good": "failed", "bad": "done"}
    assert "no tombstone" in applications["good"]["text"]
    assert world.lxd.running() == {"good--web-1", "bad--web-1", "bad--web-2"}

    fleet.file("fleet/good/removed.json", {"Application": "good", "By": "ann", "Why": "nobody used it"})
    fleet.push()
    assert fleet.once()[0] == 0
    assert world.lxd.running() == {"bad--web-1", "bad--web-2"}


def test_commits_are_followed_and_approvals_are_commits(world: World, fleet: Followed) -> None:
    fleet.application("shop")
    fleet.application("blog")
    first = fleet.push()
    follower = fleet.follow()
    until(lambda: fleet.state("shop", first) == fleet.state("blog", first) == "done", 90)

    fleet.application("shop", Start=0)
    second = fleet.push("close")
    until(lambda: fleet.state("shop", second) == "waiting", 60)
    assert "Approve: shop downtime" in fleet.applications()["shop"]["text"]
    assert len(world.lxd.running()) == 2
    third = fleet.push("yes\n\nApprove: shop downtime")
    until(lambda: fleet.state("shop", third) == "done", 60)
    assert world.lxd.running() == {"blog--web-1"}
    assert fleet.applications()["blog"]["commit"] == first  # nobody changed it

    follower.terminate()
    out, _ = follower.communicate(timeout=60)
    assert follower.returncode == 130, out


def test_who_was_killed_goes_on_and_two_never_act_both(
    world: World, fleet: Followed, mark: str  # noqa: F811
) -> None:
    fleet.application("shop")
    fleet.push()
    first = fleet.follow()
    until(lambda: world.lxd.running(), 90)
    second = fleet.follow("--once")
    second.communicate(timeout=60)
    assert second.returncode == 4
    kill(mark)
    first.communicate(timeout=60)
    fleet.application("shop", 2)
    fleet.push()
    assert fleet.once()[0] == 0
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}


def test_a_lock_file_that_is_not_in_git_is_asked_for(world: World, fleet: Followed) -> None:
    fleet.application("shop")
    fleet.push()
    fleet.file("fleet/shop/conpaas.lock.json", {}).unlink()
    git.run(fleet.top, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qam", "no lock")
    git.run(fleet.top, "push", "--quiet", str(fleet.hub), "HEAD:main")
    code, applications, said = fleet.once()
    assert code == 1, said
    assert "lock" in applications["shop"]["text"]
    assert not world.lxd.running()
