"""`conpaas fleet` on a cloud in memory: each application for itself, within the policy; none goes by accident."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import World, backends
from tests.engine.test_killed import TOOL, mark  # noqa: F401
from tests.engine.test_several import SEVERAL
from tests.processes import begun
from tests.schemas import check

Run = Callable[..., tuple[int, str, str]]


class Fleet:
    """A repository with its applications, and `conpaas` in it."""

    def __init__(self, top: Path, start: Callable[..., subprocess.Popen[str]], name: str = "acme") -> None:
        self.top, self._start = top, start
        top.mkdir()
        subprocess.run(["git", "init", "-q", str(top)], check=True)
        self.file("conpaas.json", {"Fleet": name})

    def file(self, path: str, document: object) -> Path:
        """Write a document below the top."""
        written = self.top / path
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps(document, indent=2))
        return written

    def application(self, name: str, count: int = 1, **service: Any) -> Path:
        """An application with that many backends."""
        services = [{"Type": "php", "ServiceName": "web", **backends(count), **service}]
        return self.file(f"fleet/{name}/manifest.json", {"Application": name, "Services": services})

    def commit(self) -> None:
        """All that is there."""
        who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        subprocess.run(["git", "-C", str(self.top), "add", "-A"], check=True)
        subprocess.run(["git", "-C", str(self.top), *who, "commit", "-qm", "change"], check=True)

    def say(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output, what was said on standard error."""
        process = self._start(*arguments, "-C", str(self.top))
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def told(self, verb: str, *arguments: str) -> tuple[int, dict[str, Any], str]:
        """The same with the document, and its applications by title."""
        code, out, err = self.say("fleet", verb, "--format", "json", *arguments)
        document = check(out, "fleet-status" if verb == "status" else "fleet-plan")
        return code, {each["application"]: each for each in document["applications"]}, err


@pytest.fixture
def start(world: World, mark: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:  # noqa: F811
    """`conpaas`, as a user starts it."""
    tool = TOOL.replace("from conpaas_iac import cli", SEVERAL + "from conpaas_iac import cli", 1)
    with begun(mark, subprocess.PIPE) as begin:
        yield lambda *arguments: begin(tool, "pretend", *arguments)


@pytest.fixture
def fleet(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> Fleet:
    return Fleet(tmp_path / "repository", start)


def test_one_scaled_one_broken_one_removed(world: World, fleet: Fleet) -> None:
    for name in ("one", "two", "three"):
        fleet.application(name)
    fleet.commit()
    code, made, err = fleet.told("up")
    assert code == 0, err
    assert {each["result"]["exit"] for each in made.values()} == {0}
    assert world.lxd.running() == {"one--web-1", "two--web-1", "three--web-1"}
    assert fleet.told("plan", "--exit-code")[0] == 0
    assert set(fleet.told("status")[1]) == {"one", "two", "three"}

    fleet.application("one", 2)
    fleet.application("two", Color="red")
    (fleet.top / "fleet/three/manifest.json").unlink()
    (fleet.top / "fleet/three/conpaas.lock.json").unlink()
    (fleet.top / "fleet/three").rmdir()
    code, made, err = fleet.told("up")
    assert code == 1
    assert {name: each["what"] for name, each in made.items()} == {"one": "apply", "two": "refuse", "three": "refuse"}
    assert made["one"]["result"]["exit"] == 0
    assert "Color" in made["two"]["why"]
    assert "fleet/three/removed.json" in made["three"]["remedy"]
    assert world.lxd.running() == {"one--web-1", "one--web-2", "two--web-1", "three--web-1"}

    fleet.application("two")
    fleet.file("fleet/three/removed.json", {"Application": "three", "By": "ann", "Why": "nobody used it"})
    code, made, err = fleet.told("plan", "--exit-code")
    assert (code, made["three"]["what"]) == (2, "remove")
    assert "ann: nobody used it" in made["three"]["why"]
    code, made, err = fleet.told("up")
    assert code == 0, err
    assert world.lxd.running() == {"one--web-1", "one--web-2", "two--web-1"}
    code, made, err = fleet.told("plan", "--exit-code")
    assert code == 0
    assert "has done its work" in made["three"]["why"]


def test_what_is_more_dangerous_than_the_policy_waits(world: World, fleet: Fleet) -> None:
    fleet.file("conpaas.json", {"Fleet": "acme", "Apply": "safe"})
    fleet.application("shop")
    assert fleet.told("up")[0] == 0
    fleet.application("shop", Start=0)
    code, made, _ = fleet.told("up")
    assert (code, made["shop"]["what"], made["shop"]["class"]) == (2, "wait", "downtime")
    assert made["shop"]["remedy"] == "--approve downtime, or a commit that ends with `Approve: shop downtime`"
    assert fleet.told("up", "--approve", "restart")[0] == 2
    code, made, _ = fleet.told("up", "--approve", "downtime")
    assert (code, made["shop"]["result"]["exit"]) == (0, 0)
    assert fleet.told("plan", "--exit-code")[0] == 0


def test_two_fleets_on_one_backend_leave_each_other_alone(
    world: World, fleet: Fleet, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    fleet.application("one")
    assert fleet.told("up")[0] == 0
    other = Fleet(tmp_path / "other", start, "other")
    other.application("two")
    assert set(other.told("plan")[1]) == {"two"}
    other.application("one", 3)
    other.file("fleet/gone/removed.json", {"Application": "one", "By": "bob", "Why": "a mistake"})
    (other.top / "fleet/one/manifest.json").unlink()
    (other.top / "fleet/one").rmdir()
    code, made, _ = other.told("up", "one")
    assert (code, made["one"]["what"]) == (1, "refuse")
    other.application("one", 3)
    (other.top / "fleet/gone/removed.json").unlink()
    code, made, _ = other.told("up", "one")
    assert (code, made["one"]["what"]) == (1, "refuse")
    assert "another fleet, acme" in made["one"]["why"]
    assert world.lxd.running() == {"one--web-1"}


def test_environments_are_applications_of_their_own(world: World, fleet: Fleet) -> None:
    fleet.file("conpaas.json", {"Fleet": "acme", "Environments": {"staging": {}, "production": {}}})
    fleet.application("shop", 2)
    fleet.file("fleet/shop/manifest.staging.json", {"Services": {"web": backends(1)}})
    fleet.file("fleet/shop/manifest.production.json", {})
    code, _, err = fleet.say("fleet", "up")
    assert code == 0, err
    names = {name.rpartition("--")[0] for name in world.lxd.running()}
    assert len(names) == 2
    assert len(world.lxd.running()) == 3
    code, out, _ = fleet.say("fleet", "plan", "-e", "staging", "--format", "markdown")
    assert "| shop:staging | - | - | as it is |" in out
    assert "production" not in out
    code, out, _ = fleet.say("fleet", "plan", "shop:stagign")
    assert code == 1


def test_only_what_a_range_touches(world: World, fleet: Fleet) -> None:
    for name in ("one", "two"):
        fleet.application(name)
    fleet.application("three", Archive="../../code")
    (fleet.top / "code").mkdir()
    (fleet.top / "code/index.php").write_text("1")
    fleet.commit()
    assert fleet.told("plan", "--since", "HEAD")[1] == {}
    (fleet.top / "code/index.php").write_text("2")
    assert set(fleet.told("plan", "--since", "HEAD")[1]) == {"three"}
    fleet.commit()
    fleet.application("one", 2)
    fleet.commit()
    assert set(fleet.told("plan", "--range", "HEAD~1..HEAD")[1]) == {"one"}
    assert set(fleet.told("plan", "--range", "HEAD~2..")[1]) == {"one", "three"}
    code, _, err = fleet.say("fleet", "plan", "--range", "HEAD~2..HEAD~1")
    assert code == 1
    assert "not what is checked out" in err
    code, _, err = fleet.say("fleet", "plan", "--since", "nowhere")
    assert code == 1
    assert "no revision 'nowhere'" in err
