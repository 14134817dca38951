"""A fleet of three applications is followed; one commit scales one, breaks another and removes the third."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac.system import git
from tests import schemas
from tests.e2e.conftest import CONPAAS, Story, tell
from tests.e2e.machines import until

WHO = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")


def fetched(address: str) -> str:
    """A page."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


class Fleet:
    """A repository, the bare one that it is pushed to, and who follows that."""

    def __init__(self, story: Story) -> None:
        self.top, self.hub, self.report = story.folder, story.folder.with_name("hub.git"), story.folder / "report.json"
        self.stories = {name: replace(story, name=f"{story.name}-{name}") for name in ("one", "two", "three")}
        git.run(self.top, "init", "--quiet", "--initial-branch=main")
        git.run(self.top, "init", "--quiet", "--bare", "--initial-branch=main", str(self.hub))
        (self.top / ".gitignore").write_text("report.json\nfollower.log\n")
        (self.top / "conpaas.json").write_text(json.dumps({"Fleet": story.name}))

    def manifest(self, name: str) -> Path:
        """Of an application."""
        return self.top / "fleet" / name / "manifest.json"

    def write(self, name: str, **fields: Any) -> None:
        """An application with a page of its own."""
        folder = self.manifest(name).parent
        (folder / "code").mkdir(parents=True, exist_ok=True)
        (folder / "code/index.php").write_text(f"This is {name}.")
        service = {"Type": "php", "ServiceName": "web", "Archive": "code", **fields}
        document = {"Application": self.stories[name].name, "Services": [service]}
        self.manifest(name).write_text(json.dumps(document, indent=2))

    def push(self) -> str:
        """All that is there; the commit."""
        git.run(self.top, "add", "--all")
        git.run(self.top, *WHO, "commit", "--quiet", "-m", "change")
        git.run(self.top, "push", "--quiet", str(self.hub), "main")
        return git.run(self.top, "rev-parse", "HEAD").strip()

    def states(self, commit: str) -> dict[str, str]:
        """Of the applications that this commit changed: how they are."""
        try:
            said = schemas.check(self.report.read_text(), "sync")["applications"]
        except FileNotFoundError:
            return {}
        short = {story.name: name for name, story in self.stories.items()}
        return {short[name]: str(each["state"]) for name, each in said.items() if each["commit"] == commit}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    for story in tell(tmp_path):
        made = Fleet(story)
        try:
            yield made
        finally:
            for each in made.stories.values():
                each.remove()
            assert not [left for each in made.stories.values() for left in each.left()]


@pytest.fixture
def follower(fleet: Fleet) -> Iterator[subprocess.Popen[bytes]]:
    """`conpaas fleet sync`, until the end of the test."""
    words = [CONPAAS, "fleet", "sync", str(fleet.hub), "--interval", "1s", "--report", str(fleet.report)]
    environment = fleet.stories["one"].environment
    with (fleet.top / "follower.log").open("wb") as log:
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, start_new_session=True)
        yield process
        process.terminate()
        assert process.wait(60) == 130, (fleet.top / "follower.log").read_text()


def test_a_commit_scales_one_breaks_another_and_removes_a_third(
    fleet: Fleet, follower: subprocess.Popen[bytes]
) -> None:
    for name, story in fleet.stories.items():
        fleet.write(name)
        story.conpaas("lock", fleet.manifest(name))
    first = fleet.push()
    until(lambda: set(fleet.states(first).values()) == {"done"} and len(fleet.states(first)) == 3, 240)
    for name, story in fleet.stories.items():
        assert fetched(story.status()["urls"]["web"]) == f"This is {name}."

    fleet.write("one", StartupInstances={"backend": 2})
    fleet.write("two", Color="red")
    fleet.manifest("three").unlink()
    stone = {"Application": fleet.stories["three"].name, "By": "ann", "Why": "nobody read it"}
    fleet.manifest("three").with_name("removed.json").write_text(json.dumps(stone))
    second = fleet.push()
    until(lambda: {**fleet.states(second)} == {"one": "done", "two": "failed", "three": "done"}, 240)
    assert [len(fleet.stories[name].status()["nodes"]) for name in ("one", "two")] == [2, 1]
    assert fetched(fleet.stories["two"].status()["urls"]["web"]) == "This is two."
    assert not fleet.stories["three"].left()

    fleet.write("two", StartupInstances={"backend": 2})
    third = fleet.push()
    until(lambda: fleet.states(third) == {"two": "done"}, 120)
    assert follower.poll() is None
    assert len(fleet.stories["two"].status()["nodes"]) == 2
