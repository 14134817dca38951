"""`conpaas schema`: the JSON Schema of manifests, and of a fleet's other files, for editors."""

import json

import click

from conpaas_iac import catalog, clouds
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import fleetfile
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.manifest.schema import compose, options


@click.command()
@click.argument("of", type=click.Choice(["manifest", *fleetfile.FILES]), default="manifest", metavar="[FILE]")
@click.option("--type", "name", metavar="TYPE", help="Only the options (`Configuration`) of this service type.")
def command(of: str, name: str | None) -> None:
    """Print the JSON Schema (2020-12) of a kind of FILE, with the options of every service type of this installation.

    \b
    manifest   manifests; what is meant where nothing is said
    fleet      conpaas.json
    overlay    manifest.ENVIRONMENT.json
    removed    removed.json, a tombstone
    """
    types = catalog.load()
    if of != "manifest":
        if name is not None:
            raise click.UsageError("--type is of manifests")
        schema = fleetfile.schema_of(of, types, clouds.providers())
    elif name is None:
        schema = compose(types, clouds.providers())
    elif name in types:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **options(types[name])}
    else:
        raise UserError(f"no service type {name!r}", suggestion(name, types, "known"))
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
