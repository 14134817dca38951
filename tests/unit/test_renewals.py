"""Ten years of an application, by the clock: what plans say of certificates, before each `up` does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from conpaas_iac.backend.record import Certificate, Record
from conpaas_iac.core.render import Tree
from conpaas_iac.network import membership, renewal
from conpaas_iac.network.membership import Authorities
from conpaas_iac.plans import planning
from conpaas_iac.plans.plan import Plan
from conpaas_iac.plans.planning import Known
from tests.builders import applied, build, service, trees, wanted

POLICY = renewal.Policy()
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LAYOUT = build(service(counts={"backend": 3}))
IPS = {node.name: f"10.60.0.{node.ordinal}" for node in LAYOUT.nodes}
YEARS = 10


@dataclass
class World:
    """An application after its first `up`; each further one does what its plan says."""

    now: datetime = BEGIN
    authorities: Authorities = field(default_factory=Authorities)
    record: Record = field(default_factory=Record)
    plans: list[Plan] = field(default_factory=list)

    def trees(self) -> Mapping[str, Tree]:
        return membership.complete(trees(LAYOUT), LAYOUT, IPS, self.authorities, self.record, self.now)

    def plan(self) -> Plan:
        there = self.trees()
        renewed = membership.renewals(there, self.record, self.authorities, self.now, POLICY)
        known = Known(renewals=renewed)
        return planning.make(LAYOUT, wanted(LAYOUT), applied(LAYOUT), self.record, there, known)

    def up(self) -> Plan:
        made = self.plan()
        if self.authorities.next_epoch(self.now, POLICY) != self.authorities.epoch:
            self._succeed()
        for name, tree in self.trees().items():
            known = self.record.nodes.get(name)
            if known is None or known.digest != tree.digest:
                signed = {name: self._sign(tree)} if known is None or known.member != tree.member else {}
                self.record = self.record.confirmed([(f"id-{name}", tree)], signed)
        self.plans.append(made)
        return made

    def _succeed(self) -> None:
        old, epoch = self.authorities, self.authorities.epoch + 1
        new = Certificate(f"ca-{epoch}", self.now, self.now + POLICY.authority)
        self.authorities = replace(
            old, certificates=(*old.certificates, f"{epoch}\n"), facts=(*old.facts, new), epoch=epoch
        )

    def _sign(self, tree: Tree) -> Certificate:
        assert tree.member
        authority = next(each for each in self.authorities.facts if each.fingerprint == tree.member.signer)
        ends = min(self.now + POLICY.certificate, authority.ends)
        return Certificate(f"{tree.node}-{tree.member.serial}-{authority.fingerprint}", self.now, ends)

    def days(self) -> int:
        """That the certificate with the least time has."""
        ends = [each.certificate.ends for each in self.record.nodes.values() if each.certificate]
        return renewal.days_left(min(ends), self.now)


@pytest.fixture
def world() -> World:
    """After its first `up`."""
    made = World()
    made.up()
    return made


def causes(made: Plan) -> set[str]:
    return {change.cause for change in made.changes}


def test_the_first_months_have_nothing_to_renew(world: World) -> None:
    assert world.plan().is_empty
    world.now += timedelta(days=120)
    assert world.plan().is_empty
    world.now += timedelta(days=10)
    made = world.up()
    assert causes(made) == {"its certificate: renewed (235 days left)"}
    assert {change.action for change in made.changes} == {"change"}
    assert world.plan().is_empty


def test_a_successor_is_told_before_it_is_made_and_signs_one_up_later(world: World) -> None:
    world.now += timedelta(days=300)
    world.up()
    world.now += timedelta(days=70)
    made = world.up()
    assert causes(made) == {"the network's authority: a successor (725 days left)"}
    assert len(made.changes) == len(LAYOUT.nodes)
    then = world.up()
    assert causes(then) == {"its certificate: signed by the authority's successor"}
    assert world.up().is_empty


def test_an_interrupted_up_goes_on_with_telling_the_others(world: World) -> None:
    world.now += timedelta(days=370)
    world._succeed()  # and then it was killed
    assert causes(world.plan()) == {
        "its certificate: renewed (it has expired), the network's authority: a successor",
    }


def test_an_application_that_slept_for_years_wakes_with_one_plan(world: World) -> None:
    world.now += timedelta(days=4 * 365)
    assert causes(world.up()) == {"the network's authority: a successor (it has expired)"}
    assert world.days() == 365
    assert world.up().is_empty


@pytest.mark.parametrize("pause", [30, 120, 239])
def test_ten_years_of_ordinary_ups(world: World, pause: int) -> None:
    while world.now < BEGIN + timedelta(days=YEARS * 365):
        world.now += timedelta(days=pause)
        assert world.days() >= 0
        made = world.up()
        assert {change.action for change in made.changes} <= {"change"}
        assert all(cause.startswith(("its certificate: ", "the network's authority: ")) for cause in causes(made))
        trusts = [set(node.member.trusts) for node in world.record.nodes.values() if node.member]
        signers = {node.member.signer for node in world.record.nodes.values() if node.member}
        assert all(signers <= trust for trust in trusts)
    assert world.authorities.epoch >= YEARS // 2
