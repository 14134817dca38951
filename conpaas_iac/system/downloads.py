"""Bytes from elsewhere: an HTTP(S) address or a git repository. Every failure is a UserError that names the address."""

import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from conpaas_iac.errors import UserError
from conpaas_iac.system import git

MAX_BYTES = 2 << 30
PAUSE_SECONDS = 30  # without a byte
TOTAL_SECONDS = 900
REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+-]*")


def download(url: str, target: Path) -> None:
    """Write what the address answers to `target`."""
    if not re.match(r"https?://", url):
        raise UserError(f"{url}: only http and https addresses can be fetched")
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "conpaas"})
        with urllib.request.urlopen(request, timeout=PAUSE_SECONDS) as answer, target.open("wb") as file:
            _copy(url, answer, file)
    except urllib.error.HTTPError as error:
        raise UserError(f"{url}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise UserError(f"{url}: {_reason(url, error.reason)}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UserError(f"{url}: {_reason(url, error)}") from error


def _copy(url: str, answer: IO[bytes], file: IO[bytes]) -> None:
    end = time.monotonic() + TOTAL_SECONDS
    size = 0
    while data := answer.read(1 << 20):
        size += len(data)
        if size > MAX_BYTES:
            raise UserError(f"{url}: is larger than {MAX_BYTES >> 30} GiB")
        if time.monotonic() > end:
            raise UserError(f"{url}: did not end within {TOTAL_SECONDS // 60} minutes")
        file.write(data)


def _reason(url: str, error: object) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name {urlsplit(url).hostname} cannot be resolved"
    if isinstance(error, ssl.SSLError):
        return f"the connection is not trusted: {getattr(error, 'verify_message', '') or error.reason}"
    if isinstance(error, TimeoutError):
        return f"no answer for {PAUSE_SECONDS} s"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection broke before the end"
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error) or type(error).__name__


def git_tar(url: str, revision: str, folder: Path) -> Path:
    """A tar of the files of a revision (branch, tag or commit; "" is the default branch), below `folder`."""
    git.refuse_odd(url)
    git.refuse_secret(url)
    if revision and (not REVISION.fullmatch(revision) or ".." in revision):
        raise UserError(f"{url}: {revision!r} is no branch, tag or commit")
    repository = folder / "repository"
    git.run(folder, "init", "--quiet", "--bare", "--", str(repository), of=url)
    _fetch_revision(url, revision, repository)
    tar = folder / "code.tar"
    git.run(repository, "archive", "--format=tar", f"--output={tar}", "FETCH_HEAD", of=url)
    return tar


def _fetch_revision(url: str, revision: str, repository: Path) -> None:
    """Its newest commit alone; an abbreviated or unlisted commit needs all of the history."""
    try:
        git.talk(repository, "fetch", "--depth=1", "--no-tags", "--", url, revision or "HEAD", of=url)
    except git.GitError as error:
        if error.is_unreached or not re.fullmatch(r"[0-9a-f]{4,40}", revision):
            raise
        git.talk(repository, "fetch", "--no-tags", "--", url, "+refs/*:refs/fetched/*", of=url)
        done = git.run(
            repository, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}", of=url
        )
        (repository / "FETCH_HEAD").write_text(done.strip() + "\n")
