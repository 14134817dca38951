"""What the parts decide from what they saw."""

from pathlib import Path

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.host import bridge, daemon, go, kernel, packages, pool, ranges
from conpaas_iac.host.part import State
from conpaas_iac.host.route import parse_routes
from conpaas_iac.settings import Settings

SETTINGS = Settings()
OURS = {"ipv4.address": "10.60.0.1/16", "user.conpaas": "made by conpaas setup"}


def test_packages_are_known_by_their_programs() -> None:
    tools = {"squashfs-tools": "mksquashfs", "nftables": "nft"}
    assert packages.absent(tools, lambda program: f"/sbin/{program}" if program == "nft" else None) == (
        "squashfs-tools",
    )


def test_kernel_keeps_higher_numbers_and_skips_unknown_keys() -> None:
    assert kernel.too_low({"fs.inotify.max_user_instances": 128, "kernel.keys.maxkeys": 20000}) == {
        "fs.inotify.max_user_instances": 8192
    }
    assert kernel.too_low(kernel.WANTED) == {}


@pytest.mark.parametrize(
    ("answer", "installed", "state", "says"),
    [
        (daemon.Answer.YES, True, State.THERE, "answers"),
        (daemon.Answer.ABSENT, False, State.MISSING, "not installed"),
        (daemon.Answer.ABSENT, True, State.MISSING, "nobody answers"),
        (daemon.Answer.SILENT, True, State.MISSING, "nobody answers"),
        (daemon.Answer.DENIED, True, State.WRONG, "no right"),
    ],
)
def test_daemon(answer: daemon.Answer, installed: bool, state: State, says: str) -> None:
    finding = daemon.decide(answer, Path("/var/lib/lxd/unix.socket"), installed)
    assert (finding.state, says in finding.text) == (state, True)


def test_group_of_incus_has_another_name() -> None:
    finding = daemon.decide(daemon.Answer.DENIED, Path("/var/lib/incus/unix.socket"), True)
    assert "usermod -aG incus-admin" in finding.remedy


def test_socket_that_is_not_there(tmp_path: Path) -> None:
    assert daemon.knock(tmp_path / "unix.socket") is daemon.Answer.ABSENT
    (tmp_path / "unix.socket").touch()
    assert daemon.knock(tmp_path / "unix.socket") is daemon.Answer.SILENT


def test_pool_is_btrfs_where_it_can_be() -> None:
    assert pool.definition("x", frozenset({"dir", "btrfs"}), 80.0)["config"]["size"] == "40GiB"
    assert pool.definition("x", frozenset({"dir", "btrfs"}), 5.0)["config"]["size"] == "4GiB"
    assert pool.definition("x", frozenset({"dir", "btrfs"}), 5000.0)["config"]["size"] == "100GiB"
    assert pool.definition("x", frozenset({"dir"}), 80.0)["driver"] == "dir"
    with pytest.raises(UserError, match=r"needs 4 GiB, and 1\.5 GiB are free"):
        pool.definition("x", frozenset({"btrfs"}), 1.5)


@pytest.mark.parametrize(
    ("config", "routes", "state", "says"),
    [
        (None, "[]", State.MISSING, "no bridge conpaas0"),
        (None, '[{"dst":"10.60.4.0/24","dev":"docker0"}]', State.WRONG, "10.60.4.0/24 on docker0"),
        (OURS, '[{"dst":"10.60.0.0/16","dev":"conpaas0"}]', State.THERE, "10.60.0.1/16"),
        ({**OURS, "ipv4.address": "10.61.0.1/16"}, "[]", State.WRONG, "the settings say 10.60.0.1/16"),
        ({"ipv4.address": "10.99.0.1/24"}, "[]", State.THERE, "10.99.0.1/24"),  # the user's own: as it is
        ({"ipv4.address": "none"}, "[]", State.WRONG, "no IPv4 address"),
    ],
)
def test_bridge(config: dict[str, str] | None, routes: str, state: State, says: str) -> None:
    finding = bridge.decide(SETTINGS, config, parse_routes(routes))
    assert (finding.state, says in finding.text) == (state, True), finding


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(address_pool="10.0.0.1/8"), "setting address_pool: '10.0.0.1/8' is not an IPv4 range"),
        (Settings(lxd_bridge_range="much"), "setting lxd_bridge_range: 'much' is not an IPv4 range"),
        (Settings(lxd_bridge_range="10.70.0.0/16"), "should be a part of the address pool 10.32.0.0/11"),
    ],
)
def test_ranges_that_cannot_be(settings: Settings, says: str) -> None:
    with pytest.raises(UserError) as raised:
        ranges.bridge(settings)
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("have", "toolchain", "says"),
    [
        ("go version go1.26.8 linux/amd64", "local", ""),
        ("go version go1.25.11 linux/amd64", "local", ""),
        ("go version go1.22.1 linux/amd64", "auto", ""),
        ("go version go1.22.1 linux/amd64", "local", "GOTOOLCHAIN=local forbids"),
        ("go version go1.19.8 linux/amd64", "", "Go 1.19.8 is too old: it needs 1.25.11, and only Go 1.21"),
    ],
)
def test_go(have: str, toolchain: str, says: str) -> None:
    problem = go.judge(go.parse(have), go.needed("module x\n\ngo 1.25.11\n"), toolchain)
    assert (says in problem) and bool(problem) == bool(says)
