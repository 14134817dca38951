"""What is promoted and what stays, and that it is said in the target's own text."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac import catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import meaning, promotion
from conpaas_iac.manifest.meaning import Difference, Meaning
from conpaas_iac.manifest.promotion import Text
from conpaas_iac.manifest.read import compile_
from tests.builders import PROVIDERS

TYPES = catalog.load()
COMMON = {"Type": "php", "ServiceName": "Front", "Archive": "https://a.example/1.tgz"}


def means(folder: Path, text: Text) -> Meaning:
    """Of both layers."""
    (folder / "manifest.json").write_text(text.manifest)
    (folder / "manifest.prod.json").write_text(text.overlay or "{}")
    return Meaning(compile_(folder / "manifest.json", TYPES, PROVIDERS, environment="prod"), {})


def promoted(folder: Path, source: Text, target: Text, *also: str, only: str = "") -> tuple[Text, list[Difference]]:
    """The target afterwards, and what still differs."""
    for _ in range(3):
        found = meaning.differences(means(folder, target), means(folder, source))
        for each in found:
            if promotion.taken(each, also, {only} if only else ()):
                target = promotion.moved(source, target, each, also, TYPES)
    return target, list(meaning.differences(means(folder, target), means(folder, source)))


def manifest(*services: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"Application": "shop", "Services": list(services), **fields}, indent=2)


def test_code_and_options_go_and_counts_stay(tmp_path: Path) -> None:
    source = manifest({
        **COMMON, "Archive": "https://a.example/2.tgz", "Size": "small",
        "Configuration": {"memory_limit": "96M"}, "Environment": {"NEW": "1", "HOST": "staging"},
    })  # fmt: skip
    target = manifest({
        **COMMON, "Size": "large", "StartupInstances": {"backend": 5},
        "Configuration": {"log_errors": False}, "Environment": {"HOST": "www"},
    })  # fmt: skip
    after, left = promoted(tmp_path, Text(source), Text(target))
    [service] = json.loads(after.manifest)["Services"]
    assert service == {
        **COMMON, "Archive": "https://a.example/2.tgz", "Size": "large", "StartupInstances": {"backend": 5},
        "Configuration": {"memory_limit": "96M"}, "Environment": {"HOST": "www", "NEW": "1"},
    }  # fmt: skip
    assert {each.field for each in left} == {"Size", "StartupInstances.backend", "Environment.HOST"}
    after, left = promoted(tmp_path, Text(source), Text(target), "Size", "StartupInstances", "Environment")
    assert left == []
    after, left = promoted(tmp_path, Text(source), Text(target), only="other")
    assert after.manifest == target


def test_bounds_of_numbers_stay_unless_they_are_asked_for(tmp_path: Path) -> None:
    bounds = {"backend": {"Min": 1, "Max": 9}}
    source = Text(manifest({**COMMON, "Scaling": bounds}))
    target = Text(manifest({**COMMON, "Scaling": {"backend": {"Max": 3}, "web": {"Max": 2}}}), "{}")
    after, left = promoted(tmp_path, source, target)
    assert after == target
    assert {each.field: each.after for each in left} == {"Scaling.backend": bounds["backend"], "Scaling.web": None}
    promotion.refuse_unknown(["Scaling"])
    after, left = promoted(tmp_path, source, target, "Scaling")
    assert left == []
    patch = {"backend": {"Max": 9, "Min": 1}, "web": None}
    assert json.loads(after.overlay or "") == {"Services": {"Front": {"Scaling": patch}}}


def test_what_the_manifest_below_says_leaves_the_overlay(tmp_path: Path) -> None:
    base = manifest({**COMMON, "Configuration": {"memory_limit": "64M"}})
    target = Text(base, '{"Services": {"front": {"Size": "large", "Configuration": {"memory_limit": "96M"}}}}')
    after, left = promoted(tmp_path, Text(base, "{}"), target)
    assert after == replace(target, overlay='{"Services": {"front": {"Size": "large", "Configuration": {}}}}')
    assert [each.field for each in left] == ["Size"]
    after, left = promoted(tmp_path, Text(base, '{"Services": {"front": {"Configuration": null}}}'), target)
    assert json.loads(after.overlay or "")["Services"]["front"]["Configuration"] == {"memory_limit": None}


def test_services_come_and_go(tmp_path: Path) -> None:
    database = {"Type": "mysql", "ServiceName": "db", "Password": {"Secret": "db"}, "StartupInstances": {"mysql": 3}}
    base, gone = manifest(COMMON, database), '{"Services": {"db": null}}'
    come, left = promoted(tmp_path, Text(base, "{}"), Text(base, gone))
    assert (json.loads(come.overlay or ""), left) == ({"Services": {}}, [])
    went, left = promoted(tmp_path, Text(base, gone), Text(base, "{}"))
    assert (json.loads(went.overlay or ""), left) == (json.loads(gone), [])

    alone, both = Text(manifest(COMMON)), Text(manifest(database, COMMON))
    come, left = promoted(tmp_path, both, alone)
    assert json.loads(come.manifest)["Services"][1] == {k: v for k, v in database.items() if k != "StartupInstances"}
    assert {each.field for each in left} == {"StartupInstances.mysql"}
    went, left = promoted(tmp_path, alone, both)
    assert (json.loads(went.manifest), left) == (json.loads(alone.manifest), [])

    added = Text(base, json.dumps({"Services": {"extra": {"Type": "php", "Size": "large"}}}))
    come, left = promoted(tmp_path, added, Text(base, "{}"))
    assert json.loads(come.overlay or "") == {"Services": {"extra": {"Type": "php"}}}
    went, left = promoted(tmp_path, Text(base, "{}"), added)
    assert (json.loads(went.overlay or ""), left) == ({"Services": {}}, [])


def test_a_renamed_service_is_not_made_anew(tmp_path: Path) -> None:
    source = manifest({**COMMON, "ServiceName": "new", "RenamedFrom": "front"})
    with pytest.raises(UserError, match="was renamed from front"):
        promoted(tmp_path, Text(source), Text(manifest(COMMON)))


def test_a_field_that_does_not_stay_need_not_be_named() -> None:
    with pytest.raises(UserError, match="--with Sise"):
        promotion.refuse_unknown(["Sise"])


OPTIONS = st.dictionaries(
    st.sampled_from(["memory_limit", "upload_max_filesize"]), st.sampled_from(["64M", "96M", "1G"])
)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "Configuration": OPTIONS,
        "Archive": st.sampled_from(["https://a.example/1.tgz", "https://a.example/2.tgz"])
        | st.just({"Url": "https://a.example/1.tgz", "Sha256": "0" * 64}),
        "Size": st.sampled_from(["small", "large"]),
        "Uses": st.sampled_from([[], ["db"]]),
        "StartupInstances": st.fixed_dictionaries({"backend": st.integers(1, 3)}),
    },
)


@settings(max_examples=60, deadline=None)
@given(SERVICES, SERVICES, SERVICES, st.booleans(), st.sampled_from([None, 2]))
def test_what_is_promoted_is_equal_then_and_all_else_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, base: Any, source: Any, target: Any, layered: bool, indent: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    common = {"Type": "php", "ServiceName": "front"}
    database = {"Type": "mysql", "ServiceName": "db", "Password": {"Secret": "db"}}

    def text(service: Any) -> Text:
        if layered:
            patch = json.dumps({"Services": {"front": service}}, indent=indent)
            return Text(manifest({**common, **base}, database), patch)
        return Text(manifest({**common, **service}, database))

    before = means(folder, text(target))
    after, left = promoted(folder, text(source), text(target))
    assert {each.field.partition(".")[0] for each in left} <= {"Size", "StartupInstances"}
    changed = meaning.differences(before, means(folder, after))
    assert not {each.field.partition(".")[0] for each in changed} & {"Size", "StartupInstances"}
