"""`conpaas up` of several manifests: each application has a worker of its own, which is the same verb."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.commands import output
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.read import read
from conpaas_iac.runs.journal import sink
from conpaas_iac.runs.stream import Line
from conpaas_iac.runs.workers import TOOL, Done, Workers, worst
from conpaas_iac.settings import Settings
from conpaas_iac.sources.inspected import Inspector
from conpaas_iac.views.sideview import Rows, shown


def carry_out(
    manifests: Sequence[Path], arguments: Sequence[str], parallel: int | None, form: str, events: str
) -> int:
    """All of them, with these further arguments; the exit code is the worst of all."""
    if events == "-" and form == "json":
        raise click.UsageError("standard output is for --events - or for --format json, not for both")
    configured, begun = settings.load(), time.monotonic()
    names = named(manifests, configured)
    rows, console = Rows(names), output.console(stderr=form == "json" or events == "-")
    kept = sink(events) if events else None
    with shown(console, rows) as show:

        def hear(name: str, line: Line) -> None:
            if kept:
                kept.add(line.content)
            show(name, line)

        works = {name: ("up", str(path), *arguments, "--format", "json", "--quiet") for name, path in names.items()}
        ends = Workers(TOOL, parallel or configured.workers, hear).run(works)
    if kept:
        kept.close()
    for name, done in ends.items():
        rows.rows[name].end(done)
        if done.said and done.code != 130:
            click.echo(f"{name}:", err=True)
            click.echo("".join(f"  {line}\n" for line in done.said.splitlines()), err=True, nl=False)
    code = worst([done.code for done in ends.values()])
    if form == "json":
        click.echo(json.dumps(_document(names, ends, rows, code, time.monotonic() - begun), indent=2))
    else:
        console.print(rows.summary())
    return code


def named(manifests: Sequence[Path], configured: Settings) -> dict[str, Path]:
    """Application -> manifest; one that has errors goes by its path. Raises UserError where one comes twice."""
    types, inspect = catalog.load(), Inspector(configured.cache)
    found: dict[str, Path] = {}
    for path in manifests:
        if any(path.resolve() == other.resolve() for other in found.values()):
            raise UserError(f"{path} is there twice", "name each manifest once")
        manifest = read(path, types, clouds.providers(), configured.default_cloud, inspect).manifest
        name = manifest.application if manifest else str(path)
        if name in found:
            raise UserError(
                f"{found[name]} and {path} are both of application {name!r}",
                "an application has one manifest; another one may be another environment: one command each, with -e",
            )
        found[name] = path
    return found


def _document(
    names: Mapping[str, Path], ends: Mapping[str, Done], rows: Rows, code: int, seconds: float
) -> dict[str, object]:
    """For `--format json`."""
    found = [
        {
            "application": name,
            "manifest": str(path),
            "exit": ends[name].code,
            "seconds": round(ends[name].seconds, 2),
            "error": rows.rows[name].text if ends[name].code else "",
            "result": json.loads(ends[name].printed) if ends[name].code == 0 else None,
        }
        for name, path in names.items()
    ]
    return {"version": 1, "exit": code, "seconds": round(seconds, 2), "applications": found}
