"""The words of `conpaas scale`, and what becomes of the manifest's text."""

import json
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac import catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.read import compile_
from conpaas_iac.usecases import scaling
from tests.builders import PROVIDERS

TYPES = catalog.load()


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("blog backend=4", [("blog", "backend=4")]),
        ("blog backend=4 web=2", [("blog", "backend=4"), ("blog", "web=2")]),
        ("blog backend=+1 db mysql=3", [("blog", "backend=+1"), ("db", "mysql=3")]),
        ("", []),
    ],
)
def test_words(words: str, changes: list[tuple[str, str]]) -> None:
    assert scaling.wanted(words.split()) == changes


@pytest.mark.parametrize("words", ["backend=4", "blog", "blog db mysql=3", "blog backend=4 db"])
def test_words_that_say_too_little(words: str) -> None:
    with pytest.raises(UserError):
        scaling.wanted(words.split())


def edited(tmp_path: Path, words: str, *remove: str, **fields: Any) -> Any:
    """What the manifest says of the service blog afterwards."""
    path = tmp_path / "manifest.json"
    service = {"Type": "php", "ServiceName": "blog", "StartupInstances": {"backend": 3, "web": 2}, **fields}
    path.write_text(json.dumps({"Application": "shop", "Services": [service]}))
    manifest = compile_(path, TYPES, PROVIDERS)
    text = scaling.edited(path.read_text(), manifest, scaling.wanted(words.split()), remove, TYPES)
    path.write_text(text)
    compile_(path, TYPES, PROVIDERS)
    return json.loads(text)["Services"][0]


def test_machines_by_name(tmp_path: Path) -> None:
    after = edited(tmp_path, "", "blog-2")
    assert (after["Without"], after["StartupInstances"]) == (["blog-2"], {"backend": 2, "web": 2})
    after = edited(tmp_path, "", "blog-1", "blog-3")
    assert (after["Without"], after["StartupInstances"]) == (["blog-1", "blog-3"], {"backend": 1, "web": 1})
    after = edited(tmp_path, "blog backend=3", "blog-2", Without=["blog-7"])
    assert (after["Without"], after["StartupInstances"]["backend"]) == (["blog-7", "blog-2"], 3)
    after = edited(tmp_path, "", "blog-backend-1", Placement="spread")
    assert after["StartupInstances"] == {"backend": 2, "web": 2}


@pytest.mark.parametrize(
    ("words", "remove"),
    [
        ("", ["other-1"]),
        ("", ["blog"]),
        ("", ["blog-1", "blog-2", "blog-3"]),
        ("", []),
        ("blog backends=2", []),
        ("bolg backend=2", []),
        ("blog backend=x", []),
        ("blog backend=-9", []),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, words: str, remove: list[str]) -> None:
    with pytest.raises(UserError):
        edited(tmp_path, words, *remove)
