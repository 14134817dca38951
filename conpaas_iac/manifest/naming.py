"""Names of the application and its services."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from conpaas_iac.manifest.context import Context, Named, items
from conpaas_iac.manifest.names import LONGEST, kept_whole, slug
from conpaas_iac.manifest.source import quote

_RESERVED = ("localhost", "ip6-localhost", "ip6-loopback")
_RULE = "a name needs a letter of a to z; digits and hyphens may follow"


def application(context: Context, data: Mapping[str, Any]) -> str:
    """The application's name; older manifests have none, so it is taken from what they have."""
    if "Application" in data:
        return _slug(context, "/Application", data["Application"])
    if "/Application" in context.findings.document.values:
        return ""  # it is there, and wrong
    description = data.get("Description", "")
    if slug(description) and kept_whole(description):
        name, origin = slug(description), "its Description"
    else:
        folder = context.path.stem == "manifest"
        name = slug(context.folder.name if folder else context.path.stem)
        origin = "its folder" if folder else "its file"
    if name:
        hint = f'to choose it, add "Application": "{name}"'
        context.findings.add("N0101", "", f"the application is called {quote(name)}, after {origin}", hint)
    else:
        context.findings.add("E0101", "", '"Application" is missing', "the application's name")
    return name


def _slug(context: Context, pointer: str, text: str) -> str:
    name = slug(text)
    if not name:
        context.findings.add("E0201", pointer, f"no host name can be made from {quote(text)}", _RULE)
    elif not kept_whole(text):
        rule = (
            f"host names have letters a to z, digits and hyphens, begin with a letter, and are at most {LONGEST} long"
        )
        context.findings.add("N0103", pointer, f"its host name is {quote(name)}", rule)
    return name


def services(context: Context, values: list[Any]) -> tuple[Named, ...]:
    """Every service with its name."""
    written = [(pointer, data, _written(context, pointer, data)) for pointer, data in items(values, "/Services")]
    taken = {slug(title) for _, _, title in written if title}
    unnamed: dict[str, list[str]] = {}
    result = []
    for pointer, data, title in written:
        kind = context.kind(data.get("Type", ""))
        if title is None:
            base = kind.name if kind else slug(data.get("Type", "")) or "service"
            title = name = _numbered(base, taken)
            taken.add(name)
            if "Type" in data:
                unnamed.setdefault(base, []).append(pointer)
        else:
            name = _slug(context, f"{pointer}/{_field(data)}", title)
        result.append(Named(pointer, name, title, data, kind))
    _order_matters(context, unnamed)
    _unique(context, result)
    return tuple(result)


def _field(data: Mapping[str, Any]) -> str:
    return "ServiceName" if "ServiceName" in data else "FrontendName"


def _written(context: Context, pointer: str, data: Mapping[str, Any]) -> str | None:
    """The name a service was given."""
    title: str | None = data.get("ServiceName", data.get("FrontendName"))
    if "FrontendName" in data:
        place = f"{pointer}/FrontendName"
        if data["FrontendName"] != title:
            message = '"FrontendName" is ignored: it is the older name of "ServiceName"'
            context.findings.add("W0102", place, message, "take it out", key=True)
        else:
            message = '"FrontendName" is the older name of "ServiceName"'
            context.findings.add("N0104", place, message, 'write "ServiceName"', key=True)
    return title


def _numbered(base: str, taken: set[str]) -> str:
    """The type's own name for the first; then php2, php3 … (not php-2: machines are called so)."""
    number = 1
    while (name := base if number == 1 else f"{base}{number}") in taken:
        number += 1
    return name


def _order_matters(context: Context, unnamed: Mapping[str, list[str]]) -> None:
    for base, pointers in unnamed.items():
        if len(pointers) > 1:
            message = f"{len(pointers)} services of type {base} have no name: they are numbered in the order written"
            hint = 'give each a "ServiceName", or the next edit may take one for the other'
            context.findings.add("W0203", pointers[1], message, hint)


def _unique(context: Context, named: Sequence[Named]) -> None:
    first: dict[str, Named] = {}
    for service in named:
        if not service.name:
            continue
        place = f"{service.pointer}/{_field(service.data)}"
        other = first.setdefault(service.name, service)
        if other is not service:
            same = other.title == service.title
            what = "two services have this name" if same else f"the host name {quote(service.name)} is taken"
            related = [(f"{other.pointer}/{_field(other.data)}", "by this one" if not same else "the other one")]
            context.findings.add("E0202" if same else "E0203", place, what, "choose another name", related=related)
    for service in first.values():
        _no_machine_name(context, service, first)


def _no_machine_name(context: Context, service: Named, others: Mapping[str, Named]) -> None:
    """`blog-1` is the first machine of `blog`; `blog-web-1` is one where groups have their own machines."""
    if service.name in _RESERVED:
        message = f"{quote(service.name)} is what every machine calls itself"
        context.findings.add("E0205", f"{service.pointer}/{_field(service.data)}", message, "choose another name")
    found = re.fullmatch(r"(.+)-[0-9]+", service.name)
    if not found:
        return
    base = found.group(1)
    groups = {f"{name}-{group}": name for name, other in others.items() if other.kind
              for group in other.kind.descriptor.groups}  # fmt: skip
    owner = base if base in others else groups.get(base)
    if owner:
        message = f"{quote(service.name)} is the name of a machine of service {quote(owner)}"
        hint = "choose a name that does not end in a hyphen and a number"
        related = [(f"{others[owner].pointer}/{_field(others[owner].data)}", "its machines are named after it")]
        context.findings.add("E0205", f"{service.pointer}/{_field(service.data)}", message, hint, related=related)
