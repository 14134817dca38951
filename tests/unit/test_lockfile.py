"""The lock file: what is written is what is read, and what is no lock file is said."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.backend import lockfile
from conpaas_iac.core import addresses
from conpaas_iac.core.addresses import Lock
from conpaas_iac.errors import UserError

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), unique=True, max_size=15)
GOOD = lockfile.encode(addresses.allocate(Lock("shop", "default", IPv4Network("10.42.0.0/16")), ["web"]))


@given(NAMES, st.sampled_from(["10.42.0.0/16", "10.64.0.0/12", "192.168.0.0/20"]), st.booleans())
def test_round_trip(names: list[str], whole: str, coded: bool) -> None:
    code = {name: {"Source": f"https://example.org/{name}", "Version": "a" * 64} for name in names if coded}
    lock = addresses.allocate(Lock("shop", "staging", IPv4Network(whole), {}, code), names)
    assert lockfile.decode(lockfile.encode(lock)) == lock
    assert lockfile.encode(lockfile.decode(lockfile.encode(lock))) == lockfile.encode(lock)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b"{}",
        GOOD[:40],
        GOOD.replace(b'"Version": 1', b'"Version": 2'),
        GOOD.replace(b"10.42.0.0/16", b"10.42.0.1/16"),
        GOOD.replace(b"10.42.16.0/20", b"here"),
        b'{"Version": 1, "Application": "shop", "Environment": "default", "Range": "10.42.0.0/16", "Services": []}',
    ],
)
def test_what_is_no_lock_file_is_said_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "conpaas.lock.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a lock file") as refused:
        lockfile.read(path)
    assert "Git" in refused.value.remedy
    assert str(path) in refused.value.message


@given(st.integers(0, len(GOOD) - 3))
def test_a_truncated_file_is_never_a_lock(length: int) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        lockfile.decode(GOOD[:length])


def test_there_is_a_file_per_manifest_and_environment(tmp_path: Path) -> None:
    names = [
        lockfile.path_of(tmp_path / manifest, environment).name
        for manifest in ("manifest.json", "shop.json")
        for environment in ("default", "staging")
    ]
    assert names == ["conpaas.lock.json", "conpaas.staging.lock.json", "shop.lock.json", "shop.staging.lock.json"]
    assert lockfile.read(tmp_path / "none.lock.json") is None


def test_it_is_as_readable_as_the_manifest(tmp_path: Path) -> None:
    path = tmp_path / "conpaas.lock.json"
    lockfile.write(path, lockfile.decode(GOOD))
    assert path.read_bytes() == GOOD
    assert path.stat().st_mode & 0o777 == 0o644
    assert json.loads(GOOD)["Services"]["web"] == {"Block": "10.42.16.0/20"}


def test_the_seed_is_of_the_identity() -> None:
    assert lockfile.seed("shop", "default") == lockfile.seed("shop", "default")
    assert len({lockfile.seed(name, env) for name in "abcd" for env in ("default", "x")}) == 8
