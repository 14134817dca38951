"""What the job that plans leaves for those after it: a folder of saved plans, and what could not be planned."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from conpaas_iac.errors import UserError
from conpaas_iac.plans import promise
from conpaas_iac.plans.promise import Promise
from conpaas_iac.system.files import write_atomically

INDEX = "plans.json"
VERSION = 1
MAX_BYTES = 256 << 20


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application: its plan's file in the folder, or why it is removed, or why it could not be planned."""

    name: str
    manifest: str
    file: str = ""
    removal: str = ""
    error: str = ""


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a folder; `commit` is what was planned."""

    version: int
    commit: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Bundle:
    """Plans by their files; removals and errors by the application's title."""

    commit: str = ""
    plans: Mapping[Path, Promise] = field(default_factory=dict)
    removals: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def write(folder: Path, commit: str, entries: Iterable[Entry]) -> None:
    """The index; plans are there already."""
    content = msgspec.json.encode(Index(VERSION, commit, tuple(entries)))
    write_atomically(folder.absolute() / INDEX, msgspec.json.format(content, indent=2) + b"\n")


def read(paths: Iterable[Path]) -> Bundle:
    """Of saved plans, and of folders with an index; raises UserError for what is neither."""
    commit = ""
    plans: dict[Path, Promise] = {}
    errors: dict[str, str] = {}
    removals: dict[str, str] = {}
    for path in paths:
        if not path.is_dir():
            plans[path] = promise.load(path)
            continue
        index = _index(path)
        commit = index.commit
        errors |= {each.name: each.error for each in index.entries if each.error}
        removals |= {each.name: each.removal for each in index.entries if each.removal}
        for each in index.entries:
            if each.file:
                plans[path / Path(each.file).name] = promise.load(path / Path(each.file).name)
    return Bundle(commit, plans, removals, errors)


def _index(folder: Path) -> Index:
    path = folder / INDEX
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Index)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", "conpaas ci plan writes it") from error
    except msgspec.DecodeError as error:
        raise UserError(f"{path} is no list of plans: {error}", "conpaas ci plan writes it") from error
    if found.version != VERSION:
        raise UserError(f"{path} is of version {found.version}, this conpaas knows {VERSION}")
    return found


def unpack(content: bytes, folder: Path) -> Bundle:
    """A forge's artifact; files go into the folder itself, whatever path they claim."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if sum(each.file_size for each in members) > MAX_BYTES:
                raise UserError(f"the artifact holds more than {MAX_BYTES >> 20} MiB")
            for each in members:
                write_atomically(folder / Path(each.filename).name, archive.read(each))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UserError(f"the artifact of plans cannot be unpacked: {error}", "start the job again") from error
    return read([folder])
