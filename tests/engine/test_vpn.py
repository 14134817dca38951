"""The application's network through the engine: authorities, renewals, lock-outs, secrets of the checkpoint."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

import pytest

from conpaas_iac.backend.record import Certificate
from conpaas_iac.errors import UserError
from conpaas_iac.host.route import Route
from conpaas_iac.machines.visit import Visit
from conpaas_iac.network.renewal import Policy
from conpaas_iac.usecases import deployment, prospect, situation, wish
from conpaas_iac.usecases.wish import Request
from tests.engine.conftest import World, backends

YEAR = timedelta(days=365)
BEGIN = datetime.now(UTC)


def up_at(world: World, now: datetime) -> list[tuple[str, tuple[str, ...]]]:
    """An `up` whose decisions are of that time, with certificates signed then; the visits."""
    world.visits.seen.clear()
    world.visits.sign = lambda: Certificate("f", now, now + Policy().certificate)  # type: ignore[method-assign]
    request = Request(world.folder / "manifest.json", now=now)
    deployment.up(request, world.settings, world.events.append, lambda plan, wish: None, world.visits)
    return world.visits.seen


def authority(world: World) -> dict[str, Any]:
    """The resource in the checkpoint, as it stands on the disk."""
    path = next((world.folder.parent / "state").rglob(f"stacks/conpaas/{world.name}.default.json"))
    resources = json.loads(path.read_text())["checkpoint"]["latest"]["resources"]
    found: dict[str, Any] = next(each for each in resources if each["type"] == "conpaas:vpn:Authority")
    return found


def assert_secret(world: World) -> None:
    """The keys are ciphertext in the checkpoint, and in no file of this test in the clear."""
    keys = world.engine().machines().keys
    assert "NEBULA" in keys and "PRIVATE KEY" in keys
    assert "ciphertext" in authority(world)["outputs"]["keys"]
    canaries = [line for line in keys.splitlines() if not line.startswith("-----")]
    assert canaries
    for path in world.folder.parent.rglob("*"):
        if not path.is_file() or path.is_symlink() or path.is_socket():
            continue
        text = re.sub(r"\\n|\s", "", path.read_bytes().decode("latin-1"))
        assert "PRIVATEKEY" not in text, path
        assert not [canary for canary in canaries if canary in text], path


def members(visits: Sequence[Visit]) -> list[tuple[str, int]]:
    """Who signs for each visited machine, and how many authorities it trusts."""
    return [(each.tree.member.signer, len(each.tree.member.trusts)) for each in visits if each.tree.member]


def test_an_authority_is_followed_by_the_next_without_a_gap(world: World) -> None:
    """Trusted everywhere before it signs; every step is an ordinary visit, after which there is nothing to do."""
    world.write(backends(2))
    seen: list[tuple[str, int]] = []
    world.visits.at_visit = lambda playbook, visits: seen.extend(members(visits))

    def signers(now: datetime) -> tuple[list[tuple[str, ...]], set[tuple[str, int]]]:
        seen.clear()
        visited = up_at(world, now)
        assert_secret(world)
        return [nodes for playbook, nodes in visited if playbook == "configure"], set(seen)

    both = ("web-1", "web-2")
    visited, first = signers(BEGIN)
    assert visited == [both] and len(first) == 1
    old, trusts = next(iter(first))
    assert trusts == 1
    assert signers(BEGIN)[0] == []

    # The successor is due; nodes learn of it, and the old one goes on signing. (What `nebula-cert` makes begins by the
    # real clock, so the rule comes to the test's time and not the time to the rule.)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(situation, "Policy", lambda: replace(Policy(), successor=4 * YEAR))
        visited, second = signers(BEGIN)
    assert visited == [both] and second == {(old, 2)}
    assert authority(world)["inputs"]["epoch"] == 2

    # It is trusted everywhere, so now it signs.
    visited, third = signers(BEGIN)
    new, trusts = next(iter(third))
    assert visited == [both] and len(third) == 1 and new != old and trusts == 2
    assert signers(BEGIN)[0] == []


def test_renewals_are_ordinary_visits(world: World) -> None:
    world.write(backends(2))
    up_at(world, BEGIN)
    assert up_at(world, BEGIN + timedelta(days=100)) == []
    plan = prospect.planned(Request(world.folder / "manifest.json", now=BEGIN + timedelta(days=130)), world.settings)
    assert {change.action for change in plan.changes} == {"change"}
    assert up_at(world, BEGIN + timedelta(days=130)) == [("configure", ("web-1", "web-2"))]
    assert up_at(world, BEGIN + timedelta(days=131)) == []


def test_a_certificate_of_the_future_is_renewed(world: World) -> None:
    """Signed while the clock was two hours ahead; containers have no clock of their own, so this is decided here."""
    world.write(backends(1))
    up_at(world, BEGIN + timedelta(hours=2))
    assert up_at(world, BEGIN) == [("configure", ("web-1",))]
    assert up_at(world, BEGIN) == []


def test_who_goes_is_locked_out_before_it_is_removed(world: World) -> None:
    world.write(backends(2))
    up_at(world, BEGIN)
    told: list[tuple[str, list[str]]] = []

    def look(playbook: str, visits: Sequence[Visit]) -> None:
        for visit in visits:
            texts = [file.content for file in visit.tree.files if file.path == "/etc/nebula/config.yml"]
            told.extend((visit.node, re.findall(r"blocklist:\n\s+- (\w+)", text)) for text in texts)

    world.visits.at_visit = look
    world.write(backends(1))
    up_at(world, BEGIN)
    assert told[-1] == ("web-1", ["f"])
    # The entry ends with the certificate.
    told.clear()
    up_at(world, BEGIN + YEAR + timedelta(days=1))
    assert told and all(blocked == [] for _, blocked in told)


@pytest.mark.parametrize("asked", ["10.60.0.0/16", "10.60.128.0/20", "10.56.0.0/13"])
def test_a_range_that_overlaps_the_bridge_is_told_before_creation(world: World, asked: str) -> None:
    world.write(backends(1), Network={"Range": asked})
    with pytest.raises(UserError, match=r"10\.60\.0\.0/16") as caught:
        up_at(world, BEGIN)
    assert asked in caught.value.message
    assert_nothing_was_begun(world)


def test_a_range_that_overlaps_a_route_is_told_before_creation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = (Route(IPv4Network("0.0.0.0/0"), "eth0"), Route(IPv4Network("10.40.0.0/14"), "tun3"))
    monkeypatch.setattr(wish, "read_routes", lambda: routes)
    world.write(backends(1), Network={"Range": "10.42.0.0/16"})
    with pytest.raises(UserError, match=r"10\.42\.0\.0/16 overlaps 10\.40\.0\.0/14 on tun3"):
        up_at(world, BEGIN)
    assert_nothing_was_begun(world)


def test_two_applications_may_have_the_same_range(world: World) -> None:
    """Each has authorities of its own, so they never meet."""
    ranges, names = {"Range": "10.42.0.0/16"}, []
    for world.name in ("shop", "office"):
        world.write(backends(1), Network=ranges)
        (world.folder / "conpaas.lock.json").unlink(missing_ok=True)
        up_at(world, BEGIN)
        names.append(authority(world)["outputs"]["facts"][0]["fingerprint"])
    assert len(set(names)) == 2
    assert world.lxd.running() == {"shop--web-1", "office--web-1"}


def test_a_block_that_is_too_small_is_told_before_creation(world: World) -> None:
    world.write(backends(1000), Network={"Range": "10.42.0.0/24"})
    with pytest.raises(UserError, match=r"asks for 1000 machines, its block 10\.42\.0\.16/28 holds 7"):
        up_at(world, BEGIN)
    assert_nothing_was_begun(world)


def test_a_thousand_machines_are_planned(world: World) -> None:
    world.write(backends(1000))
    plan = prospect.planned(Request(world.folder / "manifest.json", now=BEGIN), world.settings)
    assert len(plan.changes) == 1000
    assert len({change.address for change in plan.changes}) == 1000
    assert_nothing_was_begun(world)


def assert_nothing_was_begun(world: World) -> None:
    assert not world.lxd.machines
    assert not list(world.folder.glob("*.lock.json"))
    assert deployment.Engine.find(world.settings, world.name, "default") is None
