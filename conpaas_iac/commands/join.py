"""conpaas join: let this machine into an application's network for a while."""

import json
from datetime import timedelta
from pathlib import Path

import click

from conpaas_iac import settings
from conpaas_iac.backend import holder
from conpaas_iac.commands import options, output
from conpaas_iac.network import joins
from conpaas_iac.views import report


def _length(_: click.Context, __: click.Parameter, value: str) -> timedelta:
    try:
        return joins.duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("join")
@click.argument("application")
@click.option(
    "--as", "name", required=True, callback=options.slug, metavar="NAME", help="What this machine is called there."
)
@click.option(
    "--for", "length", default="2h", show_default=True, callback=_length, metavar="TIME", help="30m, 2h, 3d; up to 30d."
)
@click.option("--reach", multiple=True, metavar="SERVICE", help="What it may reach; may be repeated.")
@click.option("--end", is_flag=True, help="Lock it out now, before its time.")
@options.environment
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where key, certificate and configuration go, and are used; else a folder of the state.",
)
@options.events
@options.wait
@options.form
def command(
    application: str,
    name: str,
    length: timedelta,
    reach: tuple[str, ...],
    end: bool,
    environment: str,
    out: Path | None,
    events: str,
    form: str,
) -> int:
    """Let this machine into the network of APPLICATION for a while, to reach the named services and nothing else.

    What a service has for the public and for services that use it is open, on each of its machines; nothing else is,
    not even ping. The key is made here and stays here. Under the same name again it is renewed and keeps its address.
    It ends by itself; `--end` locks it out at once.
    """
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import joining

    if end == bool(reach):
        raise click.UsageError("say what to --reach, or --end")
    configured, console = settings.load(), output.console(stderr=form == "json")
    if end:
        with running(form, events, application, environment) as run:
            ended = joining.end(application, environment, name, configured, run.listen)
            run.note("join", f"{name} ({ended.address}) is locked out")
        if form == "json":
            document = {"version": 1, "application": application, "environment": environment, "name": name}
            click.echo(json.dumps({**document, "address": ended.address, "ended": True}, indent=2))
        else:
            console.print(f"{name} ({ended.address}) is locked out of {application}.")
        return 0
    by = holder.who()
    wanted = joining.Wanted(application, environment, name, tuple(sorted(set(reach))), length, by, out)
    with running(form, events, application, environment) as run:
        joined = joining.join(wanted, configured, run.listen)
        reached = ", ".join(joined.join.reach)
        run.note("join", f"{name} ({joined.join.address}) reaches {reached} for {joins.spoken(length)}")
    if form == "json":
        click.echo(json.dumps(report.join_document(wanted, joined), indent=2))
    else:
        console.print(report.join_view(wanted, joined))
    return 0
