"""Operators' machines in an application's network, as data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network

import pytest

from conpaas_iac.backend import record
from conpaas_iac.backend.record import Certificate, Join, Record
from conpaas_iac.core.flows import Offer
from conpaas_iac.errors import UserError
from conpaas_iac.network import joins, membership, vpn
from conpaas_iac.views import status
from tests.builders import RANGE, TYPES, applied, build, confirmed, service, trees

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SHOP = build(service("front"), service("back", counts={"backend": 2}))


def made(
    name: str = "alice", hours: float = 2, address: str = "10.42.0.1", reach: tuple[str, ...] = ("front",)
) -> Join:
    certificate = Certificate(f"{name} {hours}", NOW, NOW + timedelta(hours=hours))
    return Join(name, address, reach, "alice@laptop", (certificate,))


def running() -> Record:
    """Everything confirmed, with its part in the network."""
    places = {node.name: vpn.Place(f"10.60.0.{k}") for k, node in enumerate(SHOP.nodes, 1)}
    texts = vpn.configurations(SHOP, places)
    rendered = trees(SHOP)
    config = next(iter(rendered.values())).files[0]
    full = (
        (f"id-{name}", replace(tree, files=(*tree.files, replace(config, path=vpn.CONFIG, content=texts[name]))))
        for name, tree in rendered.items()
    )
    return Record().confirmed(full)


@pytest.mark.parametrize(("text", "minutes"), [("30m", 30), ("2h", 120), ("3d", 4320), ("30d", 43200), ("720h", 43200)])
def test_durations(text: str, minutes: int) -> None:
    assert joins.duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text", ["", "2", "h", "0h", "-1h", "2 h", "2H", "1.5h", "31d", "721h", "2s", "٣h", "9999999d"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="30"):
        joins.duration(text)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=59), "less than 1 min"),
        (timedelta(minutes=30, seconds=59), "30 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=3, hours=1, minutes=5), "3 d 1 h"),
        (timedelta(seconds=-1), "less than 1 min"),
    ],
)
def test_durations_are_said(length: timedelta, said: str) -> None:
    assert joins.spoken(length) == said


def test_interfaces_are_short_and_every_join_has_its_own() -> None:
    names = ["a", "alice", "alice-at-home", "alice-at-work", "a-b-c-d-e-f-g"]
    found = {joins.interface(stack, name) for stack in ("shop.default", "blog.default") for name in names}
    assert len(found) == 2 * len(names)
    assert all(len(each) <= 15 and each.startswith("cp-") and "--" not in each for each in found)


def test_addresses_are_of_the_block_that_no_service_gets() -> None:
    first = joins.free_address(RANGE, (), applied(SHOP))
    assert first == "10.42.0.1"
    assert not any(IPv4Address(first) in each.block for each in SHOP.services)
    assert joins.free_address(RANGE, (made(), made("bob", address="10.42.0.3")), ()) == "10.42.0.2"
    asked = build(service("front", addresses={"": (IPv4Address("10.42.0.1"),)}))
    assert joins.free_address(RANGE, (), applied(asked)) == "10.42.0.2"
    small = IPv4Network("10.42.0.0/24")
    taken = [made(str(k), address=f"10.42.0.{k}") for k in range(1, 15)]
    with pytest.raises(UserError, match="all addresses for joined machines are in use"):
        joins.free_address(small, taken, ())


def test_what_is_offered_does_not_depend_on_who_uses_it() -> None:
    assert SHOP.offers == tuple(Offer((name, "proxy"), 80) for name in ("back", "front"))
    php = {port.name: port.source for port in TYPES["php"].descriptor.ports}
    assert php["dynamic"] == php["static"] == php["application"] == "service"  # none of these


def test_what_a_join_reaches() -> None:
    there, machines = running(), applied(SHOP)
    [port] = joins.ports(machines, there, ["back"])
    assert (port.node, port.address, port.port, port.protocol) == ("back-1", str(SHOP.service("back").entry), 80, "tcp")
    with pytest.raises(UserError, match="no machines of service 'blog'") as unknown:
        joins.ports(machines, there, ["blog"])
    assert unknown.value.remedy == "services: back, front"
    with pytest.raises(UserError, match="nothing of front is open"):
        joins.ports(machines, confirmed(SHOP), ["front"])


def test_its_certificate_holds_what_is_named_and_nothing_that_machines_have() -> None:
    subject = joins.subject(made(reach=("back", "front")), RANGE)
    assert (str(subject.address), subject.groups) == ("10.42.0.1/16", ("reach:back", "reach:front"))
    assert not set(subject.groups) & {group for node in SHOP.nodes for group in vpn.subject(node, SHOP).groups}


def test_a_name_is_free_again_when_its_join_has_ended() -> None:
    there = Record(joins=(made(),))
    assert joins.former(there, "alice", "alice@laptop", NOW) == made()
    assert joins.former(there, "bob", "bob@desk", NOW) is None
    with pytest.raises(UserError, match="'alice' is the join of alice@laptop, for another 2 h"):
        joins.former(there, "alice", "bob@desk", NOW)
    assert joins.former(there, "alice", "bob@desk", NOW + timedelta(hours=2)) is None


@pytest.mark.parametrize(
    ("hours", "reach", "is_outdated"),
    [(2, ("front",), False), (3, ("back", "front"), False), (1, ("front",), True), (3, ("back",), True)],
)
def test_what_allowed_more_is_locked_out_when_renewed(hours: float, reach: tuple[str, ...], is_outdated: bool) -> None:
    again = made(hours=hours, reach=reach)
    assert joins.outdated(made(), again) == (made().certificates if is_outdated else ())
    assert joins.outdated(None, again) == ()


def test_the_record_keeps_what_lives() -> None:
    there = Record(joins=(made("old", hours=-1), made(), made("bob")))
    again = made(hours=5)
    after = joins.joined(there, again, made().certificates, NOW)
    assert [each.name for each in after.joins] == ["bob", "alice"]
    assert after.joins[1].certificates == (*made().certificates, *again.certificates)
    assert after.joins[1].ends == NOW + timedelta(hours=5)
    assert joins.without(after, "alice", NOW).joins == (made("bob"),)
    later = joins.joined(after, made(hours=6), after.joins[1].certificates, NOW + timedelta(hours=3))
    assert [each.fingerprint for each in later.joins[0].certificates] == ["alice 5", "alice 6"]


def test_it_is_what_it_was_after_writing_and_reading(tmp_path: object) -> None:
    import msgspec

    there = replace(running(), joins=(made(),))
    assert msgspec.json.decode(msgspec.json.encode(there), type=record.Record) == there


def test_status_lists_them_while_they_live() -> None:
    there = Record(joins=(made(), made("old", hours=-1)))
    [said] = status.joined(there, NOW + timedelta(minutes=30))
    assert (said.name, said.address, said.reach, said.left) == ("alice", "10.42.0.1", ("front",), "1 h 30 min")
    assert status.joined(there, NOW + timedelta(hours=2)) == ()


def test_a_machine_does_not_get_the_address_of_a_join() -> None:
    asked = build(service("front", addresses={"": (IPv4Address("10.42.0.1"),)}))
    there = Record(joins=(made(),))
    with pytest.raises(
        UserError, match=r"front-1 is to have the address 10.42.0.1, which alice joined with"
    ) as refused:
        joins.refuse_taken(asked, there, NOW)
    assert refused.value.remedy == "conpaas join shop --as alice --end"
    joins.refuse_taken(asked, there, NOW + timedelta(hours=2))
    joins.refuse_taken(SHOP, there, NOW)


def test_who_is_locked_out_is_told_with_one_file() -> None:
    before = running()
    after = membership.with_blocked(before, made().certificates, NOW)
    told = membership.told(after, NOW)
    assert set(told) == set(before.nodes)
    for name, tree in told.items():
        old = before.tree(name)
        assert old
        changed = {
            file.path for file, there in zip(tree.files, old.files, strict=True) if file.content != there.content
        }
        assert changed == {vpn.CONFIG}
        assert [file.on_change for file in tree.files if file.path == vpn.CONFIG] == ["reload"]
    confirmed_again = after.confirmed((f"id-{name}", tree) for name, tree in told.items())
    assert membership.told(confirmed_again, NOW) == {}  # trying again tells nobody twice
    assert membership.told(before, NOW) == {}
