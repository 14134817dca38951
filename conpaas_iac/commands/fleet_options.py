"""Options of the verbs of `conpaas fleet`: which applications, and what is approved."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from conpaas_iac.commands import options


def _enter(_: click.Context, __: click.Parameter, value: Path | None) -> None:
    if value:
        os.chdir(value)


def _several(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(options.slug(_, parameter, value) for value in values)


folder = click.option(
    "-C",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    callback=_enter,
    expose_value=False,
    is_eager=True,
    help="A folder of the repository; without it the current one.",
)
names = click.argument("names", nargs=-1, metavar="[APPLICATION[:ENVIRONMENT]]…")
environments = click.option(
    "-e",
    "-E",
    "--environment",
    "environments",
    multiple=True,
    callback=_several,
    help="Applications of this environment only; may be repeated.",
)
since = click.option("--since", default="", metavar="REV", help="Only what differs from this revision.")
span = click.option("--range", "span", default="", metavar="A..B", help="Only what these commits touched.")
parallel = click.option(
    "--parallel",
    type=click.IntRange(1, 999),
    metavar="N",
    help="How many at the same time; without it the setting of that name (4).",
)
approve = click.option(
    "--approve",
    type=click.Choice(["safe", "restart", "downtime"]),
    default=None,
    help="Changes up to this class need no other approval now.",
)
may_lose = click.option(
    "--allow-data-loss",
    "may_lose",
    multiple=True,
    metavar="APPLICATION[:ENVIRONMENT]/SERVICE",
    help="The data of this service may be lost.",
)


def planned(verb: Callable[..., Any]) -> Callable[..., Any]:
    """All that a verb takes which plans applications: which ones, and what of them may be done."""
    for option in (may_lose, approve, parallel, span, since, environments, folder, names):
        verb = option(verb)
    return verb
