"""Two applications of one host with the same range: both work, and neither lets the other in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import machines
from tests.e2e.conftest import tell
from tests.e2e.machines import lxc, pinged, run, until
from tests.e2e.network import Network, impersonate, journal

RANGE = {"Network": {"Range": "10.43.0.0/16"}}
SERVICES = {"a": {"Uses": ["b"]}, "b": {"Uses": []}}


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Network, Network]]:
    """Two of them, up."""
    monkeypatch.delenv("CI", raising=False)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    for one in tell(tmp_path / "one"):
        for other in tell(tmp_path / "other"):
            both = Network(one, dict(SERVICES), RANGE), Network(other, dict(SERVICES), RANGE)
            for each in both:
                each.up()
            yield both


def test_two_applications_with_one_range(pair: tuple[Network, Network], tmp_path: Path) -> None:
    one, other = pair
    addresses = {name: node["address"] for name, node in one.nodes().items()}
    assert addresses == {name: node["address"] for name, node in other.nodes().items()}
    b, target = {addresses["b-1"]}, (addresses["b-1"], 80, "tcp")
    for each in pair:
        assert pinged(each.machine("a-1"), b) == b
        assert machines.tried(each.machine("a-1"), [target])[target] == "open"
    # Stop one b: its a reaches nobody, although the other b is there with that address.
    run(one.machine("b-1"), "systemctl", "stop", "nebula")
    assert pinged(one.machine("a-1"), b, 3) == set()
    run(one.machine("b-1"), "systemctl", "start", "nebula")

    # A handshake of one's a with other's b.
    lxc("file", "pull", "-r", f"{one.machine('a-1')}/etc/nebula", str(tmp_path / "a-1"), "--create-dirs")
    run(one.machine("a-1"), "systemctl", "stop", "nebula")
    config = tmp_path / "a-1" / "nebula" / "config.yml"
    ours, theirs = (machines.address(each.machine("b-1")) for each in pair)
    right = config.read_text()
    with machines.scratch() as copy:
        assert ours in right
        config.write_text(right.replace(ours, theirs))
        impersonate(copy, tmp_path / "a-1")
        assert pinged(copy, b, 4) == set()
        place = machines.address(copy)
        until(lambda: "could not find ca" in journal(other.machine("b-1"), place))
        config.write_text(right)
        impersonate(copy, tmp_path / "a-1")
        assert pinged(copy, b) == b
