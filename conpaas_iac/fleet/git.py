"""What Git knows of a fleet's repository: which files a range of commits touched, and files as they were."""

import subprocess
import tarfile
import tempfile
from pathlib import Path

from conpaas_iac.errors import UserError


def _git(folder: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, errors="surrogateescape")
    except OSError as error:
        raise UserError(f"git cannot be started: {error.strerror}", "install git") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise UserError(f"git {arguments[0]}: {said}", "is it a Git repository, and is the revision in this checkout?")
    return done.stdout


def top(folder: Path) -> Path:
    """Of the repository around a folder."""
    return Path(_git(folder, "rev-parse", "--show-toplevel").strip())


def revision(folder: Path, name: str) -> str:
    """The commit of a name."""
    try:
        return _git(folder, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").splitlines()[-1]
    except UserError as error:
        raise UserError(f"no revision {name!r} in {folder}", "git log") from error


def since(folder: Path, begin: str) -> frozenset[Path]:
    """Files that differ from a revision, those not committed and not added included."""
    changed = _git(folder, "diff", "--name-only", "--no-renames", "-z", revision(folder, begin), "--")
    added = _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/")
    return _paths(folder, changed + added)


def between(folder: Path, span: str) -> frozenset[Path]:
    """Files that A..B touched. What is read is the checkout, so it has to be at B."""
    begin, dots, end = span.partition("..")
    if not dots or not begin or end.startswith("."):
        raise UserError(f"{span!r} is no range of commits", "A..B, as HEAD~3..HEAD; what changed since A: --since A")
    first, last = revision(folder, begin), revision(folder, end or "HEAD")
    if last != revision(folder, "HEAD"):
        raise UserError(f"{end} is not what is checked out here", f"git checkout {end}")
    return _paths(folder, _git(folder, "diff", "--name-only", "--no-renames", "-z", first, last, "--"))


def _paths(folder: Path, listed: str) -> frozenset[Path]:
    here = top(folder)
    return frozenset(here / name for name in listed.split("\0") if name)


def unpack(folder: Path, name: str, target: Path) -> None:
    """Write all files of a revision into a folder."""
    commit = revision(folder, name)
    with tempfile.TemporaryFile() as archive:
        subprocess.run(["git", "-C", str(folder), "archive", "--format=tar", commit], stdout=archive, check=True)
        archive.seek(0)
        with tarfile.open(fileobj=archive) as whole:
            whole.extractall(target, filter="data")
