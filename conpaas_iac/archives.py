"""What is in an archive, without unpacking it: is it one, is it safe, where do its files lie."""

import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_LONGEST_TARGET = 4096
# Top folders of Java archives and of macOS's packer: they say nothing about where the files lie.
_NO_WRAPPER = ("META-INF", "WEB-INF", "__MACOSX")


@dataclass(frozen=True)
class Member:
    """One entry. `link` is where a symbolic or hard link points, relative to its folder."""

    name: str
    size: int
    kind: str  # "file", "folder", "link", "special"
    link: str = ""


@dataclass(frozen=True)
class Inspection:
    """What was found. With an `error` it is no archive that can be read; the rest is then empty."""

    error: str = ""
    files: int = 0
    size: int = 0  # bytes when unpacked
    outside: tuple[str, ...] = ()  # members with absolute names or `..`
    links_out: tuple[str, ...] = ()  # links that lead outside, members behind links, devices and pipes
    folder: str = ""  # the one folder in which all files lie, or ""

    @property
    def safe(self) -> bool:
        """It may be unpacked."""
        return not (self.error or self.outside or self.links_out)


def inspect(path: Path) -> Inspection:
    """Look into a zip, war or tar file; never raises for what the file holds."""
    try:
        members = list(_members(path))
    except NotImplementedError:
        return Inspection(error="its compression is not known here")
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, tarfile.TarError,
            zipfile.BadZipFile) as error:  # fmt: skip
        return Inspection(error=str(error).strip() or "it ends too early")
    files = [member for member in members if member.kind != "folder"]
    if not files:
        return Inspection(error="it holds no file")
    links = {posixpath.normpath(member.name): member.link for member in members if member.kind == "link"}
    outside = tuple(member.name for member in members if _leads_out(member.name))
    unsafe = tuple(member.name for member in members if member.name not in outside and _unsafe(member, links))
    return Inspection("", len(files), sum(member.size for member in files), outside, unsafe, _wrapper(files))


def _members(path: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (_zip_member(archive, info) for info in archive.infolist())
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            yield from map(_tar_member, archive)
    else:
        raise ValueError("it is neither zip nor tar")


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    if info.flag_bits & 1:
        raise ValueError("it is encrypted")
    mode = info.external_attr >> 16
    if info.is_dir():
        return Member(info.filename, 0, "folder")
    if stat.S_ISLNK(mode):
        with archive.open(info) as stream:
            return Member(info.filename, 0, "link", stream.read(_LONGEST_TARGET).decode(errors="replace"))
    special = stat.S_IFMT(mode) not in (0, stat.S_IFREG)
    return Member(info.filename, info.file_size, "special" if special else "file")


def _tar_member(info: tarfile.TarInfo) -> Member:
    if info.isdir():
        return Member(info.name, 0, "folder")
    if info.issym():
        return Member(info.name, 0, "link", info.linkname)
    if info.islnk():  # named from the archive's top
        return Member(info.name, 0, "link", posixpath.relpath(info.linkname, posixpath.dirname(info.name) or "."))
    return Member(info.name, info.size, "file" if info.isreg() else "special")


def _leads_out(name: str) -> bool:
    """Absolute, with a drive letter, or through `..`; Windows packers write backslashes."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or plain[1:2] == ":" or ".." in plain.split("/")


def _unsafe(member: Member, links: Mapping[str, str]) -> bool:
    name = posixpath.normpath(member.name)
    if member.kind == "special" or any(parent in links for parent in _parents(name)):
        return True
    if member.kind != "link":
        return False
    target = posixpath.join(posixpath.dirname(name), member.link)
    if posixpath.isabs(target) or posixpath.normpath(target).split("/")[0] == "..":
        return True
    # `..` behind another link goes up from where that link leads, which the name does not show.
    return ".." in member.link.split("/") and any(parent in links for parent in _parents(target))


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    for length in range(1, len(parts)):
        yield posixpath.normpath("/".join(parts[:length]))


def _wrapper(files: list[Member]) -> str:
    tops = {posixpath.normpath(member.name).split("/")[0] for member in files} - {"__MACOSX"}
    at_top = any("/" not in posixpath.normpath(member.name) for member in files)
    top = tops.pop() if len(tops) == 1 and not at_top else ""
    return "" if top in _NO_WRAPPER else top
