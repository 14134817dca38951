"""`conpaas types new`, then `types test`: it passes; and one that is bad in one way fails that check, for that reason.

Types that are bad in ways that do not meet share an application; all of them share one image.
"""

import json
import shutil
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import lxd, settings
from tests import schemas
from tests.e2e import machines
from tests.e2e.bad_types import BAD
from tests.e2e.conftest import ROOT, Story, tell

PARTS = ("conpaas_iac", "playbooks", "roles", "schemas", "stacks", "engine")


@dataclass(frozen=True)
class Author:
    """Works in a checkout of his own, on one type."""

    story: Story
    checkout: Path
    kind: str

    @property
    def role(self) -> Path:
        """His type."""
        return self.checkout / "roles" / self.kind

    def test(self, *checks: str, fails: int) -> dict[str, dict[str, Any]]:
        """`conpaas types test`: check and group -> what came of it."""
        only = ["--only", ",".join(checks)] if checks else []
        said = self.story.conpaas("types", "test", self.kind, *only, "--format", "json", fails=fails, quiet=True)
        document = schemas.check(said, "conformance")
        left = [each.name for each in lxd.connect(settings.load()).instances.all()]
        assert not [name for name in left if name.startswith(document["application"])]
        return {f"{each['check']} {each['group']}".strip(): each for each in document["checks"]}


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Author]:
    """With a new type; its image is removed at the end."""
    folder = tmp_path_factory.mktemp("author")
    for told in tell(folder):
        checkout, kind = folder / "checkout", f"t{uuid.uuid4().hex[:8]}"
        for part in PARTS:
            shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
        told.environment["PYTHONPATH"] = str(checkout)
        assert f"conpaas types test {kind}" in told.conpaas("types", "new", kind)
        shutil.copytree(checkout / "roles" / kind, folder / "good")
        try:
            yield Author(told, checkout, kind)
        finally:
            for line in machines.lxc("image", "list", "-c", "l", "-f", "csv").splitlines():
                if line.startswith(f"conpaas-{kind}-"):
                    machines.lxc("image", "delete", line)


@pytest.fixture
def good(author: Author) -> Author:
    """His type is as it was written."""
    shutil.rmtree(author.role)
    shutil.copytree(author.checkout.parent / "good", author.role)
    return author


def test_what_types_new_writes_passes(good: Author) -> None:
    checks = good.test(fails=0)
    assert {name: each["outcome"] for name, each in checks.items()} == dict.fromkeys(checks, "passed")
    assert len(checks) == 9


def test_its_option_and_its_operation_do_what_they_say(good: Author) -> None:
    story, service = good.story, {"Type": good.kind, "ServiceName": "page", "StartupInstances": {"server": 2}}
    story.write({"Services": [{**service, "Configuration": {"greeting": "Still <here>"}}]})
    story.conpaas("up", story.manifest)
    assert story.conpaas(good.kind, "page", story.name).count("Still &lt;here&gt;") == 2
    with urllib.request.urlopen(story.status()["urls"]["page"], timeout=10) as answer:
        assert "Still &lt;here&gt;" in answer.read().decode()
    story.remove()


@pytest.mark.parametrize(
    ("faults", "also"),
    [
        (["install"], ["idempotence"]),
        (["idempotence", "drain"], []),
        (["verify", "requests", "secrets"], []),
        (["restart", "leave"], []),
        (["kill"], []),
        (["scale"], []),
    ],
    ids=lambda words: "-".join(words),
)
def test_each_fault_is_found_for_what_it_is(good: Author, faults: list[str], also: list[str]) -> None:
    for fault in faults:
        BAD[fault].apply(good.role)
    names = [BAD[fault].check for fault in faults]
    checks = good.test(*(name.partition(" ")[0] for name in names), *also, fails=3)
    assert [name for name, each in checks.items() if each["outcome"] == "failed"] == sorted(
        names, key=[*checks].index
    ), json.dumps(checks, indent=2)
    for fault in faults:
        found = checks[BAD[fault].check]
        assert BAD[fault].reason in found["reason"] and found["remedy"]
    assert [checks[name]["outcome"] for name in also] == ["not run"] * len(also)


def test_a_readme_that_says_something_else_needs_no_machine(good: Author) -> None:
    path = good.role / "README.md"
    path.write_text(path.read_text().replace("`It works.`", "`Hello`"))
    checks = good.test("readme", "install", fails=1)
    assert "says that `greeting` is Hello by default" in checks["readme"]["reason"]
    assert checks["install"]["outcome"] == "not run"
