"""Saved plans as text: nothing but what was saved is taken, whatever a file holds."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.errors import UserError
from conpaas_iac.plans import promise
from conpaas_iac.plans.inputs import Input
from conpaas_iac.plans.promise import Promise

PATH = Path("plan.json")
PLAN: dict[str, Any] = {
    "changes": [
        {
            "node": "web-1",
            "action": "change",
            "address": "10.42.16.1",
            "class": "safe",
            "cause": "1 file of its configuration",
            "code": "",
            "files": [{"path": "/etc/hosts", "on_change": "nothing", "diff": "+one ⟦db@1⟧"}],
            "parts": [],
        }
    ],
    "shared": [],
}
GOOD = Promise(
    promise.VERSION,
    "shop",
    "default",
    "manifest.json",
    datetime(2030, 1, 1, tzinfo=UTC),
    "alice@laptop",
    "1.0",
    {promise.MANIFEST: "sha256:aa", promise.TOOL: "1.0", "setting lxd_pool": "conpaas"},
    {"web/Size": '"small"'},
    PLAN,
)
TEXT = promise.encode(GOOD)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_what_is_saved_is_read() -> None:
    found = promise.decode(TEXT, "plan.json")
    assert (found.inputs, found.plan, found.made) == (GOOD.inputs, GOOD.plan, GOOD.made)
    assert promise.encode(found) == TEXT


@given(st.integers(0, len(TEXT) - 2))
def test_a_file_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(UserError, match=r"plan\.json is no saved plan"):
        promise.decode(TEXT[:length], "plan.json")


@given(st.integers(0, len(TEXT) - 1), st.binary(min_size=1, max_size=3))
def test_no_edit_is_taken_unless_it_says_the_same(place: int, what: bytes) -> None:
    edited = TEXT[:place] + what + TEXT[place + 1 :]
    try:
        found = promise.decode(edited, "plan.json")
    except UserError:
        return
    assert promise.encode(found) == TEXT  # spaces between words


@given(JSON)
def test_any_other_json_is_no_saved_plan(document: object) -> None:
    with pytest.raises(UserError, match=r"no saved plan|version"):
        promise.decode(json.dumps(document).encode(), "plan.json")


@pytest.mark.parametrize("field", ["inputs", "asked", "plan", "application", "made"])
def test_a_field_that_is_gone_or_another_thing(field: str) -> None:
    document = json.loads(TEXT)
    for wrong in ({**document, field: 7}, {name: value for name, value in document.items() if name != field}):
        with pytest.raises(UserError, match="no saved plan"):
            promise.decode(json.dumps(wrong).encode(), "plan.json")


def test_what_is_added_by_hand_is_an_edit() -> None:
    document = json.loads(TEXT)
    with pytest.raises(UserError, match="no saved plan"):
        promise.decode(json.dumps({**document, "approved": True}).encode(), "plan.json")
    odd = TEXT.replace(b"alice", b"\\ud800")
    with pytest.raises(UserError, match="was edited"):
        promise.decode(odd, "plan.json")


def test_what_moved_is_said_in_detail() -> None:
    sizes = [Input("web", "Size", f"{number}", '"small"', '"large"') for number in range(7)]
    now = {promise.MANIFEST: "sha256:bb", promise.TOOL: "1.0", "setting lxd_pool": "fast", "role php": "sha256:cc"}
    with pytest.raises(UserError) as refused:
        promise.refuse_moved(GOOD, now, sizes, PATH)
    said = refused.value.message
    assert said.startswith("plan.json is not applied; moved since it was made: the manifest (web Size.0: small ->")
    assert "Size.4" in said
    assert "Size.5" not in said
    assert "2 more); setting lxd_pool (conpaas -> fast); role php" in said
    assert refused.value.remedy == "look at a new one: conpaas plan manifest.json -o plan.json"
    promise.refuse_moved(GOOD, GOOD.inputs, sizes, PATH)


def test_words_and_places_are_no_other_plan_but_every_line_is() -> None:
    [change] = PLAN["changes"]
    promise.refuse_another(GOOD, {**PLAN, "changes": [{**change, "cause": "1 day less"}]}, PATH)
    others: list[dict[str, Any]] = [
        {**PLAN, "changes": []},
        {**PLAN, "changes": [change, {**change, "node": "web-2"}]},
        {**PLAN, "changes": [{**change, "action": "replace"}]},
        {**PLAN, "changes": [{**change, "files": [{**change["files"][0], "diff": "+two"}]}]},
        {**PLAN, "shared": [{"kind": "secret", "name": "db@2", "action": "add"}]},
    ]
    for other in others:
        with pytest.raises(UserError, match="the machines are not as the state says"):
            promise.refuse_another(GOOD, other, PATH)
