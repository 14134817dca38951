"""A visitor of DokuWiki, with nothing but the standard library: logs in, edits a page, reads it back."""

import html.parser
import http.cookiejar
import urllib.parse
import urllib.request


class Visitor:
    """One browser: keeps its cookies."""

    patience = 20.0  # seconds for an answer

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def open(self, path: str, **fields: str) -> str:
        """The page; with fields, a form that is sent."""
        data = urllib.parse.urlencode(fields).encode() if fields else None
        with self._opener.open(f"{self.url}{path}", data, timeout=self.patience) as answer:
            return str(answer.read().decode())


def log_in(url: str, user: str, password: str) -> Visitor:
    """A visitor who is logged in; AssertionError if DokuWiki does not take the password."""
    visitor = Visitor(url)
    fields = hidden_fields(visitor.open("/doku.php?id=start&do=login"), "dw__login")
    page = visitor.open("/doku.php?id=start", **{**fields, "do": "login", "u": user, "p": password})
    assert "do=logout" in page, "not logged in"
    return visitor


def edit_page(visitor: Visitor, page: str, text: str) -> None:
    """Write a page, as the browser's form does."""
    fields = hidden_fields(visitor.open(f"/doku.php?id={page}&do=edit"), "dw__editform")
    visitor.open(f"/doku.php?id={page}", **{**fields, "wikitext": text, "summary": "a test", "do[save]": "1"})


def read_page(visitor: Visitor, page: str) -> str:
    """The page as HTML."""
    return visitor.open(f"/doku.php?id={page}")


def hidden_fields(page: str, form: str) -> dict[str, str]:
    """The hidden fields of the form with that id."""
    parser = _Forms(form)
    parser.feed(page)
    assert parser.found, f"no form {form}"
    return parser.fields


class _Forms(html.parser.HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self._form, self._inside, self.found = form, False, False
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self._inside = values.get("id") == self._form
            self.found = self.found or self._inside
        elif tag == "input" and self._inside and values.get("type") == "hidden":
            self.fields[values.get("name") or ""] = values.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
