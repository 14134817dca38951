"""`conpaas types test`: the conformance suite, on real machines."""

import json
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from conpaas_iac import catalog
from conpaas_iac.commands import options, output
from conpaas_iac.errors import ConpaasError, UserError
from conpaas_iac.kit import course as courses
from conpaas_iac.kit import trial as trials
from conpaas_iac.kit.results import Report, Result
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.runs.events import silent
from conpaas_iac.views import kitview

if TYPE_CHECKING:
    from conpaas_iac.suite.bench import Bench


@click.command("test")
@click.argument("name", metavar="TYPE")
@click.option("--only", multiple=True, metavar="CHECK,…", help="Just these checks; may be repeated.")
@click.option("--list", "lists", is_flag=True, help="Say which checks there are; run none.")
@click.option("--keep", is_flag=True, help="Leave the application for looking; how it is removed is said.")
@options.form
def command(name: str, only: tuple[str, ...], lists: bool, keep: bool, form: str) -> int:
    """Run the conformance suite on service type TYPE: LXD, an application and state of its own, removed at the end.

    Exit code 0: all checks pass; 1: the type itself is wrong (README); 3: a check failed on machines.
    """
    types = catalog.load()
    if name not in types:
        raise UserError(f"no service type {name!r}", suggestion(name, types, "types of this installation"))
    kind = types[name]
    trial = trials.of(kind)
    course = courses.course(kind, trial, [word for each in only for word in each.split(",") if word])
    if lists:
        _list(course, form)
        return 0
    from conpaas_iac.suite.bench import Bench
    from conpaas_iac.suite.suite import Suite

    begun, is_json, results = time.monotonic(), form == "json", list[Result]()
    console = output.console(stderr=is_json)
    with ExitStack() as stack:
        progress = stack.enter_context(kitview.shown(console, course))
        bench = Bench.of(kind, trial, progress.hear)
        console.print(f"{bench.application}   in {bench.folder}", markup=False)
        try:
            for result in Suite(bench, progress).run(course):
                results.append(result)
        finally:
            stack.close()
            _end(bench, keep)
            kept = str(bench.folder) if keep else ""
            report = Report(name, bench.application, results, time.monotonic() - begun, kept)
            if not is_json:
                console.print(kitview.report_view(report))
    if is_json:
        click.echo(json.dumps(report.document, indent=2))
    return report.exit_code


def _list(course: tuple[courses.Row, ...], form: str) -> None:
    if form == "json":
        rows = [
            {"check": row.check, "group": row.group, "asks": courses.CHECKS[row.check], "skipped": row.skipped}
            for row in course
        ]
        click.echo(json.dumps({"version": 1, "checks": rows}, indent=2))
    else:
        output.console().print(kitview.list_view(course))


def _end(bench: "Bench", keep: bool) -> None:
    """Nothing of it stays, unless it is kept; what cannot be removed hides no other error."""
    failing = sys.exc_info()[0] is not None
    if keep and bench.exists():
        look = f"{bench.prefix} conpaas status {bench.application}"
        click.echo(f"kept; to look: {look}\nto remove: {bench.way()}", err=True)
        return
    bench.hear = silent
    click.echo(f"removing {bench.application} …", err=True)
    try:
        bench.remove()
    except KeyboardInterrupt:
        click.echo(f"not all of it is removed; the rest: {bench.way()}", err=True)
        raise
    except ConpaasError as error:
        if not failing:
            raise
        click.echo(f"error: {error.message}\n  → {error.remedy}", err=True)

