"""The folder that `conpaas types new` writes passes what every type passes."""

import inspect
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from conpaas_iac import catalog, cli
from conpaas_iac.commands import types as command
from conpaas_iac.core.templates import Templates
from conpaas_iac.errors import UserError
from conpaas_iac.kit.course import CHECKS as CHECKS_OF_THE_SUITE
from conpaas_iac.manifest import schema
from conpaas_iac.shipped import folder
from conpaas_iac.usecases import new_type
from tests import test_structure
from tests.unit.roles import test_contract

CHECKS = [
    check
    for module in (test_contract, test_structure)
    for name, check in vars(module).items()
    if name.startswith("test_") and [*inspect.signature(check).parameters][:1] == ["kind"]
]


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """Where an author works: the roles that there are, and his own."""
    return Path(shutil.copytree(folder("roles"), tmp_path / "roles"))


def test_it_passes_every_check_of_types(roles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_type.write("shop", roles, cli.VERBS)
    kind = catalog.load(roles)["shop"]
    monkeypatch.setitem(test_structure.TYPES, "shop", kind)
    assert len(CHECKS) > 10
    for check in CHECKS:
        if [*inspect.signature(check).parameters] == ["kind"]:
            check(kind)
        else:
            for operation in kind.descriptor.operations:
                check(kind, operation)
    assert schema.compose(catalog.load(roles), {})["$defs"]["shop"]


def test_its_files_can_be_rendered(roles: Path) -> None:
    new_type.write("shop", roles, cli.VERBS)
    kind = catalog.load(roles)["shop"]
    service = {"name": "front", "title": "<Front>", "options": kind.default_options()}
    context = {"service": service, "application": {"name": "demo"}}
    texts = {file.path: Templates().rendered(kind, file.path, context, {}) for file in kind.descriptor.files}
    page = texts["/srv/conpaas/page/index.html"]
    assert "&lt;Front&gt;" in page and "It works." in page
    assert not any(new_type.MARK in text for text in texts.values())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "names have lower-case letters and digits"),
        ("../x", "names have lower-case letters and digits"),
        ("Shop", "names have lower-case letters and digits"),
        ("up", "`conpaas up` is something else"),
        ("php", "roles/php is there already"),
        ("web", "roles/web is there already"),
        ("galera", "it is another name of mysql"),
    ],
)
def test_names_that_cannot_be(roles: Path, name: str, problem: str) -> None:
    before = sorted(roles.rglob("*"))
    with pytest.raises(UserError, match=problem):
        new_type.write(name, roles, cli.VERBS)
    assert sorted(roles.rglob("*")) == before


def test_the_command_says_what_it_wrote(roles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "folder", lambda _: roles)
    done = CliRunner().invoke(command.command, ["new", "shop"])
    assert done.exit_code == 0 and f"{roles}/shop/meta/service.yml" in done.output
    assert "Next: conpaas types test shop" in done.output
    assert CliRunner().invoke(command.command, ["php", "java"]).exit_code == 2


@pytest.mark.parametrize("arguments", [["php"], ["php", "--format", "json"], ["--format", "json", "php"], []])
def test_any_other_word_is_a_type(arguments: list[str]) -> None:
    done = CliRunner().invoke(command.command, arguments)
    assert done.exit_code == 0 and "Web applications in PHP" in done.output
    assert ('"version": 1' in done.output) == ("json" in arguments)


@pytest.mark.parametrize("name", ["new", "test", "show"])
def test_words_of_the_verb_are_no_types(roles: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(command, "folder", lambda _: roles)
    assert "is something else" in str(CliRunner().invoke(command.command, ["new", name]).exception)


def test_the_checks_of_a_type_are_listed_without_a_machine() -> None:
    said = CliRunner().invoke(command.command, ["test", "generic", "--list"]).output
    assert "scale master   skipped: it has 1 machine" in said
    listed = json.loads(CliRunner().invoke(command.command, ["test", "php", "--list", "--format", "json"]).output)
    assert {each["check"] for each in listed["checks"]} == set(CHECKS_OF_THE_SUITE)
    assert "checks: readme" in CliRunner().invoke(command.command, ["test", "php", "--only", "x"]).exception.remedy
