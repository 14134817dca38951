"""What has overlays is in their environments: no verb takes the manifest below them for an application."""

import json
from pathlib import Path

import pytest

from conpaas_iac import cli
from conpaas_iac.system import git

VERBS = (
    "plan M", "up M", "lock M", "scale M web backend=4", "scale M web backend=4 --push",
    "code activate M web 0123456789", "code list M web",
)  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder."""
    monkeypatch.setenv("CONPAAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CONPAAS_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "fleet" / "shop"
    folder.mkdir(parents=True)
    (tmp_path / "conpaas.json").write_text('{"Fleet": "acme"}')
    service = {"Type": "php", "ServiceName": "web"}
    (folder / "manifest.json").write_text(json.dumps({"Application": "shop", "Services": [service]}))
    for name, count in (("staging", 2), ("live", 5)):
        patch = {"Services": {"web": {"StartupInstances": {"backend": count}}}}
        (folder / f"manifest.{name}.json").write_text(json.dumps(patch))
    git.run(tmp_path, "init", "--quiet")
    git.run(tmp_path, "add", "--all")
    git.run(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "begin")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("line", VERBS)
def test_an_environment_is_asked_for(shop: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_text() for path in shop.iterdir()}
    assert cli.run(line.replace("M", "manifest.json").split()) == 1
    said = capsys.readouterr().err
    assert "E0606" in said
    assert "manifest.json -e live or -e staging" in said
    assert before == {path.name: path.read_text() for path in shop.iterdir()}


def test_what_they_have_in_common_is_compared_and_checked(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["diff", "manifest.json", "manifest.live.json"]) == 0
    assert "StartupInstances.backend: 1 -> 5" in capsys.readouterr().out
    assert cli.run(["validate", "manifest.json"]) == 0
    (shop / "manifest.live.json").write_text('{"Services": {"web": {"Size": "gigantic"}}}')
    (shop / "manifest.json").write_text((shop / "manifest.json").read_text().replace('"web"', '"web", "Color": "red"'))
    assert cli.run(["validate", "manifest.json"]) == 1
    assert "1 manifest checked: 2 errors." in capsys.readouterr().out


def test_one_that_is_in_default_too(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "manifest.default.json").write_text("{}")
    assert cli.run(["lock", "manifest.json"]) == 0
    assert (shop / "conpaas.lock.json").exists()
