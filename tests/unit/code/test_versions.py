"""Versions in the backend: kept once, named by their first digits, brought back whole or not at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from conpaas_iac.backend.folder import Folder
from conpaas_iac.errors import StateError, UserError
from conpaas_iac.settings import Settings
from conpaas_iac.sources import archives, versions
from conpaas_iac.sources.versions import Version, Versions

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def known(version: str, **changes: object) -> Version:
    return msgspec.structs.replace(Version(version, "shop.zip", "upload", NOW, "ann@desk", 100), **changes)


@pytest.fixture
def kept(tmp_path: Path) -> Versions:
    return Versions(Folder(tmp_path / "backend"), "shop.default", "front")


def packed(folder: Path, text: str) -> tuple[str, Path]:
    """Version and archive of a page."""
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "index.php").write_text(text)
    target = folder / f"{text}.tar.gz"
    return archives.normalise(folder / "code", target), target


def test_what_is_kept_comes_back_whole(kept: Versions, tmp_path: Path) -> None:
    version, archive = packed(tmp_path, "one")
    assert kept.keep(known(version), archive)
    assert not kept.keep(known(version, name="again.zip"), archive)
    assert kept.all() == (known(version),)
    assert kept.bring(version, tmp_path / "cache").read_bytes() == archive.read_bytes()
    kept.delete(version)
    assert kept.all() == ()
    assert kept.bring(version, tmp_path / "cache").is_file()  # of this computer's cache
    with pytest.raises(UserError, match="not in the backend any more"):
        kept.bring(version, tmp_path / "other")


@pytest.mark.parametrize("damage", [lambda whole: whole[:-20], lambda whole: b"", lambda whole: b"no archive"])
def test_what_was_damaged_is_not_used(kept: Versions, tmp_path: Path, damage: object) -> None:
    version, archive = packed(tmp_path, "one")
    archive.write_bytes(damage(archive.read_bytes()))  # type: ignore[operator]
    kept.keep(known(version), archive)
    with pytest.raises(UserError, match="damaged"):
        kept.bring(version, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_first_digits_are_enough_where_they_mean_one(kept: Versions, tmp_path: Path) -> None:
    _, archive = packed(tmp_path, "one")
    for digits in ("abcdef01", "abcdef02"):
        kept.keep(known(digits.ljust(64, "0")), archive)
    assert kept.find("ABCDEF01").version.startswith("abcdef01")
    with pytest.raises(UserError, match="could be several"):
        kept.find("abcdef")
    with pytest.raises(UserError, match="too few digits"):
        kept.find("abcde")
    with pytest.raises(UserError, match="front has no version 'facade00'") as said:
        kept.find("facade00")
    assert "abcdef010000" in said.value.remedy


def test_a_broken_note_is_said(kept: Versions, tmp_path: Path) -> None:
    Folder(tmp_path / "backend").write("shop.default/front/" + "a" * 64 + ".json", b"{")
    with pytest.raises(StateError, match="version aaaaaaaaaaaa of shop"):
        kept.all()


def test_each_environment_has_its_own_and_down_leaves_them(tmp_path: Path) -> None:
    configured = replace(Settings(), backend=f"file://{tmp_path}")
    version, archive = packed(tmp_path, "one")
    versions.of(configured, "shop.default", "front").keep(known(version), archive)
    assert versions.of(configured, "shop.staging", "front").names() == ()
    assert (tmp_path / "code" / "shop.default" / "front" / f"{version}.tar.gz").is_file()


@given(some.lists(some.integers(0, 5), unique=True), some.integers(0, 5))
def test_the_previous_one_is_who_left_last(left: list[int], active: int) -> None:
    listed = [known(str(number) * 64, left=NOW + timedelta(hours=number)) for number in left]
    found = versions.previous([known("a" * 64), *listed], [str(active) * 64])
    others = [number for number in left if number != active]
    assert (found.version[0] if found else None) == (str(max(others)) if others else None)


def test_commits_and_the_repository_are_remembered(kept: Versions, tmp_path: Path) -> None:
    assert kept.commits() == () and not kept.repository(tmp_path / "none")
    (tmp_path / "bundle").write_bytes(b"# bundle")
    kept.remember(["aa", "bb"], tmp_path / "bundle")
    assert kept.commits() == ("aa", "bb") and kept.repository(tmp_path / "copy")
    assert kept.names() == ()
