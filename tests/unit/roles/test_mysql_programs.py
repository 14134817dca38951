"""What the programs of a mysql machine make of text: SQL that comes in, accounts, the journal."""

import gzip
import io
import re
import socketserver
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.roles.galera import FOLDER, NAMES, load

accounts, dumps, machine, verbs = load("accounts"), load("dumps"), load("machine"), load("verbs")


@given(st.binary(max_size=2000))
def test_lines_are_the_same_compressed_or_not(content: bytes) -> None:
    plain = content.splitlines(keepends=True) if b"\r" not in content else None
    packed = list(dumps.lines(io.BufferedReader(io.BytesIO(gzip.compress(content)))))  # type: ignore[arg-type]
    assert b"".join(packed) == content
    if plain is not None and not content.startswith(b"\x1f\x8b"):
        read = list(dumps.lines(io.BufferedReader(io.BytesIO(content))))  # type: ignore[arg-type]
        assert read == packed


@pytest.mark.parametrize(
    "line", [b"USE `mysql`;\n", b"use mysql;", b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `mysql` /*x"]
)
def test_accounts_of_another_server_are_noticed(line: bytes) -> None:
    assert dumps.OF_SYSTEM.match(line)


@pytest.mark.parametrize("line", [b"USE `mysql_shop`;", b"INSERT INTO t VALUES ('USE mysql;');", b"USE `shop`;"])
def test_other_databases_are_not(line: bytes) -> None:
    assert not dumps.OF_SYSTEM.match(line)


def test_tables_become_innodb_but_not_text() -> None:
    assert dumps.OTHER_ENGINE.sub(b") ENGINE=InnoDB", b") ENGINE=MyISAM DEFAULT") == b") ENGINE=InnoDB DEFAULT"
    assert not dumps.OTHER_ENGINE.match(b"INSERT INTO t VALUES (') ENGINE=MyISAM')")


def test_a_dump_that_names_no_database_is_explained() -> None:
    said = "--------------\nCREATE TABLE t\n--------------\n\nERROR 1046 (3D000) at line 7: No database selected"
    assert "at line 7" in dumps.explained(said, []) and "databases" in dumps.explained(said, [])
    assert dumps.explained("", []) == "the client ended without a word"


def test_passwords_are_hashed_as_the_server_does() -> None:
    assert accounts.hashed("secret") == "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_no_password_stands_in_a_statement(passwords: list[str]) -> None:
    text = "\n".join(accounts.statements(passwords, ["shop"]))
    assert all(accounts.hashed(each) in text for each in passwords)
    assert all(each not in text for each in passwords if len(each) > 12 and not re.fullmatch(r"[\w ,'`%@*.;=]+", each))


@given(st.text())
def test_a_literal_ends_where_it_should(value: str) -> None:
    inner = machine.literal(value)[1:-1]
    assert re.fullmatch(r"(?:[^\\']|\\.)*", inner, re.S)
    assert re.sub(r"\\(.)", r"\1", inner, flags=re.S) == value


def test_a_full_disk_is_recognised() -> None:
    for line in ("failed with error 28", "write: No space left on device", '(Errcode: 28 "No space left")'):
        assert machine.NO_SPACE.search(line)
    assert not machine.NO_SPACE.search("error 287")


@pytest.mark.parametrize("name", NAMES)
def test_programs_are_templates_of_nothing(name: str) -> None:
    text = Path(FOLDER / f"{name}.py.j2").read_text()
    assert not re.search(r"\{[{%#]", text)


def test_every_verb_of_the_descriptor_is_there() -> None:
    for verb in ("verify", "drain", "join", "leave", "load", "save", "shell", "status", "recover"):
        assert callable(getattr(verbs, verb))


def test_a_balancer_that_leaves_takes_nobody_new_before_it_looks_who_is_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    inside = [["a visitor"], []]

    class Balancer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            told.append(self.rfile.readline().decode().strip())
            self.wfile.write(b"\n")

    def visitors() -> list[str]:
        told.append("who is inside?")
        return inside.pop(0)

    monkeypatch.setattr(verbs, "BALANCER", tmp_path / "admin.sock")
    monkeypatch.setattr(verbs, "settings", lambda: {"member": False, "balancer": True})
    monkeypatch.setattr(verbs, "_visitors", visitors)
    monkeypatch.setattr(verbs.subprocess, "run", lambda command, **_: told.append(command[0]))
    with socketserver.UnixStreamServer(str(verbs.BALANCER), Balancer) as server:
        asked = threading.Thread(target=server.handle_request)
        asked.start()
        verbs.leave()
        asked.join()
    assert told == ["disable frontend visitors", "who is inside?", "who is inside?", "systemctl"]


def test_a_balancer_that_is_down_leaves_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(verbs, "BALANCER", tmp_path / "admin.sock")
    monkeypatch.setattr(verbs, "settings", lambda: {"member": False, "balancer": True})
    monkeypatch.setattr(verbs, "_visitors", list)
    monkeypatch.setattr(verbs.subprocess, "run", lambda command, **_: told.append(command[0]))
    verbs.leave()
    assert told == ["systemctl"]
