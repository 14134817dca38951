"""Operations of service types: which service and which machines are meant, and what runs there. Pure."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conpaas_iac.catalog import Argument, Operation
from conpaas_iac.errors import Failure, MachineError, UserError

if TYPE_CHECKING:  # so that a type's help needs none of it
    from conpaas_iac.backend.record import Record
    from conpaas_iac.clouds.base import Seen
    from conpaas_iac.core.declaration import Machine

Values = Mapping[str, str | bool | tuple[str, ...] | None]  # of an operation's arguments, by name


@dataclass(frozen=True)
class Call:
    """`conpaas <type> <name> APPLICATION[/SERVICE]`, as it was typed."""

    type: str
    name: str
    operation: Operation
    application: str
    service: str  # "": the only one of this type
    environment: str = "default"

    @property
    def verb(self) -> str:
        """How it is called."""
        return f"{self.type} {self.name}"


@dataclass(frozen=True)
class Chosen:
    """Machines that may be asked, in this order, and why others of the group are not."""

    machines: "tuple[Machine, ...]"
    others: tuple[Failure, ...]


def target(text: str) -> tuple[str, str]:
    """Application and service of `APPLICATION[/SERVICE]`."""
    application, *rest = text.split("/")
    if not application or len(rest) > 1:
        raise UserError(f"{text!r} is no APPLICATION[/SERVICE]")
    return application, rest[0] if rest else ""


def service(call: Call, machines: "Iterable[Machine]") -> str:
    """The service that is meant; raises UserError where that is none, of another type, or not clear."""
    types = {machine.service: machine.type for machine in machines}
    own = sorted(name for name, kind in types.items() if kind == call.type)
    known = ", ".join(f"{name} ({kind})" for name, kind in sorted(types.items())) or "none"
    if call.service and call.service not in types:
        raise UserError(f"no service {call.service!r} in {call.application}", f"its services: {known}")
    if call.service and call.service not in own:
        kind = types[call.service]
        raise UserError(f"{call.application}/{call.service} is {kind}, not {call.type}", f"its services: {known}")
    if not own:
        raise UserError(f"{call.application} has no {call.type} service", f"its services: {known}")
    if not call.service and len(own) > 1:
        names = ", ".join(f"{call.application}/{name}" for name in own)
        raise UserError(f"{call.application} has {len(own)} {call.type} services", f"name one: {names}")
    return call.service or own[0]


def choose(
    call: Call, name: str, machines: "Iterable[Machine]", seen: "Mapping[str, Seen]", record: "Record"
) -> Chosen:
    """Machines of the operation's group that are in service; those whose last visit may have failed come last.

    Raises MachineError where there is none.
    """
    fit: list[Machine] = []
    others: list[Failure] = []
    for machine in machines:
        known = record.nodes.get(machine.node)
        if machine.service != name or (known and call.operation.group not in ("", *known.groups)):
            continue
        if why := _out_of_service(machine, seen.get(machine.node), record):
            others.append(Failure(machine.node, call.verb, why))
        else:
            fit.append(machine)
    if not fit:
        place = f"{call.application}/{name}"
        group = f" in group {call.operation.group}" if call.operation.group else ""
        held = name in record.held
        remedy = f"conpaas start {place}" if held else f"conpaas status {place}"
        raise MachineError(f"{place} has no machine{group} that is in service", tuple(others), remedy)
    return Chosen(tuple(sorted(fit, key=lambda machine: machine.node in record.visiting)), tuple(others))


def _out_of_service(machine: "Machine", seen: "Seen | None", record: "Record") -> str:
    known = record.nodes.get(machine.node)
    if seen is None:
        return "the cloud has lost it: `conpaas up` makes it again"
    if not seen.running:
        return "stopped as asked" if machine.node in record.resting else "stopped: `conpaas up` starts it again"
    if not seen.ip:
        return "it has no address yet"
    if known is None or known.id != seen.id:
        return "not configured yet: `conpaas up` goes on"
    return ""


def command_line(operation: Operation, values: Values) -> str:
    """What runs on the machine: each value is one word of it, whatever characters it holds."""
    words = [operation.run]
    for argument in operation.arguments:
        value = values.get(argument.name)
        if argument.stream or value is None or value is False:
            continue
        given = (value,) if isinstance(value, str) else value
        words += [f"--{argument.name}"] if given is True else map(shlex.quote, given)
    return " ".join(words)


def stream(operation: Operation) -> Argument | None:
    """The argument that is a local file."""
    return next((argument for argument in operation.arguments if argument.stream), None)


def synopsis(operation: Operation) -> str:
    """What follows APPLICATION[/SERVICE]: "[--force] FILE"."""
    return " ".join(_word(argument) for argument in operation.arguments)


def _word(argument: Argument) -> str:
    word = f"--{argument.name}" if argument.flag else argument.name.upper() + ("…" if argument.many else "")
    return word if argument.required and not argument.flag else f"[{word}]"


def question(call: Call, name: str, machines: "Sequence[Machine]") -> str:
    """What is asked before an operation that is not safe."""
    where = f"{call.application}/{name} ({call.environment})"
    nodes = ", ".join(machine.node for machine in machines if machine.service == name)
    risk = {"restart": "restarts it", "downtime": "interrupts it", "data loss": "may lose data"}
    return f"{call.operation.summary}: this {risk[call.operation.class_]}. On {where} with {nodes}. Go on?"
