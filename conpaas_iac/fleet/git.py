"""What Git knows of a fleet's repository: which files a range of commits touched, and files as they were."""

import tarfile
import tempfile
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.system.git import GitError, run


def top(folder: Path) -> Path:
    """Of the repository around a folder."""
    return Path(run(folder, "rev-parse", "--show-toplevel").strip())


def revision(folder: Path, name: str) -> str:
    """The commit of a name."""
    try:
        return run(folder, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").splitlines()[-1]
    except GitError as error:
        raise UserError(f"no revision {name!r} in {folder}", "git log") from error


def since(folder: Path, begin: str) -> frozenset[Path]:
    """Files that differ from a revision, those not committed and not added included."""
    changed = run(folder, "diff", "--name-only", "--no-renames", "-z", revision(folder, begin), "--")
    added = run(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/")
    return _paths(folder, changed + added)


def between(folder: Path, span: str) -> frozenset[Path]:
    """Files that A..B touched. What is read is the checkout, so it has to be at B."""
    begin, dots, end = span.partition("..")
    if not dots or not begin or end.startswith("."):
        raise UserError(f"{span!r} is no range of commits", "A..B, as HEAD~3..HEAD; what changed since A: --since A")
    first, last = revision(folder, begin), revision(folder, end or "HEAD")
    if last != revision(folder, "HEAD"):
        raise UserError(f"{end} is not what is checked out here", f"git checkout {end}")
    return _paths(folder, run(folder, "diff", "--name-only", "--no-renames", "-z", first, last, "--"))


def _paths(folder: Path, listed: str) -> frozenset[Path]:
    here = top(folder)
    return frozenset(here / name for name in listed.split("\0") if name)


def unpack(folder: Path, name: str, target: Path) -> None:
    """Write all files of a revision into a folder."""
    commit = revision(folder, name)
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        run(folder, "archive", "--format=tar", f"--output={archive.name}", commit)
        with tarfile.open(archive.name) as whole:
            whole.extractall(target, filter="data")
