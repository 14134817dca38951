"""A user of MediaWiki, with nothing but the standard library: makes the wiki, logs in, edits a page, reads it."""

import re
from urllib.parse import quote

from tests.e2e.dokuwiki import Visitor, hidden_fields

USER, PASSWORD = "Editor", "a long enough passphrase"


def install(url: str, name: str) -> None:
    """The form that a new wiki answers with, filled in and sent."""
    visitor = Visitor(url)
    visitor.patience = 180.0
    assert 'id="install"' in visitor.open("/"), "the form of the installation is not there"
    page = visitor.open("/install.php", name=name, user=USER, password=PASSWORD)
    assert f"<title>{name}</title>" in page, f"not installed:\n{page}"


def log_in(url: str) -> Visitor:
    """A visitor who is logged in; AssertionError if MediaWiki does not take the password."""
    visitor = Visitor(url)
    page = visitor.open("/index.php?title=Special:UserLogin")
    token = re.search(r'<input name="wpLoginToken" type="hidden" value="([^"]+)"', page)
    assert token, f"no form to log in:\n{page}"
    fields = {"wpLoginToken": token.group(1), "wpName": USER, "wpPassword": PASSWORD}
    visitor.open("/index.php?title=Special:UserLogin", **fields, wploginattempt="Log in", authAction="login")
    assert user(visitor) == USER, "not logged in"
    return visitor


def user(visitor: Visitor) -> str:
    """Who MediaWiki takes this visitor for; empty: nobody in particular."""
    found = re.search(r'"wgUserName":"([^"]+)"', visitor.open("/"))
    return found.group(1) if found else ""


def edit_page(visitor: Visitor, page: str, text: str) -> None:
    """Write a page, as the browser's form does."""
    address = f"/index.php?title={quote(page)}"
    fields = hidden_fields(visitor.open(f"{address}&action=edit"), "editform")
    answer = visitor.open(f"{address}&action=submit", **{**fields, "wpTextbox1": text, "wpSave": "Save changes"})
    assert text in answer, f"not saved:\n{answer}"


def read_page(visitor: Visitor, page: str) -> str:
    """The page as HTML."""
    return visitor.open(f"/wiki/{quote(page)}")
