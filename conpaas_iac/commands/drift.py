"""conpaas drift: what of an application is not as it was made, and how it is brought back or taken over."""

import json
from pathlib import Path

import click

from conpaas_iac import settings
from conpaas_iac.commands import options, output
from conpaas_iac.core.ordering import count
from conpaas_iac.drift import driftreport
from conpaas_iac.drift.driftreport import DriftReport, Mending
from conpaas_iac.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("drift")
@click.argument("target", metavar="APPLICATION[/SERVICE[/NODE]]")
@options.environment
@options.form
@click.option("--files", is_flag=True, help="Show what is other in files that hold no secret, as diffs.")
@click.option("--revert", is_flag=True, help="Bring it back to what was confirmed; asks before.")
@click.option("--adopt", is_flag=True, help="Write into the manifest what it can say of it.")
@click.option("--manifest", type=FILE, metavar="FILE", help="Where it is not the one that was last applied.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.may_lose
@options.locked
@options.events
@options.wait
def command(
    target: str,
    environment: str,
    form: str,
    files: bool,
    revert: bool,
    adopt: bool,
    manifest: Path | None,
    yes: bool,
    may_lose: tuple[str, ...],
    locked: bool,
    events: str,
) -> int:
    """Say what of APPLICATION is not as it was made: asks the clouds and, in one call each, all machines.

    \b
    machine      gone, stopped, of another size
    file         edited by hand, missing, of another mode or owner
    unit         stopped, failed, disabled, or running where it should not
    package      of another version than when the machine was first configured
    certificate  of another authority, not the one that was signed, soon ending

    Each with how dangerous mending it is: safe, restart, downtime or data loss. Exit code 5 when something drifted, 0
    when nothing did, 3 when machines could not be checked. Contents of files with secrets are compared, never shown.
    """
    from conpaas_iac.commands.running import running
    from conpaas_iac.usecases import examining, reverting

    if revert and adopt:
        raise click.UsageError("--revert brings it back, --adopt takes it over: one of them")
    configured = settings.load()
    application, *path = target.split("/")
    report = examining.drift_of(application, environment, configured, path, texts=files or adopt)
    if not (revert or adopt) or not report.drifts:
        _show(report, form, files)
        return report.exit_code
    place = reverting.manifest_of(application, environment, manifest, configured)
    if adopt:
        return _adopt(report, place, form, configured)
    request = options.request(place, environment, locked, may_lose)
    reverting.refuse_more(report, request, configured)  # before anybody is asked
    mendings = driftreport.mendings(report.drifts)
    _ask(report, mendings, files, form, yes)
    with running(form, events, application, environment, place) as run:
        reverting.revert(report, request, configured, run.listen, announce=lambda plan, wish: run.planned(plan))
    after = examining.drift_of(application, environment, configured, path)
    _show(after, form, False, mendings)
    return after.exit_code


def _ask(report: DriftReport, mendings: tuple[Mending, ...], files: bool, form: str, yes: bool) -> None:
    from conpaas_iac.views import driftview

    is_json = form == "json"
    console = output.console(stderr=is_json)
    console.print(driftview.drift_view(report, files))
    console.print(f"\nRevert: {count(len(mendings), 'machine')}")
    console.print(driftview.mending_view(mendings))
    if not yes:
        output.ask("Do it?", "drift --revert")


def _adopt(report: DriftReport, place: Path, form: str, configured: Settings) -> int:
    from conpaas_iac.usecases import adopting
    from conpaas_iac.views import driftview

    adopted = adopting.adopt(report, place, configured)
    if form == "json":
        click.echo(json.dumps(adopting.document(report, adopted), indent=2))
    else:
        output.console().print(driftview.adopted_view(adopted))
    return adopted.exit_code


def _show(report: DriftReport, form: str, files: bool, reverted: tuple[Mending, ...] = ()) -> None:
    from conpaas_iac.views import driftview

    if form == "json":
        click.echo(json.dumps(driftreport.document(report, reverted), indent=2))
    else:
        output.console().print(driftview.drift_view(report, files))
