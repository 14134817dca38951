"""A look at an archive is remembered by content, and never believed blindly."""

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from conpaas_iac.sources import archives
from conpaas_iac.sources.archives import Inspection
from conpaas_iac.sources.inspected import Inspector


def pack(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), BytesIO())
    return path


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    seen: list[Path] = []
    look = archives.inspect

    def inspect(path: Path) -> Inspection:
        seen.append(path)
        return look(path)

    monkeypatch.setattr(archives, "inspect", inspect)
    return seen


def test_the_same_bytes_are_looked_at_once(tmp_path: Path, looks: list[Path]) -> None:
    inspect = Inspector(tmp_path / "cache")
    first, again = pack(tmp_path / "a.tar", "x/1", "/etc/passwd"), pack(tmp_path / "b.tar", "x/1", "/etc/passwd")
    assert inspect(first) == inspect(again) == inspect(first)
    assert inspect(again).outside == ("/etc/passwd",)
    assert looks == [first]


def test_other_bytes_are_looked_at_again(tmp_path: Path, looks: list[Path]) -> None:
    inspect, path = Inspector(tmp_path / "cache"), pack(tmp_path / "a.tar", "one")
    assert inspect(path).members == 1
    assert inspect(pack(path, "one", "two")).members == 2
    assert len(looks) == 2


def test_folders_are_looked_at_each_time(tmp_path: Path, looks: list[Path]) -> None:
    inspect, folder = Inspector(tmp_path / "cache"), tmp_path / "code"
    folder.mkdir()
    assert inspect(folder).members == 0
    (folder / "index.php").touch()
    assert inspect(folder).members == 1


def test_a_cache_that_is_damaged_or_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", "one")
    inspect = Inspector(tmp_path / "cache")
    found = inspect(path)
    for kept in (tmp_path / "cache").rglob("*"):
        if kept.is_file():
            kept.write_text("nonsense")
    assert inspect(path) == found
    (tmp_path / "file").touch()
    assert Inspector(tmp_path / "file")(path) == found
    assert Inspector(tmp_path / "cache")(tmp_path / "nothing").error.startswith("cannot be read")
