"""Editing one number leaves every other byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.edit import set_count, set_value

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
