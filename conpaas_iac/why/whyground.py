"""What `conpaas why` answers from: a manifest, or an application as it was last made from one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac import catalog, clouds
from conpaas_iac.backend import lockfile, record
from conpaas_iac.backend.record import Join, Origin, Record
from conpaas_iac.catalog import Catalog
from conpaas_iac.core import topology
from conpaas_iac.core.render import Tree
from conpaas_iac.core.topology import Topology
from conpaas_iac.engine.engine import Engine
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.layers import path_of
from conpaas_iac.manifest.loading import load
from conpaas_iac.manifest.model import Manifest
from conpaas_iac.manifest.read import read, remembered
from conpaas_iac.manifest.reader import parse
from conpaas_iac.manifest.source import Source
from conpaas_iac.settings import Settings
from conpaas_iac.system.files import near
from conpaas_iac.usecases.situation import wish_of
from conpaas_iac.usecases.wish import Request


@dataclass(frozen=True)
class Ground:
    """One application, as it is said to be."""

    manifest: Manifest
    topology: Topology
    types: Catalog
    internal: Catalog
    trees: Mapping[str, Tree]
    lock: Path  # its lock file, which may not be here
    settings: Settings
    ips: Mapping[str, str]  # node -> address on the provider's network, where known
    joins: tuple[Join, ...] = ()  # machines that operators let in

    def where(self, *pointers: str) -> str:
        """The place of the first of these that the manifest has: "manifest.json:12:7"."""
        found = next((self.manifest.places[each] for each in pointers if each in self.manifest.places), None)
        return f"{found.file}:{found.line}:{found.column}" if found else ""

    def block(self, service: str) -> str:
        """The place of a service's block in the lock file."""
        loaded = load(self.lock) if self.lock.is_file() else None
        if not isinstance(loaded, Source):
            return ""
        span = parse(loaded).values.get(f"/Services/{service}/Block")
        place = loaded.place(span) if span else None
        return f"{place.file}:{place.line}:{place.column}" if place else ""


def ground(target: str, environment: str, settings: Settings) -> Ground:
    """Of a manifest's path, or of an application's name; raises UserError where there is neither."""
    path = Path(target)
    if path.is_file() or path.suffix == ".json":
        wanted = wish_of(Request(path, environment, dry=True), settings)
        base = (wanted.topology, wanted.types, wanted.internal, wanted.trees, wanted.lock_path)
        return Ground(wanted.manifest, *base, settings, {})
    return _of_application(target, environment, settings)


def _of_application(application: str, environment: str, settings: Settings) -> Ground:
    engine, types = Engine.existing(settings, application, environment), catalog.load()
    there, lock = record.read(engine.shelf, engine.name), lockfile.applied(engine.shelf, engine.name)
    if there.origin is None or lock is None:
        remedy = f"name its manifest instead: conpaas why MANIFEST …; the next `conpaas up` of {application} keeps it"
        raise UserError(f"which manifest {application} was made from is not known", remedy)
    manifest = _again(there.origin, environment, settings) or remembered(
        _source(there.origin), types, clouds.providers(), settings.default_cloud
    )
    if manifest is None:
        raise UserError(f"the copy of {application}'s manifest cannot be read", "conpaas why MANIFEST …")
    secrets = (there.secrets, there.secret_names)
    layout = topology.build(manifest, environment, types, lock, _code(there, manifest), *secrets)
    trees = {node: tree for node in there.nodes if (tree := there.tree(node))}
    lock_path = lockfile.path_of(near(Path(there.origin.path)), environment)
    ips = engine.applied().ips
    return Ground(manifest, layout, types, catalog.load_internal(), trees, lock_path, settings, ips, there.joins)


def _again(origin: Origin, environment: str, settings: Settings) -> Manifest | None:
    """The manifest of an environment with an overlay, where its files still say the same: then they are the places."""
    path = near(Path(origin.path))
    if not path_of(path, environment).is_file():
        return None
    known = (catalog.load(), clouds.providers(), settings.default_cloud)
    found = read(path, *known, environment=environment).manifest
    return found if found and found.text == origin.text else None


def _source(origin: Origin) -> Source:
    """The file where it is still the same: what is hidden in the copy moves columns."""
    path = near(Path(origin.path))
    loaded = load(path) if path.is_file() else None
    if isinstance(loaded, Source) and parse(loaded).source.hidden == origin.text:
        return loaded
    return Source(str(path), origin.text)


def _code(there: Record, manifest: Manifest) -> dict[str, str]:
    known = {node: each.code for node, each in there.nodes.items() if each.code}
    return {
        service.name: code
        for service in manifest.services
        for node, code in known.items()
        if node.startswith(f"{service.name}-")
    }
