"""Versions of a service's code on LXD: switched under load and back, refused where they fail, pushed with a key."""

import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import schemas
from tests.e2e.conftest import Story, tell

PAGE = '<?php header("X-Version: {0}"); echo "{0}";'
FORBIDDEN = ("id", "", "git-upload-pack '/etc'", "git-receive-pack 'code.git'; id", "/usr/lib/openssh/sftp-server")
BROKEN = "<?php nobody_defines_this();"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two backends that run version one; the tests below go on from one another."""
    for told in tell(tmp_path_factory.mktemp("code"), "cod"):
        for name in ("one", "two"):
            write(told.folder / name, PAGE.format(name))
        write(told.folder / "broken", BROKEN)
        front = {"Type": "php", "ServiceName": "front", "StartupInstances": {"backend": 2}, "Archive": "one"}
        told.write({"Services": [front]})
        told.conpaas("up", told.manifest)
        yield told


def write(folder: Path, page: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "index.php").write_text(page)


def upload(shop: Story, name: str) -> str:
    """All digits of the version that it becomes."""
    return str(document(shop, "upload", shop.folder / name)["versions"][0]["version"])


def document(shop: Story, verb: str, *words: str | Path) -> dict[str, Any]:
    said = shop.conpaas("code", verb, shop.name, "front", *words, "--format", "json", quiet=True)
    found: dict[str, Any] = schemas.check(said, "code")
    return found


def listed(shop: Story) -> dict[str, bool]:
    """Name -> whether it is active."""
    return {each["name"]: each["active"] for each in document(shop, "list")["versions"]}


def address(shop: Story) -> str:
    (url,) = shop.status()["urls"].values()
    return str(url).removeprefix("http://").strip("/")


@contextmanager
def load(host: str) -> Iterator[list[str]]:
    """Visitors one after another; what each got: a version, or a failure."""
    seen: list[str] = []
    over = threading.Event()

    def visit() -> None:
        while not over.is_set():
            seen.append(asked(host))
            over.wait(0.02)

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def asked(host: str) -> str:
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        return text if answer.status == 200 else f"failed: {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"failed: {error!r}"
    finally:
        connection.close()


def test_a_version_is_switched_to_and_back_without_a_failed_request(shop: Story) -> None:
    two, host = upload(shop, "two"), address(shop)
    assert asked(host) == "one"
    with load(host) as seen:
        shop.conpaas("code", "activate", shop.manifest, "front", two[:12])
        at = len(seen)
        until = time.monotonic() + 10
        while len(seen) < at + 20 and time.monotonic() < until:
            time.sleep(0.01)
    assert set(seen) == {"one", "two"}
    assert set(seen[at + 4 :]) == {"two"}
    archive = json.loads(shop.manifest.read_text())["Services"][0]["Archive"]
    assert archive == {"Version": two}
    assert listed(shop) == {"one": False, "two": True}
    with load(host) as seen:
        shop.conpaas("code", "activate", shop.name, "front", "--previous")
    assert set(seen) <= {"one", "two"} and asked(host) == "one"
    assert "No changes." in shop.conpaas("up", shop.manifest)


def test_a_version_that_fails_changes_nothing(shop: Story) -> None:
    broken, host, before = upload(shop, "broken"), address(shop), shop.manifest.read_text()
    with load(host) as seen:
        said = shop.conpaas("code", "activate", shop.name, "front", broken[:12], fails=3)
    assert f"version {broken[:12]} of {shop.name}/front was not taken" in said
    assert "nobody_defines_this" in said
    assert set(seen) == {"one"}
    assert shop.manifest.read_text() == before
    assert listed(shop) == {"one": True, "two": False, "broken": False}
    shop.conpaas("code", "delete", shop.name, "front", broken[:12])
    used = shop.conpaas("code", "delete", shop.name, "front", listed_version(shop, "one"), fails=1)
    assert "is in use: front-1, front-2" in used


def listed_version(shop: Story, name: str) -> str:
    return str(next(each["version"] for each in document(shop, "list")["versions"] if each["name"] == name))


def test_a_push_with_a_key_becomes_a_version_and_the_key_does_nothing_else(shop: Story) -> None:
    key, work = shop.folder / "key", shop.folder / "work"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", key], check=True)
    shop.conpaas("code", "key", "add", shop.manifest, "front", f"{key}.pub")
    found = repository(shop)
    clone(found["url"], found["ssh"], work)
    git(work, "symbolic-ref", "HEAD", "refs/heads/main")
    write(work, PAGE.format("three"))
    git(work, "add", ".")
    git(work, "commit", "-qm", "Three")
    pushed = git(work, "push", "origin", "HEAD:main")
    assert "is a version of front and not active yet" in pushed
    assert listed(shop)["Three"] is False
    for command in FORBIDDEN:
        words = [*found["ssh"].split(), found["url"].split("//")[1].partition("/")[0], command]
        refused = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert refused.returncode == 1 and "and nothing else" in refused.stderr and "uid=" not in refused.stdout


def test_a_push_activates_where_it_is_asked_to(shop: Story) -> None:
    key, work = shop.folder / "key", shop.folder / "work"
    write(work, PAGE.format("four"))
    git(work, "commit", "-qam", "Four")
    inside(shop, work, "code", "push", shop.manifest, "front", "--activate", "--identity", key)
    assert asked(address(shop)) == "four"
    write(work, BROKEN)
    git(work, "commit", "-qam", "Broken")
    said = inside(shop, work, "code", "push", shop.manifest, "front", "--activate", "--identity", key, fails=3)
    assert "was not taken" in said
    assert asked(address(shop)) == "four" and listed(shop)["Four"]


def test_pushes_survive_the_machine_that_they_were_pushed_to(shop: Story) -> None:
    shop.conpaas("replace", shop.manifest, "front-1")
    assert asked(address(shop)) == "four"
    again, found = shop.folder / "again", repository(shop)
    clone(found["url"], found["ssh"], again, "--branch", "main")
    assert git(again, "log", "--format=%s").split() == ["Broken", "Four", "Three"]


def repository(shop: Story) -> dict[str, Any]:
    return document(shop, "git", "--identity", shop.folder / "key")


def clone(url: str, ssh: str, target: Path, *options: str) -> None:
    command = ["git", "clone", "-q", *options, "-c", f"core.sshCommand={ssh}", url, target]
    subprocess.run(command, check=True, capture_output=True)
    git(target, "config", "user.email", "alice@example.org")
    git(target, "config", "user.name", "Alice")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def inside(shop: Story, folder: Path, *words: str | Path, fails: int = 0) -> str:
    """conpaas, run in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return shop.conpaas(*words, fails=fails)
    finally:
        os.chdir(before)
