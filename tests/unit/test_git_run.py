"""git, as a program: what is the user's own, what it says when something fails, and that nothing of it stays."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from conpaas_iac.commands import fleet_sync
from conpaas_iac.errors import UserError
from conpaas_iac.system import downloads, git
from conpaas_iac.system.git import GitError
from tests.processes import gone_within

# As the tool does: what loses its parent becomes a child of this process.
GIVES_UP = """
import os, pathlib, sys
from conpaas_iac.system import git, processes
processes.adopt_orphans()
git.SILENT_SECONDS["fetch"] = 0.5
try:
    git.talk(pathlib.Path(sys.argv[1]), "fetch", "--", sys.argv[2], of=sys.argv[2])
except git.GitError as error:
    print(error.message)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child is left")
"""
URL = "ssh://git@shop.test/srv/fleet.git"
Ssh = Callable[[str], Path]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ssh:
    """A program in the place of ssh; the first one on PATH."""
    for name in ("GIT_SSH", "GIT_SSH_COMMAND", "SSH_ASKPASS_REQUIRE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "programs"), prepend=os.pathsep)

    def write(script: str, name: str = "ssh") -> Path:
        path = tmp_path / "programs" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


@pytest.fixture
def place(tmp_path: Path, ssh: Ssh) -> Path:
    git.run(tmp_path, "init", "--quiet", str(tmp_path / "place"))
    return tmp_path / "place"


def fetch(place: Path, url: str = URL) -> GitError:
    with pytest.raises(GitError) as failure:
        git.talk(place, "fetch", "--", url, of=url)
    return failure.value


def test_which_ssh_is_the_users_matter(place: Path, ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh("echo fatal: plain >&2; exit 1")
    assert "plain" in fetch(place).message
    git.run(place, "config", "core.sshCommand", str(ssh("echo fatal: configured >&2; exit 1", "own-ssh")))
    assert "configured" in fetch(place).message
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh("echo fatal: of the environment >&2; exit 1", "its-ssh")))
    assert "of the environment" in fetch(place).message


def test_nobody_is_asked(place: Path, ssh: Ssh) -> None:
    ssh("if (: </dev/tty) 2>/dev/null; then echo fatal: a terminal >&2; fi\n"
        "echo fatal: ${SSH_ASKPASS_REQUIRE} ${GIT_TERMINAL_PROMPT} >&2; exit 1")  # fmt: skip
    assert fetch(place).message == f"{URL}: git: never 0"


def test_who_says_nothing_is_given_up_and_nothing_of_it_stays(place: Path, ssh: Ssh) -> None:
    ssh("sleep 600")
    mark = {"MARK_OF": str(place)}
    done = subprocess.run(
        [sys.executable, "-c", GIVES_UP, str(place), URL], env={**os.environ, **mark}, capture_output=True, text=True
    )
    assert done.stdout == f"{URL}: nothing came for 0.5 s\nno child is left\n", done.stderr
    assert gone_within(5, f"MARK_OF={place}")


def test_who_says_something_from_time_to_time_is_listened_to(
    place: Path, ssh: Ssh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(git.SILENT_SECONDS, "fetch", 0.5)
    ssh("for each in 1 2 3 4 5; do sleep 0.2; echo slowly >&2; done; echo fatal: at last >&2; exit 1")
    assert "at last" in fetch(place).message
    monkeypatch.setattr(git, "SECONDS", 0.6)
    assert "did not end in" in fetch(place).message


def test_addresses_with_colons() -> None:
    for good in ("git@[fd00::1]:fleet.git", "ssh://[fd00::1]/fleet.git", URL, "/srv/fleet.git"):
        git.refuse_odd(good)


TOKEN = "glpat-0123456789"


@pytest.mark.parametrize("login", [f"robot:{TOKEN}", TOKEN])
def test_a_token_in_an_address_is_refused_and_never_said(login: str) -> None:
    address = f"https://{login}@example.org/fleet.git"
    with pytest.raises(UserError, match="whoever sees the address") as raised:
        git.refuse_secret(address)
    said = [raised.value.message, git.masked(f"fatal: unable to access '{address}/'")]
    said.append(git.GitError(f"{address}: no", f"git fetch {address}").remedy)
    assert all("https://***@example.org/fleet.git" in each and TOKEN not in each for each in said)
    for good in (URL, "https://example.org/a@b.git", "ssh://git@example.org/fleet.git", "git@example.org:fleet.git"):
        git.refuse_secret(good)


def test_a_follower_takes_no_token_and_writes_none_into_a_unit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"https://robot:{TOKEN}@example.org/fleet.git"
    for words in ([address], [address, "--unit"], ["--unit"]):
        git.run(place, "init", "--quiet")
        with suppress(git.GitError):
            git.run(place, "remote", "add", "origin", address)
        monkeypatch.chdir(place)
        result = CliRunner().invoke(fleet_sync.command, words)
        assert isinstance(result.exception, UserError) and TOKEN not in f"{result.output}{result.exception.message}"


def test_a_token_in_the_address_of_code_is_not_said_whatever_else_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        downloads.git_tar(f"https://robot:{TOKEN}@example.org/shop.git", "no..revision", tmp_path)
    assert TOKEN not in raised.value.message and "whoever sees the address" in raised.value.message
