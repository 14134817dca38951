"""Secrets as names: what a text holds in their place, and what becomes of it on the way to a machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.core import placeholders, quoting
from conpaas_iac.errors import ConpaasError

names = st.from_regex(r"[a-z][a-z0-9-]{0,8}(\.[a-z]{1,8})?", fullmatch=True)
versions = st.lists(st.integers(1, 99), min_size=1, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))
values = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"), min_size=1, max_size=20)
around = st.text(st.characters(exclude_characters="⟦⟧"), max_size=20)


@given(names, versions, values, around, around)
def test_a_value_stands_where_its_name_stood(
    name: str, accepted: tuple[int, ...], value: str, before: str, after: str
) -> None:
    text = f"{before}{placeholders.current(name, accepted)}{after}"
    key = placeholders.key(name, accepted[-1])
    assert placeholders.keys(text) == {key}
    assert placeholders.revealed(text, {key: value}, quoting.FILTERS) == f"{before}{value}{after}"


@given(names, versions, st.data())
def test_all_accepted_values_stand_one_a_line_the_newest_last(
    name: str, accepted: tuple[int, ...], data: st.DataObject
) -> None:
    known = {placeholders.key(name, version): data.draw(values) for version in accepted}
    text = placeholders.accepted(name, accepted)
    assert placeholders.accepts(text, name)
    assert not placeholders.accepts(placeholders.current(name, accepted), name)
    assert placeholders.revealed(text, known, {}).split("\n") == list(known.values())


@given(names, versions, values, st.sampled_from(sorted(quoting.FILTERS)))
def test_a_filter_is_applied_to_the_value(name: str, accepted: tuple[int, ...], value: str, escape: str) -> None:
    deferred = placeholders.deferred(escape, quoting.FILTERS[escape])
    text = str(deferred(placeholders.current(name, accepted)))
    known = {placeholders.key(name, accepted[-1]): value}
    assert placeholders.revealed(text, known, quoting.FILTERS) == str(quoting.FILTERS[escape](value))
    assert deferred("plain") == quoting.FILTERS[escape]("plain")


@given(names, names, versions, versions)
def test_moving_one_secret_leaves_the_others(
    name: str, other: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    kinds = (placeholders.current, placeholders.accepted)
    text = " ".join(kind(each, before) for each in (name, other) for kind in kinds)
    moved = " ".join(kind(each, after if each == name else before) for each in (name, other) for kind in kinds)
    assert placeholders.moved(text, name, after) == moved


def test_a_secret_in_the_middle_of_an_escaped_text_is_refused() -> None:
    escape = placeholders.deferred("shell", quoting.FILTERS["shell"])
    with pytest.raises(ConpaasError, match="must stand alone"):
        escape(f"mysql://{placeholders.current('db', (1,))}@db")
    with pytest.raises(ConpaasError, match="no value of the secret db@1"):
        placeholders.revealed(placeholders.current("db", (1,)), {}, {})


@given(st.dictionaries(names, versions))
def test_the_stack_holds_what_every_accepted_value_needs(secrets: dict[str, tuple[int, ...]]) -> None:
    text = " ".join(placeholders.accepted(name, each) for name, each in secrets.items())
    held = placeholders.all_keys(secrets)
    assert set(held) == placeholders.keys(text)
    assert list(held) == sorted(held)
