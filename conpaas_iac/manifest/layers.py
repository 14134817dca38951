"""Manifests laid over each other: the fleet's clouds, the manifest, the overlay of an environment.

An overlay is a JSON merge patch (RFC 7386). Patches cannot name items of lists, so its `Services` may also be an
object: name of a service -> patch of that service, null to take it out, or a whole service that is new. Every value
keeps the place in the file that it is from.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from conpaas_iac.errors import UserError
from conpaas_iac.manifest.diagnostics import Diagnostic, say
from conpaas_iac.manifest.names import slug, suggestion
from conpaas_iac.manifest.reader import Document
from conpaas_iac.manifest.source import Source, Span, child, quote

Scalar = str | int | float | bool | None
Content = "Scalar | Mapping[str, Node] | tuple[Node, ...]"


@dataclass(frozen=True)
class Node:
    """A value with its place."""

    content: "Scalar | Mapping[str, Node] | tuple[Node, ...]"
    source: Source
    span: Span
    key: Span | None = None
    broken: bool = False

    @property
    def members(self) -> "Mapping[str, Node]":
        """Of an object; anything else has none."""
        return self.content if isinstance(self.content, Mapping) else {}

    def with_content(self, content: "Scalar | Mapping[str, Node] | tuple[Node, ...]") -> "Node":
        """Something else at the same place."""
        return Node(content, self.source, self.span, self.key, self.broken)


def path_of(manifest: Path, environment: str) -> Path:
    """The overlay of an environment, beside its manifest: `manifest.staging.json`."""
    return manifest.with_name(f"{manifest.stem}.{environment}{manifest.suffix}")


def refuse_overlay(manifest: Path, environment: str) -> None:
    """Raises UserError where one text is to be edited, and two say what the environment is."""
    if (over := path_of(manifest, environment)).is_file():
        raise UserError(f"{environment} has an overlay, and which file is meant cannot be known", f"edit {over}")


def tree(document: Document, pointer: str = "") -> Node:
    """A document's value with all places."""
    return _tree(document, document.data, pointer)


def _tree(document: Document, data: object, pointer: str) -> Node:
    content: object = data
    if isinstance(data, dict):
        content = {name: _tree(document, value, child(pointer, name)) for name, value in data.items()}
    elif isinstance(data, list):
        content = tuple(_tree(document, value, child(pointer, index)) for index, value in enumerate(data))
    assert _is_content(content)
    key, broken = document.keys.get(pointer), pointer in document.broken
    return Node(content, document.origin(pointer), document.values[pointer], key, broken)


def _is_content(value: object) -> "TypeGuard[Scalar | Mapping[str, Node] | tuple[Node, ...]]":
    return value is None or isinstance(value, str | int | float | bool | dict | tuple)


def merged(target: Node | None, patch: Node) -> Node:
    """RFC 7386: objects are merged member by member, null takes a member out, anything else replaces."""
    if not isinstance(patch.content, Mapping):
        return patch
    base = dict(target.members) if target else {}
    for name, value in patch.content.items():
        if value.content is None:
            base.pop(name, None)
        else:
            base[name] = merged(base.get(name), value)
    there = target if target and isinstance(target.content, Mapping) else patch
    return there.with_content(base)


def overlaid(base: Node, overlay: Node, report: Callable[[Diagnostic], None]) -> Node:
    """A manifest with its overlay; services that are patched and not there are reported."""
    services = overlay.members.get("Services")
    if services is None or not isinstance(services.content, Mapping):
        return merged(base, overlay)
    rest = overlay.with_content({name: value for name, value in overlay.members.items() if name != "Services"})
    result = merged(base, rest)
    listed = result.members.get("Services")
    items = listed.content if listed and isinstance(listed.content, tuple) else ()
    found = tuple(_services(items, services, report))
    where = listed if listed and isinstance(listed.content, tuple) else services
    return result.with_content({**result.members, "Services": where.with_content(found)})


def _services(items: tuple[Node, ...], patches: Node, report: Callable[[Diagnostic], None]) -> Iterator[Node]:
    left = dict(patches.members)
    for item in items:
        name = next((each for each in left if _is_called(item, each)), None)
        patch = left.pop(name) if name is not None else None
        if patch is None:
            yield item
        elif patch.content is not None:
            yield merged(item, patch)
    names = [_title(item) for item in items]
    for name, patch in left.items():
        if "Type" not in patch.members:
            report(_unknown(name, patch, names))
        else:
            title = Node(name, patch.source, patch.key or patch.span, patch.key)
            yield merged(None, patch.with_content({"ServiceName": title, **patch.members}))


def _unknown(name: str, patch: Node, names: list[str]) -> Diagnostic:
    hint = suggestion(name, names, "services")
    message = f"there is no service {quote(name)} that this could change; a new one has a \"Type\""
    return say(patch.source, "E0601", patch.key or patch.span, message, hint)


def _title(service: Node) -> str:
    fields = (service.members.get(name) for name in ("ServiceName", "FrontendName", "Type"))
    return next((each.content for each in fields if each and isinstance(each.content, str)), "")


def _is_called(service: Node, name: str) -> bool:
    return _title(service) == name or (bool(slug(name)) and slug(_title(service)) == slug(name))


def document(root: Node, first: Document, more: tuple[Diagnostic, ...]) -> Document:
    """The layers as one document, whose own file is that of the `first`."""
    values: dict[str, Span] = {}
    keys: dict[str, Span] = {}
    origins: dict[str, Source] = {}
    broken: set[str] = set()

    def plain(node: Node, pointer: str) -> object:
        values[pointer] = node.span
        if node.key:
            keys[pointer] = node.key
        if node.source is not first.source:
            origins[pointer] = node.source
        if node.broken:
            broken.add(pointer)
        if isinstance(node.content, Mapping):
            return {name: plain(value, child(pointer, name)) for name, value in node.content.items()}
        if isinstance(node.content, tuple):
            return [plain(value, child(pointer, index)) for index, value in enumerate(node.content)]
        return node.content

    data = plain(root, "")
    said = (*first.diagnostics, *more)
    return Document(first.source, data, values, keys, frozenset(broken), said, True, origins)
