"""`conpaas explain`: the page of a diagnostic's code."""

import json

import click

from conpaas_iac.errors import UserError
from conpaas_iac.manifest import pages
from conpaas_iac.manifest.names import suggestion


@click.command()
@click.argument("code", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(code: str | None, form: str) -> None:
    """What a diagnostic means, with an example. Without CODE: the list of all."""
    codes = pages.codes() if code is None else (code.upper(),)
    if code is not None and codes[0] not in pages.codes():
        raise UserError(
            f"no diagnostic {code!r}", suggestion(code, pages.codes(), "") or "`conpaas explain` lists them"
        )
    if form == "json":
        found = [{"code": each, "title": pages.title(each), "page": pages.page(each)} for each in codes]
        click.echo(json.dumps({"version": 1, "codes": found}, indent=2, ensure_ascii=False))
    elif code is None:
        click.echo("\n".join(f"{each}  {pages.title(each)}" for each in codes))
    else:
        click.echo(pages.page(codes[0]), nl=False)
