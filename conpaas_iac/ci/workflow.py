"""The workflow files of a forge, as they are shipped; one that somebody has changed since is not written over."""

import re
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac import __version__
from conpaas_iac.errors import UserError
from conpaas_iac.system.files import digest_of, replacing

SHIPPED = Path(__file__).parent / "workflows"
FILES = {
    "github": {"github.yml": Path(".github/workflows/conpaas.yml")},
    "gitlab": {"gitlab.yml": Path(".gitlab/conpaas.yml"), "gitlab-ci.yml": Path(".gitlab-ci.yml")},
}
ENTRY = Path(".gitlab-ci.yml")  # is the user's own where it is there
HEAD = re.compile(r"# conpaas ci \w+, \S+, (sha256:[0-9a-f]{64}) of the rest\n")


@dataclass(frozen=True)
class Written:
    """A file, and what became of it."""

    path: Path
    what: str  # "written", "as it was", "yours"


def content(forge: str, name: str, branch: str) -> bytes:
    """A file of a forge, with a first line that tells whether somebody changed it."""
    body = (SHIPPED / name).read_text().replace("@VERSION@", __version__).replace("@BRANCH@", branch)
    return f"# conpaas ci {forge}, {__version__}, {digest_of(body.encode())} of the rest\n{body}".encode()


def write(forge: str, folder: Path, branch: str, overwrite: bool = False) -> list[Written]:
    """All files of a forge below a folder; raises UserError before any is written where one was changed."""
    wanted = {folder / place: content(forge, name, branch) for name, place in FILES[forge].items()}
    own = folder / ENTRY if _is_own(folder / ENTRY) else None
    for path in wanted:
        if path != own and not overwrite and _is_changed(path):
            raise UserError(f"{path} is there, and not as conpaas wrote it", "look at it, then --overwrite")
    found = []
    for path, text in wanted.items():
        if path == own:
            found.append(Written(path, "yours"))
        elif path.exists() and path.read_bytes() == text:
            found.append(Written(path, "as it was"))
        else:
            _put(path, text)
            found.append(Written(path, "written"))
    return found


def _put(path: Path, text: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be made: {error.strerror}") from error
    with replacing(path, 0o644) as put:
        put(text)


def _is_changed(path: Path) -> bool:
    """Neither absent nor one of ours, of whatever version, as it was written."""
    if not path.exists():
        return False
    text = path.read_text(errors="replace")
    head = HEAD.match(text)
    return head is None or digest_of(text[head.end() :].encode()) != head[1]


def _is_own(path: Path) -> bool:
    """A pipeline of the user's: ours is included there, which only the user can do."""
    return path.exists() and HEAD.match(path.read_text(errors="replace")) is None


def includes(folder: Path) -> bool:
    """Whether GitLab's pipeline includes ours."""
    path = folder / ENTRY
    return path.exists() and str(FILES["gitlab"]["gitlab.yml"]) in path.read_text(errors="replace")
