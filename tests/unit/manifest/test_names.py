"""Slugs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.manifest.names import LONGEST, nearest, slug


@given(st.text())
def test_a_slug_is_a_host_name_or_nothing(text: str) -> None:
    name = slug(text)
    assert name == "" or (re.fullmatch(r"[a-z]([a-z0-9]|-(?!-))*", name) and name[-1] != "-" and len(name) <= LONGEST)
    assert slug(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("PHP sudoku backend", "php-sudoku-backend"),
        ("Wiki--Webserver ", "wiki-webserver"),
        ("Café", "cafe"),
        ("42", ""),
        ("x" * 40, "x" * 30),
        ("a rather long name of five or more words", "a-rather-long-name-of-five-or"),
    ],
)
def test_slug(text: str, name: str) -> None:
    assert slug(text) == name


def test_nearest() -> None:
    assert nearest("PHP", ["php", "mysql"]) == "php"
    assert nearest("cobol", ["php", "mysql"]) is None
