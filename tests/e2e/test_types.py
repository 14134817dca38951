"""What `conpaas types new` writes comes up as it is, and is scaled, changed and taken down like every type."""

import json
import shutil
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import machines
from tests.e2e.conftest import ROOT, Story

PARTS = ("conpaas_iac", "playbooks", "roles", "schemas", "stacks", "engine")


@pytest.fixture
def author(story: Story, tmp_path: Path) -> Iterator[Story]:
    """Works in a checkout of his own; the image of his type is removed at the end."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / "checkout" / part, ignore=shutil.ignore_patterns("__pycache__"))
    story.environment["PYTHONPATH"] = str(tmp_path / "checkout")
    yield story
    story.remove()
    for line in machines.lxc("image", "list", "-c", "l", "-f", "csv").splitlines():
        if line.startswith(f"conpaas-{kind(story)}-"):
            machines.lxc("image", "delete", line)


def kind(story: Story) -> str:
    """A name that no other test gives."""
    return f"t{uuid.uuid5(uuid.NAMESPACE_URL, story.name).hex[:8]}"


def page(story: Story) -> str:
    with urllib.request.urlopen(story.status()["urls"]["page"], timeout=10) as answer:
        return str(answer.read().decode())


def test_a_new_type_comes_up_as_it_is(author: Story) -> None:
    author.conpaas("types", "new", kind(author))
    author.write({"Services": [{"Type": kind(author), "ServiceName": "page", "StartupInstances": {"server": 1}}]})
    author.conpaas("up", author.manifest)
    assert "It works." in page(author)
    assert "No changes." in author.conpaas("up", author.manifest)
    author.conpaas("scale", author.manifest, "page", "server=3")
    document = json.loads(author.manifest.read_text())
    document["Services"][0]["Configuration"] = {"greeting": "Still <here>"}
    author.manifest.write_text(json.dumps(document))
    author.conpaas("up", author.manifest)
    printed = author.conpaas(kind(author), "page", author.name)
    assert printed.count("Still &lt;here&gt;") == 3 and "Still &lt;here&gt;" in page(author)
    author.conpaas("scale", author.manifest, "page", "server=1")
    assert author.status()["well"]
