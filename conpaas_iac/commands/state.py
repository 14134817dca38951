"""conpaas state: what is known of applications, as files: export, import, check."""

import json
from pathlib import Path

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output
from conpaas_iac.errors import UserError
from conpaas_iac.system.files import write_atomically
from conpaas_iac.views import stateview


@click.group("state")
def command() -> None:
    """Export an application's state into one file, import it elsewhere, or check it and mend what is corrupt."""


@command.command("export")
@click.argument("application")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace FILE where it is there.")
@click.option("--no-history", is_flag=True, help="Leave out what is remembered of former runs.")
@options.environment
def export(application: str, file: Path | None, overwrite: bool, no_history: bool, environment: str) -> int:
    """Write the state of APPLICATION into FILE: checkpoint, record and lock, with a digest of each.

    Secrets are in it as they are kept: encrypted. The passphrase that decrypts them is not: keep it elsewhere.
    """
    from conpaas_iac.usecases import keeping

    configured = settings.load()
    place = "" if environment == "default" else f".{environment}"
    path = file or Path(f"{application}{place}.state.json")
    if path.exists() and not overwrite:
        raise UserError(f"{path} is there already", "name another file, or say --overwrite")
    content = keeping.export(application, environment, configured, with_history=not no_history)
    write_atomically(path.absolute(), content)
    click.echo(f"Written: {path}, {len(content) / 1024:.0f} KiB.")
    click.echo(_passphrase(configured))
    return 0


def _passphrase(configured: settings.Settings) -> str:
    if configured.secrets_provider != "passphrase":
        return f"Its secrets are encrypted by {configured.secrets_provider}: to use it one needs the right to that."
    return (
        f"Not in it: the passphrase that its secrets are encrypted with ({configured.passphrase_place}). "
        "Without that, the machines cannot be reached from the file."
    )


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Although what is here is newer, or another application of that name.")
def import_(file: Path, overwrite: bool) -> int:
    """Take over the state in FILE, as `state export` wrote it; refused where what is here is newer."""
    from conpaas_iac.usecases import keeping

    brought = keeping.bring(file, settings.load(), overwrite)
    export = brought.export
    name = f"{export.application} ({export.environment})"
    if brought.is_same:
        click.echo(f"{name} is here already, exactly like that.")
        return 0
    by = f"exported {export.time:%Y-%m-%d %H:%M} UTC by {export.by}, conpaas {export.tool}"
    click.echo(f"{name} is {'here' if brought.is_new else 'replaced'}: {by}.")
    if brought.note:
        where = settings.load().passphrase_place
        raise UserError(
            f"its secrets cannot be read here: {brought.note}", f"bring the passphrase of that place: {where}"
        )
    click.echo(f"See: conpaas status {export.application}")
    return 0


@command.command("check")
@click.argument("application", required=False, default="")
@click.option("--restore", is_flag=True, help="Put the last good document in the place of a bad one.")
@options.environment
@options.form
def check(application: str, restore: bool, environment: str, form: str) -> int:
    """Look whether the state of APPLICATION, or of all, is whole; where it is not, say what there is instead.

    Exit code 1 when something is wrong. What --restore replaces is kept in a folder of the state.
    """
    from conpaas_iac.usecases import keeping

    configured, console = settings.load(), output.console(stderr=form == "json")
    if restore and not application:
        raise click.UsageError("--restore: of which application?")
    found = keeping.check(configured, application, environment)
    if restore:
        for each in found:
            mended = keeping.restore(configured, each)
            if mended:
                console.print(stateview.mended(each, mended))
        found = keeping.check(configured, application, environment)
    if form == "json":
        click.echo(json.dumps(stateview.document(found), indent=2))
    else:
        for each in found:
            console.print(stateview.view(each))
        if not found:
            click.echo("No applications.")
    return 0 if all(each.is_good for each in found) else 1
