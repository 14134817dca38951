"""conpaas lock: fix addresses and code versions."""

import json
from pathlib import Path

import click

from conpaas_iac import settings
from conpaas_iac.commands import options


@click.command("lock")
@options.manifest
@options.environment
@options.form
def command(manifest: Path, environment: str, form: str) -> int:
    """Give MANIFEST's application its addresses and pin its code, in the lock file beside it. Commit that file."""
    from conpaas_iac.usecases.situation import wish_of
    from conpaas_iac.usecases.wish import Request

    wish = wish_of(Request(manifest, environment), settings.load(near=manifest))
    lock = wish.lock
    blocks = {name: str(block) for name, block in sorted(lock.blocks.items())}
    code = {name: pin["Version"] for name, pin in sorted(lock.code.items())}
    if form == "json":
        document = {"version": 1, "path": str(wish.lock_path), "range": str(lock.range), "blocks": blocks, "code": code}
        click.echo(json.dumps(document, indent=2))
        return 0
    click.echo(f"{wish.lock_path}: range {lock.range}")
    for name, block in blocks.items():
        click.echo(f"  {name}  {block}" + (f"  code {code[name][:12]}" if name in code else ""))
    return 0
