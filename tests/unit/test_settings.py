"""Settings: variables over the file over defaults."""

import json
from pathlib import Path

import pytest

from conpaas_iac import settings
from conpaas_iac.errors import UserError
from conpaas_iac.settings import Settings


def load(tmp_path: Path, text: str = "{}", **variables: str) -> Settings:
    path = tmp_path / "settings.json"
    path.write_text(text)
    return settings.load({"CONPAAS_SETTINGS": str(path), **variables})


def test_variables_win_over_the_file_over_defaults(tmp_path: Path) -> None:
    text = json.dumps({"lxd_pool": "file", "lxd_project": "file"})
    found = load(tmp_path, text, CONPAAS_LXD_PROJECT="variable", CONPAAS_LXD_POOL="")
    assert (found.lxd_project, found.lxd_pool, found.lxd_bridge) == ("variable", "file", "conpaas0")


def test_places(tmp_path: Path) -> None:
    found = load(tmp_path, CONPAAS_STATE_DIR="/s", CONPAAS_CACHE_DIR="/c")
    assert (found.state, found.cache, found.backend_url) == (Path("/s"), Path("/c"), "file:///s/backend")
    assert Settings().state.name == "conpaas"
    assert load(tmp_path, CONPAAS_BACKEND="s3://bucket/prefix?region=x").backend_url == "s3://bucket/prefix?region=x"


def test_no_file_is_fine(tmp_path: Path) -> None:
    assert settings.load({"CONPAAS_SETTINGS": str(tmp_path / "none.json")}) == Settings()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not readable as JSON"),
        ("\ufffd", "not readable as JSON"),
        ('{"backends": "x"}', "unknown setting 'backends'"),
        ('{"backend": 3}', "backend should be a string"),
        ("[]", "should be an object"),
        ("3", "should be an object"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as refused:
        load(tmp_path, text)
    assert str(tmp_path / "settings.json") in refused.value.message


@pytest.mark.parametrize("backend", ["https://api.pulumi.com", "gs://bucket", "azblob://x", "/folder"])
def test_other_backends_are_refused(tmp_path: Path, backend: str) -> None:
    with pytest.raises(UserError, match="needs file:// or s3://"):
        load(tmp_path, CONPAAS_BACKEND=backend)


def test_pauses_are_seconds(tmp_path: Path) -> None:
    assert load(tmp_path, CONPAAS_RETRY_PAUSE="0.5").pauses == (0.5, 2.0)
    with pytest.raises(UserError, match="'soon' is not a number of seconds"):
        load(tmp_path, CONPAAS_RETRY_PAUSE="soon")


def test_workers_are_a_number(tmp_path: Path) -> None:
    assert load(tmp_path, CONPAAS_PARALLEL="12").workers == 12
    with pytest.raises(UserError, match="'0' is not a number from 1"):
        load(tmp_path, CONPAAS_PARALLEL="0")
