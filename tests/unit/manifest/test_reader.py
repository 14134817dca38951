"""The reader: agrees with Python's on valid JSON, places everything, never fails."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.manifest.reader import Document, parse
from conpaas_iac.manifest.source import Source, child

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
json_like = st.text(st.sampled_from(list("{}[]\",:;=\\/#'\n\r\t x1-.eE+”")) | st.characters(), max_size=60)


def read(text: str) -> Document:
    return parse(Source("manifest.json", text))


@given(values, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_agrees_with_json(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    document = read(text)
    assert document.complete
    assert document.diagnostics == ()
    assert document.data == json.loads(text)
    assert type(document.data) is type(value)


@given(values)
def test_every_place_holds_its_value(value: Any) -> None:
    document = read(json.dumps(value, indent=1))

    def look(pointer: str, part: Any) -> None:
        start, end = document.values[pointer]
        assert json.loads(document.source.text[start:end]) == part
        steps = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for step, inner in steps:
            look(child(pointer, step), inner)
            if isinstance(step, str):
                assert json.loads(document.source.text[slice(*document.keys[child(pointer, step)])]) == step

    look("", value)


@given(json_like | st.text())
def test_any_text_is_read_or_explained(text: str) -> None:
    document = read(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for each in document.diagnostics:
        assert 1 <= each.place.line <= len(lines)
        assert 1 <= each.place.column <= len(lines[each.place.line - 1]) + 1
        assert each.excerpt and each.excerpt.line.isprintable()
    try:
        valid = json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert document.diagnostics
    else:
        if not document.diagnostics:  # duplicate keys and half characters are valid JSON, and said
            assert document.data == valid


def test_byte_order_mark_and_depth() -> None:
    assert read('\ufeff{"a": 1}').data == {"a": 1}
    assert not read("[" * 100_000).complete
    assert read("9" * 5000).diagnostics[0].code == "E0011"
