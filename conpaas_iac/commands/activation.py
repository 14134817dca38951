"""What the verbs of `conpaas code` share: the service that is meant, and making a version of its code active."""

from typing import TYPE_CHECKING

import click

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.commands import options
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.manifest.rewrite import rewrite

if TYPE_CHECKING:
    from conpaas_iac.usecases.uploads import Target

application = click.argument("application")
service = click.argument("service")


def target(application: str, service: str, environment: str) -> "Target":
    """The service of an application or a manifest."""
    from conpaas_iac.usecases import uploads

    return uploads.target(application, service, environment, settings.load())


def about(where: "Target") -> tuple[str, str, str]:
    """Application, environment and service, for documents."""
    return where.application, where.environment, where.service.name


def activate_version(where: "Target", version: str, locked: bool, form: str, events: str) -> int:
    """Edit the manifest and carry it out; what its machines do not take is put back, then MachineError is raised."""
    from conpaas_iac.commands.up import carry_out
    from conpaas_iac.usecases import activating

    found = activating.switch(where, version)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    known = catalog.load(), clouds.providers()
    request = options.request(found.manifest, where.environment, locked)
    rewrite(found.manifest, found.after, *known)
    try:
        carry_out(request, form, events)
    except MachineError as error:
        rewrite(found.manifest, found.before, *known)
        second = None
        try:
            if not activating.is_untouched(found):
                carry_out(request, "text", quiet=True)
        except MachineError as other:
            second = other
        raise activating.failed(found, error, second) from error
    except UserError:
        rewrite(found.manifest, found.before, *known)
        raise
    activating.done(found)
    return 0
