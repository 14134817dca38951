"""A fleet behind SSH: real sshd and git on a machine, applications on a cloud in memory. Nobody is ever asked."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conpaas_iac.system import git
from tests.e2e.git_server import Server, User, serving
from tests.engine.conftest import World, world  # noqa: F401
from tests.engine.test_killed import mark, until  # noqa: F401
from tests.engine.test_sync import SYNC, UP, Followed
from tests.processes import begun
from tests.schemas import check

PATIENT = 30.0  # seconds; nothing waits longer for an answer of somebody
IMPATIENT = "from conpaas_iac.system import git\ngit.SILENT_SECONDS['fetch'] = 3.0\n" + SYNC


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def user(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> User:
    """Who may use the server and knows it; git of this test is theirs."""
    made = User(tmp_path / "ann")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("GIT_SSH", "GIT_SSH_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    server.accept(made.key)
    made.knows(server.host_key)
    return made


class Remote(Followed):
    """A fleet whose repository is behind SSH."""

    def __init__(self, top: Path, url: str, start: Callable[..., Any], follow: Callable[..., Any]) -> None:
        super().__init__(top, start, follow)
        self.url = url

    def push(self, message: str = "change") -> str:
        commit = super().push(message)
        git.run(self.top, "push", "--quiet", self.url, "HEAD:main")
        return commit

    def follow(self, *arguments: str) -> "subprocess.Popen[str]":
        words = ("--branch", "main", "--interval", "0.5s", "--report", str(self.told_to))
        process: subprocess.Popen[str] = self._follow("pretend", "fleet", "sync", self.url, *words, *arguments)
        return process

    def unreached(self) -> str:
        """Of the report."""
        return str(check(self.told_to.read_text(), "sync")["unreached"])


@pytest.fixture
def fleet(
    tmp_path: Path, world: World, mark: str, server: Server, user: User  # noqa: F811
) -> Iterator[Remote]:
    url = server.make(tmp_path.name)
    with begun(mark, subprocess.PIPE) as begin:
        yield Remote(
            tmp_path / "repository", url,
            lambda *arguments: begin(UP, "pretend", *arguments), lambda *arguments: begin(IMPATIENT, *arguments),
        )  # fmt: skip


def test_a_commit_is_followed_whatever_becomes_of_the_server(
    world: World, fleet: Remote, server: Server, user: User  # noqa: F811
) -> None:
    fleet.application("shop")
    first = fleet.push()
    follower = fleet.follow()
    until(lambda: fleet.state("shop", first) == "done", 90)

    with server.stopped():
        until(lambda: "Connection refused" in fleet.unreached(), PATIENT)
    until(lambda: not fleet.unreached(), PATIENT)
    with server.frozen():
        until(lambda: "nothing came for 3 s" in fleet.unreached(), PATIENT)
    until(lambda: not fleet.unreached(), PATIENT)
    assert fleet.state("shop", first) == "done"

    server.change_host_key()
    until(lambda: "refused: the host key of" in fleet.unreached(), PATIENT)
    since = fleet.unreached().partition(": ")[0]
    user.knows()
    until(lambda: "is not known here" in fleet.unreached(), PATIENT)
    assert fleet.unreached().partition(": ")[0] == since
    assert world.lxd.running() == {"shop--web-1"}

    user.knows(server.host_key)
    fleet.application("shop", 2)
    second = fleet.push("one more")
    until(lambda: fleet.state("shop", second) == "done", 60)
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}
    follower.terminate()
    out, err = follower.communicate(timeout=60)
    assert follower.returncode == 130, err
    for reason in ("Connection refused", "nothing came", "is not the one in", "is not known here"):
        assert reason in out


def refused(fleet: Remote) -> str:
    """What a single look says, which must fail at once and touch nothing."""
    begin = time.monotonic()
    process = fleet.follow("--once")
    out, err = process.communicate(timeout=90)
    assert process.returncode == 1, out + err
    assert time.monotonic() - begin < PATIENT
    assert "Traceback" not in err
    return err


def test_what_is_wrong_is_said_with_what_helps(fleet: Remote, server: Server, user: User, tmp_path: Path) -> None:
    fleet.application("shop")
    fleet.push()
    known = server.host_key

    user.knows()
    said = refused(fleet)
    assert f"{fleet.url}: refused: the host key of {server.ip} is not known here" in said
    assert f"ssh-keyscan {server.ip} >> ~/.ssh/known_hosts" in said

    server.change_host_key()
    user.knows(known)
    said = refused(fleet)
    changed = f"refused: the host key of {server.ip} is not the one in {user.folder / 'known_hosts'}"
    assert f"{changed}, it shows SHA256:" in said
    assert "another machine may be in its place" in said
    assert "ssh-keygen -f" in said
    user.knows(server.host_key)

    for key in (user.make("other"), user.make("secret", "a passphrase")):
        server.accept(user.key, *([key] if key.name == "secret" else []))
        user.show(key)
        said = refused(fleet)
        assert f"git@{server.ip} takes none of the keys here (publickey" in said
        assert "ssh-add" in said
    user.show(user.folder / "none")
    assert "no such identity" in refused(fleet)
    user.key.chmod(0o644)
    user.show(user.key)
    said = refused(fleet)
    assert "which others may read" in said
    assert f"chmod 600 {user.key}" in said
    user.key.chmod(0o600)

    url, fleet.url = fleet.url, server.url("nowhere")
    said = refused(fleet)
    assert "'/srv/git/nowhere.git' does not appear to be a git repository" in said
    assert "begins at the root there" in said
    fleet.url = url.replace(server.ip, "nowhere.invalid")
    assert "Could not resolve hostname nowhere.invalid" in refused(fleet)
    fleet.url = url
    with server.stopped():
        assert "Connection refused" in refused(fleet)


def test_code_and_pushes_go_the_same_way(
    world: World, fleet: Remote, server: Server, user: User, tmp_path: Path  # noqa: F811
) -> None:
    code = tmp_path / "code"
    git.run(tmp_path, "init", "--quiet", "--initial-branch=main", str(code))
    (code / "index.php").write_text("one")
    git.run(code, "add", "--all")
    git.run(code, "commit", "--quiet", "-m", "one")
    git.run(code, "push", "--quiet", server.make(f"{tmp_path.name}-code"), "main")
    scp = f"git@{server.ip}:/srv/git/{tmp_path.name}-code.git"
    manifest = fleet.application("shop", Archive=f"{scp}#main", Scaling={"backend": {"Max": 5}})
    fleet.push()
    git.run(fleet.top, "branch", "--move", "main")
    git.run(fleet.top, "remote", "add", "origin", fleet.url)
    git.run(fleet.top, "fetch", "--quiet", "origin")
    git.run(fleet.top, "branch", "--quiet", "--set-upstream-to=origin/main")
    pinned = json.loads(manifest.with_name("conpaas.lock.json").read_text())["Services"]["web"]["Code"]
    assert pinned["Source"] == f"{scp}@main"

    def scale(change: str) -> tuple[int, str]:
        process = fleet._start("scale", str(manifest), "web", change, "--push")
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    done, said = scale("backend=+1")
    assert done == 0, said
    code_, applications, said = fleet.once()
    assert code_ == 0, said
    assert applications["shop"]["state"] == "done"
    assert world.lxd.running() == {"shop--web-1", "shop--web-2"}

    user.knows()
    done, said = scale("backend=+1")
    assert done == 1
    assert f"{fleet.url}: refused: the host key of {server.ip} is not known here" in said
    assert "nothing is changed" in said
    assert git.run(fleet.top, "status", "--porcelain", "--branch").splitlines() == ["## main...origin/main"]
