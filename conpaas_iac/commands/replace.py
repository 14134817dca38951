"""conpaas replace: a new machine in the place of one that is there."""

from pathlib import Path

import click

from conpaas_iac.commands import options
from conpaas_iac.commands.up import carry_out


@click.command("replace")
@options.manifest
@click.argument("nodes", nargs=-1, required=True, metavar="NODE…")
@options.environment
@options.locked
@options.may_lose
@options.events
@options.wait
@options.form
def command(
    manifest: Path,
    nodes: tuple[str, ...],
    environment: str,
    locked: bool,
    may_lose: tuple[str, ...],
    events: str,
    form: str,
) -> int:
    """Make machines anew, one after another: each leaves service, is removed, and comes back under its address.

    What only such a machine does meanwhile nobody does: of a service's single proxy this is an outage of seconds.
    """
    for node in nodes:
        code = carry_out(options.request(manifest, environment, locked, may_lose, frozenset({node})), form, events)
        if code:
            return code
    return 0
