"""A password is never shown, however broken the manifest around it is."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conpaas_iac.catalog import Catalog
from conpaas_iac.manifest.formats import FORMATS
from conpaas_iac.manifest.read import read
from conpaas_iac.manifest.reader import parse
from conpaas_iac.manifest.source import Source
from tests.builders import PROVIDERS

PASSWORD = "Zq7XwKv9"
TEXT = """{"Application": "shop", "Services": [
  {"Type": "mysql", "Password": "Zq7XwKv9", "ServiceName": "db", "Environment": {"API_TOKEN": "Zq7XwKv9"}, "Clod": 1},
  {"Type": "php", "ServiceName": "front", "Archive": "https://example.org/a.zip", "Uses": ["bd"]}
]}
"""
SLIPS = ["", "x", "'", '"', ",", ":", "}", "]", "{", "[", "\n", "\\", "/"]
FREE = [at for at in range(len(TEXT)) if not any(
    start <= at < start + len(PASSWORD) for start in range(len(TEXT)) if TEXT.startswith(PASSWORD, start)
)]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.sampled_from(FREE), put=st.sampled_from(SLIPS))
def test_one_slip_shows_no_password(
    at: int, put: str, types: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "secrets.json"
    path.write_text(TEXT[:at] + put + TEXT[at + 1 :])
    _shows_nothing(path, types)


def _shows_nothing(path: Path, types: Catalog) -> None:
    found = read(path, types, PROVIDERS).diagnostics
    for form in FORMATS.values():
        assert PASSWORD not in form(found)


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet='abc"\\{}:, é', min_size=1))
def test_the_copy_that_is_kept_holds_no_password_and_is_the_same_else(password: str) -> None:
    document = {"Services": [{"Type": "mysql", "Password": f"Zq7{password}", "Archive": "http://u:Zq7x@h/a.zip"}]}
    kept = parse(Source("manifest.json", json.dumps(document))).source.hidden
    assert "Zq7" not in kept
    service = document["Services"][0]
    assert json.loads(kept)["Services"][0] == {**service, "Password": "***", "Archive": "http://u:***@h/a.zip"}
    assert parse(Source("manifest.json", kept)).source.hidden == kept
