"""Everything about an application that is known before the world is asked: manifest, lock, topology, trees."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

from conpaas_iac import catalog, clouds
from conpaas_iac.backend import homes, lockfile
from conpaas_iac.backend.homes import Home
from conpaas_iac.catalog import Catalog
from conpaas_iac.clouds import Reach
from conpaas_iac.core import addresses, render, topology
from conpaas_iac.core.addresses import Lock
from conpaas_iac.core.placeholders import Versions
from conpaas_iac.core.render import Tree
from conpaas_iac.core.topology import Topology
from conpaas_iac.errors import UserError
from conpaas_iac.host.route import overlapping, read_routes
from conpaas_iac.manifest.diagnostics import Diagnostic, ManifestError
from conpaas_iac.manifest.model import Manifest
from conpaas_iac.manifest.read import read
from conpaas_iac.network.standing import Standings, refuse_apart
from conpaas_iac.plans import prices
from conpaas_iac.plans.plan import Danger
from conpaas_iac.plans.prices import Prices
from conpaas_iac.settings import Settings
from conpaas_iac.sources import code
from conpaas_iac.sources.inspected import Inspector
from conpaas_iac.usecases import pins
from conpaas_iac.usecases.pins import Uploaded


@dataclass(frozen=True)
class Wish:
    """What the user asked for, worked out. `archives` is service -> code archive on this machine, once fetched."""

    manifest: Manifest
    environment: str
    types: Catalog
    lock: Lock
    lock_path: Path
    topology: Topology
    trees: Mapping[str, Tree]
    archives: Mapping[str, Path]
    scripts: Mapping[str, Path]  # service -> startup script on this machine
    seeds: Mapping[str, Path]  # service -> what its empty data begins with (Dump, resume), on this machine
    diagnostics: tuple[Diagnostic, ...]  # warnings and notes of the manifest
    notes: tuple[str, ...]
    now: datetime
    replaced: frozenset[str] = frozenset()  # machines to be made anew
    operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # cloud -> where SSH comes from
    every: bool = False  # machines that are as they should be are visited, too
    standings: Standings = field(default_factory=dict)  # of the clouds that it knows
    prices: Prices = field(default_factory=prices.load)
    home: Home | None = None  # the fleet that its manifest is of
    internal: Catalog = field(default_factory=catalog.load_internal)  # what machines of every type get

    @property
    def application(self) -> str:
        """Its name."""
        return self.manifest.application

    def with_secrets(self, versions: Mapping[str, Versions]) -> "Wish":
        """The same with these versions of secrets."""
        trees = self.trees
        for name, each in versions.items():
            trees = {node: tree.with_secret(name, each) for node, tree in trees.items()}
        secrets = {**self.topology.secrets, **versions}
        return replace(self, topology=replace(self.topology, secrets=secrets), trees=trees)


@dataclass(frozen=True)
class Request:
    """Which application, and how strictly.

    `locked`: what the lock file lacks is an error. `dry`: nothing is written and the network is not used.
    """

    manifest: Path
    environment: str = "default"
    locked: bool = False
    dry: bool = False
    replaced: frozenset[str] = frozenset()  # machines to be made anew
    may_lose: frozenset[str] = frozenset()  # services whose data may be lost
    every: bool = False  # machines that are as they should be are visited, too
    within: Danger = "data loss"  # nothing is done where the plan is more dangerous
    now: datetime = field(default_factory=lambda: datetime.now(UTC))  # certificates have lifetimes


@dataclass(frozen=True)
class Known:
    """What the backend knows of an application."""

    held: frozenset[str] = frozenset()  # services that `conpaas stop` holds
    secrets: Mapping[str, Versions] = field(default_factory=dict)  # those that have a value
    secret_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # service -> its type's name -> secret
    founded: frozenset[str] = frozenset()  # services whose data is there
    lock: Lock | None = None  # the one that its machines were made with: a lock file that was lost comes back from it
    versions: Uploaded | None = None


def is_locked(asked: bool) -> bool:
    """CI never writes a lock file."""
    return asked or bool(os.environ.get("CI"))


def build(
    request: Request,
    settings: Settings,
    used: Callable[[], Iterable[IPv4Network]] = tuple,
    known: Callable[[str], Known] = lambda application: Known(),
) -> Wish:
    """Work the request out; writes the lock file when something new needs a place in it and it may.

    `used` gives the ranges of other applications, `known` what is known of the application of that name.
    Raises ManifestError, or UserError.
    """
    types, internal = catalog.load(), catalog.load_internal()
    costs, inspect = prices.load(settings.prices), Inspector(settings.cache)

    def uploaded(application: str, service: str) -> tuple[str, ...]:
        versions = known(application).versions
        return versions(service).names() if versions else ()

    about = (types, clouds.providers(), settings.default_cloud, inspect, costs.currencies, request.environment)
    reading = read(request.manifest, *about, uploaded)
    if reading.manifest is None:
        raise ManifestError(reading.diagnostics)
    manifest = reading.manifest
    path = lockfile.path_of(request.manifest, request.environment)
    before = lockfile.read(path)
    there = known(manifest.application)
    lock = _with_blocks(before or there.lock, manifest, request, settings, used)
    lock, codes, notes = pins.with_code(lock, manifest, settings.cache / "code", there.versions, request.dry)
    if lock != before:
        _refuse_if_locked(path, before, lock, request)
    versions = {name: each.version for name, each in codes.items()}
    archives = {name: each.archive for name, each in codes.items()}
    if there.held:
        notes.append(f"held by `conpaas stop`: {', '.join(sorted(there.held))}; again with `conpaas start`")
    secrets = (there.secrets, there.secret_names)
    layout = topology.build(_held(manifest, there.held), request.environment, types, lock, versions, *secrets)
    reach = Reach(layout.places, settings)
    for node in layout.nodes:
        reach[node.cloud].machine_name(layout.application, layout.environment, node.name)
    refuse_apart(layout, reach.standings())
    operators = {name: cloud.operators() for name, cloud in reach.each(layout.places)}
    trees = render.trees(layout, types, internal, operators)
    if lock != before and not request.dry:
        lockfile.write(path, lock)  # what does not fit leaves no lock file in the way of the next attempt
    locations = {each.name: each.startup_script for each in manifest.services}
    scripts = {} if request.dry else code.fetched(locations, settings.cache)
    empty = {each.name: each.seed for each in manifest.services if each.name not in there.founded}
    seeds = {} if request.dry else code.fetched(empty, settings.cache)
    said = (reading.diagnostics, tuple(notes), request.now, request.replaced, operators, request.every)
    made = (manifest, request.environment, types, lock, path, layout, trees, archives, scripts, seeds)
    home = homes.of_manifest(request.manifest)
    return Wish(*made, *said, standings=reach.standings(), prices=costs, home=home, internal=internal)


def _held(manifest: Manifest, held: frozenset[str]) -> Manifest:
    """Services that `conpaas stop` holds are as if the manifest said "Start": 0."""
    services = tuple(replace(each, start=each.start and each.name not in held) for each in manifest.services)
    return replace(manifest, services=services)


def _with_blocks(
    before: Lock | None,
    manifest: Manifest,
    request: Request,
    settings: Settings,
    used: Callable[[], Iterable[IPv4Network]],
) -> Lock:
    identity = (manifest.application, request.environment)
    if before is not None and (before.application, before.environment) != identity:
        raise UserError(
            f"the lock file is of application {before.application!r} ({before.environment}), "
            f"the manifest of {manifest.application!r} ({request.environment})",
            "give the manifest its former Application name, or remove the lock file to begin a new application",
        )
    if before is None:
        own = [IPv4Network(place.settings["Range"]) for place in manifest.clouds.values() if "Range" in place.settings]
        free = _asked_range(manifest.range, settings) or _new_range(identity, settings, [*own, *used()])
        before = Lock(*identity, free)
    elif manifest.range and manifest.range != before.range:
        raise UserError(
            f"the manifest asks for the range {manifest.range}, the lock file holds {before.range}",
            "addresses of running machines do not move: keep the range, or `conpaas down` and remove the lock file",
        )
    renamed = {service.name: service.renamed_from for service in manifest.services if service.renamed_from}
    return addresses.allocate(before, (service.name for service in manifest.services), renamed)


def _asked_range(asked: IPv4Network | None, settings: Settings) -> IPv4Network | None:
    """The manifest's own range; other applications may have the same, their networks never meet."""
    bridge = IPv4Network(settings.lxd_bridge_range)
    if asked and asked.overlaps(bridge):
        raise UserError(
            f"the manifest's range {asked} overlaps {bridge}, where LXD's machines have their provider addresses",
            'choose another "Range", or none: then a free one is found',
        )
    if asked and (near := overlapping(asked, read_routes())):
        raise UserError(
            f"the manifest's range {asked} overlaps {near[0]}, which this machine has a route to",
            'choose another "Range", or none: then a free one is found',
        )
    return asked


def _new_range(identity: tuple[str, str], settings: Settings, used: Iterable[IPv4Network]) -> IPv4Network:
    pool = IPv4Network(settings.address_pool)
    routes = (route.network for route in overlapping(pool, read_routes()))
    taken = [*used, *routes, IPv4Network(settings.lxd_bridge_range)]
    return addresses.choose_range(lockfile.seed(*identity), pool, taken)


def _refuse_if_locked(path: Path, before: Lock | None, lock: Lock, request: Request) -> None:
    if not request.locked:
        return
    if before is None:
        raise UserError(f"there is no lock file {path}", f"conpaas lock {request.manifest}")
    new = sorted(set(lock.blocks) - set(before.blocks))
    what = f"no addresses for {', '.join(new)}" if new else "other code than the manifest asks for"
    raise UserError(f"{path} has {what}, and may not be written here", f"conpaas lock {request.manifest}")
