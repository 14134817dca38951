"""The command line: finds verbs lazily, and is the one place that catches errors."""

import os
import sys
import time
from importlib import import_module
from pathlib import Path

import click

from conpaas_iac import __version__
from conpaas_iac.errors import ConpaasError, MachineError

# Said here, so that `--help` imports no verb.
VERBS = {
    "setup": "Bring what this machine lacks: LXD, base image, engine",
    "doctor": "Say what this machine has and lacks; change nothing",
    "validate": "Check manifests: all errors in one pass",
    "explain": "Explain a diagnostic code",
    "schema": "Print the manifest's JSON Schema, for editors",
    "types": "List service types; groups, options and operations of one",
    "clouds": "List clouds",
    "lock": "Fix addresses and code versions in the lock file",
    "plan": "Show what `up` would do",
    "up": "Make the application as the manifest says",
    "diff": "Say in what two manifests, environments or revisions differ in meaning",
    "fleet": "Plan, make and look at all applications of a Git repository",
    "scale": "Change the number of machines in the manifest, and make it so",
    "replace": "Make machines anew, one after another, under their addresses",
    "secret": "List secrets, set one, or rotate it without a gap",
    "list": "List applications",
    "status": "Say how an application is, now",
    "drift": "Say what is not as it was made; bring it back, or take it over",
    "why": "Say what in the manifest and the roles asked for an address, a file, a port …",
    "net": "Measure the network between an application's machines; say what is broken",
    "history": "Say what was done to an application, by whom, how long it took",
    "logs": "Show logs of an application's machines",
    "ssh": "Log in to a machine, or run a command there",
    "state": "Export, import or check what is known of an application",
    "join": "Let this machine into an application's network for a while",
    "stop": "Stop an application or a service; data is kept",
    "start": "Start what was stopped",
    "down": "Remove an application's machines",
}

# What these start is to go on, or wants the terminal for itself; the others start nothing.
ALONE = {"setup", "ssh", "--help", "-h", "--version", "validate", "explain", "schema", "types", "clouds"}


class Verbs(click.Group):
    """Verbs are modules of conpaas_iac.commands, each with a `command`; names of service types are verbs, too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import just the one that is asked for."""
        if cmd_name not in VERBS:
            found: click.Command | None = import_module("conpaas_iac.commands.operations").group(cmd_name)
            return found
        command: click.Command = import_module(f"conpaas_iac.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A word that is neither verb nor service type gets the nearest one as an answer."""
        if not args or args[0] in VERBS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        found = self.get_command(ctx, args[0])
        if found is None:
            raise click.UsageError(f"no verb {args[0]!r}; {_hint(args[0])}", ctx)
        return args[0], found, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def _hint(word: str) -> str:
    """What was probably meant."""
    from difflib import get_close_matches

    from conpaas_iac.commands import operations

    types = operations.names()
    if near := get_close_matches(word, (*VERBS, *types), 1):
        return f"did you mean {near[0]!r}?"
    return f"verbs: {', '.join(VERBS)}" + (f"; service types with operations: {', '.join(types)}" if types else "")


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Operations of a service type: conpaas TYPE --help",
)
@click.version_option(__version__, prog_name="conpaas")
def conpaas() -> None:
    """One JSON manifest, an elastic application.

    Begin with `conpaas setup`, then `conpaas up manifest.json`.
    """


def main() -> None:
    """Entry point. Exit codes: 0 done · 1 you can act · 2 the plan has changes · 3 a machine failed ·
    4 somebody else is changing it · 5 drift · 70 our bug · 130 interrupted."""
    if sys.argv[1:] and sys.argv[1] not in ALONE:
        from conpaas_iac.system import supervisor

        supervisor.begin()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; every error becomes one message and an exit code."""
    try:
        result = conpaas.main(_with_values(arguments), prog_name="conpaas", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except ConpaasError as error:
        _say(error)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted: nothing is lost; the same command goes on from here", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # our bug, whatever it is: one line, and the trace in a file
        click.echo(f"this is a bug of conpaas; its trace is in {_keep_trace()}", err=True)
        return 70


def _with_values(arguments: list[str]) -> list[str]:
    """`--wait` alone means `--wait=always`: click would take the word after it for its value."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if arguments[:1] == ["ssh"]:
        return arguments  # the rest may be a command for the machine
    return ["--wait=always" if each == "--wait" else each for each in arguments[:end]] + arguments[end:]


def _say(error: ConpaasError) -> None:
    has_places = hasattr(error, "diagnostics")  # a manifest's errors say themselves what they are
    click.echo(error.message if has_places else f"error: {error.message}", err=True)
    for failure in error.failures if isinstance(error, MachineError) else ():
        click.echo(f"  {failure.node}, {failure.step}: {failure.reason}", err=True)
        for line in failure.lines:
            click.echo(f"    {line}", err=True)
    if error.remedy:
        click.echo(f"  → {error.remedy}", err=True)


def _keep_trace() -> Path:
    import tempfile
    import traceback

    from conpaas_iac import settings
    from conpaas_iac.system.files import private_folder

    try:
        folder = private_folder(settings.load().state / "traces")
    except ConpaasError:
        folder = Path(tempfile.mkdtemp(prefix="conpaas-"))
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    path.write_text(traceback.format_exc())
    return path
