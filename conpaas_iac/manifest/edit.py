"""Changing one thing in a manifest's text; every other byte stays."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conpaas_iac.catalog import Catalog, ServiceType
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.context import Context, Named
from conpaas_iac.manifest.diagnostics import ManifestError
from conpaas_iac.manifest.findings import Findings
from conpaas_iac.manifest.names import slug, suggestion
from conpaas_iac.manifest.naming import services
from conpaas_iac.manifest.reader import Document, parse
from conpaas_iac.manifest.source import Source, Span, child


def set_count(text: str, service: str, group: str, count: int, types: Catalog) -> str:
    """The text with another number of machines for a group; adds the group or StartupInstances where absent.

    The service is named as in the manifest or by its host name; older group names are understood.
    Raises UserError for an unknown service or group, a count out of range, a mix in `Machines`; ManifestError
    for text that is no JSON.
    """
    document = _document(text)
    named = _service(document, service, types)
    kind = named.kind
    if kind is None:
        raise UserError(f"service {service!r} is of a type that is not there: {named.data.get('Type')}")
    group = _group(kind, group)
    _in_range(kind, group, count)
    return _edit(document, named, kind, group, count).applied(text)


def leave_out(text: str, service: str, node: str, types: Catalog) -> str:
    """The text with a machine in the service's `Without`; raises as `set_count` does."""
    document = _document(text)
    named = _service(document, service, types)
    if "Without" not in named.data:
        return _insert(document, named.pointer, "Without", [node]).applied(text)
    start, end = document.values[f"{named.pointer}/Without"]
    return _Edit((start, end), json.dumps([*named.data["Without"], node])).applied(text)


def set_value(text: str, service: str, fields: Sequence[str], value: object, types: Catalog) -> str:
    """The text with another value of a service's field, or of one inside an object; raises as `set_count` does."""
    document = _document(text)
    named = _service(document, service, types)
    pointer = named.pointer
    for number, name in enumerate(fields):
        if child(pointer, name) not in document.values:
            wanted = value
            for inner in reversed(fields[number + 1 :]):
                wanted = {inner: wanted}
            return _insert(document, pointer, name, wanted).applied(text)
        pointer = child(pointer, name)
    return _Edit(document.values[pointer], json.dumps(value, ensure_ascii=False)).applied(text)


def _document(text: str) -> Document:
    document = parse(Source("manifest", text))
    if document.diagnostics or not isinstance(document.data, dict):
        raise ManifestError(document.diagnostics)
    return document


@dataclass(frozen=True)
class _Edit:
    span: Span
    text: str

    def applied(self, text: str) -> str:
        """The text with it."""
        return text[: self.span[0]] + self.text + text[self.span[1] :]


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
        raise UserError(f"{wrong[-1]} is no object", "`conpaas validate` says what is wrong with the manifest")
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


def _edit(document: Document, named: Named, kind: ServiceType, group: str, count: int) -> _Edit:
    """What to write where."""
    aliases = kind.descriptor.group_aliases
    mix = next((name for name in named.data.get("Machines", {}) if aliases.get(name, name) == group), None)
    if mix is not None:
        return _in_mix(document, named, mix, count)
    pointer = f"{named.pointer}/StartupInstances"
    written = named.data.get("StartupInstances")
    if written is None:
        return _insert(document, named.pointer, "StartupInstances", {group: count})
    key = next((name for name in written if aliases.get(name, name) == group), None)
    if key is None:
        return _insert(document, pointer, group, count)
    return _number(document, child(pointer, key), count)


def _in_mix(document: Document, named: Named, group: str, count: int) -> _Edit:
    batches = named.data["Machines"][group]
    if not isinstance(batches, list) or len(batches) != 1 or "Count" not in batches[0]:
        raise UserError(
            f"the machines of {named.name} {group} are a mix: which of them is meant?",
            'edit "Machines" in the manifest',
        )
    return _number(document, f"{named.pointer}/Machines/{group}/0/Count", count)


def _number(document: Document, pointer: str, count: int) -> _Edit:
    """A text stays a text."""
    start, end = document.values[pointer]
    quoted = document.source.text[start] == '"'
    return _Edit((start, end), f'"{count}"' if quoted else str(count))


def _insert(document: Document, pointer: str, key: str, value: object) -> _Edit:
    """A member after the last one of an object, laid out as that one is."""
    text = document.source.text
    start, end = document.values[pointer]
    steps = [each for each in document.keys if each.rpartition("/")[0] == pointer]
    if not steps:
        return _Edit((start, end), f"{{{json.dumps(key)}: {json.dumps(value)}}}")
    last = max(steps, key=lambda each: document.keys[each])
    key_span, value_span = document.keys[last], document.values[last]
    before = re.search(r"\s*\Z", text[: key_span[0]])
    colon = text[key_span[1] : value_span[0]]
    space = before.group() if before else ""
    space = space or (" " if colon.endswith(" ") else "")  # a first member on the line of its bracket
    return _Edit((value_span[1], value_span[1]), f",{space}{json.dumps(key)}{colon}{json.dumps(value)}")
