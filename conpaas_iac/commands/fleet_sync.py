"""conpaas fleet sync: follow a repository, and make what it says."""

import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conpaas_iac import settings
from conpaas_iac.commands import fleet_options as given
from conpaas_iac.errors import UserError

if TYPE_CHECKING:
    from conpaas_iac.runs.events import Event
    from conpaas_iac.sync.statuses import Statuses

STATUS_SECONDS = 30.0  # for the last statuses, at the end
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(_: click.Context, __: click.Parameter, value: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", value)
    if not match or not (found := float(match[1]) * UNITS[match[2]]):
        raise click.BadParameter(f"{value!r} is no time: 30s, 5m, 1h")
    return found


@click.command("sync")
@click.argument("repository", default="", metavar="[REPOSITORY]")
@given.folder
@click.option("--branch", default="", help="Which one; without it that of the checkout here, or main.")
@click.option("--interval", default="30s", show_default=True, callback=_seconds, help="Between two looks: 30s, 5m.")
@click.option("--once", is_flag=True, help="Look once, try everything once, and end: for a scheduled job.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Keep how all is, as JSON."
)
@click.option("--unit", is_flag=True, help="Print a systemd unit that does this, and end.")
@given.parallel
def command(
    repository: str, branch: str, interval: float, once: bool, report: Path | None, unit: bool, parallel: int | None
) -> int:
    """Follow the branch of a fleet's REPOSITORY: what its commits change is made so, within the fleet's policy.

    What is more dangerous waits for a commit whose message ends with `Approve: shop downtime`, or `Approve: shop data
    loss db`. A newer commit supersedes what waits, and what runs at its next safe point. An application that fails is
    tried again; none holds up another. Of several that follow the same fleet one acts, the others stand by.

    Without REPOSITORY: where the checkout here comes from. Lock files are in Git, none is written.
    """
    from conpaas_iac.backend import holding
    from conpaas_iac.runs import workers
    from conpaas_iac.sync import beginning, making, mirror
    from conpaas_iac.sync.following import Follower
    from conpaas_iac.sync.reports import File, Lines, Together
    from conpaas_iac.system import git

    url, branch = _origin(repository, branch)
    if repository or unit:  # that of a checkout may have one, as CI systems give it: it is shown nowhere
        git.refuse_secret(url)
    if unit:
        click.echo(_unit(url, branch, interval, report, parallel), nl=False)
        return 0
    place = mirror.mirror(url, branch, settings.load().state)
    fleet = beginning.first(place, interval, once, _say)
    at_once = parallel or fleet.settings.workers
    runs = workers.Workers(workers.TOOL, at_once, lambda *_: None)
    statuses = _statuses(url)
    reporter = Together([Lines(_say), *([File(report, _say)] if report else []), *([statuses] if statuses else [])])
    follower = Follower(place, runs, at_once, making.Runs(), making.touched, reporter)
    patience = 0.0 if once else float("inf")
    with holding.held(beginning.lessee(fleet), f"fleet {fleet.fleet.id}", patience, _listen) as turn:
        _say(f"{fleet.fleet.id}: following {git.masked(url)}, branch {branch}" + f", every {interval:g} s" * (not once))
        try:
            return follower.follow(turn, interval, once)
        finally:
            if statuses:
                statuses.end(STATUS_SECONDS)


def _origin(repository: str, branch: str) -> tuple[str, str]:
    """What is followed: what was said, or where the checkout here comes from."""
    from conpaas_iac.system import git

    here = git.checkout(Path("here"))
    if not repository:
        if here is None:
            raise UserError("which repository? There is no checkout here", "conpaas fleet sync REPOSITORY")
        try:
            repository = here.run("remote", "get-url", "origin")
            repository = str(here.root / repository) if (here.root / repository).is_dir() else repository
        except git.GitError as error:
            remedy = "conpaas fleet sync REPOSITORY; a path is one, too"
            raise UserError(f"{here.root} has no remote repository `origin`", remedy) from error
        branch = branch or here.run("branch", "--show-current")
    return str(Path(repository).resolve()) if Path(repository).is_dir() else repository, branch or "main"


def _statuses(url: str) -> "Statuses | None":
    """On the repository's forge, where there is a token for it."""
    from conpaas_iac.forge import found
    from conpaas_iac.sync.statuses import Statuses

    forge = found.of_remote(url, os.environ)
    return Statuses(forge, _say) if forge else None


def _unit(url: str, branch: str, interval: float, report: Path | None, parallel: int | None) -> str:
    from conpaas_iac.sync import unit

    tool = shutil.which(sys.argv[0]) or str(Path(sys.executable).with_name("conpaas"))
    words = [tool, "fleet", "sync", url, "--branch", branch, "--interval", f"{interval:g}s"]
    words += ["--report", str(report.resolve())] if report else []
    words += ["--parallel", str(parallel)] if parallel else []
    return unit.text(url, words)


def _listen(event: "Event") -> None:
    if event.text:
        _say(event.text)


def _say(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {text}")
