"""Archives: canonical form, and every hostile one refused."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conpaas_iac.errors import UserError
from conpaas_iac.sources import archives


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=kind, linkname=target)


GOOD = (member("index.php", b"<?php"), member("lib/x.js", b"1"), link("lib/y.js", "x.js"))

HOSTILE = {
    "absolute": (member("/etc/passwd", b"x"),),
    "dots": (member("a/../../x", b"x"),),
    "link absolute": (link("x", "/etc/passwd"),),
    "link out": (link("a/x", "../../etc"),),
    "link dots after a name": (link("b", "."), link("x", "b/../etc")),
    "below a link": (link("d", "."), member("d/x", b"x")),
    "below a file": (member("d", b"x"), member("d/x", b"x")),
    "device": (member("null", type=tarfile.CHRTYPE),),
    "pipe": (member("pipe", type=tarfile.FIFOTYPE),),
    "hard link out": (link("x", "/etc/passwd", tarfile.LNKTYPE),),
    "backslash": (member("..\\x", b"x"),),
    "long name": (member("x" * 300, b"x"),),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tars_are_refused(tmp_path: Path, name: str) -> None:
    path = tar(tmp_path / "a.tar.gz", *GOOD, *HOSTILE[name])
    found = archives.inspect(path)
    assert found.outside or found.links_out, found
    with pytest.raises(UserError):
        archives.normalise(path, tmp_path / "out.tar.gz")
    assert not (tmp_path / "out.tar.gz").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "..\\x"])
def test_hostile_zips_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    assert archives.inspect(tmp_path / "a.zip").outside
    with pytest.raises(UserError):
        archives.normalise(tmp_path / "a.zip", tmp_path / "out")


def test_a_zip_link_out_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("x")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert archives.inspect(tmp_path / "a.zip").links_out == ("x",)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8bbroken", b"PK\x03\x04broken", b"BZhbroken"])
def test_what_is_no_archive_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert archives.inspect(tmp_path / "a").error
    with pytest.raises(UserError):
        archives.normalise(tmp_path / "a", tmp_path / "out")


def test_a_cut_archive_is_said(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar.gz", member("x", os.urandom(100_000)))
    path.write_bytes(path.read_bytes()[:50_000])
    assert "damaged" in archives.inspect(path).error


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tar(tmp_path / "a.tar.gz", *(member(f"f{number}", b"x" * 100) for number in range(20)))
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    assert "more than" in archives.inspect(path).error
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_MEMBERS", 10)
    assert "more than" in archives.inspect(path).error
    monkeypatch.setattr("conpaas_iac.sources.archive_members.MAX_UNPACKED", 1000)
    assert "unpacks to more" in archives.inspect(path).error


def test_a_zip_whose_size_lies_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", b"\0" * 1_000_000)
    content = path.read_bytes()
    path.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(UserError):
        archives.normalise(path, tmp_path / "out")


def test_single_folder(tmp_path: Path) -> None:
    assert archives.inspect(tar(tmp_path / "a", member("wiki/index.php"), member("wiki/x/y"))).folder == "wiki"
    assert archives.inspect(tar(tmp_path / "b", *GOOD)).folder == ""
    assert archives.inspect(tar(tmp_path / "c", member("index.php"))).folder == ""


def test_the_same_content_is_the_same_version_in_every_form(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "lib").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("x")
    (folder / "index.php").write_text("<?php")
    (folder / "lib" / "x.js").write_text("1")
    (folder / "lib" / "y.js").symlink_to("x.js")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("lib/y.js")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "x.js")
        archive.write(folder / "lib" / "x.js", "lib/x.js")
        archive.write(folder / "index.php", "index.php")
    forms = [folder, tmp_path / "a.zip"]
    forms += [tar(tmp_path / f"a.{mode}", *GOOD, mode=f"w:{mode}") for mode in ("gz", "bz2", "xz", "")]
    other = {"mode": 0o664, "uid": 7, "mtime": 9}
    again = [member(f"./{i.name}", c, type=i.type, linkname=i.linkname, **other) for i, c in reversed(GOOD)]
    forms.append(tar(tmp_path / "b", member("./"), *again))
    assert len({archives.normalise(form, tmp_path / "out") for form in forms}) == 1


def test_modes_are_safe(tmp_path: Path) -> None:
    path = tar(tmp_path / "a", member("run", b"x", mode=0o6777), member("x", b"x", mode=0o666))
    archives.normalise(path, tmp_path / "out")
    with tarfile.open(tmp_path / "out") as found:
        said = {info.name: (info.mode, info.uid, info.mtime) for info in found}
    assert said == {"run": (0o755, 0, 0), "x": (0o644, 0, 0)}


NAMES = st.lists(st.sampled_from(["a", "b", "..", ".", "", "/", "c d", "é"]), min_size=1, max_size=5).map("/".join)
MEMBERS = st.lists(st.tuples(NAMES, st.sampled_from(["file", "folder", "link", "hard"]), NAMES), max_size=8)


@given(MEMBERS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_taken_stays_inside(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, str, str]]
) -> None:
    """Unpack what was accepted in a folder, follow every link: nothing leads out of it."""
    folder = tmp_path_factory.mktemp("inside")
    kinds = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}
    path = tar(folder / "a.tar", *(member(name, type=kinds[kind], linkname=target) for name, kind, target in members))
    try:
        version = archives.normalise(path, folder / "out.tar.gz")
    except UserError:
        return
    top = folder / "deep" / "top"
    top.mkdir(parents=True)
    for outside in (folder, folder / "deep"):  # something to arrive at
        for name in ("a", "b", "c d", "é"):
            (outside / name).mkdir()
    with tarfile.open(folder / "out.tar.gz") as found:
        found.extraction_filter = lambda entry, _: entry  # nothing is held back; older Pythons have no filters
        found.extractall(top)
    for place, folders, files in os.walk(top):
        for name in (*folders, *files):
            found_path = Path(place, name)
            try:
                real = found_path.resolve(strict=True)
            except (OSError, RuntimeError):  # leads nowhere, or in a circle
                continue
            assert real.is_relative_to(top.resolve()), found_path
    assert archives.normalise(top, folder / "again.tar.gz") == version
