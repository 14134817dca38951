"""Which member of a database cluster begins it: never two, never from older data, and somebody once all is known."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.roles.galera import load

rules = load("rules")
HERE = [f"10.0.0.{number}" for number in range(1, 6)]
NAMES = {address: f"db-{address[-1]}" for address in HERE}
HISTORY, OTHER = "11111111-0000-0000-0000-000000000000", "22222222-0000-0000-0000-000000000000"


def member(address: str, seqno: int | None = None, **more: Any) -> Any:
    given = {"state": "down", "uuid": HISTORY, "seqno": seqno} if seqno is not None else {"state": "empty"}
    return rules.Member(address, NAMES[address], **{**given, "holders": frozenset(HERE), **more})


def others(everybody: dict[str, Any], address: str) -> dict[str, Any]:
    return {each: one for each, one in everybody.items() if each != address}


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Members of one service; all of them, and those that answer."""
    here = HERE[: draw(st.integers(1, 5))]
    holders = frozenset(draw(st.sets(st.sampled_from(here), min_size=1)))
    everybody = {}
    for address in here:
        kind = draw(st.sampled_from(["data", "data", "data", "unknown", "lost"]))
        if address not in holders or kind == "lost":
            everybody[address] = member(address)
        else:
            seqno = -1 if kind == "unknown" else draw(st.integers(0, 3))
            state = draw(st.sampled_from(["down", "down", "down", "non-primary", "starting", "joining"]))
            everybody[address] = member(address, seqno, state=state, holders=holders)
    silent = draw(st.sets(st.sampled_from(here)))
    return here, everybody, {address: one for address, one in everybody.items() if address not in silent}


def decisions(here: list[str], answering: dict[str, Any], founder: str = "") -> dict[str, Any]:
    names = {address: NAMES[address] for address in here}
    return {
        address: rules.decide(one, names, others(answering, address), address == founder)
        for address, one in answering.items()
        if one.state in ("down", "empty", "non-primary")
    }


def beginners(found: dict[str, Any]) -> list[str]:
    return [address for address, one in found.items() if one.what in ("found", "bootstrap", "promote")]


@given(clusters(), st.sampled_from([*HERE, ""]))
def test_never_two_begin(cluster: tuple[list[str], dict[str, Any], dict[str, Any]], founder: str) -> None:
    here, _, answering = cluster
    assert len(beginners(decisions(here, answering, founder))) <= 1


@given(clusters())
def test_nobody_begins_while_another_may_hold_newer_data(cluster: Any) -> None:
    here, everybody, answering = cluster
    for address in beginners(decisions(here, answering)):
        for other in everybody[address].holders - {address}:
            assert other in answering
            assert answering[other].has_data
            assert answering[other].state != "joining"
            assert 0 <= answering[other].seqno <= answering[address].seqno


@given(clusters())
def test_somebody_begins_once_all_that_held_data_say_how_far_it_goes(cluster: Any) -> None:
    here, everybody, answering = cluster
    holders = next((one.holders for one in everybody.values() if one.has_data), frozenset())
    known = [answering.get(address) for address in holders]
    found = decisions(here, answering)
    if holders and all(one and one.settled for one in known):
        best = rules.most_advanced([one for one in known if one])
        assert best.state == "starting" or beginners(found) == [best.address]


@given(clusters())
def test_where_somebody_is_primary_nobody_begins(cluster: Any) -> None:
    here, _, answering = cluster
    serving = member(HERE[4], 9, state="synced", primary=True)
    found = decisions(here, {**answering, serving.address: serving})
    assert not beginners(found)


@given(st.lists(st.tuples(st.sampled_from(HERE[:4]), st.booleans()), max_size=30))
def test_what_was_left_in_any_order_is_found_again(steps: list[tuple[str, bool]]) -> None:
    """Members leave and come back, writes happen while a majority is there; after a full stop the newest begins."""
    here, inside = HERE[:4], set(HERE[:4])
    seqno, at = 1, dict.fromkeys(HERE[:4], 1)
    memory = {address: frozenset(here) for address in here}
    for address, comes in steps:
        if comes:
            inside |= {address}
        elif len(inside) > 1:
            inside -= {address}  # in order, so the rest stays primary
        seqno += 1
        for one in inside:
            at[one] = seqno
            memory[one] = rules.remembered(memory[one], inside, here)
    everybody = {one: member(one, at[one], holders=memory[one]) for one in here}
    (first,) = beginners(decisions(here, everybody))
    assert at[first] == seqno
    for missing in here:
        rest = {one: each for one, each in everybody.items() if one != missing}
        assert not beginners(decisions(here, rest))


def test_a_service_is_founded_once_and_only_on_order() -> None:
    empty = {address: member(address) for address in HERE[:3]}
    assert beginners(decisions(HERE[:3], empty)) == []
    assert beginners(decisions(HERE[:3], empty, HERE[0])) == [HERE[0]]
    assert beginners(decisions(HERE[:3], {HERE[0]: empty[HERE[0]]}, HERE[0])) == [HERE[0]]
    held = {**empty, HERE[1]: member(HERE[1], 5, holders=frozenset(HERE[:2]))}
    assert beginners(decisions(HERE[:3], held, HERE[0])) == []
    looking = {**empty, HERE[1]: member(HERE[1], state="looking")}
    assert beginners(decisions(HERE[:3], looking, HERE[0])) == []


def test_members_that_never_held_data_are_not_waited_for() -> None:
    alone = {HERE[0]: member(HERE[0], 4, holders=frozenset(HERE[:1]))}
    assert beginners(decisions(HERE[:3], alone)) == [HERE[0]]
    assert beginners(decisions(HERE[:3], {**alone, HERE[1]: member(HERE[1])})) == [HERE[0]]


def test_who_is_waited_for_is_said() -> None:
    answering = {HERE[0]: member(HERE[0], 4), HERE[1]: member(HERE[1])}
    found = decisions(HERE[:3], answering)[HERE[0]]
    assert found.what == "wait"
    assert "db-2 (has lost its data)" in found.why and "db-3 (does not answer)" in found.why


def test_what_a_running_member_said_is_not_how_far_its_data_goes() -> None:
    """It may have been killed since, and have written more before."""
    for state in ("synced", "donor", "joining"):
        said = member(HERE[1], 3, state=state)
        assert not beginners(decisions(HERE[:2], {HERE[0]: member(HERE[0], 4), HERE[1]: said}))


def test_two_histories_are_not_mixed() -> None:
    answering = {HERE[0]: member(HERE[0], 4), HERE[1]: member(HERE[1], 4, uuid=OTHER)}
    assert not beginners(decisions(HERE[:2], answering))
    serving = {HERE[0]: member(HERE[0], 4, uuid=OTHER, state="synced", primary=True)}
    mine = member(HERE[1], 9)
    assert rules.decide(mine, NAMES, serving, False).what == "wait"
    given_up = {HERE[0]: member(HERE[0], 4, uuid=OTHER, state="synced", primary=True, supersedes=(HISTORY,))}
    assert rules.decide(mine, NAMES, given_up, False).what == "join"


def test_members_enter_one_after_the_other() -> None:
    serving = member(HERE[2], 9, state="synced", primary=True)
    first, second = member(HERE[0], turn=True), member(HERE[1], turn=True)
    assert rules.decide(first, NAMES, {HERE[1]: second, HERE[2]: serving}, False).what == "join"
    assert rules.decide(second, NAMES, {HERE[0]: first, HERE[2]: serving}, False).what == "wait"
    entering = member(HERE[1], state="starting", turn=True)
    assert rules.decide(first, NAMES, {HERE[1]: entering, HERE[2]: serving}, False).what == "wait"


@given(st.sets(st.sampled_from(HERE), min_size=1))
def test_the_votes_of_a_group_are_odd(view: set[str]) -> None:
    votes = [rules.weight(address, HERE, view) for address in view]
    assert sum(votes) % 2 == 1
    assert max(votes) <= 2


@given(st.integers(-1, 10**12), st.booleans())
def test_the_state_file_says_what_was_written(seqno: int, may_begin: bool) -> None:
    assert rules.saved_state(rules.state_file(HISTORY, seqno, may_begin)) == (HISTORY, seqno)
    assert rules.saved_state(rules.state_file(rules.NO_UUID, seqno, may_begin)) == (rules.NO_UUID, -1)
    assert rules.saved_state("") == (rules.NO_UUID, -1)


def test_what_the_server_says_is_read() -> None:
    text = f"x\n2026-01-01 [Note] WSREP: Recovered position: {HISTORY}:42\ny"
    assert rules.recovered(text) == (HISTORY, 42)
    assert rules.recovered("nothing") is None
    assert rules.addresses("10.0.0.1:3307,10.0.0.12:3307,,AUTO") == ("10.0.0.1", "10.0.0.12")


@given(clusters())
def test_what_is_told_arrives(cluster: Any) -> None:
    for one in cluster[1].values():
        assert rules.member(rules.document(one)) == one
