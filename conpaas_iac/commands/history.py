"""conpaas history: what was done to an application, by whom, and how long it took."""

import json

import click

from conpaas_iac import settings
from conpaas_iac.backend.place import stack_name
from conpaas_iac.commands import options, output
from conpaas_iac.commands.running import with_lines
from conpaas_iac.errors import UserError
from conpaas_iac.runs import history, journal
from conpaas_iac.views import pastview

SPARE = 5  # runs that were killed before they said who they are


@click.command("history")
@click.argument("words", nargs=-1, required=True, metavar="APPLICATION[/SERVICE] | show APPLICATION RUN")
@click.option("-n", "--last", default=20, show_default=True, type=click.IntRange(1), help="So many runs.")
@options.environment
@options.form
def command(words: tuple[str, ...], last: int, environment: str, form: str) -> int:
    """Show the last runs that changed APPLICATION: when, who, what, how long, and how each ended.

    `history show APPLICATION RUN` shows one of them, machine by machine; RUN may be cut short, or be `last`.
    The history outlives `down`; it ends with the hundredth run before the last.
    """
    if words[0] == "show" and len(words) > 1:
        return _show(words[1:], environment, form)
    if len(words) > 1:
        raise click.UsageError(f"one application; did you mean: history show {' '.join(words)}")
    application, _, service = words[0].partition("/")
    configured, stack = settings.load(), stack_name(application, environment)
    names = journal.runs(configured, stack)
    found = [past for past, _ in with_lines(configured, stack, names if service else names[-last - SPARE :])]
    pasts = [past for past in reversed(found) if not service or past.touches(service)][:last]
    if form == "json":
        click.echo(json.dumps(pastview.list_document(application, environment, pasts), indent=2))
    elif pasts:
        output.console().print(pastview.table_of(pasts))
        click.echo(f"One of them: conpaas history show {application} {pasts[0].run}")
    else:
        click.echo(f"Nothing is remembered of {words[0]} ({environment}).")
    return 0


def _show(words: tuple[str, ...], environment: str, form: str) -> int:
    application, *rest = words
    configured, stack = settings.load(), stack_name(application, environment)
    names = journal.runs(configured, stack)
    name = history.chosen(names, rest[0] if rest else "last")
    found = with_lines(configured, stack, [name]) if name else []
    if not found:
        raise UserError(
            f"no run {rest[0] if rest else 'last'!r} of {application} ({environment})",
            f"conpaas history {application}",
        )
    [(past, lines)] = found
    if form == "json":
        click.echo(json.dumps(pastview.run_document(past, lines), indent=2))
    else:
        output.console().print(pastview.view_of(past))
    return 0
