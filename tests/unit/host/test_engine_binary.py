"""Which engine is taken."""

import re
from pathlib import Path

import pytest

from conpaas_iac import shipped
from conpaas_iac.errors import UserError
from conpaas_iac.host import engine, go
from conpaas_iac.settings import Settings


def program(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    path = folder / "pulumi"
    path.write_text(f"#!/bin/sh\necho v{version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PATH", f"{tmp_path}/tool/bin:/usr/bin:/bin")
    return Settings(cache_dir=str(tmp_path / "cache"))


def test_version_is_said_once() -> None:
    module = (shipped.folder("engine") / "go.mod").read_text()
    assert re.findall(r"^require github\.com/pulumi/pulumi/pkg/v3 v(\S+)$", module, re.MULTILINE) == [engine.version()]


def test_none_at_all(settings: Settings) -> None:
    assert engine.find(settings) is None
    assert engine.Engine(settings).look().text == f"no pulumi {engine.version()}"


def test_pinned_version_on_path_comes_first(settings: Settings, tmp_path: Path) -> None:
    program(engine.root(settings) / "bin", engine.version())
    on_path = program(tmp_path / "tool" / "bin", engine.version())
    assert engine.find(settings) == on_path
    assert engine.Engine(settings).look().text == f"pulumi {engine.version()} at {on_path}"


def test_other_version_on_path_is_skipped_with_a_note(settings: Settings, tmp_path: Path) -> None:
    own = program(engine.root(settings) / "bin", engine.version())
    on_path = program(tmp_path / "tool" / "bin", "3.1.0")
    assert engine.find(settings) == own
    assert f"(not used: {on_path} is version 3.1.0)" in engine.Engine(settings).look().text


def test_neither_download_nor_build(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_download", lambda new, say: "no network")
    monkeypatch.setattr(go, "problem", lambda: "there is no Go")
    with pytest.raises(UserError, match=r"the download failed \(no network\), and it cannot be built: there is no Go"):
        engine.install(settings, lambda text: None)
    assert list((settings.cache / "engine").iterdir()) == []


def test_installation_is_whole_and_replaces_a_half(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(new: Path, say: object) -> str:
        program(new / "bin", engine.version())
        return ""

    engine.root(settings).mkdir(parents=True)
    monkeypatch.setattr(engine, "_download", download)
    assert engine.install(settings, lambda text: None) == engine.find(settings)
    assert [path.name for path in (settings.cache / "engine").iterdir()] == [f"pulumi-{engine.version()}"]
