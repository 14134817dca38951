"""Quoted values read back as they were, by readers written after each format's own rules."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.core import quoting
from conpaas_iac.errors import UserError

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
LINE = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\n"))


@given(TEXT)
def test_php_ini(value: str) -> None:
    """Single quotes: literal. Double quotes are only ever put around one single quote, or nothing."""
    token = re.compile(r"""'([^']+)'|"(')"|"()\"""")
    quoted = quoting.php_ini(value)
    assert "".join(match.group(1) or match.group(2) or "" for match in token.finditer(quoted)) == value
    assert token.sub("", quoted) == ""


@given(TEXT)
def test_nginx(value: str) -> None:
    quoted = quoting.nginx(value)
    inside = quoted[1:-1]
    assert quoted[0] == quoted[-1] == '"'
    assert not re.search(r'(?<!\\)(\\\\)*"', inside)
    assert "$" not in inside.replace("${dollar}", "")
    assert re.sub(r"\\(.)", r"\1", inside.replace("${dollar}", "$"), flags=re.S) == value


@given(LINE)
def test_haproxy(value: str) -> None:
    assert shlex.split(quoting.haproxy(value)) == [value]


@given(TEXT)
def test_systemd(value: str) -> None:
    """In double quotes a backslash counts before these characters only, and a quote ends the value."""
    quoted = quoting.systemd(value)
    inside = quoted[1:-1]
    assert quoted[0] == quoted[-1] == '"'
    assert not re.search(r'(?<!\\)(\\\\)*["`$]', inside)
    assert re.sub(r'\\(["\\`$])', r"\1", inside) == value


@given(TEXT)
def test_comments_stay_on_their_line(value: str) -> None:
    assert "\n" not in quoting.comment(value) and "\r" not in quoting.comment(value)


CANNOT = [(quoting.php_ini, "\0"), (quoting.nginx, "\0"), (quoting.haproxy, "a\nb"), (quoting.systemd, "\0")]


CANNOT = [(quoting.php_ini, "\0"), (quoting.nginx, "\0"), (quoting.haproxy, "a\nb"), (quoting.systemd, "\0")]


@pytest.mark.parametrize(("quote", "value"), CANNOT)
def test_what_cannot_be_held_is_said(quote: object, value: str) -> None:
    with pytest.raises(UserError, match="cannot stand in"):
        quote(value)  # type: ignore[operator]
