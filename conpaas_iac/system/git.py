"""git, as a program. Every failure is a GitError that names the repository and says what git said."""

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.errors import UserError

PROTOCOLS = "https:ssh:file:git"
SECONDS = 900  # after which a command is given up
REJECTED = ("[rejected]", "[remote rejected]", "non-fast-forward", "fetch first", "stale info")


class GitError(UserError):
    """git failed; `said` is all of its standard error."""

    def __init__(self, message: str, remedy: str = "", said: str = "") -> None:
        super().__init__(message, remedy)
        self.said = said

    @property
    def is_rejected(self) -> bool:
        """A push that came after somebody else's."""
        return any(word in self.said for word in REJECTED)


def run(place: Path, *arguments: str, of: str = "", hooks: bool = False, seconds: float = SECONDS) -> str:
    """What it prints, run in `place`; it never asks. `of` is what the repository is called in errors.

    The repository's hooks run only where it is the user's own.
    """
    name = of or str(place)
    if not shutil.which("git"):
        raise GitError(f"{name}: git is not installed", "apt-get install git")
    environment = {
        **os.environ,
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        "LC_ALL": "C",
    }
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environment.pop(variable, None)
    without = () if hooks else ("-c", "core.hooksPath=/dev/null")
    command = ["git", *without, "-C", str(place), *arguments]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"{name}: git did not end within {seconds / 60:.0f} minutes") from error
    if done.returncode:
        lines = done.stderr.splitlines()
        said = [line.removeprefix("fatal: ") for line in lines if line.startswith(("fatal:", "error:"))]
        raise GitError(f"{name}: git: {said[0] if said else done.stderr.strip() or 'failed'}", said=done.stderr)
    return done.stdout


def refuse_odd(url: str) -> None:
    """Raises UserError for what git would take for an option, or for a program to be run."""
    if url.startswith("-") or "::" in url.split("/", 1)[0]:
        raise UserError(f"{url}: is no git address")


@dataclass(frozen=True)
class Checkout:
    """A working tree of the user's."""

    root: Path

    def run(self, *arguments: str) -> str:
        """git, in it, with its hooks."""
        return run(self.root, *arguments, hooks=True).strip()

    def is_changed(self, path: Path) -> bool:
        """Whether a file is not as in the last commit."""
        return bool(self.run("status", "--porcelain", "--", str(path.resolve())))

    def who(self) -> tuple[str, ...]:
        """Options of git for who commits: who has no name in its settings, as a robot, is conpaas on this host."""
        try:
            self.run("config", "user.email")
        except GitError:
            return ("-c", "user.name=conpaas", "-c", f"user.email=conpaas@{socket.gethostname()}")
        return ()

    def commit(self, path: Path, message: str) -> str:
        """Commit this file and nothing else; the commit."""
        self.run(*self.who(), "commit", "--quiet", "--only", "--message", message, "--", str(path.resolve()))
        return self.run("rev-parse", "HEAD")


def checkout(path: Path) -> Checkout | None:
    """The working tree that a file is in."""
    place = path.resolve().parent
    try:
        return Checkout(Path(run(place, "rev-parse", "--show-toplevel").strip()))
    except GitError:
        return None
