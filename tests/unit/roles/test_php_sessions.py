"""The pure rules of the program that says which Redis holds the sessions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.roles.rendered import program

SESSIONS = program("php", "sessions")
A, B, C, D = (f"10.42.32.{number}" for number in (1, 2, 3, 4))
EVERYBODY = (A, B, C, D)


def view(**said: Any) -> Any:
    return SESSIONS.View(**said)


def master(term: int, named: str = "", **said: Any) -> Any:
    return view(role="master", term=term, named=named, **said)


def copy(term: int, named: str, offset: int = 0) -> Any:
    return view(term=term, named=named, offset=offset)


FRESH = view()

CASES = {
    "nobody ever held a session: the first of the pair": ((A, B), {A: FRESH, B: FRESH}, (A, True)),
    "but not before the whole pair is there": ((A, B), {A: FRESH}, None),
    "one backend": ((A,), {A: FRESH}, (A, True)),
    "who is it stays it": ((A, B), {A: copy(2, B), B: master(2, B)}, (B, False)),
    "also outside the pair, until he leaves": ((B, C), {A: master(1, A), B: FRESH, C: FRESH}, (A, False)),
    "of two the newer": ((A, B), {A: master(3, A), B: master(4, B)}, (B, False)),
    "in the middle of a hand-over: the heir": ((A, B), {A: master(4, B, offset=9), B: master(4, B)}, (B, False)),
    "all were stopped: who it was": ((A, B), {A: copy(5, B), B: copy(5, B)}, (B, True)),
    "he comes back without data: the survivor": ((A, B), {A: FRESH, B: copy(1, A)}, (B, True)),
    "he comes back with old data: the survivor": ((A, B), {A: copy(1, A), B: copy(2, A)}, (B, True)),
    "he may come back": ((A, B), {B: copy(1, A)}, None),
    "an empty master is none": ((A, B), {A: master(0), B: copy(1, A)}, (B, True)),
    "the pair before others": ((B, C), {B: copy(1, A), D: copy(1, A, 9), A: FRESH}, (B, True)),
    "the one with more": ((B, C), {B: copy(1, A), C: copy(1, A, 9), A: FRESH}, (C, True)),
}


@pytest.mark.parametrize(("pair", "seen", "wanted"), CASES.values(), ids=CASES)
def test_who_is_to_be_master(pair: Any, seen: Any, wanted: Any) -> None:
    assert SESSIONS.choose(pair, seen) == wanted


def test_who_never_comes_back_is_not_waited_for_for_ever() -> None:
    assert SESSIONS.choose((A, B), {B: copy(1, A)}, patient=False) == (B, True)


VIEWS = st.builds(
    SESSIONS.View,
    role=st.sampled_from(["master", "slave"]),
    term=st.integers(0, 3),
    named=st.sampled_from(EVERYBODY),
    offset=st.integers(0, 2),
)
PAIRS = st.lists(st.sampled_from(EVERYBODY), min_size=1, max_size=2, unique=True).map(tuple)
SEEN = st.dictionaries(st.sampled_from(EVERYBODY), VIEWS, min_size=1)


@given(PAIRS, SEEN, st.booleans())
def test_whoever_is_chosen_holds_the_newest_sessions(pair: Any, seen: Any, patient: bool) -> None:
    found = SESSIONS.choose(pair, seen, patient)
    newest = max(each.term for each in seen.values())
    if found:
        chosen, made = found
        assert chosen in seen and seen[chosen].term == newest
        assert made or seen[chosen].is_master
    elif not patient:
        assert not newest  # data is never left without a master


@given(PAIRS, SEEN)
def test_all_machines_that_see_the_same_choose_the_same_and_it_stays_so(pair: Any, seen: Any) -> None:
    """After the choice was made, another look changes nothing."""
    found = SESSIONS.choose(pair, seen, patient=False)
    if not found:
        return
    chosen, made = found
    term = max(each.term for each in seen.values()) + made
    after = {each: view(term=term, named=chosen, follows=chosen) for each in seen}
    after[chosen] = master(term, chosen)
    assert SESSIONS.choose(pair, after) == (chosen, False)


def test_only_replicas_in_sync_that_stay_inherit() -> None:
    leaving = master(1, A, replicas=(D, C, B), pair=(B, C))
    assert SESSIONS.heirs(A, leaving) == [B, C]
    assert SESSIONS.heirs(A, master(1, A, replicas=(D,), pair=(A, B))) == []


def test_who_is_heard_of_is_asked() -> None:
    configured = {"pair": [B], "address": [C]}
    assert SESSIONS.to_look_at(configured, [D], {B: view(follows=A, pair=(B,))}) == {A, B, C, D}
    assert SESSIONS.to_look_at(configured, [], {B: view(follows="127.0.0.1")}) == {B, C}


def test_haproxy_begins_with_the_master_alone() -> None:
    text, state = SESSIONS.routed("listen sessions\n", [A, B], B)
    assert f"    server at-{A} {A}:6379 id 1 check\n" in text
    words = {line.split()[3]: line.split() for line in state.splitlines()[2:]}
    names = state.splitlines()[1].split()[1:]
    assert {len(each) for each in words.values()} == {len(names)}
    assert [words[f"at-{each}"][names.index("srv_op_state")] for each in (A, B)] == ["0", "2"]


def test_both_passwords_are_accepted_in_a_rotation_and_php_may_do_little() -> None:
    rules = SESSIONS.users(["old", "new"])
    assert sum(word.startswith("#") for word in rules["store"]) == 2 and not {"old", "new"} & set(rules["store"])
    php = rules["default"]
    assert "nopass" in php and "nopass" not in rules["store"]
    assert "-@all" in php and not any(word.startswith("+@") or word == "~*" for word in php)


def test_the_file_is_read_as_it_is_written() -> None:
    found = SESSIONS.sections("# Who\n[password]\n[x]y\n[accepted]\nold\n#new\n")
    assert found == {"password": ["[x]y"], "accepted": ["old", "#new"]}


COMPLAINTS = {
    "well": ({A: master(1, A), B: view(linked=True)}, ""),
    "nobody": ({B: view()}, "nobody holds them"),
    "two": ({A: master(1), B: master(2)}, "held apart"),
    "no copy": ({A: master(1), B: view()}, "not copied here"),
}


@pytest.mark.parametrize(("seen", "wanted"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_what_status_is_told(seen: Any, wanted: str) -> None:
    said = SESSIONS.complaint(B, (A, B), seen)
    assert wanted in said and bool(said) == bool(wanted)
