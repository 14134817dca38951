"""What the verbs of `conpaas code` share: the service that is meant, and making a version of its code active."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conpaas_iac import settings
from conpaas_iac.backend import holder
from conpaas_iac.commands import options
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.usecases import committing

if TYPE_CHECKING:
    from conpaas_iac.engine.engine_checkpoint import Export
    from conpaas_iac.manifest.rewrite import Editable
    from conpaas_iac.usecases.uploads import Target

application = click.argument("application")
service = click.argument("service")


def target(application: str, service: str, environment: str) -> "Target":
    """The service of an application or a manifest."""
    from conpaas_iac.usecases import uploads

    near = Path(application) if uploads.is_manifest(application) else None
    return uploads.target(application, service, environment, settings.load(near=near))


def about(where: "Target") -> tuple[str, str, str]:
    """Application, environment and service, for documents."""
    return where.application, where.environment, where.service.name


def write(editable: "Editable", text: str, what: str) -> None:
    """Another text for the manifest or overlay; in a fleet it is a commit, as `conpaas scale` makes one."""

    def edit() -> str:
        editable.rewrite(text)
        return f"{what}\n\nBy hand ({holder.who()})\n"

    committing.made(editable.file, edit)


def activate_version(where: "Target", version: str, locked: bool, form: str, events: str) -> int:
    """Edit the manifest and carry it out; what its machines do not take is put back, then MachineError is raised."""
    from conpaas_iac.usecases import activating

    with activating.decrypting(where) as early:
        return _activate(where, version, locked, form, events, early)


def _activate(where: "Target", version: str, locked: bool, form: str, events: str, early: "Export | None") -> int:
    from conpaas_iac.commands.up import carry_out
    from conpaas_iac.usecases import activating

    found = activating.switch(where, version)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    request = options.request(found.editable.manifest, where.environment, locked)
    name = f"{where.application}: {where.service.name}"
    write(found.editable, found.after, f"{name} runs {found.version.short}")
    back = (found.editable, found.before, f"{name} runs what it ran before")
    try:
        carry_out(request, form, events, early=early)
    except MachineError as error:
        write(*back)
        second = None
        try:
            if not activating.is_untouched(found):
                carry_out(request, "text", quiet=True)
        except MachineError as other:
            second = other
        raise activating.failed(found, error, second) from error
    except UserError:
        write(*back)
        raise
    activating.done(found)
    return 0
