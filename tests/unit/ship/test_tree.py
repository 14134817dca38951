"""Shipping a tree: what changes, in which order, and what a kill leaves behind."""

import grp
import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.conpaas_code import Code
from ansible.module_utils.conpaas_node import Machine, merge_pending
from ansible.module_utils.conpaas_tree import Change, apply, find_changes

from conpaas_iac.sources import archives

ME = pwd.getpwuid(os.getuid()).pw_name
MINE = grp.getgrgid(os.getgid()).gr_name


def file(path: str, content: str, unit: str = "", on_change: str = "nothing", mode: str = "0644") -> dict[str, str]:
    return {"path": path, "content": content, "mode": mode, "owner": ME, "group": MINE,
            "unit": unit, "on_change": on_change}


def tree(*files: dict[str, str], absent: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {"digest": "d", "files": list(files), "absent": list(absent), "units": ["nginx"], "idle_units": []}


@pytest.fixture
def machine(tmp_path: Path) -> Any:
    machine = Machine(tmp_path / "machine")
    machine.state.mkdir(parents=True)
    return machine


def ship(machine: Any, wanted: dict[str, Any], code: Any = None) -> list[dict[str, str]]:
    changes = find_changes(machine, wanted)
    apply(machine, wanted, changes, code)
    return [change.report() for change in changes]


def test_only_what_differs_changes(machine: Any) -> None:
    wanted = tree(file("/etc/a", "1", "nginx", "reload"), file("/etc/b/c", "2"))
    assert [each["action"] for each in ship(machine, wanted)] == ["create", "create"]
    assert ship(machine, wanted) == []
    wanted["files"][1]["content"] = "3"
    assert [(each["path"], each["action"]) for each in ship(machine, wanted)] == [("/etc/b/c", "update")]
    assert machine.path("/etc/b/c").read_text() == "3"


def test_mode_and_links_are_mended(machine: Any) -> None:
    wanted = tree(file("/etc/a", "1", mode="0640"))
    ship(machine, wanted)
    machine.path("/etc/a").chmod(0o666)
    ship(machine, wanted)
    assert machine.path("/etc/a").stat().st_mode & 0o777 == 0o640
    machine.path("/etc/elsewhere").write_text("1")
    machine.path("/etc/a").unlink()
    machine.path("/etc/a").symlink_to("elsewhere")
    ship(machine, wanted)
    assert not machine.path("/etc/a").is_symlink()
    assert machine.path("/etc/elsewhere").read_text() == "1"


def test_what_should_be_absent_goes_and_what_is_no_longer_known_too(machine: Any) -> None:
    ship(machine, tree(file("/etc/a", "1"), file("/etc/b", "2")))
    gone = ship(machine, tree(absent=("/etc/a", "/etc/never", {"path": "/etc/x", "unit": "u", "on_change": "reload"})))
    assert [(each["path"], each["action"]) for each in gone] == [("/etc/a", "remove"), ("/etc/b", "remove")]
    assert machine.recall("shipped")["paths"] == []


def test_pending_is_merged_and_the_stronger_wins(machine: Any) -> None:
    unit = file("/etc/systemd/system/x.service", "", "x", "reload")
    ship(machine, tree(file("/etc/a", "1", "nginx", "restart"), unit))
    ship(machine, tree(file("/etc/a", "1", "nginx", "reload"), file("/etc/b", "1", "nginx", "reload")))
    assert machine.recall("pending") == {"units": {"nginx": "restart", "x": "reload"}, "daemon_reload": True}
    assert merge_pending({}, {"units": {}, "daemon_reload": False}) == {"units": {}, "daemon_reload": False}


@pytest.mark.parametrize("survivors", range(3))
def test_a_kill_between_renames_loses_no_restart(
    machine: Any, monkeypatch: pytest.MonkeyPatch, survivors: int
) -> None:
    wanted = tree(*(file(f"/etc/{name}", "1", name, "reload") for name in "abc"))
    real, left = Change.commit, survivors

    def commit(change: Any) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        real(change)

    monkeypatch.setattr(Change, "commit", commit)
    with pytest.raises(KeyboardInterrupt):
        ship(machine, wanted)
    monkeypatch.undo()
    assert set(machine.recall("pending")["units"]) == {"a", "b", "c"}
    ship(machine, wanted)
    assert set(machine.recall("pending")["units"]) == {"a", "b", "c"}
    assert all(machine.path(f"/etc/{name}").read_text() == "1" for name in "abc")
    assert not list(machine.path("/etc").glob(".*"))


def test_diffs_hide_what_not_everybody_may_read(machine: Any) -> None:
    open_change, secret = find_changes(machine, tree(file("/a", "old"), file("/b", "password", mode="0640")))
    assert open_change.diff()["after"] == "old"
    assert "password" not in json.dumps(secret.diff())


def test_state_is_private(machine: Any) -> None:
    ship(machine, tree(file("/etc/a", "1", "nginx", "reload")))
    assert {path.stat().st_mode & 0o077 for path in machine.state.iterdir()} == {0}


def code_archive(tmp_path: Path, text: str) -> tuple[str, Path]:
    folder = tmp_path / text
    folder.mkdir()
    (folder / "index.php").write_text(text)
    (folder / "empty").mkdir()
    archive = tmp_path / f"{text}.tar.gz"
    return archives.normalise(folder, archive), archive


def test_versions_are_flipped_and_the_last_three_kept(machine: Any, tmp_path: Path) -> None:
    versions = []
    for number in range(5):
        version, archive = code_archive(tmp_path, f"v{number}")
        code = Code(machine, {"version": version, "unit": "fpm", "owner": ME})
        assert code.missing and code.changes
        code.unpack(archive)
        ship(machine, tree(), code)
        os.utime(code.place, (number, number))
        versions.append(version)
        assert (code.current / "index.php").read_text() == f"v{number}"
        assert not code.changes
    kept = {path.name for path in code.folder.iterdir()}
    assert kept == {"current", *versions[-3:]}
    assert machine.recall("pending")["units"] == {"fpm": "reload"}
    assert (code.place / "empty").is_dir()


def test_a_killed_unpacking_leaves_no_version(machine: Any, tmp_path: Path) -> None:
    version, archive = code_archive(tmp_path, "v")
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(archive.read_bytes()[:60])
    code = Code(machine, {"version": version, "unit": "", "owner": ME})
    with pytest.raises((EOFError, OSError)):
        code.unpack(broken)
    assert code.missing
    code.unpack(archive)
    assert not code.missing and not list(code.folder.glob(".partial-*"))


def test_a_hostile_archive_is_refused_on_the_machine_too(machine: Any, tmp_path: Path) -> None:
    from tests.unit.code.test_archives import HOSTILE, tar

    code = Code(machine, {"version": "x", "unit": "", "owner": ME})
    for name in ("absolute", "dots", "device"):
        with pytest.raises(ValueError, match="not to be unpacked"):
            code.unpack(tar(tmp_path / "hostile.tar.gz", *HOSTILE[name]))
    assert code.missing


def test_places_in_the_code_lead_out_of_every_version(machine: Any, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "picture").write_text("kept")
    link = {"path": "content/uploads", "target": str(volume), "owner": ""}
    if os.getuid():
        link["owner"] = str(os.getuid())
    for name in ("v1", "v2"):
        version, archive = code_archive(tmp_path, name)
        code = Code(machine, {"version": version, "unit": "", "owner": ME, "links": [link]})
        code.unpack(archive)
        ship(machine, tree(), code)
        assert (code.current / "content" / "uploads" / "picture").read_text() == "kept"
        assert not code.changes
    (code.current / "content" / "uploads").unlink()
    assert code.changes  # it is mended
    code.activate()
    assert not code.changes
    moved = Code(machine, {"version": version, "unit": "", "owner": ME, "links": [{**link, "target": str(tmp_path)}]})
    assert moved.changes
    for number in range(5):  # old versions are forgotten, what they led to is not
        version, archive = code_archive(tmp_path, f"w{number}")
        code = Code(machine, {"version": version, "unit": "", "owner": ME, "links": [link]})
        code.unpack(archive)
        ship(machine, tree(), code)
    assert (volume / "picture").read_text() == "kept"


def test_files_of_the_code_are_not_hidden_by_a_volume(machine: Any, tmp_path: Path) -> None:
    version, archive = code_archive(tmp_path, "v")
    for path, refused in (("empty", ""), ("index.php", "has a file index.php")):
        link = {"path": path, "target": str(tmp_path), "owner": "" if not os.getuid() else str(os.getuid())}
        code = Code(machine, {"version": version, "unit": "", "owner": ME, "links": [link]})
        if code.missing:
            code.unpack(archive)
        if refused:
            with pytest.raises(ValueError, match=refused):
                code.activate()
        elif path == "empty":
            code.activate()
            assert (code.place / "empty").readlink() == tmp_path
    (code.place / "full").mkdir()
    (code.place / "full" / "x").touch()
    code = Code(machine, {"version": version, "unit": "", "owner": ME, "links": [{**link, "path": "full"}]})
    with pytest.raises(ValueError, match="the code has files in full, which the volume would hide"):
        code.activate()
