"""Everything about an application that is known before the world is asked: manifest, lock, topology, trees."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from conpaas_iac import addresses, catalog, code, lockfile, render, topology
from conpaas_iac.addresses import Lock
from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.host.route import read_routes
from conpaas_iac.manifest.diagnostics import Diagnostic, ManifestError
from conpaas_iac.manifest.model import Archive, Manifest
from conpaas_iac.manifest.read import read
from conpaas_iac.render import Tree
from conpaas_iac.settings import Settings
from conpaas_iac.topology import Topology


@dataclass(frozen=True)
class Wish:
    """What the user asked for, worked out. `archives` is service -> code archive on this machine, "" unfetched."""

    manifest: Manifest
    environment: str
    types: Catalog
    lock: Lock
    lock_path: Path
    topology: Topology
    trees: Mapping[str, Tree]
    archives: Mapping[str, Path]
    diagnostics: tuple[Diagnostic, ...]  # warnings and notes of the manifest
    notes: tuple[str, ...]

    @property
    def application(self) -> str:
        """Its name."""
        return self.manifest.application


@dataclass(frozen=True)
class Request:
    """Which application, and how strictly: `locked` forbids writing the lock file, `fetch` allows the network."""

    manifest: Path
    environment: str = "default"
    locked: bool = False
    fetch: bool = True


def is_locked(asked: bool) -> bool:
    """CI never writes a lock file."""
    return asked or bool(os.environ.get("CI"))


def build(
    request: Request,
    settings: Settings,
    used: Callable[[], Iterable[IPv4Network]] = tuple,
    held: Callable[[str], frozenset[str]] = lambda application: frozenset(),
) -> Wish:
    """Work the request out; writes the lock file when something new needs a place in it and it may.

    `used` gives the ranges of other applications, `held` the services of an application that `conpaas stop` holds.
    Raises ManifestError, or UserError.
    """
    types = catalog.load()
    reading = read(request.manifest, types, settings.default_cloud)
    if reading.manifest is None:
        raise ManifestError(reading.diagnostics)
    manifest = reading.manifest
    path = lockfile.path_of(request.manifest, request.environment)
    before = lockfile.read(path)
    lock = _with_blocks(before, manifest, request, settings, used)
    lock, archives, notes = _with_code(lock, manifest, request, settings)
    if lock != before:
        _save(path, before, lock, request)
    versions = {name: pin["Version"] for name, pin in lock.code.items() if name in {s.name for s in manifest.services}}
    layout = topology.build(_held(manifest, held(manifest.application)), request.environment, types, lock, versions)
    trees = render.trees(layout, types, catalog.load_internal())
    return Wish(
        manifest, request.environment, types, lock, path, layout, trees, archives, reading.diagnostics, tuple(notes)
    )


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
        before = Lock(*identity, manifest.range or _new_range(identity, settings, used()))
    elif manifest.range and manifest.range != before.range:
        raise UserError(
            f"the manifest asks for the range {manifest.range}, the lock file holds {before.range}",
            "addresses of running machines do not move: keep the range, or `conpaas down` and remove the lock file",
        )
    renamed = {service.name: service.renamed_from for service in manifest.services if service.renamed_from}
    return addresses.allocate(before, (service.name for service in manifest.services), renamed)


def _new_range(identity: tuple[str, str], settings: Settings, used: Iterable[IPv4Network]) -> IPv4Network:
    pool = IPv4Network(settings.address_pool)
    routes = (route.network for route in read_routes() if route.network.prefixlen and route.kind == "unicast")
    taken = [*used, *routes, IPv4Network(settings.lxd_bridge_range)]
    return addresses.choose_range(lockfile.seed(*identity), pool, taken)


def _with_code(
    lock: Lock, manifest: Manifest, request: Request, settings: Settings
) -> tuple[Lock, dict[str, Path], list[str]]:
    """Pins of every service's code. What is not pinned yet is fetched where that is allowed, else noted."""
    pins, archives, notes = dict(lock.code), {}, []
    for service in manifest.services:
        if service.archive is None:
            pins.pop(service.name, None)
            continue
        pin = pins.get(service.name, {})
        source = _source(service.archive, request.manifest)
        pinned = pin.get("Version", "") if pin.get("Source") == source else ""
        is_local = service.archive.kind == "file"
        if request.fetch or is_local:
            # A file beside the manifest is the user's own: when it changes, that is the new version.
            fetched = code.fetch(service.archive, settings.cache / "code", "" if is_local else pinned)
            pins[service.name] = {"Source": source, "Version": fetched.version}
            archives[service.name] = fetched.archive
        elif not pinned:
            pins.pop(service.name, None)
            notes.append(f"code of {service.name}: known after fetch ({service.archive.location})")
    return replace(lock, code=pins), archives, notes


def _source(archive: Archive, manifest: Path) -> str:
    """As the lock file says it: files relative to the manifest, for both are in Git."""
    if archive.kind == "file":
        return Path(os.path.relpath(archive.location, manifest.parent.resolve())).as_posix()
    return code.source(archive)


def _save(path: Path, before: Lock | None, lock: Lock, request: Request) -> None:
    if not request.locked:
        lockfile.write(path, lock)
        return
    if before is None:
        raise UserError(f"there is no lock file {path}", f"conpaas lock {request.manifest}")
    new = sorted(set(lock.blocks) - set(before.blocks))
    what = f"no addresses for {', '.join(new)}" if new else "other code than it pins"
    raise UserError(f"{path} has {what}, and may not be written here", f"conpaas lock {request.manifest}")
