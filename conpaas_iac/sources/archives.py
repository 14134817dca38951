"""Archives of code: looked at without unpacking, and turned into one canonical form.

The canonical form is a tar of sorted members without owners, times or special modes: the same content always gives the
same bytes, whose SHA-256 is the version of the code.
"""

import contextlib
import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from conpaas_iac.errors import UserError
from conpaas_iac.sources.archive_members import Member, MemberSource, Refused, open_source

MAX_MEMBERS = 200_000
MAX_BYTES = 4 << 30
CHUNK = 1 << 20


@dataclass(frozen=True)
class Inspection:
    """What an archive holds, as far as the manifest's checks want to know."""

    members: int = 0
    folder: str = ""  # the one top folder that everything lies in
    error: str = ""  # why it is no archive that can be used
    outside: tuple[str, ...] = ()  # members whose names lead out of it, or are no names
    links_out: tuple[str, ...] = ()  # links that lead out, members below links, devices


def inspect(path: Path) -> Inspection:
    """Look at an archive or folder; never raises for what it holds."""
    try:
        with open_source(path) as source:
            members, bad = _collect(source)
    except Refused as refused:
        return Inspection(error=str(refused))
    except OSError as error:
        return Inspection(error=f"cannot be read: {error.strerror or error}")
    return Inspection(
        members=len(members),
        folder=_single_folder(members),
        outside=tuple(member.name for member in bad if member.misnamed),
        links_out=tuple(member.name for member in bad if not member.misnamed),
    )


def normalise(path: Path, target: Path) -> str:
    """Write the canonical tar.gz of an archive or folder to `target`; returns the version. Refuses hostile ones."""
    try:
        with open_source(path) as source:
            members, bad = _collect(source)
            if bad:
                more = f" (and {len(bad) - 1} more members cannot be taken)" if len(bad) > 1 else ""
                raise UserError(f"{path}: {bad[0].name!r} {bad[0].problem}{more}", "pack it again without them")
            return _write(source, members, target)
    except Refused as refused:
        raise UserError(f"{path}: {refused}") from refused
    except OSError as error:
        raise UserError(f"{error.filename or path}: {error.strerror or error}") from error


def _collect(source: MemberSource) -> tuple[dict[str, Member], list[Member]]:
    """Members by name, the last of a name wins as in tar; and those that cannot be taken."""
    members: dict[str, Member] = {}
    bad: list[Member] = []
    size = 0
    for count, member in enumerate(source):
        size += member.size
        if count >= MAX_MEMBERS or size > MAX_BYTES:
            raise Refused(f"holds more than {MAX_MEMBERS} members or {MAX_BYTES >> 30} GiB")
        if member.problem:
            bad.append(member)
        elif member.name:
            members[member.name] = member
    return members, bad + list(_misplaced(members))


def _misplaced(members: Mapping[str, Member]) -> Iterator[Member]:
    """Members below something that is no folder: a link there could lead their content elsewhere."""
    for name in members:
        for parent in _parents(name):
            if parent in members and members[parent].kind != "folder":
                yield Member(name, problem=f"lies below {parent!r}, which is no folder")
                break


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _single_folder(members: Mapping[str, Member]) -> str:
    tops = {name.split("/", 1)[0] for name in members} - {"__MACOSX", ".DS_Store"}
    if len(tops) != 1:
        return ""
    top = tops.pop()
    return top if any(name.startswith(f"{top}/") for name in members) else ""


def _write(source: MemberSource, members: dict[str, Member], target: Path) -> str:
    for name in list(members):
        for parent in _parents(name):
            members.setdefault(parent, Member(parent, "folder"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".code-", delete=False) as file:
        try:
            version = _write_tar(source, members, file)
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return version


def _write_tar(source: MemberSource, members: dict[str, Member], file: IO[bytes]) -> str:
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed:
        hashed = _Hashed(packed)
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.GNU_FORMAT) as tar:  # type: ignore[call-overload]
            for name in sorted(members, key=os.fsencode):
                with _content(source, members[name]) as content:
                    tar.addfile(_header(members[name]), content)
    file.flush()
    os.fsync(file.fileno())
    return hashed.digest.hexdigest()


def _header(member: Member) -> tarfile.TarInfo:
    header = tarfile.TarInfo(member.name)
    header.type = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}[member.kind]
    header.mode = 0o755 if member.executable or member.kind == "folder" else 0o644
    header.size = member.size if member.kind == "file" else 0
    header.linkname = member.link
    return header


@contextlib.contextmanager
def _content(source: MemberSource, member: Member) -> Iterator[BinaryIO | None]:
    """The member's bytes, all of them: a size that lies is found before it reaches the tar."""
    if member.kind != "file":
        yield None
        return
    with tempfile.SpooledTemporaryFile(max_size=8 * CHUNK) as copy:
        with source.open(member) as stream:
            shutil.copyfileobj(_Bounded(stream, member.size), copy, CHUNK)
        if copy.tell() != member.size:
            raise Refused(f"{member.name!r} is cut short")
        copy.seek(0)
        yield copy  # type: ignore[misc]


class _Bounded:
    """Reads at most what was announced, whatever the archive would unpack to."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._left = stream, limit

    def read(self, size: int = CHUNK, /) -> bytes:
        data = self._stream.read(min(size, self._left) if self._left else 1)
        if len(data) > self._left:
            raise Refused("a member is larger than it says")
        self._left -= len(data)
        return data


class _Hashed:
    """Passes on what is written, and hashes it."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)
