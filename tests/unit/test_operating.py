"""`conpaas toy …`, as typed: a made-up service type, whose machines are this one."""

import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from conpaas_iac import catalog, cli
from conpaas_iac.backend import holding
from conpaas_iac.backend.record import Confirmed, Record
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.engine.engine_state import Applied
from conpaas_iac.errors import LeaseHeldError, UserError
from conpaas_iac.machines.ssh import Access
from conpaas_iac.network.membership import Authorities
from conpaas_iac.settings import Settings, load
from conpaas_iac.usecases import operating
from conpaas_iac.usecases.inspection import View
from tests.schemas import check
from tests.ssh import fake_ssh

TYPE = """
summary: Toys
groups: {main: {default: 1}, side: {default: 0}}
entry: main
start_order: [side, main]
aliases: [plaything]
secrets: {password: {field: Password}}
operations:
  save: {summary: Write all toys into FILE, group: main, run: cat "$TOYS", arguments: [{name: file, stream: output}]}
  load:
    summary: Put the toys of FILE there
    group: main
    class: data loss
    run: cat > "$TOYS"; echo "args"
    arguments: [{name: file, help: Toys, stream: input}, {name: force, flag: true, help: Replace what is there}]
  say: {summary: Say WORD, group: main, run: printf '%s|', arguments: [{name: word}, {name: again, required: false}]}
  who: {summary: Name machines, group: main, on: all, run: 'echo $HOST; echo note >&2; [ $HOST != "$BAD" ]'}
  facts: {summary: Facts, group: main, json: true, run: cat "$TOYS"}
  every: {summary: Facts of all, group: main, on: all, json: true, run: cat "$TOYS"}
  fail: {summary: Fail, group: main, run: seq 30 >&2; echo out; exit 7}
  slow: {summary: Take long, group: main, run: 'trap "touch $TOYS; exit 1" TERM; touch $TOYS.begun; sleep 60 & wait',
         arguments: [{name: file, required: false, stream: output}]}
  play: {summary: Play, group: main, run: 'read line; echo "$line"; exit', terminal: true, arguments: [{name: level}]}
  side: {summary: On the side, group: side, run: echo side}
  pause: {summary: Pause, group: main, class: downtime, run: echo paused}
  password: {summary: A new password, secret: password}
"""


@dataclass
class Shop:
    """An application with one toy service on three machines, and one php service."""

    toys: Path  # the file that operations read and write
    log: Path
    record: Record
    views: int = 0
    rotated: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """Addresses of machines, as they were asked."""
        return [line.removeprefix("root@") for line in self.log.read_text().split()]


MACHINES = tuple(
    Machine(f"{service}-{number}", service, kind, "lxd", "10.42.0.1/16", 1, 512, "image")
    for service, kind, numbers in (("db", "toy", (1, 2, 3)), ("front", "php", (1,)))
    for number in numbers
)
SEEN = {each.node: Seen(each.node, f"id-{each.node}", each.node, True, 1, f"ip-{each.node}") for each in MACHINES}


@pytest.fixture(autouse=True)
def shop(own_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    role = tmp_path / "roles" / "toy" / "meta"
    role.mkdir(parents=True)
    (role / "service.yml").write_text(TYPE)
    (role / "argument_specs.yml").write_text("argument_specs: {main: {options: {}}}")
    monkeypatch.setattr(catalog, "folder", lambda name: tmp_path / name)
    groups = {"db-1": ("main",), "db-2": ("main", "side"), "db-3": ("main",), "front-1": ("proxy",)}
    known = {node: Confirmed(f"id-{node}", "", {}, each) for node, each in groups.items()}
    made = Shop(
        tmp_path / "toys", fake_ssh(tmp_path, monkeypatch), Record(known, secret_names={"db": {"password": "s"}})
    )
    made.toys.write_text("ball, car\n")
    monkeypatch.setenv("TOYS", str(made.toys))
    monkeypatch.setenv("BAD", "")
    applied = Applied(owner="", machines=MACHINES, ips={}, authorities=Authorities(), **new_fields())

    @contextmanager
    def view(application: str, environment: str, settings: Settings) -> Iterator[View]:
        made.views += 1
        access = Access(tmp_path, tmp_path / "known_hosts", {})
        yield View(application, environment, applied, SEEN, made.record, access)

    def existing(settings: Settings, application: str, environment: str) -> Any:
        if application != "shop":
            raise UserError(f"no application {application!r} ({environment}) here", "conpaas list")
        return SimpleNamespace(applied=lambda: applied, name=f"{application}.{environment}", shelf=None)

    monkeypatch.setattr(operating, "view", view)
    monkeypatch.setattr(operating.Engine, "existing", existing)
    monkeypatch.setattr(operating.record, "read", lambda store, stack: made.record)
    monkeypatch.setattr(operating.rotation, "rotate", lambda *given: made.rotated.append(("rotate", *given[:3])))
    monkeypatch.setattr(operating.rotation, "give", lambda *given: made.rotated.append(("give", *given[:4])))
    monkeypatch.setattr(operating.rotation, "value", lambda *given: f"value of {given[2]}")
    monkeypatch.chdir(tmp_path)
    return made


def new_fields() -> dict[str, Any]:
    """What Applied has besides, which no operation looks at."""
    known = {"owner", "machines", "ips", "authorities"}
    return {name: None for name in Applied.__dataclass_fields__ if name not in known}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def conpaas(capfd: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> Said:
        code = cli.run(list(arguments))
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return run


def left(folder: Path) -> set[str]:
    """Files that were made in the user's folder."""
    known = {"roles", "programs", "ssh.log", "toys", "toys.begun", "state", "cache", "settings.json"}
    return {path.name for path in folder.iterdir()} - known


def test_output_becomes_a_file_that_is_whole_or_not_there(conpaas: Any, shop: Shop, tmp_path: Path) -> None:
    said = conpaas("toy", "save", "shop/db", "kept.txt")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Written: kept.txt, 10 bytes from db-1 (")
    kept = tmp_path / "kept.txt"
    assert (kept.read_text(), kept.stat().st_mode & 0o777, left(tmp_path)) == ("ball, car\n", 0o600, {"kept.txt"})
    shop.toys.unlink()
    said = conpaas("toy", "save", "shop", "kept.txt", "--overwrite")
    assert said.code == 3
    assert said.err.startswith("error: db-1: toy save failed\n  db-1, toy save: exit code 1\n    cat: ")
    said = conpaas("toy", "save", "shop", "other.txt")
    assert (said.code, kept.read_text(), left(tmp_path)) == (3, "ball, car\n", {"kept.txt"})


def test_what_is_there_is_not_overwritten_unasked(conpaas: Any, shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    said = conpaas("toy", "save", "shop", "kept.txt")
    assert (said.code, shop.views) == (1, 0)
    assert said.err == "error: kept.txt is there already\n  → name another file, or say --overwrite\n"
    assert conpaas("toy", "save", "shop", "kept.txt", "--overwrite").code == 0
    assert (tmp_path / "kept.txt").read_text() == "ball, car\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [("roles", "roles is a folder"), ("no/such", "/no/such: cannot be written: No such file or directory")],
)
def test_what_cannot_be_written_is_said_before_anything_is_asked(
    conpaas: Any, shop: Shop, path: str, said: str
) -> None:
    found = conpaas("toy", "save", "shop", path)
    assert (found.code, shop.views) == (1, 0)
    assert said in found.err


def test_output_to_where_no_file_is(conpaas: Any, shop: Shop) -> None:
    assert conpaas("toy", "save", "shop", "-") == Said(0, "ball, car\n", "")
    said = conpaas("toy", "save", "shop", "/dev/null")
    assert (said.code, Path("/dev/null").is_char_device()) == (0, True)
    said = conpaas("toy", "save", "shop", "/dev/full")
    assert (said.code, said.err) == (1, "error: /dev/full: cannot be written: No space left on device\n")
    said = conpaas("toy", "save", "shop", "-", "--format", "json")
    assert said.code == 1 and "standard output is the data" in said.err


def test_streams_as_json(conpaas: Any, shop: Shop) -> None:
    document = check(conpaas("toy", "save", "shop", "kept.txt", "--format", "json").out, "operation")
    assert document == {
        "node": "db-1", "exit_code": 0, "reason": "", "file": "kept.txt", "bytes": 10, "output": "",
    }  # fmt: skip
    said = conpaas("toy", "load", "shop", "kept.txt", "--yes", "--format", "json")
    assert check(said.out, "operation")["output"] == "args\n"


def test_a_file_becomes_input(conpaas: Any, shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"doll" * 200_000)
    said = conpaas("plaything", "load", "shop", "new", "--force", "--yes")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "args --force" and lines[1].startswith("Read: new, 800.0 kB to db-1 (")
    assert shop.toys.read_bytes() == b"doll" * 200_000


def test_input_comes_from_a_pipe(conpaas: Any, shop: Shop) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"doll")
    os.close(writing)
    kept = os.dup(0)
    try:
        os.dup2(reading, 0)
        assert conpaas("toy", "load", "shop", "-").code == 1  # nobody could answer
        assert conpaas("toy", "load", "shop", "-", "--yes") == Said(0, "args\n", "")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)
    assert shop.toys.read_bytes() == b"doll"


@pytest.mark.parametrize(
    ("path", "why"), [("none", "none: cannot be read: No such file or directory"), ("roles", "Is a directory")]
)
def test_input_that_cannot_be_read_is_said_before_anything_is_asked(
    conpaas: Any, shop: Shop, path: str, why: str
) -> None:
    said = conpaas("toy", "load", "shop", path, "--yes")
    assert (said.code, shop.views) == (1, 0)
    assert why in said.err


def test_the_next_machine_answers_where_ssh_fails(
    conpaas: Any, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNREACHABLE", "ip-db-1 ip-db-2")
    (tmp_path / "new").write_text("doll")
    said = conpaas("toy", "load", "shop", "new", "--yes")
    assert (said.code, shop.asked) == (0, ["ip-db-1", "ip-db-2", "ip-db-3"])
    assert "to db-3" in said.out and shop.toys.read_text() == "doll"
    monkeypatch.setenv("UNREACHABLE", "ip-db-1 ip-db-2 ip-db-3")
    said = conpaas("toy", "save", "shop", "-")
    assert said.code == 3
    assert said.err.splitlines()[:2] == [
        "error: toy save: no machine answers",
        "  db-1, toy save: does not answer: ssh: Connection refused",
    ]


def test_a_command_that_failed_is_not_tried_elsewhere(conpaas: Any, shop: Shop) -> None:
    said = conpaas("toy", "fail", "shop")
    assert (said.code, said.out, shop.asked) == (3, "out\n", ["ip-db-1"])
    lines = said.err.splitlines()
    assert lines[:2] == ["error: db-1: toy fail failed", "  db-1, toy fail: exit code 7"]
    assert [line.strip() for line in lines[2:]] == [str(number) for number in range(19, 31)]


def test_words_arrive_as_they_were_typed(conpaas: Any) -> None:
    word = "a b'c\"d $(id) `id` \\ *\nü"
    assert conpaas("toy", "say", "shop", word).out == f"{word}|\n"
    assert conpaas("toy", "say", "shop", "one", "--", "--two").out == "one|--two|\n"


def test_all_machines_side_by_side(conpaas: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    said = conpaas("toy", "who", "shop")
    assert said.code == 0
    assert sorted(said.out.splitlines()) == [f"db-{number}  root@ip-db-{number}" for number in (1, 2, 3)]
    assert sorted(said.err.splitlines()) == [f"db-{number}  note" for number in (1, 2, 3)]
    monkeypatch.setenv("BAD", "root@ip-db-2")
    monkeypatch.setenv("UNREACHABLE", "ip-db-3")
    said = conpaas("toy", "who", "shop", "--format", "json")
    assert said.code == 3
    documents = [check(line, "operation") for line in said.out.splitlines()]
    assert [(each["node"], each["exit_code"], each["output"]) for each in documents] == [
        ("db-1", 0, "root@ip-db-1\n"),
        ("db-2", 1, "root@ip-db-2\n"),
        ("db-3", 255, ""),
    ]
    assert "error: db-2, db-3: toy who failed" in said.err


def test_a_machine_out_of_service_fails_where_all_are_meant(conpaas: Any, shop: Shop) -> None:
    shop.record = Record({node: known for node, known in shop.record.nodes.items() if node != "db-2"})
    said = conpaas("toy", "who", "shop")
    assert (said.code, len(said.out.splitlines())) == (3, 2)
    assert "db-2, toy who: not configured yet" in said.err


def test_json_is_checked(conpaas: Any, shop: Shop) -> None:
    shop.toys.write_text('{"ü":[1,2]}\n')
    assert conpaas("toy", "facts", "shop").out == '{\n  "ü": [\n    1,\n    2\n  ]\n}\n'
    assert json.loads(conpaas("toy", "facts", "shop", "--format", "json").out) == {"ü": [1, 2]}
    assert conpaas("toy", "every", "shop").out.startswith('db-1\n{\n  "ü"')
    documents = conpaas("toy", "every", "shop", "--format", "json").out.splitlines()
    assert [check(each, "operation")["output"] for each in documents] == [{"ü": [1, 2]}] * 3
    shop.toys.write_text("no json")
    said = conpaas("toy", "facts", "shop")
    assert (said.code, said.out) == (3, "")
    assert "db-1, toy facts: its answer is no JSON: Expecting value" in said.err


def test_a_group_that_no_machine_of_runs(conpaas: Any, shop: Shop) -> None:
    assert conpaas("toy", "side", "shop") == Said(0, "side\n", "")
    assert shop.asked == ["ip-db-2"]


def test_targets_that_are_wrong(conpaas: Any, shop: Shop) -> None:
    said = conpaas("toy", "pause", "shop/front", "--yes")
    assert (said.code, said.err) == (1, "error: shop/front is php, not toy\n  → its services: db (toy), front (php)\n")
    said = conpaas("toy", "pause", "nowhere")
    assert (said.code, shop.views) == (1, 1)
    assert "no application 'nowhere' (default) here" in said.err
    assert conpaas("toy", "say", "a/b/c", "x").code == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_may_hurt_asks(conpaas: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    said = conpaas("toy", "pause", "shop")
    assert (said.code, shop.asked) == (1, [])
    assert said.err == "error: toy pause asks before, and nobody is there to answer\n  → --yes\n"
    monkeypatch.setattr(sys, "stdin", Terminal())
    asked: list[str] = []

    def no(text: str, **_: Any) -> bool:
        asked.append(text)
        return False

    monkeypatch.setattr(click, "confirm", no)
    assert conpaas("toy", "pause", "shop") == Said(130, "", "error: nothing was done\n")
    [question] = asked
    assert question == "Pause: this interrupts it. On shop/db (default) with db-1, db-2, db-3. Go on?"
    monkeypatch.setattr(click, "confirm", lambda text, **_: True)
    assert conpaas("toy", "pause", "shop").out == "paused\n"


def test_what_may_hurt_has_the_application_for_itself(conpaas: Any, shop: Shop) -> None:
    with holding.holding(load(), "shop.default"):
        assert conpaas("toy", "pause", "shop", "--yes").code == LeaseHeldError.exit_code
        assert conpaas("toy", "save", "shop", "-").code == 0
        assert conpaas("toy", "pause", "shop", "--yes", "-e", "test").code == 0


def test_on_a_terminal(conpaas: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here standard input is none."""
    monkeypatch.setenv("UNREACHABLE", "ip-db-1")
    reading, writing = os.pipe()
    os.write(writing, b"hello\n")
    os.close(writing)
    kept = os.dup(0)
    try:
        os.dup2(reading, 0)
        assert conpaas("toy", "play", "shop", "0") == Said(0, "hello\n", "")
        assert conpaas("toy", "play", "shop", "3").code == 3
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)
    assert shop.asked == ["ip-db-1", "ip-db-2", "ip-db-2"] * 2
    monkeypatch.setenv("UNREACHABLE", "ip-db-1 ip-db-2 ip-db-3")
    assert "no machine answers" in conpaas("toy", "play", "shop", "0").err


def test_interrupted_it_leaves_nothing(conpaas: Any, shop: Shop, tmp_path: Path) -> None:
    shop.toys.unlink()

    def interrupt() -> None:
        while not (tmp_path / "toys.begun").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    said = conpaas("toy", "slow", "shop", "kept.txt")
    assert (said.code, said.err) == (130, "error: interrupted: toy slow is not done; it is ended on db-1\n")
    assert (left(tmp_path), shop.toys.exists()) == (set(), True)


def test_secrets(conpaas: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert conpaas("toy", "password", "shop", "--show") == Said(0, "value of s\n", "")
    shown = check(conpaas("toy", "password", "shop", "--show", "--format", "json").out, "operation")
    assert (shown["service"], shown["secret"], shown["value"]) == ("db", "password", "value of s")
    assert shop.rotated == []
    said = conpaas("toy", "password", "shop/db", "-e", "test")
    assert said.out == "shop/db has a new password: conpaas toy password shop/db -e test --show\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("a b'c\n"))
    assert conpaas("toy", "password", "shop", "--set").code == 0
    assert shop.rotated == [("rotate", "shop", "test", "s"), ("give", "shop", "default", "s", "a b'c")]
    assert conpaas("toy", "password", "shop", "--set", "--show").code == 1
    shop.record = Record()
    said = conpaas("toy", "password", "shop", "--show")
    assert (said.code, said.err) == (1, "error: shop/db has no password yet\n  → conpaas up MANIFEST makes it\n")


def test_help(conpaas: Any) -> None:
    page = conpaas("toy", "--help").out
    assert "Usage: conpaas toy [OPTIONS] OPERATION APPLICATION[/SERVICE] …" in page
    assert "  load FILE [--force]  Put the toys of FILE there\n" in page
    page = conpaas("plaything", "load", "--help").out
    assert "Usage: conpaas plaything load [OPTIONS] APPLICATION[/SERVICE] FILE" in page
    assert "Toys. A local file; - is standard input." in page
    for word in ("--force", "--yes", "--environment", "It may lose data: asks before."):
        assert word in page
    assert "--format" not in conpaas("toy", "play", "--help").out
    for operation in ("save", "slow"):
        assert "--overwrite" in conpaas("toy", operation, "--help").out
    assert "Operations of a service type: conpaas TYPE --help" in conpaas("--help").out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("toys",), "no verb 'toys'; did you mean 'toy'?"),
        (("qqqq",), "down; service types with operations: toy"),
        (("toy", "sav", "shop"), "toy has no operation 'sav'; did you mean 'save'?"),
        (("toy", "qqqq", "shop"), "toy has no operation 'qqqq'; operations: save, load, say"),
        (("toy", "save", "shop"), "Missing argument 'FILE'"),
        (("toy", "save", "shop", "a", "b"), "Got unexpected extra argument (b)"),
        (("java", "save"), "service type 'java' is not built yet"),
        (("hadoop", "save"), "service type 'hadoop' is not built yet"),
    ],
)
def test_what_is_mistyped(conpaas: Any, typed: tuple[str, ...], said: str) -> None:
    found = conpaas(*typed)
    assert (found.code, found.out) == (1, "")
    assert said in found.err


def test_a_type_without_operations(conpaas: Any, tmp_path: Path) -> None:
    path = tmp_path / "roles" / "toy" / "meta" / "service.yml"
    path.write_text(TYPE.partition("operations:")[0])
    said = conpaas("toy", "save")
    assert (said.code, said.err) == (1, "error: service type 'toy' has no operations\n  → conpaas types\n")


def test_types_show_operations(conpaas: Any) -> None:
    page = conpaas("types", "toy").out
    assert "Operations (conpaas toy OPERATION APPLICATION[/SERVICE] …)" in page
    assert "load FILE [--force]" in page
    [data] = check(conpaas("types", "toy", "--format", "json").out, "types")["types"]
    assert data["operations"]["load"]["arguments"][1]["flag"]
