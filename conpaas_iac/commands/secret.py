"""conpaas secret: what an application keeps secret, and new values."""

import json
import sys

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.group("secret")
def command() -> None:
    """List the secrets of an application, give one a value, or rotate it without a gap."""


@command.command("list")
@click.argument("application")
@options.environment
@options.form
def list_(application: str, environment: str, form: str) -> int:
    """Names and versions, and the machines that hold them; never values."""
    from conpaas_iac.usecases import rotation

    found = rotation.known(application, environment, settings.load())
    if form == "json":
        secrets = [{"name": each.name, "version": each.version, "machines": list(each.users)} for each in found]
        click.echo(json.dumps({"version": 1, "application": application, "secrets": secrets}, indent=2))
        return 0
    for each in found:
        users = f"on {', '.join(each.users)}" if each.users else "used by no machine"
        output.console().print(f"{each.name}  version {each.version}  {users}", markup=False)
    if not found:
        output.console().print(f"{application} has no secrets.")
    return 0


@command.command("set")
@click.argument("application", callback=options.slug)
@click.argument("name")
@options.environment
@options.events
@options.wait
@options.form
def set_(application: str, name: str, environment: str, events: str, form: str) -> int:
    """Give NAME a value: asked for without echo, or read from standard input where that is no terminal.

    May come before the first `up`. Machines that use it are told at once; passwords change without a gap.
    """
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import rotation

    value = read_value(name)
    with running(form, events, application, environment) as run:
        version = rotation.give(application, environment, name, value, settings.load(), run.listen)
        run.note("secret", f"{name} has a new value (version {version})")
    output.end(form, "secret", application, (), f"{name} has a new value (version {version}).")
    return 0


@command.command("rotate")
@click.argument("application")
@click.argument("name")
@options.environment
@options.events
@options.wait
@options.form
def rotate(application: str, name: str, environment: str, events: str, form: str) -> int:
    """Make a new value for NAME and tell every machine that uses it; until all do, the former one is accepted, too."""
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import rotation

    with running(form, events, application, environment) as run:
        version = rotation.rotate(application, environment, name, settings.load(), run.listen)
        run.note("secret", f"{name} has a new value (version {version})")
    output.end(form, "secret", application, (), f"{name} has a new value (version {version}).")
    return 0


def read_value(name: str) -> str:
    """A value that the user says; never an argument, which everybody on this machine could read."""
    if sys.stdin.isatty():
        return str(click.prompt(f"New value of {name}", hide_input=True, confirmation_prompt=True))
    return sys.stdin.read().removesuffix("\n")
