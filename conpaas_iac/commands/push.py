"""conpaas code git, push and key: the repository of a service, whose pushes become versions of its code."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conpaas_iac.commands import options, output
from conpaas_iac.commands.activation import about, activate_version, application, service, target, write

if TYPE_CHECKING:
    from conpaas_iac.usecases.uploads import Target

ABOUT = ("application", "environment", "service")


identity = click.option(
    "-i",
    "--identity",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The private key to use; without it, what ssh itself finds.",
)


@click.command("git")
@application
@service
@identity
@options.environment
@options.form
def git(application: str, service: str, identity: Path | None, environment: str, form: str) -> int:
    """The commands that clone the repository of SERVICE and push to it, with its machine's pinned host key."""
    from conpaas_iac.usecases import pushes

    where = target(application, service, environment)
    with pushes.repository(where) as found:
        found.collect()
        url, ssh = found.url, found.ssh(identity)
    if form == "json":
        document = {"version": 1, **dict(zip(ABOUT, about(where), strict=True)), "url": url, "ssh": ssh}
        click.echo(json.dumps(document, indent=2))
        return 0
    quoted = shlex.quote(ssh)
    click.echo(f"git clone -c core.sshCommand={quoted} {url} {service}")
    click.echo(f"GIT_SSH_COMMAND={quoted} git push {url} HEAD:main      # from a repository that you have")
    click.echo(f"conpaas code push {application} {service} --activate   # the same, and make it active")
    return 0


@click.command("push")
@application
@service
@click.argument("revision", default="HEAD")
@click.option("--activate", "activates", is_flag=True, help="Make it active, too.")
@identity
@options.environment
@options.locked
@options.events
@options.wait
@options.form
def push(
    application: str,
    service: str,
    revision: str,
    activates: bool,
    identity: Path | None,
    environment: str,
    locked: bool,
    events: str,
    form: str,
) -> int:
    """Push REVISION of the git repository in this folder to SERVICE: it becomes a version."""
    from conpaas_iac.usecases import pushes
    from conpaas_iac.views import codeview

    where = target(application, service, environment)
    known = pushes.push(where, revision, identity)
    if activates:
        return activate_version(where, known.version, locked, form, events)
    if form == "json":
        click.echo(json.dumps(codeview.document(*about(where), [known], where.active()), indent=2))
        return 0
    output.console().print(f"Pushed: {known.short}   (conpaas code activate {application} {service} {known.short})")
    return 0


@click.group("key")
def key() -> None:
    """SSH keys that may clone and push a service's code: lines of the manifest."""


@key.command("add")
@application
@service
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.environment
@options.locked
@options.events
@options.wait
@options.form
def add(
    application: str, service: str, file: Path, environment: str, locked: bool, events: str, form: str
) -> int:
    """Let the key of FILE (KEY.pub) push to SERVICE: edits Keys in the manifest, shows the plan, applies it.

    With the first key, the service's first machine gets git and an empty repository.
    """
    from conpaas_iac.usecases import keys

    where = target(application, service, environment)
    key = keys.read(file)
    what = f"{key.comment or key.fingerprint} may push to it"
    return _with_keys(where, keys.added(where, key), what, locked, form, events)


@key.command("remove")
@application
@service
@click.argument("name", metavar="KEY")
@options.environment
@options.locked
@options.events
@options.wait
@options.form
def remove(
    application: str, service: str, name: str, environment: str, locked: bool, events: str, form: str
) -> int:
    """Let KEY (its fingerprint, comment or file) in no more."""
    from conpaas_iac.usecases import keys

    where = target(application, service, environment)
    text, key = keys.removed(where, name)
    what = f"{key.comment or key.fingerprint} may not push to it any more"
    return _with_keys(where, text, what, locked, form, events)


def _with_keys(where: "Target", text: str, what: str, locked: bool, form: str, events: str) -> int:
    from conpaas_iac.commands.up import carry_out

    editable = where.editable
    write(editable, text, f"{where.application}: {where.service.name}: {what}")
    return carry_out(options.request(editable.manifest, where.environment, locked), form, events)


@key.command("list")
@application
@service
@options.environment
@options.form
def keys_(application: str, service: str, environment: str, form: str) -> int:
    """The keys of SERVICE: fingerprint, kind, name."""
    from conpaas_iac.usecases import keys

    where = target(application, service, environment)
    found = [{"fingerprint": each.fingerprint, "kind": each.kind, "name": each.comment} for each in keys.listed(where)]
    if form == "json":
        click.echo(json.dumps({"version": 1, **dict(zip(ABOUT, about(where), strict=True)), "keys": found}, indent=2))
        return 0
    for each in found:
        click.echo("  ".join(each.values()))
    if not found:
        click.echo(f"No keys. Begin with: conpaas code key add {application} {service} KEY.pub")
    return 0
