"""Changing one thing in the text of a manifest, or of an overlay; every other byte stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from conpaas_iac.catalog import Catalog, ServiceType
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import layers, textedit
from conpaas_iac.manifest.context import Context, Named
from conpaas_iac.manifest.diagnostics import ManifestError
from conpaas_iac.manifest.findings import Findings
from conpaas_iac.manifest.names import slug, suggestion
from conpaas_iac.manifest.naming import services
from conpaas_iac.manifest.reader import Document, parse
from conpaas_iac.manifest.source import Source, child
from conpaas_iac.manifest.textedit import VALIDATE, Edit


def set_count(text: str, service: str, group: str, count: int, types: Catalog, base: str | None = None) -> str:
    """The text with another number of machines for a group; adds the group or StartupInstances where absent.

    The service is named as in the manifest or by its host name; older group names are understood. With a `base` the
    text is an overlay of that manifest. Raises UserError for an unknown service or group, a count out of range, a mix
    in `Machines`; ManifestError for text that is no JSON.
    """
    spot = spot_of(text, service, types, base)
    kind = spot.named.kind
    if kind is None:
        raise UserError(f"service {service!r} is of a type that is not there: {spot.named.data.get('Type')}")
    group = _group(kind, group)
    _in_range(kind, group, count)
    return _counted(spot, kind, group, count).applied(text)


def leave_out(text: str, service: str, node: str, types: Catalog, base: str | None = None) -> str:
    """The text with a machine in the service's `Without`; raises as `set_count` does."""
    spot = spot_of(text, service, types, base)
    return spot.put(("Without",), [*spot.named.data.get("Without", ()), node]).applied(text)


def set_value(
    text: str, service: str, fields: Sequence[str], value: object, types: Catalog, base: str | None = None
) -> str:
    """The text with another value of a service's field, or of one inside an object; raises as `set_count` does."""
    return spot_of(text, service, types, base).put(fields, value).applied(text)


@dataclass(frozen=True)
class Spot:
    """A service as all layers say it, and where the document that is edited has it, or is to have it."""

    document: Document
    steps: tuple[str, ...]
    named: Named

    def pointer(self, *fields: str) -> str:
        """Of a field of the service."""
        return reduce(child, (*self.steps, *fields), "")

    def put(self, fields: Sequence[str], value: object) -> Edit:
        """Another value, with all around it that is not there yet."""
        return textedit.put(self.document, (*self.steps, *fields), value)


def spot_of(text: str, wanted: str, types: Catalog, base: str | None) -> Spot:
    """Where a text, or an overlay of the `base`, has a service; raises as `set_count` does."""
    document = document_of(text)
    overlay: Any = document.data
    if base is None or isinstance(overlay.get("Services"), list):
        named = _service(document, wanted, types)
        return Spot(document, tuple(named.pointer.split("/")[1:]), named)
    below = document_of(base)
    whole = layers.overlaid(layers.tree(below), layers.tree(document), lambda said: None)
    named = _service(layers.document(whole, below, ()), wanted, types)
    listed = whole.members["Services"].content
    assert isinstance(listed, tuple)
    item = listed[int(named.pointer.rpartition("/")[2])]
    title = layers.title(item)
    if next(each for each in listed if layers.is_called(each, title)) is not item:
        remedy = 'give it a "ServiceName" in the manifest'
        raise UserError(f"an overlay cannot change service {wanted!r}: it has no name of its own", remedy)
    key = next((each for each in overlay.get("Services") or () if layers.is_called(item, each)), title)
    return Spot(document, ("Services", key), named)


def document_of(text: str) -> Document:
    """A text with its places; raises ManifestError where it is no JSON."""
    document = parse(Source("manifest", text))
    if document.diagnostics or not isinstance(document.data, dict):
        raise ManifestError(document.diagnostics)
    return document


def _service(document: Document, wanted: str, types: Catalog) -> Named:
    data: Any = document.data
    listed = data.get("Services") if isinstance(data.get("Services"), list) else []
    values = [_usable(value) for value in listed]
    named = services(Context(Path("manifest"), Findings(document), types, {}, ""), values)
    found = [each for each in named if wanted in (each.name, each.title)] or [
        each for each in named if each.name == slug(wanted)
    ]
    if not found or not wanted:
        raise UserError(f"no service {wanted!r}", suggestion(wanted, [each.name for each in named], "services"))
    return found[0]


def _usable(value: Any) -> dict[str, Any] | None:
    """What can be walked of a service in a manifest that may have errors elsewhere."""
    wanted = {"Type": str, "ServiceName": str, "FrontendName": str, "StartupInstances": dict, "Machines": dict}
    if not isinstance(value, dict):
        return None
    wrong = [name for name, kind in wanted.items() if not isinstance(value.get(name, kind()), kind)]
    if {"StartupInstances", "Machines"} & {*wrong}:
        raise UserError(f"{wrong[-1]} is no object", VALIDATE)
    return {name: each for name, each in value.items() if name not in wrong}


def _group(kind: ServiceType, written: str) -> str:
    group = kind.descriptor.group_aliases.get(written, written)
    if group not in kind.descriptor.groups:
        raise UserError(f"{kind.name} has no group {written!r}", suggestion(written, kind.descriptor.groups, "groups"))
    return group


def _in_range(kind: ServiceType, group: str, count: int) -> None:
    limits = kind.descriptor.groups[group]
    if not limits.minimum <= count <= limits.maximum:
        raise UserError(f"{group} of {kind.name} has {limits.minimum} to {limits.maximum} machines, not {count}")


def _counted(spot: Spot, kind: ServiceType, group: str, count: int) -> Edit:
    """What to write where."""
    aliases = kind.descriptor.group_aliases
    mix = next((name for name in spot.named.data.get("Machines", {}) if aliases.get(name, name) == group), None)
    if mix is not None:
        return _in_mix(spot, mix, count)
    written = spot.named.data.get("StartupInstances", {})
    key = next((name for name in written if aliases.get(name, name) == group), group)
    pointer = spot.pointer("StartupInstances", key)
    if pointer in spot.document.values:
        return _number(spot.document, pointer, count)
    return spot.put(("StartupInstances", key), count)


def _in_mix(spot: Spot, group: str, count: int) -> Edit:
    batches = spot.named.data["Machines"][group]
    pointer = spot.pointer("Machines", group, "0", "Count")
    if not isinstance(batches, list) or len(batches) != 1 or "Count" not in batches[0]:
        raise UserError(
            f"the machines of {spot.named.name} {group} are a mix: which of them is meant?",
            'edit "Machines" in the manifest',
        )
    if pointer not in spot.document.values:
        raise UserError(
            f"the machines of {spot.named.name} {group} are a list in the manifest: an overlay replaces all of it",
            'write "Machines" of the service into the overlay',
        )
    return _number(spot.document, pointer, count)


def _number(document: Document, pointer: str, count: int) -> Edit:
    """A text stays a text."""
    start, end = document.values[pointer]
    quoted = document.source.text[start] == '"'
    return Edit((start, end), f'"{count}"' if quoted else str(count))
