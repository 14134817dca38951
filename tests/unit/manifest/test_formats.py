"""The forms in which diagnostics are shown."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from conpaas_iac.catalog import Catalog
from conpaas_iac.manifest.diagnostics import Diagnostic
from conpaas_iac.manifest.formats import as_codequality, as_github, as_json, as_sarif, as_text
from conpaas_iac.manifest.read import read
from conpaas_iac.shipped import folder
from tests.builders import PROVIDERS

TEXT = """{
  "Application": "shop",
  "Services": [
    {"Type": "phpp", "ServiceName": "a,b: 100%"},
    {"Type": "php", "ServiceName": "a-b-100"}
  ]
}
"""


@pytest.fixture
def found(types: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Diagnostic, ...]:
    monkeypatch.chdir(tmp_path)
    Path("my shop.json").write_text(TEXT)
    return read(Path("my shop.json"), types, PROVIDERS).diagnostics


def test_text(found: tuple[Diagnostic, ...]) -> None:
    assert as_text(found[:1]).splitlines()[:2] == [
        'my shop.json:4:14: error[E0104]: unknown service type "phpp"',
        '  4 |     {"Type": "phpp", "ServiceName": "a,b: 100%"},',
    ]


def test_json_has_its_schema(found: tuple[Diagnostic, ...]) -> None:
    document = json.loads(as_json(found))
    schema = json.loads((folder("schemas") / "diagnostics.schema.json").read_text())
    Draft202012Validator(schema).validate(document)
    assert [each["code"] for each in document["diagnostics"]] == ["E0104", "E0203"]
    assert document["diagnostics"][0]["place"] == {"file": "my shop.json", "line": 4, "column": 14, "length": 6}


def test_sarif(found: tuple[Diagnostic, ...]) -> None:
    log = json.loads(as_sarif(found))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E0104", "E0203"]
    assert run["tool"]["driver"]["rules"][0]["shortDescription"] == {"text": "an unknown service type"}
    location = run["results"][1]["locations"][0]["physicalLocation"]
    assert location == {
        "artifactLocation": {"uri": "my%20shop.json"},
        "region": {"startLine": 5, "startColumn": 36, "endColumn": 45},
    }
    assert run["results"][1]["relatedLocations"][0]["message"] == {"text": "by this one"}


def test_github(found: tuple[Diagnostic, ...]) -> None:
    first, second = as_github(found).splitlines()
    assert first.startswith("::error file=my shop.json,line=4,col=14,endColumn=20,title=E0104::unknown service type")
    assert second == (
        "::error file=my shop.json,line=5,col=36,endColumn=45,title=E0203::"
        'the host name "a-b-100" is taken. choose another name'
    )


def test_codequality(found: tuple[Diagnostic, ...]) -> None:
    report = json.loads(as_codequality((*found, found[0])))
    assert [each["check_name"] for each in report] == ["E0104", "E0203", "E0104"]
    assert report[1] == {
        "description": 'the host name "a-b-100" is taken. choose another name',
        "check_name": "E0203",
        "fingerprint": report[1]["fingerprint"],
        "severity": "major",
        "location": {"path": "my shop.json", "lines": {"begin": 5}},
    }
    assert len({each["fingerprint"] for each in report}) == 3  # of two alike, GitLab would show the first only


def test_a_finding_that_moves_keeps_its_fingerprint(types: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    prints = []
    for text in (TEXT, "\n\n" + TEXT):
        path.write_text(text)
        report = json.loads(as_codequality(read(path, types, PROVIDERS).diagnostics))
        prints.append([each["fingerprint"] for each in report])
    assert prints[0] == prints[1]
