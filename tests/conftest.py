"""What all tests share: state and cache of their own, never the user's."""

from pathlib import Path

import pytest


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """State, cache and settings under the test's folder; without the variables that a user or CI may have set."""
    for name in ("CI", "CONPAAS_BACKEND", "CONPAAS_SECRETS_PROVIDER", "CONPAAS_DEFAULT_CLOUD", "CONPAAS_LXD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONPAAS_SETTINGS", str(tmp_path / "settings.json"))
    monkeypatch.setenv("CONPAAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CONPAAS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CONPAAS_LXD_SOCKET", str(tmp_path / "lxd.socket"))
    return tmp_path
