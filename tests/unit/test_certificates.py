"""Certificates through nebula-cert, and ten years of their renewal against a clock."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from random import Random

import pytest

from conpaas_iac.errors import ConpaasError
from conpaas_iac.host import nebula
from conpaas_iac.network import certificates, renewal
from conpaas_iac.network.certificates import Authority, Subject
from conpaas_iac.network.renewal import Due, Policy
from conpaas_iac.settings import load
from conpaas_iac.system import memory

RANGE = IPv4Network("10.42.0.0/16")
YEAR, DAY = timedelta(days=365), timedelta(days=1)
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
BLOG = Subject("blog-1", IPv4Interface("10.42.16.1/16"), ("*", "blog.*", "blog.web"))


@pytest.fixture(scope="module")
def program() -> Path:
    return nebula.install(load(), print).cert


@pytest.fixture(scope="module")
def authority(program: Path) -> Authority:
    return certificates.make_authority(program, "shop 1", RANGE, YEAR)


@pytest.fixture(scope="module")
def public_key(program: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("key")
    subprocess.run([program, "keygen", "-out-key", folder / "k", "-out-pub", folder / "p"], check=True)
    return (folder / "p").read_text()


def test_facts(program: Path, authority: Authority, public_key: str) -> None:
    signed = certificates.sign(program, authority, public_key, BLOG, 30 * DAY)
    own, fact = certificates.read(program, authority.certificate + signed)
    assert (own.name, own.is_authority, own.networks, own.issuer) == ("shop 1", True, ("10.42.0.0/16",), "")
    assert own.ends - own.begins == YEAR
    assert (fact.name, fact.is_authority, fact.networks, fact.groups) == (
        "blog-1", False, ("10.42.16.1/16",), ("*", "blog.*", "blog.web"),
    )  # fmt: skip
    assert fact.issuer == own.fingerprint and fact.ends - fact.begins == 30 * DAY
    assert abs(fact.begins - datetime.now(UTC)) < timedelta(seconds=30)
    assert certificates.read(program, "") == ()


def test_never_outlives_its_authority(program: Path, authority: Authority, public_key: str) -> None:
    signed = certificates.sign(program, authority, public_key, BLOG, 5 * YEAR)
    own, fact = certificates.read(program, authority.certificate + signed)
    assert own.ends - timedelta(seconds=5) < fact.ends <= own.ends


def test_address_outside_the_range_is_refused(program: Path, authority: Authority, public_key: str) -> None:
    other = Subject("blog-1", IPv4Interface("10.43.0.1/16"), ())
    with pytest.raises(ConpaasError, match=r"nebula-cert sign: .*10\.43\.0\.1"):
        certificates.sign(program, authority, public_key, other, DAY)


def test_key_is_in_no_argument_and_on_no_disk(authority: Authority, public_key: str, tmp_path: Path) -> None:
    """A program in nebula-cert's place writes down all that it is given."""
    spy = tmp_path / "nebula-cert"
    real = nebula.need(load()).cert
    log = tmp_path / "log"
    spy.write_text(f'#!/bin/sh\necho "$@" >>{log}; env >>{log}; ls -l /proc/self/fd >>{log}\nexec {real} "$@"\n')
    spy.chmod(0o755)
    certificates.sign(spy, authority, public_key, BLOG, DAY)
    made = certificates.make_authority(spy, "shop 2", RANGE, YEAR)
    for secret in (authority.key, made.key):
        body = secret.splitlines()[1]
        assert body not in log.read_text()
        assert body not in repr(authority) + repr(made)
    assert not list(memory.MEMORY.glob("conpaas-*/ca.key"))


def test_descriptors_are_closed(program: Path, authority: Authority, public_key: str) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    certificates.sign(program, authority, public_key, BLOG, DAY)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@dataclass(frozen=True)
class Paper:
    """A certificate in a world without nebula-cert."""

    fingerprint: str
    begins: datetime
    ends: datetime
    issuer: str = ""


def paper(days: int) -> Paper:
    return Paper("a", BEGIN, BEGIN + days * DAY)


@pytest.mark.parametrize(
    ("after", "due"), [(0, Due.FRESH), (125, Due.FRESH), (126, Due.RENEW), (364, Due.RENEW), (365, Due.EXPIRED)]
)
def test_due(after: int, due: Due) -> None:
    assert renewal.due(paper(365), BEGIN + after * DAY, Policy()) is due


def test_a_certificate_from_the_future_is_renewed() -> None:
    assert renewal.due(paper(365), BEGIN - timedelta(hours=2), Policy()) is Due.RENEW


def test_signer() -> None:
    old, new = Paper("old", BEGIN, BEGIN + 3 * YEAR), Paper("new", BEGIN + YEAR, BEGIN + 4 * YEAR)
    now = BEGIN + YEAR + DAY
    assert renewal.signer([new, old], now, [{"old"}, {"old", "new"}]) is old
    assert renewal.signer([new, old], now, [{"old", "new"}]) is new
    assert renewal.signer([new, old], now, []) is new
    assert renewal.signer([new, old], now, [{"old"}, {"new"}]) is new
    assert renewal.trusted([new, old], now) == (old, new)
    assert renewal.trusted([new, old], BEGIN + 3 * YEAR) == (new,)
    with pytest.raises(ValueError, match="no authority"):
        renewal.signer([old], BEGIN + 3 * YEAR, [])


@dataclass
class World:
    """An application whose nodes are visited by `up`s only."""

    now: datetime = BEGIN
    authorities: list[Paper] = field(default_factory=list)
    trust: dict[str, dict[str, Paper]] = field(default_factory=dict)  # node -> authorities, as it was told
    held: dict[str, Paper] = field(default_factory=dict)  # node -> its certificate
    visited: dict[str, datetime] = field(default_factory=dict)

    def up(self, nodes: list[str], policy: Policy) -> Iterator[str]:
        """What a real one does; the world is looked at between any two nodes, and an `up` may be killed there."""
        if renewal.needs_successor(self.authorities, self.now, policy):
            name = f"authority {len(self.authorities) + 1}"
            self.authorities.append(Paper(name, self.now, self.now + policy.authority))
        signer = renewal.signer(self.authorities, self.now, self.trust.values())
        for node in nodes:
            self.trust[node] = {each.fingerprint: each for each in renewal.trusted(self.authorities, self.now)}
            mine = self.held.get(node)
            if mine is None or renewal.due(mine, self.now, policy) is not Due.FRESH:
                ends = min(self.now + policy.certificate, signer.ends)
                self.held[node] = Paper(f"{node} {self.now}", self.now, ends, signer.fingerprint)
            self.visited[node] = self.now
            yield node

    def broken(self) -> list[str]:
        """Pairs of which one does not trust the other, now."""
        return [
            f"{self.now}: {one} does not trust {other} ({mine})"
            for one, told in self.trust.items()
            for other, mine in self.held.items()
            if not (mine.issuer in told and self.now < told[mine.issuer].ends and mine.begins <= self.now < mine.ends)
        ]


@pytest.mark.parametrize("seed", range(60))
def test_ten_years_without_a_gap(seed: int) -> None:
    """`up`s come when they come, may miss nodes and be killed; each node is visited once in `Policy.pause`."""
    random, policy = Random(seed), Policy()
    world = World()
    names = [f"node-{k}" for k in range(1, 5)]
    list(world.up(names, policy))
    while world.now < BEGIN + 10 * YEAR:
        deadline = min(world.visited[name] for name in names) + policy.pause
        step = (deadline - world.now) * random.choice([0.01, 0.2, 0.5, random.random(), 1])
        for _ in range(2):  # somebody looks in between, too
            world.now += step / 2
            assert world.broken() == []
        must = [name for name in names if world.visited[name] + policy.pause - world.now < DAY]
        others = [name for name in names if name not in must and random.random() < 0.7]
        if random.random() < 0.2:
            names.append(f"node-{len(names) + 1}")
            others.append(names[-1])
        order = [*must, *random.sample(others, len(others))]
        for visited in world.up(order, policy):
            assert world.broken() == []
            if visited not in must and random.random() < 0.1:
                break  # killed; what was overdue came first
        names = [name for name in names if name in world.held]
    assert len(world.authorities) >= 5
