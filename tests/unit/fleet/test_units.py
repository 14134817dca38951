"""What is in a repository, and which of it a change touches."""

import json
from pathlib import Path

import pytest

from conpaas_iac import settings
from conpaas_iac.errors import UserError
from conpaas_iac.fleet import beginning, place
from conpaas_iac.fleet.touched import touched
from conpaas_iac.fleet.units import found, tombstones


def written(top: Path, path: str, document: object = None) -> Path:
    file = top / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document or {}))
    return file


PLAIN = {"Archive": "../../code/a.zip", "StartupInstances": {"resume": "../../data/s.tar.gz"}}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    written(tmp_path, "conpaas.json", {"Fleet": "acme"})
    written(tmp_path, "fleet/plain/manifest.json", {"Application": "Plain One", "A": PLAIN})
    written(tmp_path, "fleet/shop/manifest.json")
    written(tmp_path, "fleet/shop/manifest.staging.json", {"Services": {"a": {"Dump": "dumps/x.sql"}}})
    written(tmp_path, "fleet/shop/manifest.live.json")
    written(tmp_path, "fleet/shop/conpaas.live.lock.json")
    written(tmp_path, "fleet/shop/test/manifest.json")
    written(tmp_path, "fleet/gone/removed.json")
    (tmp_path / "fleet/empty").mkdir()
    written(tmp_path, "fleet/.hidden/manifest.json")
    return tmp_path


def titles(units: object) -> set[str]:
    return {each.title for each in units}  # type: ignore[attr-defined]


def test_applications_overlays_and_folders_of_environments(top: Path) -> None:
    assert titles(found(top)) == {"empty", "plain-one", "shop:staging", "shop:live", "shop:test"}
    assert [path.parent.name for path in tombstones(top)] == ["gone"]
    overlays = {each.title: each.overlay and each.overlay.name for each in found(top)}
    assert overlays["shop:live"] == "manifest.live.json"
    assert overlays["shop:test"] is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("conpaas.json", {"plain-one", "shop:staging", "shop:live", "shop:test"}),
        ("README.md", set()),
        ("fleet/shop/manifest.json", {"shop:staging", "shop:live"}),
        ("fleet/shop/manifest.live.json", {"shop:live"}),
        ("fleet/shop/conpaas.live.lock.json", {"shop:live"}),
        ("fleet/shop/test/code/index.php", {"shop:test"}),
        ("fleet/shop/code/index.php", {"shop:staging", "shop:live", "shop:test"}),
        ("fleet/shop/dumps/x.sql", {"shop:staging", "shop:live", "shop:test"}),
        ("code/a.zip", {"plain-one"}),
        ("code/b.zip", set()),
        ("data/s.tar.gz", {"plain-one"}),
    ],
)
def test_what_a_change_touches(top: Path, path: str, expected: set[str]) -> None:
    (top / "fleet/empty").rmdir()
    assert titles(touched(found(top), {top / path}, top / "conpaas.json")) == expected


def test_a_manifest_that_cannot_be_read_may_refer_to_anything(top: Path) -> None:
    (top / "fleet/plain/manifest.json").write_text("{")
    assert "plain" in titles(touched(found(top), {top / "README.md"}, top / "conpaas.json"))


def test_the_fleet_is_looked_for_up_to_the_repositorys_top(top: Path) -> None:
    assert place.found(top / "fleet/shop/manifest.json") == top / "conpaas.json"
    inner = top / "fleet/shop/vendored"
    (inner / ".git").mkdir(parents=True)
    assert place.found(inner / "manifest.json") is None
    assert place.home(top / "fleet/shop/manifest.json") == ("acme", "fleet/shop/manifest.json")
    assert place.home(top / "examples/manifest.json") == ("", "")


def test_settings_environment_over_fleet_over_users_over_defaults(top: Path, tmp_path: Path) -> None:
    written(top, "conpaas.json", {"Fleet": "acme", "Backend": "s3://fleet/x", "DefaultCloud": "lab"})
    own = written(tmp_path, "own.json", {"backend": "s3://own/x", "parallel": "7"})
    environment = {"CONPAAS_SETTINGS": str(own), "CONPAAS_DEFAULT_CLOUD": "mine"}
    made = settings.load(environment, near=top / "fleet/shop/manifest.json")
    assert (made.backend, made.default_cloud, made.parallel) == ("s3://fleet/x", "mine", "7")
    assert made.lxd_project == "conpaas"


@pytest.mark.parametrize("text", ["{", "[]", '{"Fleet": "a", "Backend": 3}'])
def test_a_fleets_file_that_cannot_be_read_is_named(top: Path, text: str) -> None:
    (top / "conpaas.json").write_text(text)
    with pytest.raises(UserError, match=r"conpaas\.json"):
        settings.load({"CONPAAS_SETTINGS": str(top / "none")}, near=top)


def test_a_new_fleet_writes_over_nothing(tmp_path: Path) -> None:
    made = beginning.write(tmp_path / "new")
    assert {path.name for path in made} >= {"conpaas.json", "manifest.json", ".gitignore", "README.md"}
    assert (tmp_path / "new/.git").is_dir()
    assert titles(found(tmp_path / "new")) == {"hello"}
    before = {path: path.read_text() for path in made}
    with pytest.raises(UserError, match="already"):
        beginning.write(tmp_path / "new")
    assert before == {path: path.read_text() for path in made}
    written(tmp_path, "other/README.md")
    with pytest.raises(UserError, match=r"README\.md is there already"):
        beginning.write(tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["README.md"]
