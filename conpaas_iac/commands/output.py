"""What verbs print on, and how those that change machines end."""

import json
from collections.abc import Sequence

import click
from rich.console import Console


def console(stderr: bool = False, quiet: bool = False) -> Console:
    """As wide as the terminal; where there is none, lines are as long as they are."""
    made = Console(stderr=stderr, highlight=False, quiet=quiet)
    if made.is_terminal:
        return made
    return Console(stderr=stderr, highlight=False, width=1000, soft_wrap=True, quiet=quiet)


def end(form: str, verb: str, application: str, machines: Sequence[str], text: str) -> None:
    """The last word of a verb that was carried out on some machines: a line, or a document."""
    if form == "json":
        document = {"version": 1, "verb": verb, "application": application, "machines": list(machines)}
        click.echo(json.dumps(document, indent=2))
    else:
        console().print(text)
