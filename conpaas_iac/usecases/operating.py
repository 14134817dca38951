"""The use cases of operations: run one on a service's machines, log in for one, set or show a service's secret."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Event
from typing import IO, Protocol

from conpaas_iac.backend import record
from conpaas_iac.backend.holding import holding
from conpaas_iac.backend.place import stack_name
from conpaas_iac.core.declaration import Machine
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import Failure, Interrupted, MachineError, UserError
from conpaas_iac.machines.remote import Command
from conpaas_iac.runs.events import Listener
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import operations, rotation
from conpaas_iac.usecases.inspection import View, ssh_command, view
from conpaas_iac.usecases.operations import Call, Chosen, Values

AT_ONCE = 16
LAST_LINES = 12  # of a failed command's standard error
SSH_FAILED = 255


class Hears(Protocol):
    """What is told while commands run; from several threads where they run side by side."""

    def output(self, node: str, content: bytes) -> None:
        """A piece of standard output."""

    def note(self, node: str, line: str) -> None:
        """A line of standard error."""

    def sent(self, count: int) -> None:
        """So many bytes of the input were handed on."""


@dataclass(frozen=True)
class Answer:
    """How the command ended on one machine; `reason` is empty where it was done."""

    node: str
    code: int
    reason: str = ""
    lines: tuple[str, ...] = ()  # the last ones of its standard error


def service(call: Call, settings: Settings) -> tuple[str, tuple[Machine, ...]]:
    """The service that is meant and all machines, from the checkpoint alone."""
    machines = Engine.existing(settings, call.application, call.environment).applied().machines
    return operations.service(call, machines), machines


def run(call: Call, values: Values, settings: Settings, hears: Hears, source: IO[bytes] | None) -> tuple[Answer, ...]:
    """Run it on the first machine that is in service and answers, or on all of them; `source` is its input."""
    line = operations.command_line(call.operation, values)
    with _held(call, settings), view(call.application, call.environment, settings) as looked:
        task = _Task(call, looked, line, hears, source)
        chosen = _chosen(call, looked)
        try:
            return task.all(chosen) if call.operation.on == "all" else (task.first(chosen.machines),)
        except KeyboardInterrupt:
            nodes = ", ".join(sorted(task.asked))
            where = f"; it is ended on {nodes}" if nodes else ""
            raise Interrupted(f"interrupted: {call.verb} is not done{where}") from None


def raise_on_failure(call: Call, answers: Sequence[Answer]) -> None:
    """Raise MachineError where a machine did not do it."""
    failed = tuple(Failure(each.node, call.verb, each.reason, each.lines) for each in answers if each.reason)
    if failed:
        raise MachineError(f"{', '.join(each.node for each in failed)}: {call.verb} failed", failed)


def login(call: Call, values: Values, settings: Settings) -> int:
    """Run it on the user's terminal; where there is none, on what standard input brings."""
    line = operations.command_line(call.operation, values)
    with _held(call, settings), view(call.application, call.environment, settings) as looked:
        failures = []
        for machine in _chosen(call, looked).machines:
            way, ip = looked.access, looked.seen[machine.node].ip
            tried = Command(ssh_command(way, ip), way.environment, "true").wait(lambda _: None)
            if tried.begun:  # asked first, for a session cannot be begun again unnoticed
                terminal = "-t" if sys.stdin.isatty() and sys.stdout.isatty() else "-T"
                ssh = ssh_command(way, ip, line)
                environment = {**os.environ, **way.environment}
                return subprocess.run([ssh[0], terminal, *ssh[1:]], env=environment, check=False).returncode
            failures.append(Failure(machine.node, call.verb, _silent(tried.lines)))
        raise MachineError(f"{call.verb}: no machine answers", tuple(failures))


def _held(call: Call, settings: Settings) -> AbstractContextManager[object]:
    """What may hurt has the application for itself."""
    name = stack_name(call.application, call.environment)
    return nullcontext() if call.operation.class_ == "safe" else holding(settings, name, hears=False)


def _chosen(call: Call, looked: View) -> Chosen:
    machines = looked.applied.machines
    return operations.choose(call, operations.service(call, machines), machines, looked.seen, looked.record)


def _silent(lines: Sequence[str]) -> str:
    said = [line for line in lines if line.strip()]
    return f"does not answer: {said[-1] if said else 'ssh failed'}"


@dataclass
class _Task:
    """One command line, on machines of one application."""

    call: Call
    looked: View
    line: str
    hears: Hears
    source: IO[bytes] | None
    asked: list[str] = field(default_factory=list)  # nodes where it was begun
    running: list[Command] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    def first(self, machines: Sequence[Machine]) -> Answer:
        """Of the first machine that can be reached; nothing was sent to those that cannot."""
        failures = []
        for machine in machines:
            answer, begun = self._ask(machine)
            if begun or answer.code != SSH_FAILED:
                return answer
            failures.append(Failure(machine.node, self.call.verb, answer.reason))
        raise MachineError(f"{self.call.verb}: no machine answers", tuple(failures))

    def all(self, chosen: Chosen) -> tuple[Answer, ...]:
        """Of all of them, side by side; those that are not in service failed."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                answers = [answer for answer, _ in pool.map(self._ask, chosen.machines)]
            except BaseException:
                self.stopping.set()
                pool.shutdown(wait=False, cancel_futures=True)
                with ThreadPoolExecutor(AT_ONCE) as enders:
                    tuple(enders.map(Command.end, tuple(self.running)))
                raise
        others = (Answer(each.node, SSH_FAILED, each.reason) for each in chosen.others)
        return (*answers, *others)

    def _ask(self, machine: Machine) -> tuple[Answer, bool]:
        """What came of it, and whether it was begun."""
        node, way = machine.node, self.looked.access
        ssh = ssh_command(way, self.looked.seen[node].ip)
        command = Command(
            ssh, way.environment, self.line, self.source, lambda line: self.hears.note(node, line), self.hears.sent
        )
        self.asked.append(node)
        self.running.append(command)
        if self.stopping.is_set():
            command.end()
        ended = command.wait(lambda content: self.hears.output(node, content))
        if not ended.begun and ended.code == SSH_FAILED:
            self.asked.remove(node)
            return Answer(node, ended.code, _silent(ended.lines)), False
        reason = "the connection broke; what ran there was ended" if ended.was_cut else f"exit code {ended.code}"
        return Answer(node, ended.code, reason if ended.code else "", ended.lines[-LAST_LINES:]), ended.begun


def new_secret(call: Call, value: str | None, settings: Settings, listen: Listener) -> None:
    """Give a service's secret a new value; None: one that is made."""
    name = _secret(call, settings)
    if value is None:
        rotation.rotate(call.application, call.environment, name, settings, listen)
    else:
        rotation.give(call.application, call.environment, name, value, settings, listen)


def secret(call: Call, settings: Settings) -> str:
    """The value of a service's secret."""
    return rotation.value(call.application, call.environment, _secret(call, settings), settings)


def _secret(call: Call, settings: Settings) -> str:
    """What the application calls the secret of this service."""
    engine = Engine.existing(settings, call.application, call.environment)
    name = operations.service(call, engine.applied().machines)
    names = record.read(engine.shelf, engine.name).secret_names.get(name, {})
    if call.operation.secret not in names:
        raise UserError(f"{call.application}/{name} has no {call.operation.secret} yet", "conpaas up MANIFEST makes it")
    return names[call.operation.secret]
