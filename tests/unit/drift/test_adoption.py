"""What was written by hand, read back into the manifest's values: exactly, or not at all."""

from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac.drift import adoption
from conpaas_iac.drift.adoption import Parameter
from tests.builders import TYPES, build, service, trees

INI = "/etc/php/8.2/fpm/conf.d/90-conpaas.ini"
POOL = "/etc/php/8.2/fpm/pool.d/www.conf"
VARIABLES = {"MODE": "test"}
KNOWN: dict[Parameter, object] = {
    **{("Configuration", name): value for name, value in TYPES["php"].default_options().items()},
    **{("Environment", name): value for name, value in VARIABLES.items()},
}


@cache
def _rendered(path: str, values: tuple[tuple[Parameter, object], ...]) -> str:
    options = {name: value for (field, name), value in values if field == "Configuration"}
    variables = {name: str(value) for (field, name), value in values if field == "Environment"}
    made = service(options={**TYPES["php"].default_options(), **options}, environment={**VARIABLES, **variables})
    tree = trees(build(made))["web-1"]
    return next(file.content for file in tree.files if file.path == path)


def rendered(path: str, values: Mapping[Parameter, object]) -> str:
    if any(isinstance(value, list) for value in values.values()):
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return _rendered(path, tuple(values.items()))


def read(found: str, path: str = INI) -> dict[Parameter, object]:
    return adoption.values(found, KNOWN, lambda values: rendered(path, values))


def edited(before: str, after: str, path: str = INI) -> str:
    text = rendered(path, {})
    assert before in text
    return text.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after", "name", "value"),
    [
        ("memory_limit = '128M'", "memory_limit = '512M'", "memory_limit", "512M"),
        ("memory_limit = '128M'", "memory_limit=512M", "memory_limit", "512M"),
        ("max_execution_time = 30", "max_execution_time = 90", "max_execution_time", 90),
        ("log_errors = On", "log_errors = Off", "log_errors", False),
        ('disable_functions = ""', "disable_functions = exec,system", "disable_functions", "exec,system"),
    ],
)
def test_a_line_that_a_value_makes_is_read_back(before: str, after: str, name: str, value: object) -> None:
    assert read(edited(before, after)) == {("Configuration", name): value}


def test_a_variable_is_read_back() -> None:
    found = edited("env[MODE] = 'test'", "env[MODE] = 'live and well'", POOL)
    assert read(found, POOL) == {("Environment", "MODE"): "live and well"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("expose_php = Off", "expose_php = On"),  # nothing of the manifest makes this line
        ("expose_php = Off", "expose_php = Off\nmore = 1"),
        ("memory_limit = '128M'\n", ""),
        ("max_execution_time = 30", "max_execution_time = long"),
        ("display_errors = Off", "display_errors = stderr"),
        ("memory_limit = '128M'", "memory_limit = '512M' ; more than before\nx = 1"),
    ],
)
def test_what_no_value_makes_is_not_guessed(before: str, after: str) -> None:
    assert read(edited(before, after)) == {}


def test_one_line_that_cannot_be_said_spoils_the_file() -> None:
    found = edited("memory_limit = '128M'", "memory_limit = '512M'").replace("expose_php = Off", "expose_php = On")
    assert read(found) == {}


SIZES = st.from_regex(r"[1-9][0-9]{0,3}[MG]", fullmatch=True)


@settings(deadline=None, max_examples=12)  # templates are rendered
@given(st.fixed_dictionaries({"memory_limit": SIZES}, optional={"max_execution_time": st.integers(1, 9999)}))
def test_what_values_render_they_are_read_back_from(values: dict[str, object]) -> None:
    wanted = {("Configuration", name): value for name, value in values.items() if value != KNOWN["Configuration", name]}
    some = {name: KNOWN[name] for name in (*wanted, ("Configuration", "post_max_size"))}
    found = adoption.values(rendered(INI, wanted), some, lambda values: rendered(INI, values))
    assert found in (wanted, {})  # a value may move lines that follow from it; it is never another one
    if "max_execution_time" not in values:
        assert found == wanted


def test_what_feeds_a_file() -> None:
    fed = adoption.feeding(KNOWN, lambda values: rendered(POOL, values))
    assert set(fed) == {("Configuration", "max_execution_time"), ("Environment", "MODE")}
