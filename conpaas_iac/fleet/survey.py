"""A fleet beside its backend: the plan of every application, what is lost from it, and what is done about each."""

import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from conpaas_iac.backend import place, record
from conpaas_iac.backend.homes import Home
from conpaas_iac.core.environments import title
from conpaas_iac.errors import ConpaasError
from conpaas_iac.fleet import approvals, touched
from conpaas_iac.fleet.approvals import Approval
from conpaas_iac.fleet.decisions import Decision, Found, Grave, Lost, Terms, decided
from conpaas_iac.fleet.place import NAME
from conpaas_iac.fleet.repository import Repository, homes_of
from conpaas_iac.fleet.units import Unit
from conpaas_iac.plans import plandocument
from conpaas_iac.plans.plan import Plan
from conpaas_iac.settings import Settings
from conpaas_iac.system.beside import in_processes
from conpaas_iac.system.files import near
from conpaas_iac.usecases import inspection, prospect
from conpaas_iac.usecases.wish import Request, is_locked
from conpaas_iac.views.status import ApplicationStatus


@dataclass(frozen=True)
class Surveyed:
    """All that was found, and what is done with it."""

    fleet: str
    decisions: tuple[Decision, ...]
    plans: Mapping[tuple[str, str], Plan]


def surveyed(repository: Repository, terms: Terms, parallel: int, locked: bool = False) -> Surveyed:
    """Plan all of it, and decide."""
    looked = in_processes(_Look(repository.settings, repository.fleet.folder, locked), repository.units, parallel)
    there = homes_of(repository.settings)
    found = (*(each for each, _ in looked), *repository.broken)
    known = {key: home.fleet if home else "" for key, home in there.items()}
    lost, graves = _lost(repository, there), _graves_touched(repository)
    decisions = decided(found, lost, graves, known, terms)
    if waiting := {each.key for each in decisions if each.what == "wait"}:
        terms = terms.with_approvals(_approvals(repository, waiting))
        decisions = decided(found, lost, graves, known, terms)
    plans = {(each.name, each.environment): plan for each, plan in looked if plan}
    return Surveyed(repository.fleet.id, decisions, plans)


def _approvals(repository: Repository, keys: Collection[tuple[str, str]]) -> Iterator[Approval]:
    """Those of commits since each application's last change."""
    for unit in repository.units:
        if (unit.name, unit.environment) in keys:
            paths = (repository.fleet.folder / NAME, unit.folder, *(touched.referred(unit) or ()))
            given = approvals.given(repository.fleet.folder, map(str, paths))
            yield from (each for each in given if each.key == (unit.name, unit.environment))


def meant(repository: Repository) -> tuple[str, ...]:
    """The titles of all that is planned: applications, lost ones, those that tombstones name."""
    named = [
        *(unit.title for unit in repository.units),
        *(title(lost.name, lost.environment) for lost in _lost(repository, homes_of(repository.settings))),
        *(title(grave.name, grave.environment) for grave in _graves_touched(repository)),
    ]
    return tuple(dict.fromkeys(named))


def _lost(repository: Repository, there: Mapping[tuple[str, str], Home | None]) -> list[Lost]:
    """What the backend knows of this fleet, and no folder is of."""
    keys = {(each.name, each.environment) for each in repository.everything}
    places = {(repository.below(each.manifest), each.environment) for each in repository.everything if _unread(each)}
    lost = []
    for (name, environment), home in there.items():
        if home is None or home.fleet != repository.fleet.id or (name, environment) in keys:
            continue
        folder = repository.fleet.folder / Path(home.path).parts[0] / Path(home.path).parts[1]
        if (home.path, environment) in places or not repository.choice.means(name, environment, folder.name):
            continue
        changed = repository.changed
        if changed is None or any(path.is_relative_to(folder) for path in changed):
            placed = place.placed(repository.settings, place.stack_name(name, environment))
            nodes = record.read(place.shelf(placed), place.stack_name(name, environment)).nodes
            lost.append(Lost(name, environment, home.path, len(nodes)))
    return lost


def _unread(unit: Unit) -> bool:
    """Its file does not say which application it is."""
    return touched.referred(unit) is None


def _graves_touched(repository: Repository) -> tuple[Grave, ...]:
    changed = repository.changed
    if changed is None:
        return repository.graves
    tops = {(repository.fleet.folder / each.path).parent for each in repository.graves}
    near_by = {folder for folder in tops if any(path.is_relative_to(folder) for path in changed)}
    return tuple(each for each in repository.graves if (repository.fleet.folder / each.path).parent in near_by)


@dataclass(frozen=True)
class _Look:
    """Plans one application; whatever is wrong with it is its own."""

    settings: Settings
    top: Path
    locked: bool

    def __call__(self, unit: Unit) -> tuple[Found, Plan | None]:
        begun = Found(unit.name, unit.environment, unit.manifest.relative_to(self.top).as_posix())
        try:
            request = Request(near(unit.manifest), unit.environment, locked=is_locked(self.locked), dry=True)
            now, _ = prospect.survey(request, self.settings)
            plan = prospect.plan_of(now)
            if plan.cost:
                plan.cost.refuse(plan.application)
        except ConpaasError as error:
            said = f"{error.message}\n{error.remedy}".strip()
            return replace(begun, code=error.exit_code, error=said), None
        except Exception:  # a bug; the others are planned all the same
            return replace(begun, code=70, error=traceback.format_exc()), None
        seen = replace(begun, name=plan.application, is_empty=plan.is_empty, danger=plan.danger, counts=counts(plan))
        home = now.record.home.fleet if now.record.home else ""
        return replace(seen, losses=dict(plan.losses), home=home, summary=plandocument.summary(plan)), plan


def counts(plan: Plan) -> dict[str, int]:
    """How many machines meet what."""
    return {
        "add": plan.count("add", "replace"),
        "change": plan.count("change", "wake", "rest"),
        "remove": plan.count("remove", "replace"),
        "move": plan.count("move"),
        "unchanged": plan.unchanged,
    }


def statuses(repository: Repository, parallel: int) -> tuple[tuple[Unit, ApplicationStatus | str], ...]:
    """How each application is, or why that cannot be said."""
    looked = in_processes(_Status(repository.settings), repository.units, parallel)
    return tuple(zip(repository.units, looked, strict=True))


@dataclass(frozen=True)
class _Status:
    settings: Settings

    def __call__(self, unit: Unit) -> ApplicationStatus | str:
        try:
            return inspection.status_of(unit.name, unit.environment, self.settings, "")
        except ConpaasError as error:
            return error.message
