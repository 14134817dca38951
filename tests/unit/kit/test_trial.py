"""What a type brings for its own test, and the manifest that comes of it."""

import json
import shutil
from pathlib import Path

import pytest

from conpaas_iac import catalog, clouds
from conpaas_iac.errors import UserError
from conpaas_iac.kit import trial as trials
from conpaas_iac.kit.trial import CANARY, Trial
from conpaas_iac.manifest.read import read
from tests.unit.kit.made import kind, skeleton


def test_without_a_file_it_is_one_service_with_a_secret() -> None:
    found = trials.manifest(kind(groups={"a": {"default": 0, "minimum": 2}}), Trial(), "demo", {"a": 2})
    assert found == {
        "Application": "demo",
        "Services": [
            {
                "Type": "shop",
                "ServiceName": "tested",
                "StartupInstances": {"a": 2},
                "Environment": {CANARY: {"Secret": "canary"}},
            }
        ],
    }


def test_others_stay_as_they_are_written() -> None:
    own = {"Type": "shop", "StartupInstances": {"a": 2}, "Environment": {"LANG": "C"}}
    other = {"Type": "mysql", "ServiceName": "db"}
    groups = {"a": {"default": 1}, "b": {"default": 1}}
    trial = Trial(services=(other, own))
    assert trials.base(kind(groups=groups), trial) == {"a": 2, "b": 1}
    services = trials.manifest(kind(groups=groups), trial, "demo", {"a": 3, "b": 1})["Services"]
    assert services[0] == other
    assert services[1]["StartupInstances"] == {"a": 3, "b": 1}
    assert services[1]["Environment"] == {"LANG": "C", CANARY: {"Secret": "canary"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services: [", "test.yml"),
        ("colors: []", "unknown field `colors`"),
        ("breaks: {server: {break: x}}", "missing required field `mend`"),
        ("breaks: {web: {break: x, mend: y}}", "no group web"),
        ("request: {group: web, run: x}", "no group web"),
        ("services: [{Type: php}]", "no service of type shop"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    made = skeleton(tmp_path / "roles")
    (made.folder / "meta" / "test.yml").write_text(text)
    with pytest.raises(UserError) as raised:
        trials.of(made)
    assert problem in raised.value.message and "meta/test.yml" in raised.value.message


@pytest.mark.parametrize("found", catalog.load().values(), ids=catalog.load())
def test_every_type_brings_a_manifest_without_errors(found: catalog.ServiceType, tmp_path: Path) -> None:
    if (own := found.folder / "meta" / "test").is_dir():
        shutil.copytree(own, tmp_path, dirs_exist_ok=True)
    trial = trials.of(found)
    document = trials.manifest(found, trial, "demo", trials.base(found, trial))
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    reading = read(tmp_path / "manifest.json", catalog.load(), clouds.providers())
    assert not [each for each in reading.diagnostics if each.severity != "note"]
