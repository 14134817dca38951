"""Limits of LXD's machines as cores and MiB."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac import lxd
from conpaas_iac.provider.lxd_instance import limits


@pytest.mark.parametrize(
    ("text", "cores"), [("2", 2), ("0-3", 4), ("0-1,4", 3), ("3-3", 1), ("", 0), ("many", None), ("1-x", None)]
)
def test_cores(text: str, cores: int | None) -> None:
    assert lxd.cores(text) == cores


@pytest.mark.parametrize(
    ("text", "mebibytes"),
    [("1024MiB", 1024), ("2GiB", 2048), ("1GB", 953), ("1073741824", 1024), ("", 0), ("50%", None), ("much", None)],
)
def test_memory(text: str, mebibytes: int | None) -> None:
    assert lxd.mebibytes(text) == mebibytes


@given(st.integers(1, 256), st.integers(1, 2**20))
def test_what_is_set_is_read_back(cores: int, memory: int) -> None:
    said = limits(cores, memory)
    assert (lxd.cores(said["limits.cpu"]), lxd.mebibytes(said["limits.memory"])) == (cores, memory)
