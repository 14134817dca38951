"""The story of examples/mediawiki: installed, used, a balancer lost, a password rotated, all moved elsewhere."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e import mediawiki
from tests.e2e.conftest import ROOT, Story, tell
from tests.e2e.dokuwiki import Visitor
from tests.e2e.machines import lxc


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """MediaWiki, up and installed once for the tests below, which go on from one another."""
    subprocess.run([ROOT / "examples/mediawiki/fetch.sh"], check=True, capture_output=True)
    for told in tell(tmp_path_factory.mktemp("wiki")):
        told.take("mediawiki")
        told.conpaas("up", told.manifest)
        mediawiki.install(url(told), "The wiki of a test")
        yield told


@pytest.fixture(scope="module")
def editor(wiki: Story) -> Visitor:
    """Who has logged in before anything below happened."""
    return mediawiki.log_in(url(wiki))


def url(wiki: Story) -> str:
    return str(wiki.status()["urls"]["wiki"])


def test_a_page_is_written_and_read_by_others(wiki: Story, editor: Visitor) -> None:
    mediawiki.edit_page(editor, "A page", "Written by the test.")
    assert "Written by the test." in mediawiki.read_page(Visitor(url(wiki)), "A page")
    assert '<form method="post"' not in Visitor(url(wiki)).open("/install.php")


def test_the_wiki_outlives_its_first_balancer(wiki: Story, editor: Visitor) -> None:
    lxc("delete", "--force", f"{wiki.name}--db-1")
    mediawiki.edit_page(editor, "Another page", "Written without db-1.")
    assert wiki.status(fails=3)["well"] is False
    wiki.conpaas("up", wiki.manifest)
    assert wiki.status()["well"]
    assert "Written without db-1." in mediawiki.read_page(Visitor(url(wiki)), "Another page")
    assert mediawiki.user(editor) == mediawiki.USER


def test_a_new_password_logs_nobody_out(wiki: Story, editor: Visitor) -> None:
    wiki.conpaas("secret", "rotate", wiki.name, "db")
    assert mediawiki.user(editor) == mediawiki.USER
    mediawiki.edit_page(editor, "A page", "Written with the new password.")


def test_saved_and_loaded_into_another_application(wiki: Story, tmp_path_factory: pytest.TempPathFactory) -> None:
    for told in tell(tmp_path_factory.mktemp("copy")):
        wiki.conpaas("mysql", "save", f"{wiki.name}/db", told.folder / "wiki.sql.gz")
        told.take("mediawiki")
        document = json.loads(told.manifest.read_text())
        document["Services"][0] |= {"StartupInstances": {"mysql": 1, "glb": 1}, "Dump": "wiki.sql.gz"}
        document["Services"][1] |= {"StartupInstances": {"backend": 1}}
        told.write(document)
        told.conpaas("up", told.manifest)
        assert "Written with the new password." in mediawiki.read_page(Visitor(url(told)), "A page")
        assert mediawiki.user(mediawiki.log_in(url(told))) == mediawiki.USER
