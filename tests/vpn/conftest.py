"""Stories of the VPN that take minutes: `make vpn-test`, not part of the usual suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conpaas_iac import catalog
from tests.e2e.conftest import tell
from tests.e2e.network import Network, with_application_port

SERVICES = {"a": {"Uses": ["b"]}, "b": {"Uses": []}}


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Two services of a machine each, not up yet; the first uses the second."""
    monkeypatch.setattr(catalog, "load", with_application_port(catalog.load))
    monkeypatch.delenv("CI", raising=False)
    for told in tell(tmp_path):
        yield Network(told, dict(SERVICES))
