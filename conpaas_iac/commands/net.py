"""conpaas net: how the application's own network is, from every machine to every other."""

import json

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output
from conpaas_iac.network import netreport
from conpaas_iac.views import netview


@click.command("net")
@click.argument("application", metavar="APPLICATION")
@options.environment
@options.form
def command(application: str, environment: str, form: str) -> int:
    """Measure APPLICATION's network from every machine to every other; say why what does not work does not.

    \b
    mtu      largest packet of the VPN's interface, in bytes
    days     that the machine's certificate has left; `conpaas up` renews it
    1 2 3 …  the best of three round trips to that machine, in ms, through the VPN
             r   by way of another machine (relayed), else direct
             ✗n  broken; cause n is below
             -   one of the two rests as asked

    Machines are asked over SSH, all at the same time, for a few seconds. Exit code 3 when something is broken.
    """
    from conpaas_iac.usecases import net

    found = net.net_of(application, environment, settings.load())
    if form == "json":
        click.echo(json.dumps(netreport.document(found), indent=2))
    else:
        output.console().print(netview.net_view(found))
    return 0 if found.is_well else 3
