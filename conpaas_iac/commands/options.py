"""Options that several verbs share."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conpaas_iac.settings import ALWAYS

if TYPE_CHECKING:
    from conpaas_iac.usecases.wish import Request

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def slug(_: click.Context, __: click.Parameter, value: str) -> str:
    """For words that become parts of machine and stack names, as applications do."""
    if not re.fullmatch(r"[a-z]([a-z0-9]|-(?!-)){0,28}[a-z0-9]|[a-z]", value):
        raise click.BadParameter(f"{value!r} is no name: lower case letters, digits and single hyphens")
    return value


manifest: Decorator = click.argument("manifest", type=click.Path(path_type=Path, dir_okay=False), metavar="MANIFEST")
environment: Decorator = click.option(
    "-e",
    "--environment",
    default="default",
    show_default=True,
    callback=slug,
    help="Which environment of the application.",
)
locked: Decorator = click.option(
    "--locked", is_flag=True, help="Never write the lock file; the default where CI is set."
)
may_lose: Decorator = click.option(
    "--allow-data-loss", "may_lose", multiple=True, metavar="SERVICE", help="The data of this service may be lost."
)
form: Decorator = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
events: Decorator = click.option(
    "--events", default="", metavar="FILE", help="Add what happens to FILE as JSON lines; - is standard output."
)


def request(
    manifest: Path,
    environment: str,
    locked: bool,
    may_lose: Iterable[str] = (),
    replaced: frozenset[str] = frozenset(),
) -> "Request":
    """What the shared options ask for."""
    from conpaas_iac.usecases.wish import Request, is_locked

    return Request(manifest, environment, is_locked(locked), replaced=replaced, may_lose=frozenset(may_lose))


def _waiting(_: click.Context, __: click.Parameter, value: str) -> None:
    if value and value != ALWAYS and not re.fullmatch(r"\d+(\.\d+)?", value):
        raise click.BadParameter(f"{value!r} is no number of seconds")
    if value:
        os.environ["CONPAAS_WAIT"] = value  # over what settings.json says, as every setting


wait: Decorator = click.option(
    "--wait",
    default="",
    callback=_waiting,
    expose_value=False,
    metavar="[=SECONDS]",
    help="Wait for another run that changes the application; without a number, until it ends.",
)
