"""Folders on the memory file system: private, never anybody else's."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.system import memory


def test_a_folder_is_private_and_gone_after_its_time_also_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyError), memory.folder() as found:
        assert stat.S_IMODE(found.stat().st_mode) == 0o700
        (found / "key").write_text("secret")
        raise KeyError
    assert not found.exists()


def test_who_needs_one_keeps_it_while_others_come_and_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path)

    def use(number: int) -> bool:
        with memory.folder() as found:
            (found / "number").write_text(str(number))
            memory.sweep()
            return (found / "number").read_text() == str(number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(200)))
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path)
    (tmp_path / "conpaas-of-a-user").mkdir()
    memory.sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["conpaas-of-a-user"]


def test_without_a_memory_file_system_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path / "none")
    with pytest.raises(UserError, match="must not touch a disk"), memory.folder():
        pass
