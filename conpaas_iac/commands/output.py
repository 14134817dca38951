"""What verbs print on, what they ask, and how those that change machines end."""

import json
import sys
from collections.abc import Sequence

import click
from rich.console import Console

from conpaas_iac.errors import Interrupted, UserError


def console(stderr: bool = False, quiet: bool = False) -> Console:
    """As wide as the terminal; where there is none, lines are as long as they are."""
    made = Console(stderr=stderr, highlight=False, quiet=quiet)
    if made.is_terminal:
        return made
    return Console(stderr=stderr, highlight=False, width=1000, soft_wrap=True, quiet=quiet)


def ask(question: str, verb: str) -> None:
    """Return for a yes only; on standard error, so that a document on standard output stays whole."""
    if not sys.stdin.isatty():
        raise UserError(f"{verb} asks before, and nobody is there to answer", "--yes")
    if not click.confirm(question, err=True):
        raise Interrupted("nothing was done")


def end(form: str, verb: str, application: str, machines: Sequence[str], text: str) -> None:
    """The last word of a verb that was carried out on some machines: a line, or a document."""
    if form == "json":
        document = {"version": 1, "verb": verb, "application": application, "machines": list(machines)}
        click.echo(json.dumps(document, indent=2))
    else:
        console().print(text)
