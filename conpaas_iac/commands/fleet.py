"""conpaas fleet: all applications of a Git repository."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conpaas_iac.commands import fleet_options as given
from conpaas_iac.commands import fleet_sync, options, output
from conpaas_iac.runs.workers import worst

if TYPE_CHECKING:
    from conpaas_iac.fleet.decisions import Decision
    from conpaas_iac.fleet.repository import Choice, Repository
    from conpaas_iac.fleet.survey import Surveyed


@click.group("fleet")
def command() -> None:
    """All applications of a Git repository: fleet/<application>/manifest.json, with conpaas.json at its top."""


command.add_command(fleet_sync.command)


@command.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@options.form
def init(folder: Path, form: str) -> int:
    """Begin a repository of manifests in FOLDER, with an example that works."""
    from conpaas_iac.fleet import beginning

    made = beginning.write(folder)
    if form == "json":
        document = {"version": 1, "folder": str(folder), "files": [str(path) for path in made]}
        click.echo(json.dumps(document, indent=2))
        return 0
    click.echo("\n".join(str(path) for path in made))
    where = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    click.echo(f"Next: {where}conpaas fleet plan")
    return 0


@command.command("plan")
@given.planned
@click.option("--exit-code", is_flag=True, help="Exit with 2 when there is something to do.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
def plan(
    names: tuple[str, ...],
    environments: tuple[str, ...],
    since: str,
    span: str,
    parallel: int | None,
    approve: str | None,
    may_lose: tuple[str, ...],
    exit_code: bool,
    form: str,
) -> int:
    """Show what `fleet up` would do with each application, and what waits. Uses neither network nor machines."""
    from conpaas_iac.views import fleetview

    found = _surveyed(_choice(names, environments, since, span), parallel, approve, may_lose)[1]
    refused = [each.code for each in found.decisions if each.what == "refuse"]
    busy = any(each.what != "as it is" for each in found.decisions)
    code = worst(refused or [2 if busy and exit_code else 0])
    if form == "json":
        click.echo(json.dumps(fleetview.document(found, code), indent=2, ensure_ascii=False))
    elif form == "markdown":
        click.echo(fleetview.markdown(found), nl=False)
    else:
        _show(found)
    return code


@command.command("up")
@given.planned
@options.locked
@options.events
@options.wait
@options.form
def up(
    names: tuple[str, ...],
    environments: tuple[str, ...],
    since: str,
    span: str,
    parallel: int | None,
    approve: str | None,
    may_lose: tuple[str, ...],
    locked: bool,
    events: str,
    form: str,
) -> int:
    """Make the applications as their manifests say, as far as the policy allows; say which wait, and for what.

    Each is a run of its own: one that fails leaves the others alone. The exit code is the worst of all: 70 before 130,
    3, 4, 1, 2 (something waits) and 0.
    """
    from conpaas_iac.commands import several
    from conpaas_iac.views import fleetview

    if events == "-" and form == "json":
        raise click.UsageError("standard output is for --events - or for --format json, not for both")
    repository, found = _surveyed(_choice(names, environments, since, span), parallel, approve, may_lose, locked)
    console = output.console(stderr=form == "json" or events == "-")
    works = {_title(each): _work(each, locked) for each in found.decisions if each.what in ("apply", "remove")}
    ended = several.side_by_side(works, parallel or repository.settings.workers, console, events)
    code = worst([ended.code, *(each.code for each in found.decisions)]) if found.decisions else 0
    if form == "json":
        results = {name: several.result(name, ended) for name in works}
        click.echo(json.dumps(fleetview.document(found, code, results), indent=2, ensure_ascii=False))
    else:
        console.print(fleetview.table(found.decisions, ended.ends, ended.rows))
        for text in fleetview.details(found.decisions):
            console.print(text, markup=False)
    return code


@command.command("status")
@given.names
@given.folder
@given.environments
@given.parallel
@options.form
def status(names: tuple[str, ...], environments: tuple[str, ...], parallel: int | None, form: str) -> int:
    """Say how each application is now: asks clouds, machines and URLs. Exit code 3 when something is not well."""
    from conpaas_iac.fleet import repository as checkout
    from conpaas_iac.fleet import survey
    from conpaas_iac.views import fleetview

    repository = checkout.opened(Path(), _choice(names, environments, "", ""))
    found = survey.statuses(repository, parallel or repository.settings.workers)
    codes = [1 if isinstance(each, str) else 0 if each.is_well else 3 for _, each in found]
    code = worst(codes) if codes else 0
    if form == "json":
        listed = [
            {"application": unit.name, "environment": unit.environment, "problem": each}
            if isinstance(each, str)
            else {**asdict(each), "well": each.is_well}
            for unit, each in found
        ]
        document = {"version": 1, "fleet": repository.fleet.id, "exit": code, "applications": listed}
        click.echo(json.dumps(document, indent=2))
    else:
        output.console().print(fleetview.status_table(found))
    return code


def _choice(names: tuple[str, ...], environments: tuple[str, ...], since: str, span: str) -> "Choice":
    from conpaas_iac.fleet.repository import Choice

    if since and span:
        raise click.UsageError("--since or --range: one of them")
    return Choice(names, environments, since, span)


def _surveyed(
    choice: "Choice", parallel: int | None, approve: str | None, may_lose: tuple[str, ...], locked: bool = False
) -> "tuple[Repository, Surveyed]":
    from conpaas_iac.fleet import repository as checkout
    from conpaas_iac.fleet import survey

    repository = checkout.opened(Path(), choice)
    terms = checkout.terms(repository, approve or "", may_lose)
    return repository, survey.surveyed(repository, terms, parallel or repository.settings.workers, locked)


def _title(decision: "Decision") -> str:
    from conpaas_iac.core.environments import title

    return title(*decision.key)


def _work(decision: "Decision", locked: bool) -> tuple[str, ...]:
    """The command line that carries a decision out."""
    from conpaas_iac.fleet.place import found
    from conpaas_iac.system.files import near

    losses = tuple(f"--allow-data-loss={service}" for service in decision.may_lose)
    if decision.what == "remove":
        return ("down", decision.name, "-e", decision.environment, "--yes", *losses)
    path = found(Path())
    assert path
    manifest = near(path.parent / decision.manifest)
    words = ("up", str(manifest), "-e", decision.environment, "--within", decision.within, "--quiet")
    return (*words, *["--locked"] * locked, *losses)


def _show(found: "Surveyed") -> None:
    from conpaas_iac.views import fleetview

    console = output.console()
    console.print(fleetview.table(found.decisions, {}))
    for text in fleetview.details(found.decisions):
        console.print(text, markup=False)
    console.print(fleetview.summary(found.decisions), markup=False)
