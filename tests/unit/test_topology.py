"""The layout of an application: who is where, what stays where it was, who may talk to whom."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac.core.flows import Flow
from conpaas_iac.core.layout import SIZES
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import model
from tests.builders import build, lock, service, where

COUNTS = st.fixed_dictionaries({group: st.integers(1, 40) for group in ("proxy", "web", "backend")})
SERVICES = st.lists(
    st.builds(
        lambda name, counts, start, placement: service(name, counts, start=start, placement=placement),
        st.text("abcd", min_size=1, max_size=3),
        COUNTS,
        st.booleans(),
        st.sampled_from(["packed", "spread"]),
    ),
    unique_by=lambda each: each.name,
    min_size=1,
    max_size=6,
)
few = settings(max_examples=40, deadline=None)


@few
@given(SERVICES)
def test_no_two_machines_share_an_address_or_a_name(services: list[model.Service]) -> None:
    layout = build(*services)
    assert len(set(where(layout).values())) == len(layout.nodes)
    assert len({node.name for node in layout.nodes}) == len(layout.nodes)
    for each in layout.services:
        assert all(node.address in each.block for node in each.nodes)
        known = dict(each.directory)
        assert all(known[node.name] == node.address for node in each.nodes)
        assert each.entry in each.block
        assert bool(each.nodes) == each.start


@few
@given(SERVICES, st.randoms())
def test_the_order_of_services_changes_nothing(services: list[model.Service], random: Any) -> None:
    shuffled = sorted(services, key=lambda each: random.random())
    assert build(*shuffled) == build(*services)


@few
@given(SERVICES, st.lists(COUNTS, min_size=1, max_size=4), st.booleans())
def test_scaling_up_down_to_nothing_and_back_moves_nobody(
    others: list[model.Service], steps: list[dict[str, int]], keep_others: bool
) -> None:
    held = lock(service("x"), *others)
    seen: dict[str, IPv4Address] = {}
    for number, counts in enumerate(steps):
        beside = others if keep_others or number % 2 else []
        layout = build(service("x", counts, start=number % 3 != 1), *beside, held=held)
        for node, address in where(layout).items():
            assert seen.setdefault(node, address) == address


def test_packed_machines_run_every_group_whose_count_reaches_them() -> None:
    layout = build(service(counts={"backend": 3}))
    assert [(node.name, node.groups) for node in layout.nodes] == [
        ("web-1", ("proxy", "web", "backend")),
        ("web-2", ("backend",)),
        ("web-3", ("backend",)),
    ]


def test_spread_groups_have_machines_of_their_own() -> None:
    layout = build(service(counts={"backend": 2}, placement="spread"))
    assert [(node.name, node.groups, str(node.address)) for node in layout.nodes] == [
        ("web-proxy-1", ("proxy",), "10.42.16.1"),
        ("web-web-1", ("web",), "10.42.17.1"),
        ("web-backend-1", ("backend",), "10.42.18.1"),
        ("web-backend-2", ("backend",), "10.42.18.2"),
    ]
    assert layout.service("web").entry == layout.nodes[0].address


def test_start_0_has_no_machine_and_keeps_names_and_entry() -> None:
    off, on = build(service(start=False)), build(service())
    assert off.nodes == ()
    assert off.service("web").directory == on.service("web").directory
    assert off.service("web").entry == on.service("web").entry


def test_a_renamed_service_keeps_its_addresses() -> None:
    before = lock(service("blog"), service("db"))
    renamed = service("journal", renamed_from="blog")
    after = build(renamed, service("db"), held=lock(renamed, service("db"), before=before))
    assert after.service("journal").block == before.blocks["blog"]


def test_asked_addresses_are_kept_and_may_not_meet_others() -> None:
    asked = {"": (IPv4Address("10.42.1.7"),)}
    layout = build(service(counts={"backend": 2}, addresses=asked))
    assert [str(node.address) for node in layout.nodes] == ["10.42.1.7", "10.42.16.2"]
    with pytest.raises(UserError, match=r"would both have the address 10\.42\.16\.1"):
        build(service("a"), service("b", addresses={"": (IPv4Address("10.42.16.1"),)}))


def test_a_block_that_is_too_small_says_what_to_do() -> None:
    with pytest.raises(UserError, match="asks for 3000 machines, its block") as refused:
        build(service(counts={"backend": 3000}))
    assert '"Range"' in refused.value.remedy


def test_sizes_and_batches() -> None:
    batches = {"backend": (model.Batch(2, "", "large"), model.Batch(1, "", ""))}
    layout = build(service(counts={"backend": 4}, batches=batches, size="medium"))
    assert [node.size for node in layout.nodes] == [SIZES[name] for name in ("large", "large", "medium", "medium")]
    with pytest.raises(UserError, match="unknown size 'huge'"):
        build(service(size="huge"))


def test_one_more_machine_changes_no_directory() -> None:
    for before, after in ((1, 16), (17, 64)):
        one, more = (build(service(counts={"backend": count})).service("web") for count in (before, after))
        assert one.directory == more.directory
    assert len(build(service(counts={"backend": 17})).service("web").directory) == 64


def test_flows_are_what_relations_say() -> None:
    office = (IPv4Network("192.0.2.0/24"),)
    layout = build(
        service("front", uses=("blog",)), service("blog", publish=(model.Publish("backend", 9000, office),))
    )
    assert Flow(("", ""), ("front", "proxy"), 80) in layout.flows
    assert Flow(("blog", ""), ("blog", "backend"), 8081) in layout.flows
    assert Flow(("", ""), ("blog", "backend"), 9000, sources=office) in layout.flows
    assert not [flow for flow in layout.flows if flow.source[0] == "front" and flow.target[0] == "blog"]


def test_the_topology_is_found_by_name() -> None:
    assert build(service()).service("web").name == "web"
    with pytest.raises(KeyError):
        build(service()).service("other")


def test_machines_that_are_left_out_keep_their_names_free() -> None:
    kept = build(service(counts={"backend": 3}))
    holed = build(service(counts={"backend": 3}, without=frozenset({"web-1"})))
    assert [(node.name, node.groups) for node in holed.nodes] == [
        ("web-2", ("proxy", "web", "backend")),  # what the first machine carries moves on
        ("web-3", ("backend",)),
        ("web-4", ("backend",)),
    ]
    assert {name: where(kept)[name] for name in ("web-2", "web-3")}.items() <= where(holed).items()
    assert holed.service("web").entry == where(holed)["web-2"]
    assert holed.service("web").directory == kept.service("web").directory  # so neighbours' hosts files stay
