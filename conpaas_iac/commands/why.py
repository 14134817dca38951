"""conpaas why: from anything on the machines back to what asked for it."""

import json

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output


@click.command("why")
@click.argument("target", metavar="APPLICATION|MANIFEST")
@click.argument("query", metavar="WHAT")
@options.environment
@options.form
def command(target: str, query: str, environment: str, form: str) -> int:
    """Say what asked for WHAT: the place in the manifest, and the line of the role.

    \b
    conpaas why shop 10.42.16.1                    an address, or a machine: front-1
    conpaas why shop /etc/haproxy/haproxy.cfg      a file, also by the end of its path
    conpaas why shop php8.2-fpm                    a package, a unit
    conpaas why shop 3306                          a port: who listens, to whom it is open

    Of an APPLICATION, from what was last applied; of a MANIFEST, from what it says now. No machine is asked. Exit code
    1 where it is nothing of the application; the nearest names are said.
    """
    from conpaas_iac.views import whyview
    from conpaas_iac.why import why
    from conpaas_iac.why.whyground import ground

    found = ground(target, environment, settings.load())
    answers = why.why(query, found)
    if form == "json":
        click.echo(json.dumps(why.document(query, answers, found), indent=2))
    else:
        output.console().print(whyview.why_view(answers))
    return 0
