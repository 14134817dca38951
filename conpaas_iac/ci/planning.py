"""Saved plans of a fleet's applications, side by side: each by the verb `plan` in a process of its own."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.ci.bundle import Entry
from conpaas_iac.core.environments import title
from conpaas_iac.core.ordering import count
from conpaas_iac.errors import UserError
from conpaas_iac.fleet import repository as checkout
from conpaas_iac.fleet import survey
from conpaas_iac.fleet.decisions import Decision
from conpaas_iac.fleet.repository import Choice
from conpaas_iac.runs.workers import Done, Workers, worst
from conpaas_iac.system.files import near, private_folder

MORE = ("--locked", "--format", "json")


@dataclass(frozen=True)
class Target:
    """An application in an environment, by its title."""

    name: str
    manifest: Path
    environment: str

    @property
    def file(self) -> str:
        """Of its plan."""
        return f"{re.sub(r'[^A-Za-z0-9-]+', '.', self.name).strip('.')}.plan"


def of_fleet(folder: Path, since: str, parallel: int | None) -> tuple[list[Target], list[Entry]]:
    """What of the fleet around a folder differs since a revision: what is to be planned, what goes, what is refused."""
    repository = checkout.opened(folder, Choice(since=since))
    terms = checkout.terms(repository, "", ())
    found = survey.surveyed(repository, terms, parallel or repository.settings.workers, locked=True)
    top = repository.fleet.folder
    planned = [each for each in found.decisions if each.what in ("apply", "wait") or _is_live(each, repository)]
    targets = [Target(title(*each.key), near(top / each.manifest), each.environment) for each in planned]
    return targets, [_said(each) for each in found.decisions if each.what in ("remove", "refuse")]


def _is_live(decision: Decision, repository: checkout.Repository) -> bool:
    """As it is, and not because it is removed already."""
    manifests = {repository.below(each.manifest) for each in repository.units}
    return decision.what == "as it is" and decision.manifest in manifests


def _said(decision: Decision) -> Entry:
    name = title(*decision.key)
    if decision.what == "refuse":
        return Entry(name, decision.manifest, error=f"{decision.why}\n{decision.remedy}".strip())
    machines = count(decision.counts.get("remove", 0), "machine")
    return Entry(name, decision.manifest, removal=f"{machines}; {decision.why}")


def emptied(folder: Path) -> Path:
    """The folder, without plans of before; raises UserError where it holds anything else."""
    private_folder(folder.absolute())
    there = [path for path in folder.iterdir() if not path.name.startswith(".")]
    if strange := [path for path in there if path.suffix not in (".plan", ".json")]:
        raise UserError(f"{folder} holds what is no plan: {strange[0].name}", "name another folder")
    for path in there:
        path.unlink()
    return folder


def made(targets: Iterable[Target], folder: Path, tool: Sequence[str], parallel: int) -> tuple[list[Entry], int]:
    """What became of each, and the worst exit code."""
    by_file = {each.file: each for each in targets}
    works = {
        name: ("plan", str(each.manifest), "-e", each.environment, *MORE, "-o", str(folder / name))
        for name, each in by_file.items()
    }
    ends = Workers(tool, parallel, lambda *_: None).run(works)
    entries = [_entry(by_file[name], name, done) for name, done in ends.items()]
    return entries, worst([done.code for done in ends.values()] or [0])


def _entry(target: Target, name: str, done: Done) -> Entry:
    if done.code:
        return Entry(target.name, str(target.manifest), error=done.said.strip() or f"it ended with {done.code}")
    return Entry(target.name, str(target.manifest), name)
