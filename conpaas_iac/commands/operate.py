"""How an operation is carried out from the command line: files, the question, what is printed."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click
from rich.filesize import decimal

from conpaas_iac import settings
from conpaas_iac.commands import output
from conpaas_iac.commands.running import running
from conpaas_iac.commands.screen import Screen
from conpaas_iac.commands.secret import read_value
from conpaas_iac.core.environments import option
from conpaas_iac.errors import Failure, MachineError, UserError
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import replacing, writer
from conpaas_iac.usecases import operating, operations
from conpaas_iac.usecases.operating import Answer
from conpaas_iac.usecases.operations import Call, Values


@dataclass(frozen=True)
class Way:
    """Options that say how, not what."""

    form: str = "text"
    yes: bool = False
    overwrite: bool = False
    given: bool = False  # a secret's new value comes from the user
    show: bool = False
    events: str = ""


@dataclass(frozen=True)
class Local:
    """The local end of a stream; `path` is None for standard input or output."""

    direction: str  # "", "input", "output"
    path: Path | None = None

    @property
    def is_stdin(self) -> bool:
        """Whether standard input is the data."""
        return self.direction == "input" and self.path is None

    @property
    def is_stdout(self) -> bool:
        """Whether standard output is the data."""
        return self.direction == "output" and self.path is None


def carry_out(call: Call, values: Values, way: Way) -> int:
    """Do it, and say how it ended."""
    configured = settings.load()
    if call.operation.secret:
        return _secret(call, way, configured)
    if call.operation.class_ == "safe":
        return _done(call, values, way, configured)
    with running(way.form, way.events, call.application, call.environment, live=False) as run:
        try:
            run.code = _done(call, values, way, configured)
        except MachineError as error:
            run.note(call.verb, error.message, "failed")
            raise
        run.note(call.verb, f"on {call.service or call.application}")
    return run.code


def _done(call: Call, values: Values, way: Way, configured: Settings) -> int:
    if call.operation.terminal:
        _ask(call, way, configured)
        return 3 if operating.login(call, values, configured) else 0
    local = _local(call, values)
    if local.is_stdout and way.form == "json":
        raise click.UsageError("standard output is the data: --format json has no place there")
    if local.is_stdin and call.operation.class_ != "safe" and not way.yes:
        raise click.UsageError("standard input is the data, so nothing can be asked: say --yes")
    begun = time.monotonic()
    with ExitStack() as stack:
        source, total = _source(local, stack)
        _check(local, way)
        _ask(call, way, configured)
        write = _writer(local, stack)
        screen = stack.enter_context(_screen(call, way, local, write, source, total))
        answers = operating.run(call, values, configured, screen, source)
        screen.told.update(answer.node for answer in answers if answer.reason)
        documents = _documents(call, way, answers, screen, local)
        if call.operation.on == "one":
            operating.raise_on_failure(call, answers)
    _print(call, way, documents, local, total, time.monotonic() - begun)
    operating.raise_on_failure(call, answers)
    return 0


def _ask(call: Call, way: Way, configured: Settings) -> None:
    """Before what is not safe; a wrong target is said instead."""
    if call.operation.class_ == "safe" or way.yes:
        return
    name, machines = operating.service(call, configured)
    output.ask(operations.question(call, name, machines), call.verb)


def _local(call: Call, values: Values) -> Local:
    argument = operations.stream(call.operation)
    if argument is None:
        return Local("")
    text = values.get(argument.name) or "-"
    return Local(argument.stream, None if text == "-" else Path(str(text)))


def _source(local: Local, stack: ExitStack) -> tuple[IO[bytes] | None, int | None]:
    """What is read, and its size where that is known; before anything is contacted."""
    if local.direction != "input":
        return None, None
    if local.path is None:
        return stack.enter_context(os.fdopen(os.dup(0), "rb", buffering=0)), None
    try:
        file = stack.enter_context(local.path.open("rb", buffering=0))
    except OSError as error:
        raise UserError(f"{local.path}: cannot be read: {error.strerror}") from error
    return file, local.path.stat().st_size if local.path.is_file() else None


def _check(local: Local, way: Way) -> None:
    """Whether the result may be written."""
    if local.direction != "output" or local.path is None:
        return
    if local.path.is_dir():
        raise UserError(f"{local.path} is a folder", "name a file")
    if local.path.is_file() and not way.overwrite:
        raise UserError(f"{local.path} is there already", "name another file, or say --overwrite")


def _writer(local: Local, stack: ExitStack) -> Callable[[bytes], None] | None:
    """Where output goes: a file that is there only once it is whole; devices and pipes are written to as they are."""
    if local.direction != "output":
        return None
    if local.path is None:
        sys.stdout.flush()
        return writer(stack.enter_context(os.fdopen(os.dup(1), "wb", buffering=0)), "standard output")
    if local.path.exists() and not local.path.is_file():
        return writer(stack.enter_context(local.path.open("wb", buffering=0)), local.path)
    return stack.enter_context(replacing(local.path.resolve()))


def _screen(
    call: Call,
    way: Way,
    local: Local,
    write: Callable[[bytes], None] | None,
    source: IO[bytes] | None,
    total: int | None,
) -> Screen:
    name = local.path.name if local.path else ""
    return Screen(
        f"{call.verb} {name}".strip(),
        labels=call.operation.on == "all",
        keeps=way.form == "json" or call.operation.json,
        write=write,
        total=total,
        streams=bool(local.direction),
        quiet=(source is not None and source.isatty()) or (local.is_stdout and sys.stdout.isatty()),
    )


def _documents(call: Call, way: Way, answers: Sequence[Answer], screen: Screen, local: Local) -> list[dict[str, Any]]:
    """What is said of each machine."""
    documents: list[dict[str, Any]] = []
    for answer in answers:
        document: dict[str, Any] = {"node": answer.node, "exit_code": answer.code, "reason": answer.reason}
        if local.direction:
            document |= {"file": str(local.path or "-"), "bytes": screen.bytes}
        content = screen.kept[answer.node].decode(errors="replace")
        if not call.operation.json:
            document["output"] = content
        else:
            document["output"] = None if answer.reason else _decoded(call, answer, content)
        documents.append(document)
    return documents


def _decoded(call: Call, answer: Answer, content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        lines = tuple(content.splitlines()[:5])
        failure = Failure(answer.node, call.verb, f"its answer is no JSON: {error}", lines)
        raise MachineError(f"{answer.node}: {call.verb} failed", (failure,)) from error


def _print(
    call: Call, way: Way, documents: list[dict[str, Any]], local: Local, total: int | None, seconds: float
) -> None:
    """What has not been printed while it ran."""
    is_one = call.operation.on == "one"
    for document in documents:
        if way.form == "json":
            shown_one = document["output"] if is_one and call.operation.json else document
            click.echo(json.dumps(shown_one, ensure_ascii=False))
        elif call.operation.json and not document["reason"]:
            head = "" if is_one else f"{document['node']}\n"
            click.echo(head + json.dumps(document["output"], indent=2, ensure_ascii=False))
        elif local.path is not None:
            words = "Written: {}, {} from {}" if local.direction == "output" else "Read: {}, {} to {}"
            size = decimal(document["bytes"])
            if total is not None and document["bytes"] < total:
                size += f" of {decimal(total)}"  # the command had enough
            click.echo(f"{words.format(local.path, size, document['node'])} ({seconds:.1f} s).")


def _secret(call: Call, way: Way, configured: Settings) -> int:
    """Show it, set it, or have a new one made."""
    if way.show and way.given:
        raise click.UsageError("either --set or --show")
    name, _ = operating.service(call, configured)
    target = f"{call.application}/{name}"
    if way.show:
        value = operating.secret(call, configured)
        document = {"version": 1, "application": call.application, "environment": call.environment}
        document |= {"service": name, "secret": call.operation.secret, "value": value}
        click.echo(json.dumps(document, ensure_ascii=False) if way.form == "json" else value)
        return 0
    _ask(call, way, configured)
    wanted = read_value(call.operation.secret) if way.given else None
    with running(way.form, way.events, call.application, call.environment) as run:
        operating.new_secret(call, wanted, configured, run.listen)
        run.note("secret", f"{target} has a new {call.operation.secret}")
    text = f"{target} has a new {call.operation.secret}: conpaas {call.verb} {target}{option(call.environment)} --show"
    output.end(way.form, call.verb, call.application, (), text)
    return 0
