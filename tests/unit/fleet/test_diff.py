"""`conpaas diff`: layout, order and defaults are no difference; all else is said, with its place, and no secret."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conpaas_iac.commands.diff import command
from conpaas_iac.errors import UserError
from tests.schemas import check

WEB = {"Type": "php", "ServiceName": "web", "StartupInstances": {"backend": 2}}
DB = {"Type": "mysql", "ServiceName": "db", "Password": "hunter2"}


def written(path: Path, *services: dict[str, Any], **fields: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"Application": "shop", "Services": list(services), **fields}, indent=1))
    return str(path)


def diff(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value or 0, done.output


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_layout_order_and_defaults_are_no_difference(here: Path) -> None:
    one = written(here / "one.json", WEB, DB)
    other = written(here / "other.json", {**DB, "Start": 1}, {**WEB, "StartupInstances": {"web": 1, "backend": "2"}})
    Path(other).write_text(json.dumps(json.loads(Path(other).read_text())))
    assert diff(one, other, "--exit-code") == (0, "No difference in meaning.\n")


def test_a_snapshot_is_said_as_its_folder_calls_it(here: Path) -> None:
    files = {"Type": "xtreemfs", "ServiceName": "files", "VolumeStartup": {"volumeName": "a"}}
    with tarfile.open(here / "s.tar.gz", "w:gz"):
        pass
    one = written(here / "one.json", files)
    other = written(here / "other.json", {**files, "StartupInstances": {"resume": "s.tar.gz"}})
    _, text = diff(one, other)
    assert text.startswith("~ files  StartupInstances.resume: (none) -> s.tar.gz   (")


def test_all_else_is_said_with_its_place(here: Path) -> None:
    one = written(here / "one.json", WEB, DB)
    web = {**WEB, "StartupInstances": {"backend": 3}, "Configuration": {"memory_limit": "256M"}, "Cloud": "lab"}
    web["Scaling"] = {"backend": {"Min": 1, "Max": 5}}
    find = {"Type": "php", "ServiceName": "find"}
    other = written(here / "other.json", web, find, Clouds={"lab": {"Provider": "lxd"}})
    code, text = diff(one, other, "--exit-code")
    assert code == 2
    lines = [line.partition("   (")[0] for line in text.splitlines()]
    assert lines == [
        "~ application  Clouds.lab.Provider: (none) -> lxd",
        "- db  mysql, 1 glb, 1 mysql",
        "+ find  php, 1 backend, 1 proxy, 1 web",
        "~ web  Cloud: lxd -> lab",
        "~ web  Configuration.memory_limit: 128M -> 256M",
        "~ web  Scaling.backend: (none) -> {'Min': 1, 'Max': 5}",
        "~ web  StartupInstances.backend: 2 -> 3",
    ]
    assert f"({other}:8:16)" in text


def test_a_password_is_compared_and_not_shown(here: Path) -> None:
    one, other = written(here / "one.json", DB), written(here / "other.json", {**DB, "Password": "hunter3"})
    code, text = diff(one, other)
    assert "~ db  Password: *** -> ***" in text
    assert "hunter" not in text + diff(one, other, "--format", "json")[1]
    assert code == 0


def test_code_in_a_folder_is_compared_by_its_content(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONPAAS_CACHE_DIR", str(here / "cache"))
    paths = []
    for name, page in (("a", "1"), ("b", "1"), ("c", "2")):
        paths.append(written(here / name / "manifest.json", {**WEB, "Archive": "code"}))
        (here / name / "code").mkdir()
        (here / name / "code/index.php").write_text(page)
    assert diff(paths[0], paths[1], "--exit-code")[0] == 0
    assert "~ web  code: " in diff(paths[0], paths[2])[1]


def test_environments_and_revisions(here: Path) -> None:
    (here / "conpaas.json").write_text('{"Fleet": "acme"}')
    written(here / "fleet/shop/manifest.json", WEB)
    for name, count in (("staging", 1), ("live", 5)):
        patch = {"Services": {"web": {"StartupInstances": {"backend": count}}}}
        (here / f"fleet/shop/manifest.{name}.json").write_text(json.dumps(patch, indent=1))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command_line in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command_line], check=True)
    text = diff("shop:staging", "shop:live")[1]
    assert text.startswith("~ web  StartupInstances.backend: 1 -> 5   (fleet/shop/manifest.live.json:5:")
    written(here / "fleet/shop/manifest.json", WEB, DB)
    document = check(diff("HEAD:shop:live", "shop:live", "--format", "json")[1], "diff")
    assert [(each["service"], each["after"]) for each in document["differences"]] == [("db", "mysql, 1 glb, 1 mysql")]
    text = diff("fleet/shop/manifest.live.json", "HEAD:fleet/shop/manifest.live.json")[1]
    assert "- db" in text


@pytest.mark.parametrize("written_", ["none.json", "HEAD:none.json", "nowhere:fleet", ":", "shop"])
def test_what_is_nothing_is_said(here: Path, written_: str) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    with pytest.raises(UserError):
        diff(written_, written_)
