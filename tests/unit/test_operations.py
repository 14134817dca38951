"""Which service and machines an operation means, and what runs there."""

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conpaas_iac.backend.record import Confirmed, Record
from conpaas_iac.catalog import Argument, Operation
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.usecases import operations
from conpaas_iac.usecases.operations import Call

SAVE = Operation("Write all that there is", group="main", run="toy save")


def call(service: str = "", operation: Operation = SAVE) -> Call:
    return Call("toy", "save", operation, "shop", service)


def machines(**types: str) -> tuple[Machine, ...]:
    """Two of each service; service=type."""
    return tuple(
        Machine(f"{service}-{number}", service, kind, "lxd", "10.42.0.1/16", 1, 512, "image")
        for service, kind in types.items()
        for number in (1, 2)
    )


@pytest.mark.parametrize(
    ("services", "named", "found"),
    [
        ({"a": "toy"}, "", "a"),
        ({"a": "toy", "b": "php"}, "", "a"),
        ({"a": "toy", "b": "toy"}, "b", "b"),
        ({"a": "toy", "b": "toy"}, "", "shop has 2 toy services → name one: shop/a, shop/b"),
        ({"a": "toy", "b": "php"}, "b", "shop/b is php, not toy → its services: a (toy), b (php)"),
        ({"a": "toy"}, "c", "no service 'c' in shop → its services: a (toy)"),
        ({"b": "php"}, "", "shop has no toy service → its services: b (php)"),
        ({}, "", "shop has no toy service → its services: none"),
    ],
)
def test_the_service_that_is_meant(services: Mapping[str, str], named: str, found: str) -> None:
    try:
        said = operations.service(call(named), machines(**services))
    except UserError as error:
        said = f"{error.message} → {error.remedy}"
    assert said == found


@pytest.mark.parametrize(
    ("text", "found"), [("shop", ("shop", "")), ("shop/db", ("shop", "db")), ("shop/", ("shop", ""))]
)
def test_targets(text: str, found: tuple[str, str]) -> None:
    assert operations.target(text) == found


@pytest.mark.parametrize("text", ["", "/db", "shop/db/db-1"])
def test_what_is_no_target_is_said(text: str) -> None:
    with pytest.raises(UserError, match=r"is no APPLICATION\[/SERVICE\]"):
        operations.target(text)


FOUR = (*machines(db="toy"), *(replace(each, node=each.node + "x") for each in machines(db="toy")))
NODES = [machine.node for machine in FOUR]  # db-1, db-2, db-1x, db-2x


def there(groups: Mapping[str, tuple[str, ...]] | None = None, **fields: frozenset[str]) -> Record:
    known = dict.fromkeys(NODES, ("main", "side")) | dict(groups or {})
    return Record({node: Confirmed(f"id-{node}", "", {}, each) for node, each in known.items() if each}, **fields)


def seen(**states: str) -> dict[str, Seen]:
    found = {}
    for node in NODES:
        state = states.get(node.replace("-", "_"), "running")
        name = "another" if state == "new" else f"id-{node}"
        if state != "gone":
            found[node] = Seen(node, name, node, state != "stopped", 1, "" if state == "begins" else "10.60.0.9")
    return found


def chosen(seen: Mapping[str, Seen], record: Record, operation: Operation = SAVE) -> tuple[list[str], dict[str, str]]:
    others = (*FOUR, *machines(other="toy"))
    found = operations.choose(call("db", operation), "db", others, seen, record)
    return [machine.node for machine in found.machines], {each.node: each.reason for each in found.others}


def test_machines_of_the_group_in_their_order() -> None:
    assert chosen(seen(), there()) == (NODES, {})
    side = there({"db-1": ("side",), "db-2x": ("side",)})
    assert chosen(seen(), side) == (["db-2", "db-1x"], {})
    assert chosen(seen(), side, replace_group("")) == (NODES, {})


def replace_group(group: str) -> Operation:
    return Operation("", group=group, run="x")


def test_machines_that_are_not_in_service_are_left_out_and_why() -> None:
    found = chosen(seen(db_1="gone", db_2="stopped", db_1x="new"), there())
    again = "not configured yet: `conpaas up` goes on"
    assert found == (
        ["db-2x"],
        {
            "db-1": "the cloud has lost it: `conpaas up` makes it again",
            "db-2": "stopped: `conpaas up` starts it again",
            "db-1x": again,
        },
    )
    record = there({"db-1": ()}, resting=frozenset({"db-2"}))
    assert chosen(seen(db_2="stopped", db_1x="begins"), record) == (
        ["db-2x"],
        {"db-1": again, "db-2": "stopped as asked", "db-1x": "it has no address yet"},
    )


def test_machines_whose_last_visit_may_have_failed_come_last() -> None:
    assert chosen(seen(), there(visiting=frozenset({"db-1", "db-1x"})))[0] == ["db-2", "db-2x", "db-1", "db-1x"]


@pytest.mark.parametrize(("held", "remedy"), [((), "conpaas status shop/db"), (("db",), "conpaas start shop/db")])
def test_no_machine_in_service(held: tuple[str, ...], remedy: str) -> None:
    none = seen(**{node.replace("-", "_"): "stopped" for node in NODES})
    with pytest.raises(MachineError, match="shop/db has no machine in group main that is in service") as error:
        chosen(none, there(held=frozenset(held)))
    assert (len(error.value.failures), error.value.remedy) == (4, remedy)


ARGUMENTS = Operation(
    "",
    run="toy put",
    arguments=(
        Argument("force", flag=True),
        Argument("file", stream="input"),
        Argument("one"),
        Argument("two", required=False),
    ),
)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))


@given(words, words)
@example("$(reboot); `x` 'y' \"z\" \\ \n *", "")
def test_each_value_is_one_word(one: str, two: str) -> None:
    line = operations.command_line(ARGUMENTS, {"force": True, "one": one, "two": two, "file": "x"})
    assert shlex.split(line) == ["toy", "put", "--force", one, two]
    assert operations.command_line(ARGUMENTS, {"force": False, "one": one}) == f"toy put {shlex.quote(one)}"


@given(st.lists(words))
def test_an_argument_may_take_all_words_that_are_left(values: list[str]) -> None:
    many = Operation("", run="toy run", arguments=(Argument("words", many=True, required=False),))
    assert shlex.split(operations.command_line(many, {"words": tuple(values)})) == ["toy", "run", *values]
    assert operations.synopsis(many) == "[WORDS…]"


@settings(max_examples=15)
@given(st.lists(words, min_size=30))
def test_a_shell_says_so_too(values: list[str]) -> None:
    operation = Operation("", run="printf '%s\\0'", arguments=tuple(Argument(f"a{n}") for n in range(len(values))))
    line = operations.command_line(operation, {f"a{n}": value for n, value in enumerate(values)})
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == values


def test_what_is_shown_of_an_operation() -> None:
    assert operations.synopsis(ARGUMENTS) == "[--force] FILE ONE [TWO]"
    assert operations.synopsis(SAVE) == ""
    assert operations.stream(ARGUMENTS) == ARGUMENTS.arguments[1]
    assert operations.stream(SAVE) is None


def test_the_question_says_risk_and_machines() -> None:
    risky = Operation("Read FILE", group="main", run="toy load", class_="data loss")
    said = operations.question(call("", risky), "db", machines(db="toy", web="php"))
    assert said == "Read FILE: this may lose data. On shop/db (default) with db-1, db-2. Go on?"
