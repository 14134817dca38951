"""A version is put beside the others and proved; nothing is current before it is switched to."""

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.conpaas_node import Machine

from conpaas_iac.guest import switch
from conpaas_iac.machines import switch as sender
from conpaas_iac.sources import archives


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Machine(tmp_path / "machine")
    made.state.mkdir(parents=True)
    monkeypatch.setattr(switch, "STAGED", tmp_path / "run" / "staged")
    owner = SimpleNamespace(pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr("ansible.module_utils.conpaas_code.pwd.getpwnam", lambda name: owner)
    return made


@pytest.fixture
def sent(tmp_path: Path) -> tuple[str, bytes]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.php").write_text("two")
    archive = tmp_path / "code.tar.gz"
    return archives.normalise(tmp_path / "code", archive), archive.read_bytes()


def document(version: str, check: Path) -> dict[str, Any]:
    return {"code": {"version": version, "unit": "", "owner": ""}, "digest": "new", "check": str(check)}


def check(tmp_path: Path, line: str) -> Path:
    path = tmp_path / "check"
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def staged(machine: Any, told: dict[str, Any], content: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    return switch.stage(machine, told, True)


def test_a_version_is_sent_once_proved_and_then_current(
    machine: Any, sent: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, content = sent
    told = document(version, check(tmp_path, f"grep -q two {tmp_path}/run/staged/index.php"))
    assert switch.stage(machine, told, False) == switch.MISSING == sender.MISSING
    assert staged(machine, told, content, monkeypatch) == 0
    code = machine.path("/srv/conpaas/code")
    assert not (code / "current").exists() and not (tmp_path / "run" / "staged").is_symlink()
    assert switch.stage(machine, told, False) == 0
    machine.remember("shipped", {"digest": "old", "paths": ["/etc/one"]})
    assert switch.switch(machine, told) == 0
    assert (code / "current" / "index.php").read_text() == "two"
    assert machine.recall("shipped") == {"digest": "new", "paths": ["/etc/one"]}


def test_a_version_that_fails_is_not_current(
    machine: Any, sent: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, content = sent
    assert staged(machine, document(version, check(tmp_path, "exit 3")), content, monkeypatch) == 3
    monkeypatch.setattr(switch, "SECONDS", 0.1)
    with pytest.raises(ValueError, match="no answer within"):
        switch.stage(machine, document(version, check(tmp_path, "exec sleep 60")), False)
    assert not machine.path("/srv/conpaas/code/current").exists()
    assert not (tmp_path / "run" / "staged").is_symlink()


def test_half_an_archive_leaves_nothing_in_place(
    machine: Any, sent: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, content = sent
    with pytest.raises((OSError, EOFError, ValueError)):
        staged(machine, document(version, check(tmp_path, "true")), content[: len(content) // 2], monkeypatch)
    assert switch.stage(machine, document(version, check(tmp_path, "true")), False) == switch.MISSING


def test_what_travels_is_small_and_begins(tmp_path: Path) -> None:
    program = sender._program()
    assert len(program) < 40_000  # of an argument's 128 KiB, quoted twice
    compile(program, "program", "exec")
