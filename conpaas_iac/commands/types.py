"""`conpaas types`: the service types of this installation, straight from their folders."""

import json
from typing import Any

import click

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog, Operation, Port, ServiceType
from conpaas_iac.commands import conformance, options
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.language import TYPES
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.shipped import folder
from conpaas_iac.usecases import new_type, operations

Row = tuple[str, ...]


class Types(click.Group):
    """Any word that is no command of it is a service type."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Show it."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


@click.group(cls=Types, invoke_without_command=True, subcommand_metavar="[TYPE | new NAME | test TYPE]")
@options.form
@click.pass_context
def command(context: click.Context, form: str) -> None:
    """List the service types, or tell everything about one: groups, ports, options with defaults, operations.

    `new NAME` writes the folder of a new type: it passes the checks and comes up as it is. `test TYPE` runs the
    conformance suite on a type, on real machines.
    """
    if context.invoked_subcommand is None:
        _show(None, form)


command.add_command(conformance.command)


@command.command("show", hidden=True)
@click.argument("name", metavar="TYPE")
@options.form
@click.pass_context
def show(context: click.Context, name: str, form: str) -> None:
    """Everything about one type."""
    above = context.parent.params["form"] if context.parent else form  # `types --format json php`
    _show(name, form if above == "text" else above)


@command.command("new")
@click.argument("name")
def new(name: str) -> None:
    """Write the folder of a new service type."""
    from conpaas_iac.cli import VERBS

    roles = folder("roles")
    for path in new_type.write(name, roles, (*VERBS, *command.commands)):
        click.echo(path)
    click.echo(
        f"Next: conpaas types test {name}\n"
        f'Then make it yours, as CONTRIBUTING.md says; "Type": "{name}" in a manifest, `conpaas up`.'
    )


def _show(name: str | None, form: str) -> None:
    types = catalog.load()
    if name is not None and name not in types:
        raise UserError(_missing(name, types), suggestion(name, types, "types of this installation"))
    if form == "json":
        shown = types.values() if name is None else [types[name]]
        click.echo(json.dumps({"version": 1, "types": [_data(kind) for kind in shown]}, indent=2, ensure_ascii=False))
    elif name is None:
        _print_all(types)
    else:
        _print(types[name])


def _missing(name: str, types: Catalog) -> str:
    return f"service type {name!r} is not built yet" if name in TYPES else f"no service type {name!r}"


def _data(kind: ServiceType) -> dict[str, Any]:
    descriptor = kind.descriptor
    return {
        "type": kind.name,
        "summary": descriptor.summary,
        "engine": descriptor.engine,
        "aliases": list(descriptor.aliases),
        "entry": descriptor.entry,
        "fields": list(descriptor.fields),
        "groups": {
            name: {"default": group.default, "minimum": group.minimum, "maximum": group.maximum}
            for name, group in descriptor.groups.items()
        },
        "ports": [
            {"name": port.name, "group": port.group, "port": port.port, "protocol": port.protocol, "from": port.source}
            for port in descriptor.ports
        ],
        "options": {name: dict(spec) for name, spec in kind.options.items()},
        "operations": {name: _operation(each) for name, each in descriptor.operations.items()},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "summary": operation.summary,
        "group": operation.group,
        "on": operation.on,
        "class": operation.class_,
        "terminal": operation.terminal,
        "json": operation.json,
        "secret": operation.secret,
        "arguments": [
            {
                "name": argument.name,
                "help": argument.help,
                "flag": argument.flag,
                "required": argument.required and not argument.flag,
                "many": argument.many,
                "stream": argument.stream,
            }
            for argument in operation.arguments
        ],
    }


def _print_all(types: Catalog) -> None:
    _table([(kind.name, kind.descriptor.summary, kind.descriptor.engine) for kind in types.values()])
    later = sorted(set(TYPES) - set(types))
    if later:
        click.echo(f"Not built yet: {', '.join(later)}.")


def _print(kind: ServiceType) -> None:
    descriptor = kind.descriptor
    click.echo(f"{kind.name}: {descriptor.summary}\nRuns on {descriptor.engine}.")
    if descriptor.aliases:
        click.echo(f"Also called {', '.join(descriptor.aliases)}.")
    click.echo("\nGroups (StartupInstances)")
    _table(
        [(name, f"default {group.default}", f"at least {group.minimum}") for name, group in descriptor.groups.items()]
    )
    click.echo("\nPorts")
    _table([(port.name, _number(port), f"of {port.group}", f"from {port.source}") for port in descriptor.ports])
    if descriptor.fields:
        click.echo(f"\nFields besides the common ones\n  {', '.join(descriptor.fields)}")
    if kind.options:
        click.echo("\nOptions (Configuration)")
        _table([(name, _type(spec), _default(spec), _description(spec)) for name, spec in kind.options.items()])
    if descriptor.operations:
        click.echo(f"\nOperations (conpaas {kind.name} OPERATION APPLICATION[/SERVICE] …)")
        _table([
            (f"{name} {operations.synopsis(each)}".strip(), each.summary)
            for name, each in descriptor.operations.items()
        ])  # fmt: skip


def _number(port: Port) -> str:
    return f"{port.port}/{port.protocol}" if port.port else "every one"


def _type(spec: Any) -> str:
    elements = f" of {spec['elements']}" if "elements" in spec else ""
    choices = f": {', '.join(map(str, spec['choices']))}" if "choices" in spec else ""
    return f"{spec.get('type', 'str')}{elements}{choices}"


def _default(spec: Any) -> str:
    return json.dumps(spec["default"]) if "default" in spec else "required" if spec.get("required") else ""


def _description(spec: Any) -> str:
    description = spec.get("description", "")
    return description if isinstance(description, str) else " ".join(description)


def _table(rows: list[Row]) -> None:
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
