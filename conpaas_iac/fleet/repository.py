"""A fleet in its checkout: its file, its applications and tombstones, and which of them are meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac import catalog, clouds, settings
from conpaas_iac.backend import homes, place
from conpaas_iac.backend.homes import Home
from conpaas_iac.core.environments import title
from conpaas_iac.errors import StateError, UserError
from conpaas_iac.fleet import git, touched, units
from conpaas_iac.fleet.decisions import Found, Grave, Terms
from conpaas_iac.fleet.place import NAME
from conpaas_iac.fleet.place import found as fleet_near
from conpaas_iac.fleet.units import Unit
from conpaas_iac.manifest import fleetfile
from conpaas_iac.manifest.diagnostics import ManifestError
from conpaas_iac.manifest.fleetfile import Fleet
from conpaas_iac.settings import Settings


@dataclass(frozen=True)
class Choice:
    """Which of a fleet's applications are meant."""

    names: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    since: str = ""
    span: str = ""

    def means(self, name: str, environment: str, folder: str) -> bool:
        """By name and environment; a name may be "shop:staging", and that of the folder."""
        called = {name, folder, f"{name}:{environment}", f"{folder}:{environment}"}
        by_name = not self.names or bool(called & {*self.names})
        return by_name and (not self.environments or environment in self.environments)


@dataclass(frozen=True)
class Repository:
    """A fleet in its checkout, or that part of it that is meant."""

    fleet: Fleet
    settings: Settings
    units: tuple[Unit, ...]
    graves: tuple[Grave, ...]
    broken: tuple[Found, ...]  # tombstones that cannot be read
    everything: tuple[Unit, ...]  # also those that are not meant
    changed: frozenset[Path] | None  # files; None: all count
    choice: Choice

    def below(self, path: Path) -> str:
        """A path as the repository calls it."""
        return path.relative_to(self.fleet.folder).as_posix()


def opened(folder: Path, choice: Choice) -> Repository:
    """The fleet that a folder is in. Raises UserError, and ManifestError for what is wrong with its file."""
    path = fleet_near(folder)
    if path is None:
        raise UserError(f"{folder.absolute()} is in no fleet: there is no {NAME}", "make one: conpaas fleet init")
    fleet, said = fleetfile.read(path, catalog.load(), clouds.providers())
    if fleet is None:
        raise ManifestError(said)
    top = fleet.folder
    changed = git.since(top, choice.since) if choice.since else git.between(top, choice.span) if choice.span else None
    everything = units.found(top)
    meant = touched.touched(everything, changed, path) if changed is not None else everything
    chosen = tuple(each for each in meant if choice.means(each.name, each.environment, each.folder.name))
    graves, broken = _graves(top, choice)
    repository = Repository(fleet, settings.load(near=path), chosen, graves, broken, everything, changed, choice)
    _refuse_unknown(repository)
    return repository


def _graves(top: Path, choice: Choice) -> tuple[tuple[Grave, ...], tuple[Found, ...]]:
    graves, broken = [], []
    for path in units.tombstones(top):
        where = path.relative_to(top).as_posix()
        stone, said = fleetfile.tombstone(path)
        if stone is None:
            broken.append(Found(path.parent.name, "default", where, code=1, error=ManifestError(said).message))
            continue
        graves += [
            Grave(stone.application, environment, where, stone.by, stone.why, stone.may_lose)
            for environment in stone.environments
            if choice.means(stone.application, environment, path.parent.name)
        ]
    return tuple(graves), tuple(broken)


def _refuse_unknown(repository: Repository) -> None:
    """A name that is nobody's is a slip."""
    known = {title(each.name, each.environment) for each in repository.everything}
    known |= {name for each in repository.everything for name in (each.name, each.folder.name)}
    known |= {f"{each.folder.name}:{each.environment}" for each in repository.everything}
    known |= {title(each.name, each.environment) for each in repository.graves}
    known |= {each.name for each in repository.graves}
    if missing := sorted({*repository.choice.names} - known - {key[0] for key in homes_of(repository.settings)}):
        raise UserError(f"no application {missing[0]!r} in this fleet", f"its applications: {', '.join(sorted(known))}")


def homes_of(settings: Settings) -> dict[tuple[str, str], Home | None]:
    """The fleet of every application of the backend; one whose record cannot be used belongs to nobody."""
    found: dict[tuple[str, str], Home | None] = {}
    for stack, placed in place.stacks(settings).items():
        try:
            found[place.of_stack(stack)] = homes.remembered(place.shelf(placed), stack)
        except StateError:
            found[place.of_stack(stack)] = None
    return found


def terms(repository: Repository, approved: str, may_lose: Iterable[str]) -> Terms:
    """Policy and approvals; raises UserError for a loss that names no application of the fleet."""
    losses: dict[tuple[str, str], set[str]] = {}
    for written in may_lose:
        application, slash, service = written.partition("/")
        name, _, environment = application.partition(":")
        if not slash or not service:
            raise UserError(f"--allow-data-loss {written}: whose service is it?", "APPLICATION[:ENVIRONMENT]/SERVICE")
        losses.setdefault((name, environment or "default"), set()).add(service)
    limits = dict(repository.fleet.environments)
    danger = next((each for each in ("safe", "restart", "downtime") if each == approved), None)
    allowed = {key: frozenset(services) for key, services in losses.items()}
    return Terms(repository.fleet.id, limits, repository.fleet.apply, danger, allowed)
