"""git, as a program. Every failure is a GitError that names the repository and says what git said."""

import os
import re
import selectors
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.system import git_words, processes

PROTOCOLS = "https:ssh:file:git"
SECONDS = 900  # after which a command is given up
# … and without a word, where another repository is talked to; hooks there may be silent for long.
SILENT_SECONDS = {"fetch": 60.0, "push": 300.0}


class GitError(UserError):
    """git failed; `said` is all of its standard error."""

    def __init__(self, message: str, remedy: str = "", said: str = "") -> None:
        super().__init__(message, remedy)
        self.said = said

    @property
    def is_rejected(self) -> bool:
        """A push that came after somebody else's."""
        return git_words.came_second(self.said)

    @property
    def is_unreached(self) -> bool:
        """Nothing was asked of the other repository yet."""
        return git_words.is_unreached(self.said)

    @property
    def is_unanswered(self) -> bool:
        """What was asked of the other repository may have been done."""
        return isinstance(self.__cause__, _SilentError) or git_words.is_cut(self.said)


class _SilentError(Exception):
    """For so many seconds nothing came, or not all of it."""

    def __init__(self, reason: str, said: str) -> None:
        self.reason, self.said = reason, said


def run(
    place: Path, *arguments: str, of: str = "", hooks: bool = False, silent: float = SECONDS
) -> str:
    """What it prints, run in `place`; it never asks. `of` is what the repository is called in errors.

    The repository's hooks run only where it is the user's own.
    """
    name = of or str(place)
    if not shutil.which("git"):
        raise GitError(f"{name}: git is not installed", "apt-get install git")
    without = () if hooks else ("-c", "core.hooksPath=/dev/null")
    command = ["git", *without, "-C", str(place), *arguments]
    # A session of its own has no terminal where ssh or git could ask; which ssh is the user's settings' matter.
    with subprocess.Popen(
        command, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            printed, said = _heard(process, silent)
        except BaseException as error:
            processes.end_session(process)
            if isinstance(error, _SilentError):
                raise GitError(f"{name}: {error.reason}", said=error.said) from error
            raise
    if process.returncode:
        raise GitError(*_failed(name, said), said=said)
    return printed


def talk(place: Path, verb: str, *arguments: str, of: str = "", hooks: bool = False) -> None:
    """fetch or push: given up when nothing comes for a while, not while much comes slowly."""
    run(place, verb, "--progress", *arguments, of=of, hooks=hooks, silent=SILENT_SECONDS[verb])


def _environment() -> dict[str, str]:
    own = {"GIT_ALLOW_PROTOCOL": PROTOCOLS, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    never = {"SSH_ASKPASS_REQUIRE": "never"}  # unless the user's own settings answer by a program
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_A_REPOSITORY}
    return {**never, **inherited, **own}


_OF_A_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")


def _heard(process: "subprocess.Popen[bytes]", silent: float) -> tuple[str, str]:
    """Standard output and error, whole."""
    assert process.stdout and process.stderr
    found = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    printed, said = found.values()
    end = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as waiting:
        for number in found:
            waiting.register(number, selectors.EVENT_READ)
        while waiting.get_map():
            left = end - time.monotonic()
            ready = waiting.select(min(silent, left)) if left > 0 else []
            if not ready:
                reason = f"nothing came for {silent:g} s" if left > silent else f"did not end in {SECONDS / 60:.0f} min"
                raise _SilentError(reason, said.decode(errors="replace"))
            for key, _ in ready:
                if data := os.read(key.fd, 1 << 16):
                    found[key.fd] += data
                else:
                    waiting.unregister(key.fd)
    return printed.decode(errors="replace"), "\n".join(said.decode(errors="replace").splitlines())


def _failed(name: str, said: str) -> tuple[str, str]:
    reason, remedy = git_words.explained(said, name)
    return f"{name}: {reason}", remedy


def refuse_odd(url: str) -> None:
    """Raises UserError for what git would take for an option, or for a program to be run."""
    if url.startswith("-") or re.match(r"[A-Za-z0-9][A-Za-z0-9+.-]*::", url):
        raise UserError(f"{url}: is no git address")


@dataclass(frozen=True)
class Checkout:
    """A working tree of the user's."""

    root: Path

    def run(self, *arguments: str) -> str:
        """git, in it, with its hooks."""
        return run(self.root, *arguments, hooks=True).strip()

    @property
    def remote(self) -> str:
        """Where its branch is from; origin where that is not said."""
        with suppress(GitError):
            return self.run("config", f"branch.{self.run('branch', '--show-current')}.remote")
        return "origin"

    def talk(self, verb: str, *arguments: str) -> None:
        """See talk; errors name the remote repository's address."""
        address = ""
        with suppress(GitError):
            address = self.run("remote", "get-url", self.remote)
        talk(self.root, verb, *arguments, of=address, hooks=True)

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
