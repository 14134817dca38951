"""Editing one number leaves every other byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import layers
from conpaas_iac.manifest.edit import leave_out, set_count, set_value
from conpaas_iac.manifest.reader import parse
from conpaas_iac.manifest.source import Source

MYSQL = {"mysql": "mysql", "slaves": "mysql", "nodes": "mysql", "glb": "glb", "glb_nodes": "glb"}
numbers = st.integers(1, 40)
written = st.none() | st.fixed_dictionaries(
    {}, optional={"glb": numbers | numbers.map(str)} | {"slaves": numbers | numbers.map(str)}
)


@given(written, st.sampled_from(sorted(MYSQL)), numbers, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_just_one_value_differs(
    types: Catalog, counts: Any, group: str, count: int, indent: Any, windows: bool
) -> None:
    service: dict[str, Any] = {"Type": "mysql", "ServiceName": "My db"}
    if counts is not None:
        service["StartupInstances"] = counts
    before: dict[str, Any] = {
        "Services": [{"Type": "php", "StartupInstances": {"web": 2}}, service],
        "Description": "é",
    }
    text = json.dumps(before, indent=indent, ensure_ascii=False)
    text = text.replace("\n", "\r\n") if windows else text
    edited = set_count(text, "my-db", group, count, types)
    after = json.loads(edited)
    now = after["Services"][1]["StartupInstances"]
    key = next((name for name in counts or {} if MYSQL[name] == MYSQL[group]), MYSQL[group])
    old = (counts or {}).get(key)
    assert now == {**(counts or {}), key: str(count) if isinstance(old, str) else count}
    after["Services"][1].pop("StartupInstances")
    service.pop("StartupInstances", None)
    assert after == before
    shared = sum(1 for a, b in zip(text, edited, strict=False) if a == b)
    assert old is None or shared >= text.index(f'"{key}"')
    assert old is None or len(edited) - len(text) == len(str(count)) - len(str(old))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"Services": [{"Type" : "php" , "Start":0}]}',
         '{"Services": [{"Type" : "php" , "Start":0, "StartupInstances":{"backend": 3} }]}'.replace(" }]", "}]")),
        ('{"Services": [{"Type": "php", "StartupInstances": {}}]}',
         '{"Services": [{"Type": "php", "StartupInstances": {"backend": 3}}]}'),
        ('{"Services": [\n  {\n    "Type" : "php"\n  }\n]}\n',
         '{"Services": [\n  {\n    "Type" : "php",\n    "StartupInstances" : {"backend": 3}\n  }\n]}\n'),
        ('{"Services": [{"Type": "php", "Machines": {"backend": [{"Count": "1"}]}}]}',
         '{"Services": [{"Type": "php", "Machines": {"backend": [{"Count": "3"}]}}]}'),
    ],
)  # fmt: skip
def test_follows_the_layout(types: Catalog, before: str, after: str) -> None:
    assert set_count(before, "php", "backend", 3, types) == after


@pytest.mark.parametrize(
    ("service", "group", "count", "said"),
    [
        ("frnot", "web", 2, "no service 'frnot'"),
        ("front", "bakend", 2, "php has no group 'bakend'"),
        ("front", "web", 0, "web of php has 1 to 1000 machines, not 0"),
        ("front", "backend", 2, "the machines of front backend are a mix: which of them is meant?"),
    ],
)
def test_refuses(types: Catalog, service: str, group: str, count: int, said: str) -> None:
    mix = '{"backend": [{"Count": 1}, {"Count": 2}]}'
    text = '{"Services": [{"Type": "php", "ServiceName": "front", "Machines": ' + mix + "}]}"
    with pytest.raises(UserError) as caught:
        set_count(text, service, group, count, types)
    assert caught.value.message == said


@pytest.mark.parametrize(
    ("before", "fields", "value", "after"),
    [
        ('{"Type": "php", "Size":"small"}', ("Size",), "large", '{"Type": "php", "Size":"large"}'),
        ('{"Type": "php"}', ("Size",), "large", '{"Type": "php", "Size": "large"}'),
        (
            '{"Type": "php", "Configuration": {"memory_limit": "64M"}}',
            ("Configuration", "log_errors"),
            False,
            '{"Type": "php", "Configuration": {"memory_limit": "64M", "log_errors": false}}',
        ),
        (
            '{\n  "Type": "php"\n}',
            ("Configuration", "memory_limit"),
            "1G",
            '{\n  "Type": "php",\n  "Configuration": {"memory_limit": "1G"}\n}',
        ),
    ],
)
def test_a_value_is_set_in_place(
    types: Catalog, before: str, fields: tuple[str, ...], value: object, after: str
) -> None:
    def whole(service: str) -> str:
        return '{"Services": [' + service + "]}"

    assert set_value(whole(before), "php", fields, value, types) == whole(after)


NAMES = st.sampled_from(["memory_limit", "log_errors", "index", "a/b~c", "é"])
OPTIONS = st.none() | st.dictionaries(NAMES, st.integers() | st.text() | st.booleans(), max_size=3)


@given(OPTIONS, NAMES, st.text() | st.integers() | st.booleans(), st.sampled_from([None, 0, 2, "\t"]))
def test_just_that_value_is_another(types: Catalog, options: Any, name: str, value: object, indent: Any) -> None:
    service: dict[str, Any] = {"Type": "php", "ServiceName": "front", "Start": 1}
    if options is not None:
        service["Configuration"] = options
    text = json.dumps({"Services": [{"Type": "mysql"}, service]}, indent=indent)
    after = json.loads(set_value(text, "front", ("Configuration", name), value, types))
    service["Configuration"] = {**(options or {}), name: value}
    assert after == {"Services": [{"Type": "mysql"}, service]}


BASE = """{"Services": [
  {"Type": "php", "ServiceName": "My front", "StartupInstances": {"web": 2}, "Without": ["my-front-7"]},
  {"Type": "mysql", "ServiceName": "db", "StartupInstances": {"slaves": 2}},
  {"Type": "php", "ServiceName": "mixed", "Machines": {"backend": [{"Count": 1}]}},
  {"Type": "php"},
  {"Type": "php"}
]}"""


def together(overlay: str) -> Any:
    """What both say."""
    base, patch = parse(Source("base", BASE)), parse(Source("overlay", overlay))
    root = layers.overlaid(layers.tree(base), layers.tree(patch), lambda said: pytest.fail(said.message))
    whole: Any = layers.document(root, base, ()).data
    return whole


@pytest.mark.parametrize(
    ("before", "service", "group", "after"),
    [
        ("{}", "my-front", "backend", '{"Services": {"My front": {"StartupInstances": {"backend": 3}}}}'),
        (
            '{\n  "Services": {\n    "my-front": {"Size":"large"}\n  }\n}\n',
            "My front",
            "backend",
            '{\n  "Services": {\n    "my-front": {"Size":"large","StartupInstances":{"backend": 3}}\n  }\n}\n',
        ),
        (
            '{"Services": {"db": {"StartupInstances": {"glb": "1"}}}}',
            "db",
            "mysql",
            '{"Services": {"db": {"StartupInstances": {"glb": "1", "slaves": 3}}}}',
        ),
        (
            '{"Services": {"db": {"StartupInstances": {"slaves" :"1"}}}}',
            "db",
            "mysql",
            '{"Services": {"db": {"StartupInstances": {"slaves" :"3"}}}}',
        ),
        (
            '{"Services": {"new": {"Type": "php"}}}',
            "new",
            "web",
            '{"Services": {"new": {"Type": "php", "StartupInstances": {"web": 3}}}}',
        ),
        (
            '{"Services": {"mixed": {"Machines": {"backend": [{"Count": 9}]}}}}',
            "mixed",
            "backend",
            '{"Services": {"mixed": {"Machines": {"backend": [{"Count": 3}]}}}}',
        ),
        (
            '{"Services": [{"Type": "php", "ServiceName": "a"}]}',
            "a",
            "web",
            '{"Services": [{"Type": "php", "ServiceName": "a", "StartupInstances": {"web": 3}}]}',
        ),
        ("{}", "php", "web", '{"Services": {"php": {"StartupInstances": {"web": 3}}}}'),
    ],
)
def test_an_overlay_says_the_number(types: Catalog, before: str, service: str, group: str, after: str) -> None:
    assert set_count(before, service, group, 3, types, BASE) == after


@pytest.mark.parametrize(
    ("overlay", "service", "said"),
    [
        ('{"Services": {"db": null}}', "db", "no service 'db'"),
        ("{}", "mixed", "a list in the manifest: an overlay replaces all of it"),
        ("{}", "php2", "it has no name of its own"),
        ('{"Services": {"My front": {"StartupInstances": null}}}', "my-front", "StartupInstances is no object"),
    ],
)
def test_what_an_overlay_cannot_say(types: Catalog, overlay: str, service: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        set_count(overlay, service, "mysql" if service == "db" else "backend", 3, types, BASE)
    assert said in caught.value.message


def test_an_overlay_leaves_out_one_more_machine(types: Catalog) -> None:
    after = leave_out("{}", "my-front", "my-front-2", types, BASE)
    assert together(after)["Services"][0]["Without"] == ["my-front-7", "my-front-2"]
    assert json.loads(after) == {"Services": {"My front": {"Without": ["my-front-7", "my-front-2"]}}}


@given(OPTIONS, NAMES, st.text() | st.integers() | st.booleans(), st.sampled_from([None, 0, 2, "\t"]))
def test_only_that_value_of_the_environment_is_another(
    types: Catalog, options: Any, name: str, value: object, indent: Any
) -> None:
    service: dict[str, Any] = {"Start": 1} if options is None else {"Start": 1, "Configuration": options}
    text = json.dumps({"Services": {"db": {"Start": 0}, "my-front": service}}, indent=indent)
    before = together(text)
    after = together(set_value(text, "My front", ("Configuration", name), value, types, BASE))
    before["Services"][0].setdefault("Configuration", {})[name] = value
    assert after == before
