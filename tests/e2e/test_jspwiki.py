"""The story of examples/jspwiki: used, scaled out and in, rolled; who is logged in outlives backends."""

import shlex
import subprocess
import zipfile
from collections.abc import Iterator

import pytest

from tests.e2e import jspwiki, load, machines
from tests.e2e.conftest import ROOT, Story, tell
from tests.e2e.dokuwiki import Visitor


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """JSPWiki, up once for the tests below, which go on from one another."""
    subprocess.run([ROOT / "examples/jspwiki/fetch.sh"], check=True, capture_output=True)
    for told in tell(tmp_path_factory.mktemp("wiki")):
        told.take("jspwiki")
        told.conpaas("up", told.manifest)
        yield told


@pytest.fixture(scope="module")
def author(wiki: Story) -> Visitor:
    """One session, for the whole story."""
    return jspwiki.log_in(url(wiki), "admin", (wiki.folder / "admin.password").read_text().strip())


def url(wiki: Story) -> str:
    return str(wiki.status()["urls"]["wiki"])


def cookies(visitor: Visitor) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in visitor.cookies if each.name != "CONPAAS")


def page_of(wiki: Story, address: str, visitor: Visitor) -> str:
    """What a backend itself answers a visitor, asked from a machine of the service."""
    words = f"r.Request('http://{address}:8081/Wiki.jsp?page=Main', headers={{'Cookie': '{cookies(visitor)}'}})"
    program = f"import urllib.request as r; print(r.urlopen({words}).read().decode())"
    return wiki.conpaas("ssh", f"{wiki.name}/wiki-1", f"python3 -c {shlex.quote(program)}")


def repacked(wiki: Story, **files: str) -> None:
    """The example's war with other files in it."""
    war = wiki.folder / "jspwiki.war"
    with zipfile.ZipFile(ROOT / "examples/jspwiki/jspwiki.war") as old, zipfile.ZipFile(war, "w") as new:
        for member in old.infolist():
            if member.filename not in files:
                new.writestr(member, old.read(member))
        for name, text in files.items():
            new.writestr(name, text)


def test_a_page_is_written_and_read_back(wiki: Story, author: Visitor) -> None:
    jspwiki.edit_page(author, "Test", "Written by the test.")
    assert "Written by the test." in jspwiki.read_page(Visitor(url(wiki)), "Test")


def test_a_second_up_changes_nothing(wiki: Story) -> None:
    assert "No changes." in wiki.conpaas("up", wiki.manifest)


def test_three_backends_know_who_is_logged_in_and_nobody_is_restarted_for_it(wiki: Story, author: Visitor) -> None:
    before = machines.run(f"{wiki.name}--wiki-1", "systemctl", "show", "-p", "MainPID", "tomcat10")
    wiki.conpaas("scale", wiki.manifest, "wiki", "backend=3")
    status = wiki.status()
    assert [node["groups"] for node in status["nodes"]] == [["proxy", "web", "backend"], ["backend"], ["backend"]]
    assert status["well"]
    assert machines.run(f"{wiki.name}--wiki-1", "systemctl", "show", "-p", "MainPID", "tomcat10") == before
    pages = [page_of(wiki, node["address"], author) for node in status["nodes"]]
    assert [jspwiki.is_logged_in(page) for page in pages] == [True, True, True]


def test_who_is_logged_in_outlives_the_backend_that_served_him(wiki: Story) -> None:
    password = (wiki.folder / "admin.password").read_text().strip()
    visitors = [jspwiki.log_in(url(wiki), "admin", password) for _ in range(6)]  # more than one a backend
    machines.lxc("delete", "--force", f"{wiki.name}--wiki-3")
    assert all(jspwiki.is_logged_in(jspwiki.read_page(visitor, "Main")) for visitor in visitors)
    wiki.conpaas("up", wiki.manifest)
    third = wiki.status()["nodes"][2]["address"]
    assert all(jspwiki.is_logged_in(page_of(wiki, third, visitor)) for visitor in visitors)


def test_a_new_war_rolls_and_no_request_fails(wiki: Story, author: Visitor) -> None:
    repacked(wiki, **{"version.html": "the second one"})
    pages = [load.Page("/Wiki.jsp?page=Main", "JSPWiki on ConPaaS"),
             load.Page("/Wiki.jsp?page=Main", "Logout.jsp", {"Cookie": cookies(author)})]  # fmt: skip
    accounts: dict[str, load.Account] = {}
    with load.Load(url(wiki), pages, writers=0).running() as running, running.during(accounts, "rolled"):
        wiki.conpaas("up", wiki.manifest)
    assert (accounts["rolled"].why(), bool(accounts["rolled"].good("read"))) == ("", True)
    assert Visitor(url(wiki)).open("/version.html") == "the second one"


def test_one_backend_again(wiki: Story, author: Visitor) -> None:
    wiki.conpaas("scale", wiki.manifest, "wiki", "backend=1")
    assert [node["name"] for node in wiki.status()["nodes"]] == ["wiki-1"]
    page = jspwiki.read_page(author, "Test")
    assert "Written by the test." in page and jspwiki.is_logged_in(page)
