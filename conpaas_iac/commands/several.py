"""`conpaas up` of several manifests: each application has a worker of its own, which is the same verb."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.commands import output
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.read import read
from conpaas_iac.runs.journal import sink
from conpaas_iac.runs.stream import Line
from conpaas_iac.runs.workers import Done, Workers, worst
from conpaas_iac.settings import Settings
from conpaas_iac.sources.inspected import Inspector
from conpaas_iac.views.sideview import Rows, shown

TOOL = (sys.executable, "-P", "-c", "from conpaas_iac.cli import main; main()")  # what begins a worker


@dataclass(frozen=True)
class Ended:
    """How all of them ended."""

    rows: Rows
    ends: Mapping[str, Done]
    seconds: float

    @property
    def code(self) -> int:
        """The worst of all."""
        return worst([0, *(done.code for done in self.ends.values())])


def carry_out(
    manifests: Sequence[Path], environment: str, arguments: Sequence[str], parallel: int | None, form: str, events: str
) -> int:
    """All of them, with these further arguments; the exit code is the worst of all."""
    if events == "-" and form == "json":
        raise click.UsageError("standard output is for --events - or for --format json, not for both")
    configured = settings.load(near=manifests[0])
    names = named(manifests, configured, environment)
    works = {name: ("up", str(path), "-e", environment, *arguments, "--quiet") for name, path in names.items()}
    console = output.console(stderr=form == "json" or events == "-")
    ended = side_by_side(works, parallel or configured.workers, console, events)
    if form == "json":
        click.echo(json.dumps(_document(names, ended), indent=2))
    else:
        console.print(ended.rows.summary())
    return ended.code


def side_by_side(works: Mapping[str, Sequence[str]], parallel: int, console: Console, events: str) -> Ended:
    """These command lines, so many at the same time, shown while they run; then what they said of what went wrong."""
    begun, rows = time.monotonic(), Rows(works)
    kept = sink(events) if events else None
    with shown(console, rows) as show:

        def hear(name: str, line: Line) -> None:
            if kept:
                kept.add(line.content)
            show(name, line)

        ends = Workers(TOOL, parallel, hear).run({name: (*each, "--format", "json") for name, each in works.items()})
    if kept:
        kept.close()
    for name, done in ends.items():
        rows.rows[name].end(done)
        if done.said and done.code != 130:
            click.echo(f"{name}:", err=True)
            click.echo("".join(f"  {line}\n" for line in done.said.splitlines()), err=True, nl=False)
    return Ended(rows, ends, time.monotonic() - begun)


def named(manifests: Sequence[Path], configured: Settings, environment: str) -> dict[str, Path]:
    """Application -> manifest; one that has errors goes by its path. Raises UserError where one comes twice."""
    types, inspect = catalog.load(), Inspector(configured.cache)
    found: dict[str, Path] = {}
    for path in manifests:
        if any(path.resolve() == other.resolve() for other in found.values()):
            raise UserError(f"{path} is there twice", "name each manifest once")
        known = (types, clouds.providers(), configured.default_cloud, inspect)
        manifest = read(path, *known, environment=environment).manifest
        name = manifest.application if manifest else str(path)
        if name in found:
            raise UserError(
                f"{found[name]} and {path} are both of application {name!r}",
                "an application has one manifest; another one may be another environment: one command each, with -e",
            )
        found[name] = path
    return found


def _document(names: Mapping[str, Path], ended: Ended) -> dict[str, object]:
    """For `--format json`."""
    found = [{"application": name, "manifest": str(path), **result(name, ended)} for name, path in names.items()]
    return {"version": 1, "exit": ended.code, "seconds": round(ended.seconds, 2), "applications": found}


def result(name: str, ended: Ended) -> dict[str, object]:
    """How one of them ended, for documents."""
    done = ended.ends[name]
    return {
        "exit": done.code,
        "seconds": round(done.seconds, 2),
        "error": ended.rows.rows[name].text if done.code else "",
        "result": json.loads(done.printed) if done.code == 0 else None,
    }
