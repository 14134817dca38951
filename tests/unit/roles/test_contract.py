"""Every role that is found has the same listing, and says everything once."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from conpaas_iac import catalog, cli
from conpaas_iac.catalog import Operation, ServiceType
from conpaas_iac.kit import course, readme, trial
from conpaas_iac.manifest import language

TYPES = catalog.load()
ALL = {**TYPES, **catalog.load_internal()}
SCHEMA_OF = {"str": "string", "int": "integer", "bool": "boolean", "list": "array"}

every = pytest.mark.parametrize("kind", ALL.values(), ids=ALL)
every_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


def keywords(kind: ServiceType) -> dict[str, Any]:
    path = kind.folder / "meta" / "options.schema.yml"
    return yaml.safe_load(path.read_text()) if path.exists() else {}


@every
def test_every_file_has_its_template_and_every_template_its_file(kind: ServiceType) -> None:
    found = [
        {"/" + path.relative_to(folder / "templates").as_posix().removesuffix(".j2") for path in folder.rglob("*.j2")}
        for folder in kind.folders
    ]
    mounting = kind.descriptor.mount.files if kind.descriptor.mount else ()
    wanted = {file.path for file in (*kind.descriptor.files, *mounting)}
    assert found[0] <= wanted <= set().union(*found)


@every_type
def test_listing(kind: ServiceType) -> None:
    assert {path.name for path in (kind.folder / "tasks").iterdir()} >= {"install.yml", "leave.yml", "verify.yml"}
    assert (kind.folder / "README.md").is_file()


@every
def test_groups_are_known_everywhere(kind: ServiceType) -> None:
    descriptor = kind.descriptor
    named = {group for thing in (*descriptor.files, *descriptor.units) for group in thing.groups}
    named |= {port.group for port in descriptor.ports} | set(descriptor.code) | set(descriptor.start_order)
    assert named | ({descriptor.entry} - {""}) <= set(descriptor.groups)
    assert set(descriptor.start_order) == set(descriptor.groups)


@every_type
def test_every_port_is_open_to_neighbours_alone(kind: ServiceType) -> None:
    assert all(port.port or port.source == "service" for port in kind.descriptor.ports)


@every_type
def test_units_of_files_run_where_the_files_are(kind: ServiceType) -> None:
    units = {unit.name: set(unit.groups) for unit in kind.descriptor.units}
    for file in kind.descriptor.files:
        if units.get(file.unit):
            assert set(file.groups) <= units[file.unit], file.path
    assert not kind.descriptor.code_unit or kind.descriptor.code_unit in units


@every
def test_the_readme_says_what_options_and_operations_there_are(kind: ServiceType) -> None:
    assert not [*readme.problems((kind.folder / readme.HERE).read_text(), kind)]


@every
def test_options_and_their_defaults_are_sound(kind: ServiceType) -> None:
    assert set(keywords(kind)) <= set(kind.options)
    for name, spec in kind.options.items():
        assert spec["description"].endswith(".")
        schema = {"type": SCHEMA_OF[spec["type"]], **keywords(kind).get(name, {})}
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(spec["default"], schema)


OWN_WORDS = {"target", "environment", "format", "yes", "overwrite", "set", "show", "help"}  # of every operation
OPERATIONS = [(kind, name) for kind in TYPES.values() for name in kind.descriptor.operations]
every_operation = pytest.mark.parametrize(
    ("kind", "name"), OPERATIONS, ids=[f"{kind.name} {name}" for kind, name in OPERATIONS]
)


@every_operation
def test_an_operation_does_one_thing(kind: ServiceType, name: str) -> None:
    operation = kind.descriptor.operations[name]
    assert all(re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", word) for word in name.split(" "))
    assert not any(other.startswith(f"{name} ") for other in kind.descriptor.operations), "an operation or several"
    assert operation.summary[:1].isupper() and not operation.summary.endswith(".")
    assert len(operation.summary) <= 80
    if operation.secret:
        assert operation == Operation(operation.summary, secret=operation.secret, class_=operation.class_)
        assert operation.secret in kind.descriptor.secrets
    else:
        assert operation.run and operation.group in {"", *kind.descriptor.groups}
    assert not (operation.terminal and (operation.json or operation.on == "all"))


@every_operation
def test_arguments_can_be_typed(kind: ServiceType, name: str) -> None:
    operation = kind.descriptor.operations[name]
    names = [argument.name for argument in operation.arguments]
    assert len(names) == len(set(names))
    assert not set(names) & OWN_WORDS
    assert all(re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", each) for each in names)
    optional = [not argument.required for argument in operation.arguments if not argument.flag]
    assert optional == sorted(optional), "what may be left out comes last"
    taking = [argument for argument in operation.arguments if not argument.flag and not argument.stream]
    assert not any(argument.many for argument in taking[:-1]), "who takes all that is left comes last"
    streams = [argument for argument in operation.arguments if argument.stream]
    assert len(streams) <= (0 if operation.terminal or operation.on == "all" else 1)
    assert not any(argument.flag or argument.many for argument in streams)
    assert not (operation.json and any(argument.stream == "output" for argument in streams))


@every_type
def test_what_is_said_to_others_can_be_filled_in(kind: ServiceType) -> None:
    secrets = dict.fromkeys(kind.descriptor.secrets, "x")
    for text in (kind.descriptor.url, kind.descriptor.connect, *kind.descriptor.environment.values()):
        assert "{}" not in text.format(address="10.42.0.1", service="files", secrets=secrets)


@every_type
def test_a_type_whose_volumes_are_mounted_says_how(kind: ServiceType) -> None:
    assert bool(kind.descriptor.mount) == (kind.folder / "tasks" / "client.yml").exists()
    assert kind.descriptor.mount or not any(port.source == "mounts" for port in kind.descriptor.ports)


@every_type
def test_names_of_types_are_no_verbs(kind: ServiceType) -> None:
    assert not {*language.names(kind)} & {*cli.VERBS}


@every_type
def test_the_conformance_suite_knows_its_way(kind: ServiceType) -> None:
    """What the type brings for its own test can be read, and makes a manifest without errors."""
    assert {row.check for row in course.course(kind, trial.of(kind))} == set(course.CHECKS)


BAD = {
    "max_execution_time": [-1, 10**6],
    "memory_limit": ["", "0", "128 M", "1T", "1M\nx=1"],
    "post_max_size": ["-1", "1m;", "9M "],
    "disable_functions": ["exec;", "a b", "exec,,x", 'x"'],
    "document_root": ["/etc", "../x", "a/../b", ".git", "a b", "a;"],
    "fallback": ["index.html", "../x.php", "/x.php", "a b.php"],
    "index": [[], ["a b"], ["../x"]],
    "private": [["/x"], ["a b"], ["a;b"], [".."]],
}


@pytest.mark.parametrize("name", BAD)
def test_values_that_would_break_a_file_are_refused(name: str) -> None:
    kind = TYPES["php"]
    schema = {"type": SCHEMA_OF[kind.options[name]["type"]], **keywords(kind).get(name, {})}
    for value in BAD[name]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, schema)


def test_playbooks_name_the_phases() -> None:
    play = yaml.safe_load((Path(catalog.folder("playbooks")) / "configure.yml").read_text())[0]
    phases = list(dict.fromkeys(task["name"] for task in play["tasks"][1:]))
    before = ["base", "host key", "install", "client", "startup script", "drain"]
    assert phases == [*before, "ship", "settle", "verify", "join", "confirm"]


def test_programs_of_types_define_nothing_twice() -> None:
    """The second one would silently take the place of the first."""
    for path in (Path(__file__).parents[3] / "roles").rglob("templates/usr/local/lib/**/*.j2"):
        names = re.findall(r"^(?:def|class) (\w+)", path.read_text(), re.MULTILINE)
        assert len(names) == len(set(names)), path
