"""Code from a file, an address and git: fetched once, pinned, and every failure said in a line."""

import functools
import hashlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.manifest.model import Archive
from conpaas_iac.sources import code
from tests.unit.code.test_archives import GOOD, tar


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tar(tmp_path / "site" / "app.tar.gz", *GOOD)


@pytest.fixture
def site(archive: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=archive.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "repository"
    git(tmp_path, "init", "-q", "-b", "main", str(place))
    (place / "index.php").write_text("<?php 1;")
    git(place, "add", ".")
    git(place, "commit", "-qm", "one")
    git(place, "tag", "v1")
    (place / "index.php").write_text("<?php 2;")
    git(place, "commit", "-qam", "two")
    return place


def git(place: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *identity, *arguments], cwd=place, check=True, capture_output=True, text=True).stdout


def test_a_file_is_fetched_once(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Archive("file", str(archive))
    first = code.fetch(wanted, tmp_path / "cache")
    assert first.archive.is_file() and first.archive.name == f"{first.version}.tar.gz"
    monkeypatch.setattr("conpaas_iac.sources.archives.normalise", None)
    assert code.fetch(wanted, tmp_path / "cache") == first


def test_a_url_and_its_checksum(archive: Path, site: str, tmp_path: Path) -> None:
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    found = code.fetch(Archive("url", f"{site}/app.tar.gz", checksum.upper()), tmp_path / "cache")
    assert found.version == code.fetch(Archive("file", str(archive)), tmp_path / "other").version
    with pytest.raises(UserError, match=f"its SHA-256 is {checksum}"):
        code.fetch(Archive("url", f"{site}/app.tar.gz", "0" * 64), tmp_path / "cache")
    assert not list((tmp_path / "cache").glob(".*"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("{site}/gone.zip", "answers 404"),
        ("http://name.invalid/x", "name.invalid cannot be resolved"),
        ("http://127.0.0.1:1/x", "refused"),
        ("file:///etc/passwd", "only http and https"),
        ("http://[/x", "Invalid IPv6"),
    ],
)
def test_addresses_that_do_not_answer(site: str, tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        code.fetch(Archive("url", url.format(site=site)), tmp_path / "cache")


def test_a_pinned_version_needs_no_source(archive: Path, tmp_path: Path) -> None:
    first = code.fetch(Archive("file", str(archive)), tmp_path / "cache")
    gone = Archive("url", "http://name.invalid/x")
    assert code.fetch(gone, tmp_path / "cache", first.version).version == first.version


def test_another_content_does_not_meet_the_pin(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the lock file pins 000000000000"):
        code.fetch(Archive("file", str(archive)), tmp_path / "cache", "0" * 64)


def test_git_revisions(repository: Path, tmp_path: Path) -> None:
    url = f"file://{repository}"
    commit = git(repository, "rev-parse", "v1").strip()

    def version(revision: str) -> str:
        return code.fetch(Archive("git", url, revision=revision), tmp_path / "cache").version

    assert version("") == version("main") != version("v1")
    assert version("v1") == version(commit) == version(commit[:9])


@pytest.mark.parametrize(
    ("url", "revision"),
    [
        ("--upload-pack=touch x", ""),
        ("ext::sh -c true", ""),
        ("file:///nowhere", ""),
        ("{repository}", "--output=x"),
        ("{repository}", "a:b"),
        ("{repository}", "main..v1"),
        ("{repository}", "nothing"),
        ("{repository}", "0123456789"),
        ("http://example.org/x.git", ""),
    ],
)
def test_git_takes_no_options_and_no_other_protocols(repository: Path, tmp_path: Path, url: str, revision: str) -> None:
    with pytest.raises(UserError):
        code.fetch(Archive("git", url.format(repository=f"file://{repository}"), revision=revision), tmp_path / "cache")


def test_the_source_is_known_offline() -> None:
    assert code.source(Archive("git", "https://example.org/x.git", revision="v1")) == "https://example.org/x.git@v1"
