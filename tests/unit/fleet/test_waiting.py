"""What is done with each application: never more than the policy says, and nothing goes by accident."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.fleet.approvals import Approval
from conpaas_iac.fleet.decisions import Decision, Found, Grave, Lost, Terms, decided
from conpaas_iac.plans.plan import DANGERS

KNOWN = Found("shop", "default", "fleet/shop/manifest.json", home="acme")
CHANGED = replace(KNOWN, is_empty=False)
TERMS = Terms("acme")
GRAVE = Grave("shop", "default", "fleet/shop/removed.json", "ann", "unused", ("db",))
LOST = Lost("shop", "default", "fleet/shop/manifest.json", 3)


def one(*found: Found, terms: Terms = TERMS, lost: tuple[Lost, ...] = (), graves: tuple[Grave, ...] = ()) -> Decision:
    return decided(found, lost, graves, {("shop", "default"): "acme"}, terms)[-1]


@pytest.mark.parametrize(
    ("danger", "limit", "approved", "what"),
    [
        ("safe", "restart", None, "apply"),
        ("restart", "restart", None, "apply"),
        ("downtime", "restart", None, "wait"),
        ("downtime", "restart", "downtime", "apply"),
        ("downtime", "downtime", "safe", "apply"),
        ("safe", "nothing", None, "wait"),
        ("safe", "nothing", "safe", "apply"),
        ("restart", "nothing", "safe", "wait"),
    ],
)
def test_the_policy(danger: str, limit: str, approved: str, what: str) -> None:
    found = replace(CHANGED, danger=danger)  # type: ignore[arg-type]
    made = one(found, terms=replace(TERMS, limit=limit, approved=approved))  # type: ignore[arg-type]
    assert made.what == what
    assert made.code == (2 if what == "wait" else 0)


@given(st.sampled_from(DANGERS), st.sampled_from(["nothing", *DANGERS[:3]]), st.sampled_from([None, *DANGERS[:3]]))
def test_what_is_applied_is_never_more_dangerous_than_allowed(danger: str, limit: str, approved: str) -> None:
    losses = {"db": "last"} if danger == "data loss" else {}
    found = replace(CHANGED, danger=danger, losses=losses)  # type: ignore[arg-type]
    made = one(found, terms=replace(TERMS, limit=limit, approved=approved))  # type: ignore[arg-type]
    if made.what == "apply":
        assert DANGERS.index(danger) <= DANGERS.index(made.within)  # type: ignore[arg-type]
        assert made.within in (limit, approved)


def test_an_environment_has_a_policy_of_its_own() -> None:
    terms = replace(TERMS, limits={"production": "nothing"})
    assert one(replace(CHANGED, environment="production"), terms=terms).what == "wait"
    assert one(CHANGED, terms=terms).what == "apply"


def test_data_is_lost_service_by_service_only() -> None:
    found = replace(CHANGED, danger="data loss", losses={"db": "last", "files": "last"})
    some = replace(TERMS, approved="downtime", may_lose={("shop", "default"): frozenset({"db"})})
    made = one(found, terms=some)
    assert made.what == "wait"
    assert made.remedy.startswith("--allow-data-loss shop/files, or a commit that ends with")
    approved = some.with_approvals([Approval("shop", "default", "data loss", "files")])
    assert (one(found, terms=approved).what, one(found, terms=approved).may_lose) == ("apply", ("db", "files"))
    others = [Approval("shop", "default", "downtime"), Approval("blog", "default", "data loss", "files")]
    general = some.with_approvals(others)
    assert one(found, terms=general).what == "wait"
    both = replace(TERMS, may_lose={("shop", "default"): frozenset({"db", "files", "other"})})
    assert (one(found, terms=both).what, one(found, terms=both).may_lose) == ("apply", ("db", "files"))


def test_one_that_is_as_it_is_is_left_alone_and_one_of_no_fleet_is_taken_in() -> None:
    assert one(KNOWN).what == "as it is"
    made = one(replace(KNOWN, home=""))
    assert (made.what, made.within) == ("apply", "restart")
    assert one(replace(CHANGED, home="other")).what == "refuse"


def test_a_missing_folder_removes_nothing() -> None:
    made = one(lost=(LOST,))
    assert (made.what, made.code, made.counts) == ("refuse", 1, {"remove": 3})
    assert "fleet/shop/removed.json" in made.remedy


def test_a_tombstone_removes_what_the_fleet_made() -> None:
    made = one(lost=(LOST,), graves=(GRAVE,))
    assert (made.what, made.code, made.may_lose) == ("remove", 0, ("db",))
    assert one(graves=(replace(GRAVE, environment="staging"),)).what == "as it is"
    elsewhere = decided((), (), (GRAVE,), {("shop", "default"): "other"}, TERMS)[0]
    assert (elsewhere.what, elsewhere.code) == ("refuse", 1)


def test_a_manifest_and_its_tombstone_contradict_each_other() -> None:
    made = decided((KNOWN,), (), (GRAVE,), {}, TERMS)
    assert [each.what for each in made] == ["refuse"]


def test_one_application_in_two_folders_is_refused() -> None:
    made = decided((CHANGED, replace(CHANGED, manifest="fleet/two/manifest.json")), (), (), {}, TERMS)
    assert [each.what for each in made] == ["apply", "refuse"]


def test_a_broken_one_says_why_and_leaves_the_others_alone() -> None:
    broken = Found("bad", "default", "fleet/bad/manifest.json", code=1, error="manifest.json:1:1: error[E0003]")
    made = decided((broken, CHANGED), (), (), {}, TERMS)
    assert [(each.what, each.code) for each in made] == [("refuse", 1), ("apply", 0)]


def test_a_commit_approves_for_one_application() -> None:
    found = replace(CHANGED, danger="downtime")
    assert one(found).what == "wait"
    approved = TERMS.with_approvals([Approval("shop", "default", "downtime"), Approval("shop", "default", "safe")])
    assert (one(found, terms=approved).what, one(found, terms=approved).within) == ("apply", "downtime")
    for name, environment in (("blog", "default"), ("shop", "staging")):
        assert one(found, terms=TERMS.with_approvals([Approval(name, environment, "downtime")])).what == "wait"
