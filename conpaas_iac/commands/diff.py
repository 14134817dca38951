"""conpaas diff: in what two manifests differ in meaning."""

import json
from dataclasses import asdict

import click

from conpaas_iac.commands import options
from conpaas_iac.manifest import meaning


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when they differ.")
@options.form
def command(before: str, after: str, exit_code: bool, form: str) -> int:
    """Say in what A and B differ in meaning: layout, order and what is a default anyway do not count.

    \b
    conpaas diff one.json other.json
    conpaas diff shop:staging shop:production
    conpaas diff HEAD~1:fleet/shop/manifest.json fleet/shop/manifest.json
    """
    from conpaas_iac.fleet.sides import side

    with side(before) as old, side(after) as new:
        found = meaning.differences(old, new)
    if form == "json":
        document = {"version": 1, "before": before, "after": after, "differences": [asdict(each) for each in found]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(map(meaning.text, found)) if found else "No difference in meaning.")
    return 2 if found and exit_code else 0
