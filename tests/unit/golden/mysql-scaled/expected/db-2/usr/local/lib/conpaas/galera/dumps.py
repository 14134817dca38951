"""SQL into the service and out of it."""

import contextlib
import gzip
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

from galera import accounts
from galera.machine import SqlError, literal, name, settings, sql

SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
CLIENT = ["--no-defaults", "--user=root", "--default-character-set=utf8mb4"]
GZIP = b"\x1f\x8b"
OF_SYSTEM = re.compile(rb"\s*(?:USE|CREATE\s+DATABASE[^`]*)\s+`?mysql`?\s*(?:;|/\*|$)", re.I)
OTHER_ENGINE = re.compile(rb"^\) ENGINE=(?:MyISAM|Aria)\b")  # as mysqldump ends a table
PIECE = 1 << 20
MARK = "dump"  # how far the load is that `Dump` of the manifest asked for


class LoadError(Exception):
    """Why the SQL was not taken."""


def databases():
    """User databases: name -> (character set, collation)."""
    rows = sql(
        "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "
        f"WHERE SCHEMA_NAME NOT IN ({', '.join(map(literal, SYSTEM))}) ORDER BY 1"
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def filled():
    """User databases that hold something."""
    kinds = (("TABLES", "TABLE_SCHEMA"), ("ROUTINES", "ROUTINE_SCHEMA"), ("EVENTS", "EVENT_SCHEMA"))
    parts = [f"SELECT {column} AS d FROM information_schema.{kind}" for kind, column in kinds]
    system = ", ".join(map(literal, SYSTEM))
    return [row[0] for row in sql(f"SELECT DISTINCT d FROM ({' UNION '.join(parts)}) x WHERE d NOT IN ({system})")]


def load(source, force):
    """From a stream, plain or gzip. Into empty databases it is all or nothing; raises LoadError."""
    before = databases()
    taken = filled()
    if taken and not force:
        raise LoadError(f"there are tables already, in {', '.join(taken)}; --force loads on top of them")
    try:
        _feed(source, before)
    except LoadError as error:
        if taken:
            raise LoadError(f"{error}; what came before that line has been loaded") from None
        empty_again(before)
        raise LoadError(f"{error}; the databases are empty, as before") from None


def load_once(path):
    """The manifest's dump: a run that was killed is begun again, a second run does nothing. True where it loaded."""
    mark = json.loads(accounts.recall(MARK) or "{}")
    if mark.get("state") == "loaded":
        return False
    if mark.get("state") == "loading":
        empty_again({key: tuple(value) for key, value in mark["before"].items()})
    taken = filled()
    if taken:
        raise LoadError(f"the dump is for an empty service, and there are tables in {', '.join(taken)}")
    accounts.remember(MARK, json.dumps({"state": "loading", "before": databases()}))
    with Path(path).open("rb") as source:
        try:
            load(source, False)
        except LoadError:
            accounts.forget(MARK)
            raise
    accounts.remember(MARK, json.dumps({"state": "loaded"}))
    return True


def empty_again(before):
    """As it was before: databases that were not there go, those that were there are made anew."""
    steps = [f"DROP DATABASE IF EXISTS {name(each)};" for each in databases()]
    steps += [
        f"CREATE DATABASE {name(each)} CHARACTER SET {charset} COLLATE {collation};"
        for each, (charset, collation) in before.items()
    ]
    sql("\n".join(steps), 600.0)


def _feed(source, before):
    """The client says "at line N" of what it is given, so it is given the dump and nothing else."""
    named = settings()["databases"] or list(before)
    database = named[:1] if len(named) == 1 and named[0] in before else []
    client = subprocess.Popen(
        ["mariadb", *CLIENT, "--batch", "--max-allowed-packet=1G", *database],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    reason = ""
    try:
        number = 0
        for number, line in enumerate(lines(source), 1):
            if OF_SYSTEM.match(line):
                reason = f"line {number}: the dump brings the accounts of another server (database mysql): leave it out"
                break
            client.stdin.write(OTHER_ENGINE.sub(b") ENGINE=InnoDB", line))
        if not number:
            reason = "there is nothing in it"
    except (BrokenPipeError, ConnectionResetError):
        pass  # the client says why
    except (EOFError, OSError, zlib.error) as error:
        reason = f"it cannot be decompressed: {error}"
    finally:
        if reason:
            client.kill()
        with contextlib.suppress(OSError):
            client.stdin.close()
        said = client.stderr.read().decode(errors="replace").strip()
        client.stderr.close()
        code = client.wait()
    if reason or code:
        raise LoadError(reason or explained(said, database))


def lines(source):
    """Of a stream that may be compressed."""
    return gzip.GzipFile(fileobj=source) if source.peek(2).startswith(GZIP) else source


def explained(said, database):
    line = (said.splitlines() or ["the client ended without a word"])[-1]
    line = re.sub(r"^-{3,}$", "", line).strip() or "the client ended without a word"
    if "No database selected" in line and not database:
        line += ": the dump names no database, and the service has not exactly one (option databases)"
    return line


def save(plain):
    """All user databases as SQL on standard output, of one moment."""
    names = list(databases())
    try:
        sql("SET SESSION wsrep_sync_wait = 15; SELECT 1", 60.0)
    except SqlError as error:
        raise LoadError(f"this member cannot be read: {error}") from None
    target = sys.stdout.buffer
    sink = target if plain else gzip.GzipFile("", "wb", 6, target, 0)
    if names:
        command = ["mariadb-dump", *CLIENT, "--single-transaction", "--quick", "--routines", "--events", "--triggers"]
        dump = subprocess.Popen(
            [*command, "--hex-blob", "--max-allowed-packet=1G", "--databases", *names], stdout=subprocess.PIPE
        )
        while piece := dump.stdout.read(PIECE):
            sink.write(piece)
        if dump.wait():
            raise LoadError("mariadb-dump failed")
    else:
        sink.write(b"-- There are no databases.\n")
    if sink is not target:
        sink.close()
    target.flush()
