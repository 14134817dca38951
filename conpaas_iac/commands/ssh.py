"""conpaas ssh: log in to a machine, or run a command there."""

import os
import subprocess

import click

from conpaas_iac import settings
from conpaas_iac.commands import options
from conpaas_iac.errors import UserError


@click.command("ssh", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@options.environment
@click.argument("target", metavar="APPLICATION/NODE")
@click.argument("command_line", nargs=-1, metavar="[COMMAND…]", type=click.UNPROCESSED)
def command(target: str, environment: str, command_line: tuple[str, ...]) -> int:
    """Log in to a machine, or run COMMAND there. Strict: the host key is the one that the stack recorded."""
    from conpaas_iac.usecases import inspection

    application, *path = target.split("/")
    with inspection.view(application, environment, settings.load()) as looked:
        machines = inspection.select(looked, path)
        if len(machines) > 1:
            raise UserError(f"{target} is {len(machines)} machines", f"name one: {machines[0].node}, …")
        seen = looked.reach(machines[0])
        if seen is None:
            raise UserError(f"{machines[0].node} does not run", f"conpaas status {application}")
        line = inspection.ssh_command(looked.access, seen.ip, *command_line)
        return subprocess.run(line, env={**os.environ, **looked.access.environment}, check=False).returncode
