"""The story of the README: DokuWiki up, used, scaled out and in, stopped and started, down."""

import shlex
import subprocess
from collections.abc import Iterator

import pytest

from tests import schemas
from tests.e2e import dokuwiki
from tests.e2e.conftest import ROOT, Story, tell


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """DokuWiki, up once for the tests below, which go on from one another."""
    subprocess.run([ROOT / "examples/dokuwiki/fetch.sh"], check=True, capture_output=True)
    for told in tell(tmp_path_factory.mktemp("wiki")):
        told.take("dokuwiki")
        told.conpaas("up", told.manifest)
        yield told


def url(wiki: Story) -> str:
    return str(wiki.status()["urls"]["wiki"])


def password(wiki: Story) -> str:
    return (wiki.folder / "admin.password").read_text().strip()


def test_a_page_is_written_and_read_back(wiki: Story) -> None:
    visitor = dokuwiki.log_in(url(wiki), "admin", password(wiki))
    dokuwiki.edit_page(visitor, "start", "Written by the test.")
    assert "Written by the test." in dokuwiki.read_page(dokuwiki.Visitor(url(wiki)), "start")


def test_a_second_up_changes_nothing(wiki: Story) -> None:
    assert "No changes." in wiki.conpaas("up", wiki.manifest)
    up = schemas.check(wiki.conpaas("up", wiki.manifest, "--format", "json", quiet=True), "result")
    assert up["plan"]["changes"] == [] and up["urls"] == {"wiki": url(wiki)}
    assert schemas.check(wiki.conpaas("plan", wiki.manifest, "--format", "json"), "plan")["unchanged"] == 1
    assert schemas.check(wiki.conpaas("lock", wiki.manifest, "--format", "json"), "lock")["blocks"]
    assert wiki.conpaas("plan", wiki.manifest, "--exit-code").endswith("(1 machine).\n")


def test_three_backends_serve_and_the_page_is_still_there(wiki: Story) -> None:
    manifest = wiki.manifest.read_text()
    said = wiki.conpaas("scale", wiki.manifest, "wiki", "backend=3")
    assert "Plan: 2 to add, 1 to change, 0 to remove" in said
    assert wiki.manifest.read_text() == manifest.replace('"backend": 1', '"backend": 3')
    status = wiki.status()
    assert [node["groups"] for node in status["nodes"]] == [["proxy", "web", "backend"], ["backend"], ["backend"]]
    assert status["well"]
    pages = [page_of(wiki, node["address"]) for node in status["nodes"]]
    assert all("DokuWiki" in page for page in pages)
    # DokuWiki keeps pages in files, which stay where they were written.
    assert ["Written by the test." in page for page in pages] == [True, False, False]


def page_of(wiki: Story, address: str) -> str:
    """What a backend itself serves, asked from a machine of the service."""
    program = f"import urllib.request as r; print(r.urlopen('http://{address}:8081/doku.php?id=start').read().decode())"
    return wiki.conpaas("ssh", f"{wiki.name}/wiki-1", f"python3 -c {shlex.quote(program)}")


def test_one_backend_again(wiki: Story) -> None:
    said = wiki.conpaas("scale", wiki.manifest, "wiki", "backend=-2")
    assert said.index("wiki-3: drain ok") < said.index("wiki-3: remove ok")
    assert [node["name"] for node in wiki.status()["nodes"]] == ["wiki-1"]
    assert "Written by the test." in dokuwiki.read_page(dokuwiki.Visitor(url(wiki)), "start")


def test_stopped_machines_keep_their_data(wiki: Story) -> None:
    stopped = schemas.check(wiki.conpaas("stop", wiki.name, "--format", "json", quiet=True), "done")
    assert stopped["machines"] == ["wiki-1"]
    assert wiki.status(fails=0)["nodes"][0]["state"] == "stopped"
    assert "held by `conpaas stop`" in wiki.conpaas("up", wiki.manifest)
    assert wiki.status()["nodes"][0]["state"] == "stopped"
    wiki.conpaas("start", wiki.name)
    assert wiki.status()["well"]
    assert "Written by the test." in dokuwiki.read_page(dokuwiki.Visitor(url(wiki)), "start")


def test_a_lost_machine_comes_back_at_its_address(wiki: Story) -> None:
    before = wiki.status()["nodes"][0]
    subprocess.run(["lxc", "--project", "conpaas", "delete", "--force", f"{wiki.name}--wiki-1"], check=True)
    assert wiki.status(fails=3)["nodes"][0]["state"] == "gone"
    assert "the cloud has lost it" in wiki.conpaas("plan", wiki.manifest, "--refresh")
    wiki.conpaas("up", wiki.manifest)
    after = wiki.status()
    assert after["well"] and after["nodes"][0]["address"] == before["address"]


def test_logs_ssh_and_list(wiki: Story) -> None:
    assert "Started haproxy" in wiki.conpaas("logs", f"{wiki.name}/wiki", "-n", "20")
    assert wiki.conpaas("ssh", f"{wiki.name}/wiki-1", "hostname") == "wiki-1\n"
    assert wiki.name in wiki.conpaas("list")


def test_services_listen_on_the_fixed_address_only(wiki: Story) -> None:
    said = wiki.conpaas("ssh", f"{wiki.name}/wiki-1", "ss", "-Hltn")
    listening = {line.split()[3] for line in said.splitlines()}
    fixed = wiki.status()["nodes"][0]["address"]
    public = {address for address in listening if address.startswith(("0.0.0.0:", "*:", "[::]:"))}
    assert {address.rpartition(":")[2] for address in public} == {"22", "80"}
    assert {f"{fixed}:8080", f"{fixed}:8081"} <= listening


def test_no_secret_lies_about(wiki: Story) -> None:
    state = wiki.folder.parent / "state"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert files and not any(b"PRIVATE KEY" in path.read_bytes() for path in files)
    assert state.stat().st_mode & 0o077 == 0


def test_down_leaves_nothing(wiki: Story) -> None:
    wiki.conpaas("down", wiki.name, "--yes")
    assert wiki.left() == []
    assert schemas.check(wiki.conpaas("list", "--format", "json"), "list")["applications"] == []
