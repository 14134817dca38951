"""Where the VPN's programs come from."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from conpaas_iac import shipped
from conpaas_iac.errors import UserError
from conpaas_iac.host import go, nebula
from conpaas_iac.host.part import State
from conpaas_iac.settings import Settings
from conpaas_iac.system import downloads


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=str(tmp_path / "cache"))


def release(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def offered(monkeypatch: pytest.MonkeyPatch, content: bytes, checksum: str = "") -> list[str]:
    """A release that the network offers; the addresses that were asked for."""
    asked: list[str] = []

    def download(url: str, target: Path) -> None:
        asked.append(url)
        target.write_bytes(content)

    monkeypatch.setattr(downloads, "download", download)
    monkeypatch.setattr(nebula.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(nebula, "CHECKSUMS", {"x86_64": checksum or hashlib.sha256(content).hexdigest()})
    monkeypatch.setattr(go, "problem", lambda module: "there is no Go")
    return asked


def test_version_is_new_enough_and_said_once() -> None:
    """1.9.7 is the first that cuts blocked nodes and renews without a restart."""
    assert tuple(map(int, nebula.version().split("."))) >= (1, 9, 7)
    assert (shipped.folder(nebula.MODULE) / "go.sum").exists()


def test_download(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = offered(monkeypatch, release({"nebula": "a", "nebula-cert": "b", "../evil": "c"}))
    assert nebula.find(settings) is None
    found = nebula.install(settings, lambda text: None)
    assert (found.nebula.read_text(), found.cert.read_text()) == ("a", "b")
    assert sorted(path.name for path in found.nebula.parent.iterdir()) == ["nebula", "nebula-cert"]
    assert len(asked) == 1 and asked[0].endswith(f"/v{nebula.version()}/nebula-linux-amd64.tar.gz")
    assert nebula.install(settings, lambda text: None) == found and len(asked) == 1
    assert nebula.Vpn(settings).look().state is State.THERE


@pytest.mark.parametrize(
    ("members", "checksum", "reason"),
    [
        ({"nebula": "a", "nebula-cert": "b"}, "00", "its checksum is"),
        ({"nebula": "a"}, "", "nebula-cert"),
    ],
)
def test_another_release_is_not_taken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, members: dict[str, str], checksum: str, reason: str
) -> None:
    offered(monkeypatch, release(members), checksum)
    with pytest.raises(UserError, match=f"no VPN: the download failed .*{reason}.*: there is no Go"):
        nebula.install(settings, lambda text: None)
    assert nebula.find(settings) is None
    assert list((settings.cache / "nebula").iterdir()) == []


def test_no_checksum_no_download(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = offered(monkeypatch, b"")
    monkeypatch.setattr(nebula, "CHECKSUMS", {})
    with pytest.raises(UserError, match="no checksum of a release for x86_64 is known"):
        nebula.install(settings, lambda text: None)
    assert asked == []


def test_half_an_installation_is_none(settings: Settings) -> None:
    nebula.root(settings).mkdir(parents=True)
    (nebula.root(settings) / "nebula").write_text("")
    assert nebula.find(settings) is None
    with pytest.raises(UserError, match="not installed") as raised:
        nebula.need(settings)
    assert raised.value.remedy == "conpaas setup"
