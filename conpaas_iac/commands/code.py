"""conpaas code: versions of a service's code, and which of them is active."""

import json
import os
from contextlib import ExitStack
from pathlib import Path

import click

from conpaas_iac.commands import options, output, push
from conpaas_iac.commands.activation import about, activate_version, application, service, target
from conpaas_iac.errors import UserError
from conpaas_iac.system.files import replacing, writer


@click.group("code")
def command() -> None:
    """Upload, list, activate, download and delete versions of a service's code.

    APPLICATION is a manifest, or the name of an application that is there. An upload changes nothing that runs.
    """


@command.command("upload")
@application
@service
@click.argument("archive", type=click.Path(path_type=Path))
@options.environment
@options.form
def upload(application: str, service: str, archive: Path, environment: str, form: str) -> int:
    """Keep ARCHIVE (tar, zip, war or a folder) as a version of SERVICE. It is not activated.

    The same content is the same version, however it is packed.
    """
    from conpaas_iac.usecases import uploads
    from conpaas_iac.views import codeview

    where = target(application, service, environment)
    known, is_new = uploads.upload(where, archive)
    if form == "json":
        click.echo(json.dumps(codeview.document(*about(where), [known], where.active()), indent=2))
        return 0
    said = "Uploaded" if is_new else "There already"
    output.console().print(f"{said}: {known.short}   (conpaas code activate {application} {service} {known.short})")
    return 0


@command.command("list")
@application
@service
@options.environment
@options.form
def list_(application: str, service: str, environment: str, form: str) -> int:
    """The versions of SERVICE, the newest first; * is what its machines run."""
    from conpaas_iac.usecases import pushes
    from conpaas_iac.views import codeview

    where = target(application, service, environment)
    _, problem = pushes.collected(where)
    if problem:
        click.echo(f"note: {problem}", err=True)
    found, active = where.versions.all(), where.active()
    if form == "json":
        click.echo(json.dumps(codeview.document(*about(where), found, active), indent=2))
    elif found or active:
        output.console().print(codeview.view(found, active))
    else:
        click.echo(f"No versions. Begin with: conpaas code upload {application} {service} ARCHIVE")
    return 0


@command.command("activate")
@application
@service
@click.argument("version", default="")
@click.option("--previous", is_flag=True, help="Go back to the version that was active before.")
@options.environment
@options.locked
@options.events
@options.wait
@options.form
def activate(
    application: str,
    service: str,
    version: str,
    previous: bool,
    environment: str,
    locked: bool,
    events: str,
    form: str,
) -> int:
    """Make VERSION (its first digits) the one that runs: edits Archive in the manifest, shows the plan, applies it.

    A version that its machines do not take is put back everywhere, in the manifest too; exit code 3.
    """
    if bool(version) == previous:
        raise click.UsageError("name a version, or say --previous")
    where = target(application, service, environment)
    if version and not any(each.startswith(version.lower()) for each in where.versions.names()):
        from conpaas_iac.usecases import pushes

        pushes.collected(where)
    return activate_version(where, version, locked, form, events)


@command.command("download")
@application
@service
@click.argument("version")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--overwrite", is_flag=True, help="Replace the file where it is there.")
@options.environment
def download(application: str, service: str, version: str, file: Path, overwrite: bool, environment: str) -> int:
    """Write the archive of VERSION, a tar.gz, to FILE; - is standard output."""
    from conpaas_iac.usecases import uploads

    if str(file) != "-" and file.exists() and not overwrite:
        raise UserError(f"{file} is there already", "name another file, or say --overwrite")
    where = target(application, service, environment)
    with ExitStack() as stack:
        if str(file) == "-":
            write = writer(stack.enter_context(os.fdopen(os.dup(1), "wb", buffering=0)), "standard output")
        else:
            write = stack.enter_context(replacing(file.resolve()))
        known = uploads.download(where, version, write)
    click.echo(f"Written: {known.short} to {file}", err=str(file) == "-")
    return 0


@command.command("delete")
@application
@service
@click.argument("version")
@options.environment
def delete(application: str, service: str, version: str, environment: str) -> int:
    """Forget VERSION; not one that a machine has, or that the manifest names."""
    from conpaas_iac.usecases import uploads

    known = uploads.delete(target(application, service, environment), version)
    click.echo(f"Deleted: {known.short}")
    return 0


for each in (push.git, push.push, push.key):
    command.add_command(each)
