"""A user of WordPress, with nothing but the standard library: installs it, logs in, writes a post, reads it."""

import json
import re
import urllib.request
from typing import Any

from tests.e2e.dokuwiki import Visitor, hidden_fields

USER, PASSWORD = "author", "a long enough passphrase"


class Author(Visitor):
    """A visitor who can also use WordPress's own interface, as its editor does."""

    def call(self, route: str, **fields: str) -> dict[str, Any]:
        """Send an object; what was answered."""
        nonce = self.open("/wp-admin/admin-ajax.php?action=rest-nonce")
        request = urllib.request.Request(
            f"{self.url}/?rest_route={route}",
            json.dumps(fields).encode(),
            {"Content-Type": "application/json", "X-WP-Nonce": nonce},
        )
        with self._opener.open(request, timeout=self.patience) as answer:
            document: dict[str, Any] = json.load(answer)
        return document


def install(url: str, title: str) -> None:
    """The form that a new blog answers with, filled in and sent."""
    visitor = Visitor(url)
    visitor.patience = 180.0
    assert "weblog_title" in visitor.open("/wp-admin/install.php?step=1"), "the form of the installation is not there"
    page = visitor.open(
        "/wp-admin/install.php?step=2",
        weblog_title=title,
        user_name=USER,
        admin_password=PASSWORD,
        admin_password2=PASSWORD,
        pw_weak="on",
        admin_email="author@example.org",
        blog_public="0",
        Submit="Install WordPress",
        language="",
    )
    assert "wp-login.php" in page and "Success" in page, f"not installed:\n{page}"


def log_in(url: str) -> Author:
    """Who has logged in; AssertionError if WordPress does not take the password."""
    author = Author(url)
    author.open("/wp-login.php")
    author.open("/wp-login.php", log=USER, pwd=PASSWORD, testcookie="1")
    assert is_logged_in(author), "not logged in"
    return author


def is_logged_in(visitor: Visitor) -> bool:
    """Whether WordPress still knows who this is."""
    return "logged-in" in body_classes(visitor.open("/"))


def body_classes(page: str) -> list[str]:
    """Of a page: what WordPress says about it and about its reader."""
    found = re.search(r'<body class="([^"]*)"', page)
    return found.group(1).split() if found else []


def publish(author: Author, title: str, text: str) -> int:
    """Write a post; its number."""
    return int(author.call("/wp/v2/posts", title=title, content=text, status="publish")["id"])


def read(visitor: Visitor, post: int) -> str:
    """The post's page."""
    return visitor.open(f"/?p={post}")


def comment(visitor: Visitor, post: int, text: str) -> str:
    """Leave a comment with the form under a post; the page that comes after."""
    fields = hidden_fields(read(visitor, post), "commentform")
    return visitor.open("/wp-comments-post.php", **{**fields, "comment": text, "submit": "Post Comment"})
