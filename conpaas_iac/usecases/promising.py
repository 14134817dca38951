"""What a saved plan is made from, gathered: every input by name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from conpaas_iac import __version__, shipped
from conpaas_iac.backend import holder, lockfile, place, record
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import UserError
from conpaas_iac.fleet import place as fleet
from conpaas_iac.manifest import layers
from conpaas_iac.plans import inputs, promise
from conpaas_iac.plans.plan import Plan
from conpaas_iac.plans.plandocument import document
from conpaas_iac.plans.promise import MANIFEST, OVERLAY, STATE, TOOL, VERSION, Promise
from conpaas_iac.runs import stream
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import digest_of
from conpaas_iac.usecases import prospect
from conpaas_iac.usecases.wish import Wish

SETTINGS = (
    "default_cloud",
    "secrets_provider",
    "lxd_project",
    "lxd_pool",
    "lxd_bridge",
    "lxd_bridge_range",
    "address_pool",
)


def made(wanted: Wish, engine: Engine | None, settings: Settings, plan: Plan) -> Promise:
    """The promise of a plan; raises UserError where what it needs is known only later."""
    unknown = [each.name for each in wanted.manifest.services if each.archive and not _code(wanted, each.name)]
    if unknown:
        raise UserError(
            f"the code of {', '.join(unknown)} has no version yet, so this plan cannot be kept to",
            f"conpaas lock {wanted.manifest.path}",
        )
    return Promise(
        VERSION,
        wanted.application,
        wanted.environment,
        str(wanted.manifest.path),
        stream.now(),
        holder.who(),
        __version__,
        dict(gathered(wanted, engine, settings)),
        prospect.table(wanted),
        document(plan),
    )


@dataclass(frozen=True)
class Saved:
    """A promise, and the file that holds it."""

    path: Path
    promise: Promise

    def refuse_moved(self, wanted: Wish, engine: Engine | None, settings: Settings) -> None:
        """Raises UserError where it is another application's, or an input is not as it was."""
        promise.refuse_other(self.promise, wanted.application, wanted.environment, self.path)
        asked = inputs.differing(self.promise.asked, prospect.table(wanted))
        promise.refuse_moved(self.promise, dict(gathered(wanted, engine, settings)), asked, self.path)

    def refuse_another(self, plan: Plan) -> None:
        """Raises UserError where the same inputs lead to another plan: the world, or the time, is another one."""
        promise.refuse_another(self.promise, document(plan), self.path)


def gathered(wanted: Wish, engine: Engine | None, settings: Settings) -> Iterator[tuple[str, str]]:
    """(name, digest or value) of each input."""
    manifest = wanted.manifest
    yield TOOL, f"{__version__} {_folder('playbooks')[:12]}"
    yield "the backend", place.whole(settings).backend_url
    yield MANIFEST, _text(manifest.path)
    if overlay := layers.overlay_of(manifest.path, wanted.environment):
        yield OVERLAY, _text(overlay)
    if fleet.found(manifest.path):
        places = {name: (each.provider, each.settings) for name, each in manifest.clouds.items()}
        said = json.dumps([wanted.home and wanted.home.fleet, places], sort_keys=True, default=str)
        yield fleet.NAME, digest_of(said.encode())
    yield "the lock file", digest_of(lockfile.encode(replace(wanted.lock, code={})))
    for name, kind in sorted({**wanted.types, **wanted.internal}.items()):
        if kind.is_internal or name in {service.type for service in manifest.services}:
            yield f"role {name}", digest_of(kind.digest.encode())
    for name in SETTINGS:
        yield f"setting {name}", str(getattr(settings, name))
    for cloud, ranges in sorted(wanted.operators.items()):
        yield f"where SSH to {cloud} comes from", ", ".join(ranges)
    if manifest.budget:
        yield "the prices", digest_of(repr(wanted.prices).encode())
    for service in manifest.services:
        if code := _code(wanted, service.name):
            yield f"code of {service.name}", code[:12]
        seeds = (("dump", service.dump), ("snapshot", service.resume))
        for what, location in (("startup script", service.startup_script), *seeds):
            if location:
                yield f"{what} of {service.name}", _content(location)
    yield STATE, digest_of(b"".join(_state(engine)))


def _text(path: Path) -> str:
    return digest_of(path.read_bytes().replace(b"\r\n", b"\n"))


def _code(wanted: Wish, service: str) -> str:
    return wanted.topology.service(service).code


def _content(location: str) -> str:
    """What an address gives is known when it is fetched."""
    return location if "://" in location else digest_of(Path(location).read_bytes())


def _state(engine: Engine | None) -> Iterator[bytes]:
    """What the checkpoint and the record say that matters to an `up`."""
    if engine is not None:
        yield msgspec.json.encode(replace(engine.applied(), ips={}), order="deterministic")
        yield msgspec.json.encode(record.read(engine.shelf, engine.name), order="deterministic")


def _folder(name: str) -> str:
    paths = (path for path in sorted(shipped.folder(name).rglob("*")) if path.is_file() and path.suffix != ".pyc")
    return digest_of(b"".join(path.name.encode() + b"\0" + path.read_bytes() for path in paths)).removeprefix("sha256:")
