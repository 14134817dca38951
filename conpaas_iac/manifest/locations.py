"""Where code, scripts and data come from: files beside the manifest, URLs, git references. Nothing is fetched."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conpaas_iac.manifest.context import Context
from conpaas_iac.manifest.model import Archive
from conpaas_iac.manifest.source import quote

_SCHEME = re.compile(r"(git\+)?([a-z][a-z0-9.-]*)://", re.IGNORECASE)
_GIT_SCHEMES = ("git", "ssh")
_SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!//)\S+")  # git@host:path
_SHOWN_MEMBERS = 3
SHOWN_DIGITS = 12  # of a version
_KINDS = "a file, http://…, https://…, or git: git@host:path, https://….git, git+https://…#revision"


def archive(context: Context, written: Any, pointer: str, owner: tuple[str, str]) -> Archive | None:
    """`Archive`: a text, an object with Url, Sha256 and Revision, or one with a Version.

    `owner` is the application and the service.
    """
    if written is None:
        return None
    plain = isinstance(written, str)
    fields: Mapping[str, str] = {"Url": written} if plain else written
    if "Version" in fields:
        return _version(context, fields, pointer, owner)
    if "Url" not in fields:
        if not {f"{pointer}/Url", f"{pointer}/Version"} & context.findings.document.values.keys():
            hint = "where the code is, or which version of those that were uploaded"
            context.findings.add("E0101", pointer, '"Url" or "Version" is missing', hint)
        return None
    place = pointer if plain else f"{pointer}/Url"
    found = _parse(context, fields["Url"], place)
    if found is None:
        return None
    result = _with_fields(context, found, fields, pointer)
    if result.kind == "file":
        _check_file(context, result, place, pointer)
    return result


def _version(context: Context, fields: Mapping[str, str], pointer: str, owner: tuple[str, str]) -> Archive:
    """One that was uploaded; which one exactly, where it is known what there is."""
    for name in fields:
        if name != "Version":
            message = f"{quote(name)} beside a version"
            hint = "a version is its own place and checksum: take the other out"
            context.findings.add("E0407", f"{pointer}/{name}", message, hint, key=True)
    written, place = fields["Version"].lower(), f"{pointer}/Version"
    if context.versions is None:
        return Archive("version", written)
    there = context.versions(*owner)
    found = [each for each in there if each.startswith(written)]
    if not found:
        shown = ", ".join(each[:SHOWN_DIGITS] for each in there[:_SHOWN_MEMBERS])
        hint = f"uploaded: {shown}" if there else "none is uploaded yet: `conpaas code upload`"
        context.findings.add("E0408", place, f"{owner[1]} has no version {quote(written[:SHOWN_DIGITS])}", hint)
    elif len(found) > 1:
        shown = ", ".join(each[: max(SHOWN_DIGITS, len(written) + 4)] for each in found)
        context.findings.add("E0409", place, f"{quote(written)} could be several versions", f"say more digits: {shown}")
    return Archive("version", found[0] if found else written)


def _parse(context: Context, text: str, pointer: str) -> Archive | None:
    _no_password(context, text, pointer)
    scheme = _SCHEME.match(text)
    base, _, revision = text.partition("#")
    if _SCP.fullmatch(base):
        return Archive("git", base, revision=revision)
    if not scheme:
        return Archive("file", str(context.folder / text))
    name = scheme.group(2).lower()
    if scheme.group(1) or name in _GIT_SCHEMES or (name in ("http", "https", "file") and _is_git_path(base)):
        return Archive("git", base[len(scheme.group(1) or "") :], revision=revision)
    if name == "file":
        return Archive("file", text[len("file://") :])
    if name in ("http", "https") and re.match(r"https?://[^/\s]+", text, re.IGNORECASE):
        return Archive("url", text)
    context.findings.add("E0406", pointer, f"{quote(text)} is no place that code can be taken from", _KINDS)
    return None


def _is_git_path(url: str) -> bool:
    return url.rstrip("/").endswith(".git")


def _no_password(context: Context, text: str, pointer: str) -> None:
    if re.search(r"://[^/@\s:]*:[^/@\s]+@", text):
        message = "a password in a manifest can be read by everybody who reads the manifest"
        context.findings.add("W0103", pointer, message, "take it out; for git use a key")


def _with_fields(context: Context, found: Archive, fields: Mapping[str, str], pointer: str) -> Archive:
    sha256, revision = fields.get("Sha256", "").lower(), fields.get("Revision", "")
    if revision and found.kind != "git":
        message = "only git references have a revision"
        context.findings.add(
            "E0407", f"{pointer}/Revision", message, "git+https://… makes a URL a git reference", key=True
        )
    elif revision and found.revision not in ("", revision):
        message = f"the Url names another revision, {quote(found.revision)}"
        context.findings.add("E0407", f"{pointer}/Revision", message, "say it in one place")
    if sha256 and found.kind == "git":
        message = "a git reference has no checksum"
        context.findings.add(
            "E0407", f"{pointer}/Sha256", message, '"Revision" with a commit says exactly which code', key=True
        )
    return Archive(found.kind, found.location, sha256, revision or found.revision)


def local_file(context: Context, text: str, pointer: str) -> str:
    """A URL as it is, or a file's absolute path; says so when it cannot be read."""
    _no_password(context, text, pointer)
    scheme = _SCHEME.match(text)
    if scheme and scheme.group(0).lower() in ("http://", "https://"):
        return text
    if scheme and scheme.group(0).lower() != "file://":
        context.findings.add(
            "E0406", pointer, f"{quote(text)} is no place that can be read", "a file, http://… or https://…"
        )
        return text
    path = Path(text[len("file://") :]) if scheme else context.folder / text
    _readable(context, path, pointer)
    return str(path)


def snapshot(context: Context, text: str, pointer: str) -> str:
    """The same of an archive that a service's `snapshot` wrote; only its beginning is looked at, it may be large."""
    import tarfile  # only where there is one: keeps the start fast
    import zlib

    found = local_file(context, text, pointer)
    if "://" not in found and Path(found).is_file():
        try:
            with tarfile.open(found, "r|gz") as tar:
                tar.next()
        except (OSError, EOFError, tarfile.TarError, zlib.error):
            message = f"{quote(Path(found).name)} is no archive that `conpaas xtreemfs snapshot` wrote"
            context.findings.add("E0402", pointer, message, "a tar archive, compressed by gzip")
    return found


def _readable(context: Context, path: Path, pointer: str) -> bool:
    try:
        if path.is_dir():
            raise IsADirectoryError
        if path.exists() and not path.is_file():  # a pipe would never end
            raise OSError(0, "it is no regular file")
        with path.open("rb"):
            return True
    except IsADirectoryError:
        reason, hint = "it is a folder", "a file is wanted"
    except FileNotFoundError:
        reason, hint = "there is no such file", "paths begin at the manifest's folder"
    except (OSError, ValueError) as error:
        reason, hint = (getattr(error, "strerror", None) or "not a path").lower(), ""
    context.findings.add("E0401", pointer, f"{quote(_relative(context, path))} cannot be read: {reason}", hint)
    return False


def _relative(context: Context, path: Path) -> str:
    return str(path.relative_to(context.folder)) if path.is_relative_to(context.folder) else str(path)


def _check_file(context: Context, found: Archive, place: str, pointer: str) -> None:
    """An archive, or a folder of code, on this machine."""
    path = Path(found.location)
    if not path.is_dir() and not _readable(context, path, place):
        return
    if found.sha256:
        _check_sum(context, path, found.sha256, f"{pointer}/Sha256")
    name, inspection = quote(path.name), context.inspect(path)
    if inspection.error:
        context.findings.add("E0402", place, f"{name} {inspection.error}", "zip, war, or tar (also .gz, .bz2, .xz)")
    for code, members, what in (
        ("E0403", inspection.outside, "holds members that lie outside it"),
        ("E0404", inspection.links_out, "holds links that lead outside, or devices"),
    ):
        if members:
            shown = ", ".join(quote(member) for member in members[:_SHOWN_MEMBERS])
            more = f" and {len(members) - _SHOWN_MEMBERS} more" if len(members) > _SHOWN_MEMBERS else ""
            context.findings.add(code, place, f"{name} {what}: {shown}{more}", "pack it again without them")
    if inspection.folder and not inspection.error:
        message = f"all files of {name} lie in its folder {quote(inspection.folder)}, so no page is at the top"
        hint = f"pack what is inside: tar -C {inspection.folder} -czf {path.name.partition('.')[0]}.tar.gz ."
        context.findings.add("W0401", place, message, hint)


def _check_sum(context: Context, path: Path, wanted: str, pointer: str) -> None:
    if path.is_dir():
        context.findings.add(
            "E0407", pointer, "a folder has no checksum", "pack it, or take the checksum out", key=True
        )
        return
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != wanted:
        context.findings.add("E0405", pointer, f"{quote(path.name)} has another checksum", f"its SHA-256 is {digest}")
