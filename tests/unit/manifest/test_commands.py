"""The verbs of this room, as a user types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from conpaas_iac import shipped
from conpaas_iac.commands import explain, schema, types, validate
from conpaas_iac.errors import UserError

GOOD = '{"Application": "shop", "Services": [{"Type": "php", "ServiceName": "front"}]}'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONPAAS_SETTINGS", str(tmp_path / "none.json"))
    Path("good.json").write_text(GOOD)
    Path("bad.json").write_text(GOOD.replace("php", "phpp"))


def validated(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(validate.command, arguments, standalone_mode=False)
    return result.return_value, result.output


def has_schema(document: object, name: str) -> None:
    schema = json.loads((shipped.folder("schemas") / f"{name}.schema.json").read_text())
    Draft202012Validator(schema).validate(document)


def test_validate() -> None:
    assert validated("good.json") == (0, "1 manifest checked: no errors.\n")
    code, output = validated("good.json", "bad.json")
    assert code == 1
    assert output.startswith("bad.json:1:47: error[E0104]:")
    assert output.endswith("2 manifests checked: 1 error.\n")
    code, output = validated("bad.json", "--format", "json")
    assert (code, json.loads(output)["diagnostics"][0]["code"]) == (1, "E0104")


def test_explain() -> None:
    assert CliRunner().invoke(explain.command, ["e0104"]).output.startswith("# E0104: an unknown service type\n")
    assert "E0104  an unknown service type\n" in CliRunner().invoke(explain.command, []).output
    has_schema(json.loads(CliRunner().invoke(explain.command, ["--format", "json"]).output), "explain")
    assert isinstance(CliRunner().invoke(explain.command, ["E9999"]).exception, UserError)


def test_schema() -> None:
    whole = json.loads(CliRunner().invoke(schema.command, []).output)
    assert "php" in whole["$defs"]["service"]["properties"]["Type"]["enum"]
    options = json.loads(CliRunner().invoke(schema.command, ["--type", "php"]).output)
    assert options["properties"]["memory_limit"]["default"] == "128M"
    assert isinstance(CliRunner().invoke(schema.command, ["--type", "phpp"]).exception, UserError)


def test_types() -> None:
    assert "php" in CliRunner().invoke(types.command, []).output
    page = CliRunner().invoke(types.command, ["php"]).output
    assert "memory_limit" in page and "backend" in page and "nginx" in page
    listed = json.loads(CliRunner().invoke(types.command, ["php", "--format", "json"]).output)
    has_schema(listed, "types")
    assert listed["types"][0]["groups"]["backend"]["default"] == 1
    assert isinstance(CliRunner().invoke(types.command, ["phpp"]).exception, UserError)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("fleet", {"Fleet": "acme", "Clouds": {"near": {"Provider": "lxd"}}}, {"Clouds": {"near": {"Provider": "x"}}}),
        ("overlay", {"Services": {"web": None}}, {"Services": 3}),
        ("removed", {"Application": "old", "By": "ann", "Why": "unused"}, {"Application": "old"}),
    ],
)
def test_the_schemas_of_a_fleets_files(name: str, good: object, bad: object) -> None:
    result = CliRunner().invoke(schema.command, [name], standalone_mode=False)
    validator = Draft202012Validator(json.loads(result.output))
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)
    assert CliRunner().invoke(schema.command, [name, "--type", "php"]).exit_code == 2
