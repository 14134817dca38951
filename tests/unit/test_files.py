"""Files that are whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.system import files


def test_new_files_are_their_owners(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    files.write_atomically(path, b"one")
    assert path.read_bytes() == b"one"
    assert [each.stat().st_mode & 0o777 for each in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]
    files.write_atomically(path, b"two", 0o644)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o644)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["fsync", "fchmod"])
def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    path = tmp_path / "file"
    files.write_atomically(path, b"before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        files.write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/sub: cannot be made: (Not a directory|File exists)"):
        files.private_folder(tmp_path / "file" / "sub")


def test_folders_that_are_there_keep_their_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    files.private_folder(shared / "own")
    assert (shared.stat().st_mode & 0o777, (shared / "own").stat().st_mode & 0o777) == (0o755, 0o700)
