"""The members of a tar, a zip (war) or a folder, in one form, each with the reason why it cannot be taken, if any."""

import bz2
import contextlib
import gzip
import lzma
import os
import posixpath
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol

MAX_UNPACKED = 5 << 30  # of a compressed tar, before its members are looked at
LEFT_OUT = frozenset({".git", ".svn", ".hg"})  # of a plain folder


class Refused(Exception):
    """The archive as a whole cannot be taken; the message says why."""


@dataclass(frozen=True)
class Member:
    """One file, folder or symbolic link; `name` is relative, without "." and ".."."""

    name: str
    kind: Literal["file", "folder", "link"] = "file"
    size: int = 0
    executable: bool = False
    link: str = ""
    problem: str = ""  # why it cannot be taken
    misnamed: bool = False  # the problem is its name
    origin: Any = None  # what its source finds it by


class MemberSource(Protocol):
    """Members in the archive's order, and their bytes."""

    def __iter__(self) -> Iterator[Member]:
        """Every member, the bad ones with their problem."""

    def open(self, member: Member) -> IO[bytes]:
        """The bytes of a file."""


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[MemberSource]:
    """A folder, zip or tar, told by what it is and not by its name; raises Refused."""
    try:
        if path.is_dir():
            yield _Folder(path)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield _Zip(archive)
        else:
            with _plain_tar(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
                yield _Tar(tar)
    except tarfile.ReadError as error:
        raise Refused("is neither a tar nor a zip archive") from error
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
        raise Refused(f"is a damaged archive: {error}") from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, unknown compression
        raise Refused(f"cannot be unpacked: {error}") from error


@contextlib.contextmanager
def _plain_tar(path: Path) -> Iterator[IO[bytes]]:
    """The tar without its compression, where every member can be reached at once."""
    with path.open("rb") as file:
        start = file.read(6)
    unpack = next((each for magic, each in _COMPRESSIONS.items() if start.startswith(magic)), None)
    if unpack is None:
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        try:
            with unpack(path, "rb") as packed:
                _copy_bounded(packed, copy)
        except (gzip.BadGzipFile, OSError) as error:
            if isinstance(error, gzip.BadGzipFile) or error.errno is None:
                raise Refused(f"is a damaged archive: {error}") from error
            raise
        copy.seek(0)
        yield copy


_COMPRESSIONS: dict[bytes, type[gzip.GzipFile] | type[bz2.BZ2File] | type[lzma.LZMAFile]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}


def _copy_bounded(packed: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile, copy: IO[bytes]) -> None:
    size = 0
    while data := packed.read(1 << 20):
        size += len(data)
        if size > MAX_UNPACKED:
            raise Refused(f"unpacks to more than {MAX_UNPACKED >> 30} GiB")
        copy.write(data)


class _Tar:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def __iter__(self) -> Iterator[Member]:
        for info in self._tar:
            executable = bool(info.mode & 0o100)
            if info.issym():
                yield _member(info.name, "link", 0, False, info.linkname, info)
            elif info.islnk():
                yield self._hard_link(info)
            elif info.isreg():
                yield _member(info.name, "file", info.size, executable, "", info)
            elif info.isdir():
                yield _member(info.name, "folder", 0, True, "", info)
            else:
                yield Member(info.name, problem="is a device or another special file")

    def _hard_link(self, info: tarfile.TarInfo) -> Member:
        """A copy of the file that it names, which must have come before."""
        try:
            found = self._tar.getmember(info.linkname)
        except KeyError:
            return Member(info.name, problem=f"is a hard link to {info.linkname!r}, which is not in the archive")
        if not found.isreg():
            return Member(info.name, problem="is a hard link to something that is no file")
        return _member(info.name, "file", found.size, bool(found.mode & 0o100), "", found)

    def open(self, member: Member) -> IO[bytes]:
        stream = self._tar.extractfile(member.origin)
        if stream is None:
            raise Refused(f"{member.name!r} cannot be read")
        return stream


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def __iter__(self) -> Iterator[Member]:
        for info in self._archive.infolist():
            mode = info.external_attr >> 16 if info.create_system == 3 else 0
            if info.is_dir():
                yield _member(info.filename, "folder", 0, True, "", info)
            elif stat.S_ISLNK(mode):
                yield _member(info.filename, "link", 0, False, self._link(info), info)
            elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                yield Member(info.filename, problem="is a device or another special file")
            else:
                yield _member(info.filename, "file", info.file_size, bool(mode & 0o100), "", info)

    def _link(self, info: zipfile.ZipInfo) -> str:
        if info.file_size > 4096:
            return "/"  # no link is that long: refused as one that leads out
        return os.fsdecode(self._archive.read(info))

    def open(self, member: Member) -> IO[bytes]:
        return self._archive.open(member.origin)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __iter__(self) -> Iterator[Member]:
        for folder, folders, files in os.walk(self._folder):
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            for name in [*folders, *files]:
                path = Path(folder, name)
                yield self._one(path, path.relative_to(self._folder).as_posix())

    @staticmethod
    def _one(path: Path, name: str) -> Member:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return _member(name, "link", 0, False, str(path.readlink()), path)
        if stat.S_ISDIR(found.st_mode):
            return _member(name, "folder", 0, True, "", path)
        if stat.S_ISREG(found.st_mode):
            return _member(name, "file", found.st_size, bool(found.st_mode & 0o100), "", path)
        return Member(name, problem="is a device or another special file")

    def open(self, member: Member) -> IO[bytes]:
        return Path(member.origin).open("rb")


def _member(
    name: str, kind: Literal["file", "folder", "link"], size: int, executable: bool, link: str, origin: Any
) -> Member:
    if problem := _name_problem(name):
        return Member(name, kind, problem=problem, misnamed=True)
    if kind == "link" and (problem := _link_problem(name, link)):
        return Member(name, kind, problem=problem)
    clean = posixpath.normpath(name)
    link = link and posixpath.normpath(link)
    return Member("" if clean == "." else clean, kind, size, executable, link, origin=origin)


def _name_problem(name: str) -> str:
    if not name or "\0" in name:
        return "has no usable name"
    if name.startswith("/"):
        return "is an absolute path"
    if ".." in name.split("/"):
        return 'leads out of the archive with ".."'
    if "\\" in name:
        return "has a backslash in its name"
    if any(len(os.fsencode(part)) > 255 for part in name.split("/")) or len(os.fsencode(name)) > 4000:
        return "has too long a name"
    return ""


def _link_problem(name: str, link: str) -> str:
    """Members never lie below links, so ".." is what it seems as long as it comes first in the link."""
    outside = f"is a link to {link!r}, outside of the archive"
    if not link or "\0" in link or link.startswith("/"):
        return outside
    steps = [step for step in link.split("/") if step not in ("", ".")]
    up = next((index for index, step in enumerate(steps) if step != ".."), len(steps))
    if ".." in steps[up:]:
        return f'is a link to {link!r}, with ".." after a name'
    return outside if up > posixpath.normpath(name).count("/") else ""
