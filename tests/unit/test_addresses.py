"""Fixed addresses: nothing collides, and nothing that was given moves."""

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conpaas_iac.core import addresses
from conpaas_iac.core.addresses import Lock
from conpaas_iac.errors import UserError

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=4), unique=True, min_size=1, max_size=15)
RANGES = st.builds(
    lambda number, prefix: IPv4Network((int(IPv4Address("10.0.0.0")) + (number << (32 - prefix)), prefix)),
    st.integers(0, 100),
    st.integers(12, 24),
)


def empty(whole: IPv4Network) -> Lock:
    return Lock("shop", "default", whole)


@given(RANGES, NAMES)
def test_blocks_lie_in_the_range_and_never_overlap(whole: IPv4Network, names: list[str]) -> None:
    lock = addresses.allocate(empty(whole), names)
    assert set(lock.blocks) == set(names)
    assert all(block.subnet_of(whole) for block in lock.blocks.values())
    assert not any(one.overlaps(other) for one, other in combinations(lock.blocks.values(), 2))
    own = next(whole.subnets(addresses.BLOCKS_PER_RANGE_BITS))
    assert not any(block.overlaps(own) for block in lock.blocks.values())  # the application's own: gateways


@given(RANGES, NAMES, st.randoms())
def test_order_does_not_matter(whole: IPv4Network, names: list[str], random: object) -> None:
    shuffled = sorted(names, key=lambda name: random.random())  # type: ignore[attr-defined]
    assert addresses.allocate(empty(whole), shuffled) == addresses.allocate(empty(whole), names)


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_a_block_that_was_given_stays_whatever_comes_and_goes(edits: list[list[str]]) -> None:
    assume(len({name for names in edits for name in names}) <= 15)
    lock = empty(IPv4Network("10.42.0.0/16"))
    for names in edits:
        after = addresses.allocate(lock, names)
        assert after.blocks.items() >= lock.blocks.items()
        lock = after


def test_a_renamed_service_keeps_its_block_once() -> None:
    before = addresses.allocate(empty(IPv4Network("10.42.0.0/16")), ["blog", "db"])
    after = addresses.allocate(before, ["journal", "db"], {"journal": "blog"})
    assert after.blocks == {"journal": before.blocks["blog"], "db": before.blocks["db"]}
    assert addresses.allocate(after, ["journal", "db"], {"journal": "blog"}) == after


def test_a_full_range_says_so() -> None:
    full = addresses.allocate(empty(IPv4Network("10.42.0.0/16")), [f"s{number}" for number in range(15)])
    with pytest.raises(UserError, match="has no block for service 'more': it holds 15 services") as refused:
        addresses.allocate(full, ["more"])
    assert "lock file" in refused.value.remedy


@given(st.integers(0, 2**32 - 1), st.lists(RANGES, max_size=12))
def test_a_chosen_range_overlaps_nothing_that_is_used(seed: int, used: list[IPv4Network]) -> None:
    pool = IPv4Network("10.0.0.0/9")
    try:
        chosen = addresses.choose_range(seed, pool, used)
    except UserError:
        assert all(any(each.overlaps(other) for other in used) for each in pool.subnets(new_prefix=16))
        return
    assert chosen.prefixlen == 16
    assert chosen.subnet_of(pool)
    assert not any(chosen.overlaps(each) for each in used)


def test_a_pool_of_one_range_is_that_range() -> None:
    small = IPv4Network("10.42.0.0/20")
    assert addresses.choose_range(7, small, []) == small
    with pytest.raises(UserError, match="is in use") as refused:
        addresses.choose_range(7, small, [IPv4Network("10.42.3.0/24")])
    assert "CONPAAS_ADDRESS_POOL" in refused.value.remedy


@given(RANGES, st.integers(1, 8), st.data())
def test_machines_stay_in_the_lower_half_of_their_block(whole: IPv4Network, groups: int, data: st.DataObject) -> None:
    block = next(addresses.block_candidates(whole))
    slices = data.draw(st.sampled_from([1, groups]))
    room = addresses.capacity(block, slices)
    assume(room >= 1)
    ordinal, group = data.draw(st.integers(1, room)), data.draw(st.integers(0, slices - 1))
    address = addresses.node_address(block, (), ordinal, group)
    lower, _ = block.subnets(1)
    assert address in lower
    assert address != block.network_address


def test_asked_addresses_go_by_ordinal() -> None:
    block, asked = IPv4Network("10.42.16.0/20"), (IPv4Address("10.42.1.9"),)
    assert addresses.node_address(block, asked, 1) == asked[0]
    assert addresses.node_address(block, asked, 2) == IPv4Address("10.42.16.2")
