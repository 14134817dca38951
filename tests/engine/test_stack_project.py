"""stacks/application: the plain Pulumi project declares what `up` declared. The language host is not tested here."""

import runpy
from typing import Any

import pytest
import yaml

from conpaas_iac.backend import place
from conpaas_iac.shipped import folder
from tests.engine.conftest import World, backends

PROJECT = folder("stacks") / "application"


def test_a_preview_of_the_project_shows_no_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.lxd.projects.add("lab")
    places = {"lab": {"Provider": "lxd", "Project": "lab"}}
    world.up({**backends(1), "Uses": []}, {"ServiceName": "db", "Cloud": "lab", "Uses": []}, Clouds=places)
    written = world.folder.parent / "state" / "workspaces" / "shop.default" / "declaration.json"
    monkeypatch.setenv("CONPAAS_DECLARATION", str(written))
    stack: Any = world.engine()._stack
    steps: list[tuple[str, str]] = []

    def program() -> None:
        runpy.run_path(str(PROJECT / "__main__.py"))

    def hear(event: Any) -> None:
        if event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            steps.append((str(getattr(metadata.op, "value", metadata.op)), metadata.urn.rsplit("::", 1)[-1]))

    stack.preview(program=program, on_event=hear)
    assert {name for _, name in steps} >= {"identity", "authority", "web-1", "db-1"}
    assert {operation for operation, _ in steps} == {"same"}


def test_it_is_the_same_project() -> None:
    assert yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["name"] == place.PROJECT
