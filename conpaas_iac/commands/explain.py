"""`conpaas explain`: the page of a diagnostic's code."""

import click

from conpaas_iac.errors import UserError
from conpaas_iac.manifest import pages
from conpaas_iac.manifest.names import suggestion


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """What a diagnostic means, with an example. Without CODE: the list of all."""
    if code is None:
        for each in pages.codes():
            click.echo(f"{each}  {pages.title(each)}")
        return
    if code.upper() not in pages.codes():
        raise UserError(
            f"no diagnostic {code!r}", suggestion(code, pages.codes(), "") or "`conpaas explain` lists them"
        )
    click.echo(pages.page(code.upper()), nl=False)
