"""Merge patches, by RFC 7386; services by name; every value keeps its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.manifest import layers
from conpaas_iac.manifest.diagnostics import Diagnostic
from conpaas_iac.manifest.reader import Document, parse
from conpaas_iac.manifest.source import Source

# the test cases of RFC 7386, appendix A
EXAMPLES = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
)


def document(text: str, name: str) -> Document:
    found = parse(Source(name, text))
    assert found.complete
    return found


def patched(base: str, patch: str) -> Document:
    first = document(base, "base.json")
    root = layers.merged(layers.tree(first), layers.tree(document(patch, "patch.json")))
    return layers.document(root, first, ())


def by_the_rfc(target: Any, patch: Any) -> Any:
    """Its pseudocode, as it stands there."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = by_the_rfc(target.get(name), value)
    return target


@pytest.mark.parametrize(("base", "patch", "result"), EXAMPLES)
def test_the_rfcs_examples(base: str, patch: str, result: str) -> None:
    assert patched(base, patch).data == json.loads(result)


@given(JSON, JSON)
def test_as_the_rfcs_pseudocode(base: Any, patch: Any) -> None:
    assert patched(json.dumps(base), json.dumps(patch)).data == by_the_rfc(base, patch)


@given(JSON, JSON, st.integers(0, 3))
def test_every_scalar_stands_where_its_place_says(base: Any, patch: Any, indent: int) -> None:
    merged = patched(json.dumps(base), json.dumps(patch, indent=indent))

    def look(value: Any, pointer: str) -> None:
        start, end = merged.values[pointer]
        if isinstance(value, dict):
            for name, inner in value.items():
                step = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
                key = merged.keys[step]
                assert json.loads(merged.origin(step).text[slice(*key)]) == name
                look(inner, step)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                look(inner, f"{pointer}/{index}")
        else:
            assert json.loads(merged.origin(pointer).text[start:end]) == value

    look(merged.data, "")


MANIFEST = """{"Services": [
  {"Type": "php", "ServiceName": "Web Shop", "StartupInstances": {"backend": 2, "web": 1}},
  {"Type": "mysql"}
]}"""


def overlaid(patch: str, manifest: str = MANIFEST) -> tuple[Any, list[str], Document]:
    first, said = document(manifest, "manifest.json"), list[Diagnostic]()
    root = layers.overlaid(layers.tree(first), layers.tree(document(patch, "manifest.x.json")), said.append)
    found = layers.document(root, first, tuple(said))
    return found.data, [f"{each.code} {each.place.line}:{each.place.column}" for each in said], found


@pytest.mark.parametrize("name", ["Web Shop", "web-shop"])
def test_a_service_is_patched_by_its_name(name: str) -> None:
    data, said, found = overlaid(f'{{"Services": {{"{name}": {{"StartupInstances": {{"backend": 9}}}}}}}}')
    assert data["Services"][0]["StartupInstances"] == {"backend": 9, "web": 1}
    assert [each["Type"] for each in data["Services"]] == ["php", "mysql"]
    assert not said
    assert found.origin("/Services/0/StartupInstances/backend").name == "manifest.x.json"
    assert found.origin("/Services/0/StartupInstances/web").name == "manifest.json"


def test_services_go_and_come() -> None:
    data, said, _ = overlaid('{"Services": {"mysql": null, "find": {"Type": "php", "Cloud": null}}}')
    assert [each.get("ServiceName") for each in data["Services"]] == ["Web Shop", "find"]
    assert data["Services"][1] == {"ServiceName": "find", "Type": "php"}
    assert not said


def test_what_is_not_there_can_neither_change_nor_go() -> None:
    data, said, _ = overlaid('{"Services": {"db": null,\n "web": {"Uses": []}, "x": 3}}')
    assert len(data["Services"]) == 2
    assert said == ["E0601 1:15", "E0601 2:2", "E0601 2:23"]


def test_a_list_replaces_and_a_manifest_without_services_gets_some() -> None:
    assert overlaid('{"Services": [{"Type": "php"}]}')[0] == {"Services": [{"Type": "php"}]}
    found = overlaid('{"Services": {"a": {"Type": "php"}}}', "{}")[0]
    assert found["Services"] == [{"ServiceName": "a", "Type": "php"}]


def test_the_copy_that_is_kept_holds_no_secret_of_any_layer() -> None:
    secret = '{"Services": {"mysql": {"Password": "hunter2", "Archive": "https://a:hunter2@b/c"}}}'
    found = overlaid(secret, MANIFEST.replace('"mysql"}', '"mysql", "Environment": {"TOKEN": "hunter2"}}'))[2]
    assert "hunter2" not in found.hidden
    assert json.loads(found.hidden)["Services"][1]["Password"] == "***"
