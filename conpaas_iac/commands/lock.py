"""conpaas lock: fix addresses and code versions."""

from pathlib import Path

import click

from conpaas_iac import settings
from conpaas_iac.commands import options
from conpaas_iac.wish import Request


@click.command("lock")
@options.manifest
@options.environment
def command(manifest: Path, environment: str) -> int:
    """Give MANIFEST's application its addresses and pin its code, in the lock file beside it. Commit that file."""
    from conpaas_iac.situation import wish_of

    wish = wish_of(Request(manifest, environment), settings.load())
    click.echo(f"{wish.lock_path}: range {wish.lock.range}")
    for name, block in sorted(wish.lock.blocks.items()):
        pin = wish.lock.code.get(name)
        click.echo(f"  {name}  {block}" + (f"  code {pin['Version'][:12]}" if pin else ""))
    return 0
