"""conpaas ci: workflow files of GitHub and GitLab, and the verbs that they call."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conpaas_iac import settings
from conpaas_iac.errors import UserError

if TYPE_CHECKING:
    from conpaas_iac.ci.bundle import Bundle

FOLDER = "conpaas-plans"
NAME = "fleet"
FILE = click.Path(path_type=Path, exists=True)
DIRECTORY = click.Path(path_type=Path, file_okay=False)

plans: Callable[..., Any] = click.option(
    "--plan", "paths", type=FILE, multiple=True, required=True, metavar="FILE…",
    help="A saved plan, or the folder that `ci plan` wrote; may come several times.",
)
label: Callable[..., Any] = click.option(
    "--label", default="conpaas: data loss", show_default=True, help="Agrees to the loss of data."
)
name: Callable[..., Any] = click.option(
    "--name", "comment", default=NAME, show_default=True, metavar="NAME", help="Of the comment: one a name."
)


@click.group("ci")
def command() -> None:
    """Review plans where manifests are reviewed, and carry out those very plans.

    `ci github` and `ci gitlab` write the workflow files; the other verbs are what these call. Any other forge: `conpaas
    plan --format markdown`, `ci comment --print`, `ci check` and exit codes.
    """


def _writer(forge: str, what: str) -> None:
    @command.command(forge, help=f"Write {what}. Safe to repeat; what somebody changed is not written over.")
    @click.option("--output", type=DIRECTORY, default=".", metavar="FOLDER", help="The repository's top, if not here.")
    @click.option("--branch", default="main", show_default=True, help="What is merged into, and applied from.")
    @click.option("--overwrite", is_flag=True, help="Although somebody changed it.")
    def write(output: Path, branch: str, overwrite: bool) -> int:
        from conpaas_iac.ci import workflow

        for each in workflow.write(forge, output, branch, overwrite):
            click.echo(f"{each.path}: {each.what}")
        if forge == "gitlab" and not workflow.includes(output):
            place = workflow.FILES["gitlab"]["gitlab.yml"]
            click.echo(f"\nTo be added to {output / workflow.ENTRY}:\n\ninclude:\n  - local: {place}")
        return 0


_writer("github", "the workflow .github/workflows/conpaas.yml")
_writer("gitlab", "the pipeline .gitlab/conpaas.yml, and a .gitlab-ci.yml that includes it where there is none")


@command.command("plan")
@click.argument("manifests", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="[MANIFEST…]")
@click.option("--since", default="", metavar="REV", help="Of the fleet, only what differs from this revision.")
@click.option("-o", "--output", type=DIRECTORY, default=FOLDER, show_default=True, help="Where plans go.")
def plan(manifests: tuple[Path, ...], since: str, output: Path) -> int:
    """Save plans for review into a folder: of the fleet that this folder is in, or of each MANIFEST.

    What cannot be planned, and what a tombstone removes, is said there, too. The exit code is the worst of all.
    """
    from conpaas_iac.ci import bundle, planning
    from conpaas_iac.commands import several
    from conpaas_iac.runs import workers

    if manifests and since:
        raise click.UsageError("--since is of a fleet: without MANIFEST")
    folder = planning.emptied(output)
    entries: list[bundle.Entry] = []
    configured = settings.load(near=manifests[0] if manifests else Path.cwd())
    if manifests:
        names = several.named(manifests, configured, "default")
        targets = [planning.Target(name, path, "default") for name, path in names.items()]
    else:
        targets, entries = planning.of_fleet(Path(), since, None)
    planned, code = planning.made(targets, folder, workers.TOOL, configured.workers)
    entries += planned
    bundle.write(folder, _commit(), entries)
    for entry in entries:
        click.echo(f"{entry.name}: {entry.error or entry.removal or folder / entry.file}", err=bool(entry.error))
    return code or int(any(entry.error for entry in entries))


def _commit() -> str:
    return os.environ.get("GITHUB_SHA") or os.environ.get("CI_COMMIT_SHA") or ""


@command.command("comment")
@plans
@name
@label
@click.option("--print", "to_stdout", is_flag=True, help="Print it, and ask no forge.")
def comment_(paths: tuple[Path, ...], comment: str, label: str, to_stdout: bool) -> int:
    """Say plans in one comment of the pull or merge request that this job is of; the one that is there is changed.

    The token is GITHUB_TOKEN or GITLAB_TOKEN. A forge that does not answer, or refuses, is a warning: exit code 0.
    """
    from conpaas_iac.ci import bundle, verdict

    found = bundle.read(paths)
    refusals = verdict.refusals(found, (), label)
    foot = "What is merged is done exactly so, or not at all."
    foot += f" As data would be lost, that wants the label `{label}`." if refusals else ""
    text = _markdown(found, foot=foot)
    if to_stdout:
        click.echo(text, nl=False)
        return 0
    _summary(text)
    _say(comment, text, only_change=not (found.plans or found.errors or found.removals))
    return 0


def _markdown(found: "Bundle", top: str = "", foot: str = "") -> str:
    from conpaas_iac.ci import verdict
    from conpaas_iac.plans import planreading
    from conpaas_iac.views import cimarkdown

    plans = {verdict.called(each): planreading.plan_of(each.plan) for each in found.plans.values()}
    commit = f"Plan of {found.commit[:12]}. " if found.commit else ""
    return cimarkdown.comment(plans, found.errors, found.removals, top, commit + foot)


def _summary(text: str) -> None:
    """GitHub's page of the run has it, too, whatever becomes of the comment."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a") as file:
            file.write(text + "\n")


def _say(name: str, text: str, only_change: bool = False, request: int = 0) -> None:
    """Never an error: what is done does not wait for what is said."""
    from conpaas_iac.forge import found, sticky

    try:
        job = found.job(os.environ)
        if job is None:
            raise UserError("this is no job of GitHub or GitLab", "for any other forge: --print")
        number = request or job.request
        if number:
            sticky.put(job.forge, number, name, text, only_change)
            click.echo(f"{job.forge.sign}{number}: the comment is as it should be")
        else:
            click.echo("no comment: this job is of no pull or merge request")
    except UserError as error:
        _warn(f"no comment: {error.message}", error.remedy)


def _warn(text: str, remedy: str = "") -> None:
    click.echo(f"warning: {text}", err=True)
    if remedy:
        click.echo(f"  → {remedy}", err=True)


@command.command("check")
@plans
@label
def check(paths: tuple[Path, ...], label: str) -> int:
    """Fail (1) where a plan would lose data and the request has no label that agrees to it, or there is no plan.

    The verdict is the plans' own. Labels are the forge's, or, where it does not answer, those that the job began with.
    """
    from conpaas_iac.ci import bundle, verdict

    found = bundle.read(paths)
    refusals = verdict.refusals(found, (), label)
    if refusals:
        refusals = verdict.refusals(found, _labels(), label)
    for refusal in (*(f"{name}: not planned" for name in found.errors), *refusals):
        click.echo(f"error: {refusal}", err=True)
    if refusals:
        click.echo(f"  → to agree: the label {label!r}", err=True)
    if refusals or found.errors:
        return 1
    losing = verdict.losing(found)
    click.echo(f"data of {', '.join(losing)} would be lost, as the label says" if losing else "no data would be lost")
    return 0


def _labels() -> frozenset[str]:
    from conpaas_iac.forge import found

    try:
        job = found.job(os.environ)
    except UserError as error:
        _warn(f"labels are not known: {error.message}", error.remedy)
        return frozenset()
    if job is None or not job.request:
        return frozenset()
    try:
        return job.forge.labels(job.request)
    except UserError as error:
        _warn(f"labels are those that this job began with: {error.message}")
        return job.labels


@command.command("up")
@name
@label
@click.option("-o", "--output", type=DIRECTORY, default=FOLDER, show_default=True, help="Where the plans go.")
def up(comment: str, label: str, output: Path) -> int:
    """Carry out the plans that were reviewed with what this commit merged: exactly those, or none of an application.

    Where anything moved since, that application is refused and what moved is named. The exit code is the worst of all.
    """
    from conpaas_iac.ci import applying, planning
    from conpaas_iac.commands import output as shown_on
    from conpaas_iac.commands import several
    from conpaas_iac.forge import found
    from conpaas_iac.views import cimarkdown

    job = found.job(os.environ)
    if job is None:
        raise UserError("this is no job of GitHub or GitLab", "conpaas up --plan FILE does a saved plan anywhere")
    reviewed = applying.fetched(job.forge, job.sha, planning.emptied(output))
    works, withheld = applying.commands(reviewed, label), applying.withheld(reviewed, label)
    console = shown_on.console()
    if not works and not withheld:
        click.echo(f"{job.forge.sign}{reviewed.request.number}: nothing was planned, nothing is applied")
        return 0
    ended = several.side_by_side(works, settings.load(near=Path.cwd()).workers, console, "")
    for name, why in withheld.items():
        click.echo(f"{name}: {why}", err=True)
    console.print(ended.rows.summary())
    bad = {key: done.said or f"it ended with {done.code}" for key, done in ended.ends.items() if done.code}
    said = {**dict.fromkeys(works, ""), **bad, **withheld}
    text = _markdown(reviewed.bundle, top=cimarkdown.outcome(said, job.url))
    _summary(text)
    _say(comment, text, request=reviewed.request.number)
    return ended.code or int(bool(withheld))
