"""Fixed addresses: a range per application, a block per service, an offset per machine.

Pure; the lock file is their memory.

A block is divided so that scaling, moving and editing other services never touch what was given:
the lower half holds machines (packed ones from offset 1; the groups of a spread service have a slice each), the upper
half is for transit while an old and a new machine live side by side.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network

from conpaas_iac.errors import UserError

BLOCKS_PER_RANGE_BITS = 4  # 16 blocks: the first is the application's own (gateways, joined machines)
SLICES_BITS = 3  # a spread service may have up to 8 groups


@dataclass(frozen=True)
class Lock:
    """What `conpaas.lock.json` holds. `code` is service -> {"Source": …, "Version": sha256}."""

    application: str
    environment: str
    range: IPv4Network
    blocks: Mapping[str, IPv4Network] = field(default_factory=dict)
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def allocate(lock: Lock, services: Iterable[str], renamed: Mapping[str, str] | None = None) -> Lock:
    """The lock with a block for each service; those that have one keep it. `renamed` is new name -> former name.

    Blocks of services that are gone are kept: a service that comes back has its old addresses.
    Raises UserError when the range is full.
    """
    blocks = dict(lock.blocks)
    for new, old in (renamed or {}).items():
        if old in blocks and new not in blocks:
            blocks[new] = blocks.pop(old)
    for name in sorted(set(services) - set(blocks)):
        blocks[name] = _free_block(lock.range, blocks.values(), name)
    return replace(lock, blocks=blocks)


def _free_block(whole: IPv4Network, taken: Iterable[IPv4Network], service: str) -> IPv4Network:
    used = set(taken)
    for candidate in block_candidates(whole):
        if candidate not in used:
            return candidate
    raise UserError(
        f"the range {whole} has no block for service {service!r}: it holds {2**BLOCKS_PER_RANGE_BITS - 1} services",
        "remove blocks of services that will not come back from the lock file",
    )


def block_candidates(whole: IPv4Network) -> Iterator[IPv4Network]:
    """Blocks of a range, in the order they are given; the first /16th is the application's own."""
    blocks = whole.subnets(new_prefix=min(whole.prefixlen + BLOCKS_PER_RANGE_BITS, 30))
    next(blocks)
    return blocks


def own_block(whole: IPv4Network) -> IPv4Network:
    """The application's own; no service is given it."""
    return next(whole.subnets(new_prefix=min(whole.prefixlen + BLOCKS_PER_RANGE_BITS, 30)))


def capacity(block: IPv4Network, slices: int = 1) -> int:
    """How many machines a group may have: half of the block, or a slice of that half."""
    half: int = block.num_addresses // 2
    return (half if slices == 1 else half >> SLICES_BITS) - 1


def node_address(block: IPv4Network, asked: tuple[IPv4Address, ...], ordinal: int, group_slice: int = 0) -> IPv4Address:
    """The address of a machine. `ordinal` counts from 1; `asked` are addresses the manifest wants, by ordinal."""
    if ordinal <= len(asked):
        return asked[ordinal - 1]
    return block.network_address + group_slice * (block.num_addresses >> (1 + SLICES_BITS)) + ordinal


def choose_range(seed: int, pool: IPv4Network, used: Iterable[IPv4Network]) -> IPv4Network:
    """A /16 of the pool that overlaps nothing in `used`; `seed` (the application's name, hashed) says where to begin.

    Raises UserError when every one is taken.
    """
    used = tuple(used)
    candidates = list(pool.subnets(new_prefix=16)) if pool.prefixlen < 16 else [pool]
    for step in range(len(candidates)):
        candidate = candidates[(seed + step) % len(candidates)]
        if not any(candidate.overlaps(network) for network in used):
            return candidate
    raise UserError(
        f"every /16 of the address pool {pool} is in use on this machine",
        "set CONPAAS_ADDRESS_POOL to a larger private range, or give the application one: \"Network\": {\"Range\": …}",
    )
