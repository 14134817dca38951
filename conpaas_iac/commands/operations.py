"""`conpaas TYPE OPERATION …`: the verbs of a service type, made from what its folder says."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import click

from conpaas_iac import catalog
from conpaas_iac.catalog import Argument, Catalog, Operation, ServiceType
from conpaas_iac.commands import options
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import language
from conpaas_iac.usecases import operations

TARGET = "APPLICATION[/SERVICE]"
PREFIX = "of_"  # of the names by which arguments of operations reach the function


def names() -> tuple[str, ...]:
    """Types that have operations."""
    return tuple(name for name, kind in catalog.load().items() if kind.descriptor.operations)


def group(name: str) -> click.Group | None:
    """The verbs of the type of this name, or older name; None where there is no such type."""
    types = catalog.load()
    found = next((kind for kind in types.values() if name in language.names(kind)), None)
    if found is None:
        if name in (*language.TYPES, *language.OLDER_TYPES):
            raise UserError(f"service type {name!r} is not built yet", _listing(types))
        return None
    if not found.descriptor.operations:
        raise UserError(f"service type {found.name!r} has no operations", _listing(types))
    return TypeGroup(found)


def _listing(types: Catalog) -> str:
    known = [f"`conpaas {name} --help`" for name, kind in types.items() if kind.descriptor.operations]
    return f"operations: {', '.join(known)}" if known else "conpaas types"


class TypeGroup(click.Group):
    """The operations of one type, or those whose names begin with the same words."""

    def __init__(self, kind: ServiceType, words: tuple[str, ...] = ()) -> None:
        descriptor = kind.descriptor
        self._called = " ".join((kind.name, *words))
        self._own = {
            name.removeprefix(" ".join((*words, ""))): name
            for name in descriptor.operations
            if tuple(name.split()[: len(words)]) == words
        }
        super().__init__(
            words[-1] if words else kind.name,
            commands={
                first: TypeGroup(kind, (*words, first)) if rest else _command(kind, name, descriptor.operations[name])
                for left, name in self._own.items()
                for first, _, rest in [left.partition(" ")]
            },
            help=f"Operations of {kind.name} services: {descriptor.summary}.",
            subcommand_metavar=f"OPERATION {TARGET} …",
        )
        self._kind = kind

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which the type says them."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A word that is no operation gets the nearest one as an answer."""
        if args[0] not in self.commands:
            near = get_close_matches(args[0], self.commands, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"operations: {', '.join(self._own)}"
            raise click.UsageError(f"{self._called} has no operation {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """With what they take besides the target."""
        rows = [
            (f"{left} {operations.synopsis(each)}".strip(), each.summary)
            for left, name in self._own.items()
            for each in [self._kind.descriptor.operations[name]]
        ]
        with formatter.section("Operations"):
            formatter.write_dl(rows)


class OperationCommand(click.Command):
    """One operation; its help says what each argument is."""

    def __init__(self, *arguments: Any, rows: list[tuple[str, str]], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._rows = rows

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """After the arguments."""
        with formatter.section("Arguments"):
            formatter.write_dl(self._rows)
        super().format_options(ctx, formatter)


def _command(kind: ServiceType, name: str, operation: Operation) -> click.Command:
    def run(target: str, environment: str, **given: Any) -> int:
        from conpaas_iac.commands import operate

        application, service = operations.target(target)
        call = operations.Call(kind.name, name, operation, application, service, environment)
        values = {key.removeprefix(PREFIX): given.pop(key) for key in list(given) if key.startswith(PREFIX)}
        return operate.carry_out(call, values, operate.Way(**given))

    decorators: list[Callable[[Any], Any]] = [click.argument("target", metavar=TARGET)]
    decorators += [_parameter(argument) for argument in operation.arguments]
    decorators += [options.environment, *_own_options(operation)]
    for decorate in reversed(decorators):
        run = decorate(run)
    rows = [(TARGET, f"SERVICE may be left out where APPLICATION has one {kind.name} service.")]
    rows += [(each.name.upper(), _told(each)) for each in operation.arguments if not each.flag]
    return click.command(name.rpartition(" ")[2], cls=OperationCommand, rows=rows, help=_help(operation))(run)


def _parameter(argument: Argument) -> Callable[[Any], Any]:
    if argument.flag:
        return click.option(f"--{argument.name}", PREFIX + argument.name, is_flag=True, help=argument.help)
    name, words = argument.name.upper(), -1 if argument.many else 1
    return click.argument(PREFIX + argument.name, metavar=name, required=argument.required, nargs=words)


def _told(argument: Argument) -> str:
    """The help of an argument."""
    notes = {"input": "A local file; - is standard input.", "output": "A local file; - is standard output."}
    words = [argument.help.rstrip(".") + "." if argument.help else "", notes.get(argument.stream, "")]
    return " ".join(word for word in words if word)


def _own_options(operation: Operation) -> list[Callable[[Any], Any]]:
    """What an operation takes because of what it is."""
    found: list[Callable[[Any], Any]] = []
    stream = operations.stream(operation)
    if stream and stream.stream == "output":
        found.append(click.option("--overwrite", is_flag=True, help="Replace the local file where it is there."))
    if operation.secret:
        found.append(click.option("--set", "given", is_flag=True, help="Ask for the value, or read it from a pipe."))
        found.append(click.option("--show", is_flag=True, help="Print the value that it has; change nothing."))
    if operation.class_ != "safe":
        found.append(click.option("--yes", is_flag=True, help="Do not ask."))
        found.append(options.wait)
    if operation.class_ != "safe" or operation.secret:
        found.append(options.events)
    if not operation.terminal:
        found.append(options.form)
    return found


def _help(operation: Operation) -> str:
    """The long description."""
    group = f" of group {operation.group}" if operation.group else ""
    where = {"one": f"the first machine{group} that is in service", "all": f"every machine{group}"}
    risk = {
        "safe": "",
        "restart": "It restarts the service: asks before.",
        "downtime": "It interrupts the service: asks before.",
        "data loss": "It may lose data: asks before.",
    }
    words = [operation.summary + ".", risk[operation.class_]]
    if operation.run:
        words.insert(1, f"Runs on {where[operation.on]}.")
    elif operation.secret:
        words.insert(1, "Without --set the new value is made.")
    return " ".join(word for word in words if word)
