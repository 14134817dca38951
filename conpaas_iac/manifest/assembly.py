"""What a manifest's reading begins with: its file, the overlay of an environment, the clouds of its fleet."""

import re
from collections.abc import Iterator
from pathlib import Path

from conpaas_iac.catalog import Catalog
from conpaas_iac.core.environments import DEFAULT
from conpaas_iac.fleet import place
from conpaas_iac.manifest import fleetfile, layers
from conpaas_iac.manifest.diagnostics import Diagnostic
from conpaas_iac.manifest.fleetfile import Fleet
from conpaas_iac.manifest.layers import Node
from conpaas_iac.manifest.loading import load
from conpaas_iac.manifest.model import Place
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.manifest.provider import Providers
from conpaas_iac.manifest.reader import Document, parse
from conpaas_iac.manifest.source import quote

_OVERLAY = re.compile(r"manifest\.(?P<environment>[a-z][a-z0-9-]*)\.json")


def assembled(
    path: Path, environment: str, types: Catalog, providers: Providers, settings_cloud: str, common: bool = False
) -> Document | tuple[Diagnostic, ...]:
    """All layers as one document, or what is wrong with their files.

    `common`: what several environments have in common may be looked at alone.
    """
    fleet = None
    if above := place.found(path):
        fleet, said = fleetfile.read(above, types, providers)
        if fleet is None:
            return said
        wrong = _mistaken(path, environment) or _unknown(path, environment, fleet)
        if wrong := wrong or (None if common else _nobodys(path, environment)):
            return (wrong,)
    source = load(path)
    if isinstance(source, Diagnostic):
        return (_without_base(path, environment) or source,)
    base = parse(source)
    over = layers.path_of(path, environment)
    return _laid(base, over if over.is_file() else None, fleet, settings_cloud)


def meant(path: Path, environment: str = DEFAULT) -> tuple[Path, str]:
    """The manifest and the environment that a path in a fleet says by itself: of an overlay, the manifest beside it."""
    above = place.found(path)
    if above is None or environment != DEFAULT:
        return path, environment
    if found := _OVERLAY.fullmatch(path.name):
        return path.with_name("manifest.json"), found["environment"]
    in_its_own = path.absolute().parent.parent.parent == above.parent / place.FOLDER
    return (path, path.absolute().parent.name) if in_its_own else (path, environment)


def overlays(path: Path) -> tuple[str, ...]:
    """The environments that a manifest of a fleet is in by its overlays."""
    if place.found(path) is None or path.name != "manifest.json":
        return ()
    found = (_OVERLAY.fullmatch(each.name) for each in path.parent.glob("manifest.*.json"))
    return tuple(sorted(each["environment"] for each in found if each))


def _nobodys(path: Path, environment: str) -> Diagnostic | None:
    """Where there are overlays, the manifest below them is no application of its own."""
    names = overlays(path)
    if environment != DEFAULT or not names or DEFAULT in names:
        return None
    message = f"this is what {', '.join(map(quote, names))} have in common" if names[1:] else (
        f"this is what the overlay of {quote(names[0])} changes"
    )  # fmt: skip
    hint = f"name the environment: {path} {' or '.join(f'-e {name}' for name in names)}"
    return Diagnostic("E0606", Place(str(path), 1, 1), f"{message}, and no application alone", hint)


def _mistaken(path: Path, environment: str) -> Diagnostic | None:
    """What is said of one environment is not taken for another's."""
    manifest, wanted = meant(path, environment)
    if (manifest, wanted) == (path, environment):
        return None
    message = f"this is for the environment {quote(wanted)} only"
    return Diagnostic("E0605", Place(str(path), 1, 1), message, f"name it: {manifest} -e {wanted}")


def _without_base(path: Path, environment: str) -> Diagnostic | None:
    over = layers.path_of(path, environment)
    if path.exists() or not over.is_file():
        return None
    hint = f"write {path.name} beside it: what all environments have in common"
    message = f"there is no {quote(path.name)} that this overlay changes"
    return Diagnostic("E0602", Place(str(over), 1, 1), message, hint)


def _unknown(path: Path, environment: str, fleet: Fleet) -> Diagnostic | None:
    """An environment that the fleet does not list, where it lists any."""
    known = fleet.environments
    if environment == DEFAULT or not known or environment in known:
        return None
    hint, where = suggestion(environment, known, "environments"), fleet.place("/Environments")
    over = layers.path_of(path, environment)
    own = over if over.is_file() else path if path.absolute().parent.name == environment else None
    if own:
        message = f"{quote(environment)} is not one of the fleet's environments"
        return Diagnostic("E0604", Place(str(own), 1, 1), message, hint, ((where, "they are listed here"),))
    return Diagnostic("E0603", where, f"unknown environment {quote(environment)}", hint)


def _laid(
    base: Document, over: Path | None, fleet: Fleet | None, settings_cloud: str
) -> Document | tuple[Diagnostic, ...]:
    said: list[Diagnostic] = []
    root = layers.tree(base) if base.complete else None
    if over:
        loaded = load(over)
        if isinstance(loaded, Diagnostic):
            return (*base.diagnostics, loaded)
        patch, found = fleetfile.overlay(parse(loaded))
        if root is None or patch is None:
            return (*base.diagnostics, *found)
        said += found
        root = layers.overlaid(root, patch, said.append)
    if root is None:
        return base
    shared = _shared(root, fleet, settings_cloud)
    if shared is None and not over:
        return base
    return layers.document(layers.merged(shared, root) if shared else root, base, tuple(said))


def _shared(root: Node, fleet: Fleet | None, settings_cloud: str) -> Node | None:
    """The fleet's clouds that a manifest means, as a layer below it."""
    clouds = fleet.clouds if fleet else None
    if clouds is None:
        return None
    mentioned = {*_mentioned(root), settings_cloud, *root.members.get("Clouds", root).members}
    wanted = {name: each for name, each in clouds.members.items() if name in mentioned}
    return root.with_content({"Clouds": clouds.with_content(wanted)}) if wanted else None


def _mentioned(node: Node, name: str = "") -> Iterator[str]:
    if name == "Cloud" and isinstance(node.content, str):
        yield node.content
    for key, value in node.members.items():
        yield from _mentioned(value, key)
    if isinstance(node.content, tuple):
        for item in node.content:
            yield from _mentioned(item)
