"""Running commands on this machine, as root where that is needed, with their failures as one line."""

import errno
import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.host.part import Say

ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin"  # not on a plain user's PATH in Debian
GIB = 1024**3
MAKE_ROOM = "make room on the disk (df -h), then run conpaas setup again"


def path() -> str:
    """PATH with the administrator's folders, where most of what we call lies."""
    return f"{os.environ.get('PATH', os.defpath)}:{ADMIN_PATH}"


def which(program: str) -> str | None:
    """Where a program is, the administrator's folders included."""
    return shutil.which(program, path=path())


def has_systemd() -> bool:
    """Whether systemd is process 1 here (the test that systemd's own documentation names)."""
    return Path("/run/systemd/system").is_dir()


def as_root(what: str, command: Sequence[str]) -> list[str]:
    """The command as root: as it is, or through sudo."""
    if os.geteuid() == 0:
        return list(command)
    if not which("sudo"):
        raise UserError(f"{what} needs root", "run conpaas setup as root, or install sudo")
    return ["sudo", "--", *command]


def run(what: str, command: Sequence[str], say: Say | None = None, folder: Path | None = None, **more: str) -> None:
    """Run to the end, each line to `say`; `more` goes into its environment. Raises UserError with what it said."""
    last: deque[str] = deque(maxlen=40)
    with (
        quick_errors(what),
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=folder,
            env={**os.environ, "PATH": path(), "LC_ALL": "C.UTF-8", **more},
        ) as process,
    ):
        for line in process.stdout or ():
            last.append(line.rstrip())
            if say:
                say(f"    {line.rstrip()}")
    if process.returncode:
        raise failure(what, process.returncode, list(last))


def run_as_root(what: str, command: Sequence[str], say: Say | None = None) -> None:
    """The same as root."""
    run(what, as_root(what, command), say)


def failure(what: str, code: int, lines: Sequence[str]) -> UserError:
    """A command's failure in one line: what it said that has a remedy, else its first complaint, else its last line."""
    said = [line.strip() for line in lines if line.strip()]
    known = [line for line in said if remedy(line)]
    complaints = [line for line in said if re.search(r"\b(error|failed|cannot)\b|^E: ", line, re.IGNORECASE)]
    shown = (known or complaints or said[-1:] or ["it said nothing"])[0]
    return UserError(f"{what} failed ({code}): {shown}", remedy(shown))


def remedy(text: str) -> str:
    """What to do about an error text of a foreign program, or nothing."""
    low = text.lower()
    if "no space left" in low or "disk quota exceeded" in low:
        return MAKE_ROOM
    signs = (
        "could not resolve",
        "temporary failure",
        "no such host",
        "network is unreachable",
        "connection refused",
        "connection timed out",
        "i/o timeout",
        "unable to fetch",
        "failed to fetch",
        "could not connect",
    )
    if any(sign in low for sign in signs):
        return "check this machine's network and name server, then run conpaas setup again"
    if "permission denied" in low or "are you root" in low or "a password is required" in low:
        return "run conpaas setup as root or with sudo"
    if "could not get lock" in low:
        return "another apt is running: wait for it, then run conpaas setup again"
    return ""


@contextmanager
def quick_errors(what: str) -> Iterator[None]:
    """Translate this machine's own errors: a full disk, no rights, a program that is not there."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{what}: {error.filename} is not there", "conpaas doctor") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"{what}: the disk is full", MAKE_ROOM) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise UserError(f"{what}: permission denied: {error.filename}", remedy("permission denied")) from error
        raise UserError(f"{what}: {error}") from error


def need_space(folder: Path, gib: float, purpose: str) -> None:
    """Raise UserError when the file system that holds `folder` has less than `gib` GiB free."""
    free = free_gib(folder)
    if free < gib:
        raise UserError(f"{purpose} needs {gib:g} GiB, and {folder} has {free:.1f} GiB free", MAKE_ROOM)


def install_file(target: Path, text: str) -> None:
    """Write a file of root's (a drop-in of ours), through sudo where needed."""
    what = f"writing {target}"
    command = as_root(what, ["install", "-D", "-m", "0644", "/dev/stdin", str(target)])
    with quick_errors(what):
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        raise failure(what, done.returncode, done.stderr.splitlines())


def free_gib(folder: Path) -> float:
    """Free space of the file system that holds `folder` (or would hold it)."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free / GIB
