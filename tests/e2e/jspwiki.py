"""A visitor of JSPWiki, with nothing but the standard library: logs in, edits a page, reads it back."""

from tests.e2e.dokuwiki import Visitor, hidden_fields


def log_in(url: str, user: str, password: str) -> Visitor:
    """A visitor who is logged in; AssertionError if the wiki does not take the password."""
    visitor = Visitor(url)
    visitor.open("/Login.jsp?redirect=Main")
    page = visitor.open("/j_security_check", j_username=user, j_password=password)
    assert is_logged_in(page), "not logged in"
    return visitor


def is_logged_in(page: str) -> bool:
    """Whether a page was made for somebody who is logged in."""
    return "Logout.jsp" in page


def edit_page(visitor: Visitor, page: str, text: str) -> None:
    """Write a page, as the browser's form does."""
    fields = hidden_fields(visitor.open(f"/Edit.jsp?page={page}"), "editform")
    visitor.open(f"/Edit.jsp?page={page}", **{**fields, "_editedtext": text, "ok": "Save"})


def read_page(visitor: Visitor, page: str) -> str:
    """The page as HTML."""
    return visitor.open(f"/Wiki.jsp?page={page}")
