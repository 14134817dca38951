"""`conpaas schema`: the JSON Schema of manifests, for editors."""

import json

import click

from conpaas_iac import catalog, clouds
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.manifest.schema import compose, options


@click.command()
@click.option("--type", "name", metavar="TYPE", help="Only the options (`Configuration`) of this service type.")
def command(name: str | None) -> None:
    """Print the JSON Schema (2020-12) of manifests, with the options of every service type of this installation."""
    types = catalog.load()
    if name is None:
        schema = compose(types, clouds.providers())
    elif name in types:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **options(types[name])}
    else:
        raise UserError(f"no service type {name!r}", suggestion(name, types, "known"))
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
