"""What of one environment's manifest another takes over, as edits of the other's text. Pure.

Taken over: services that come and go, their code, options, scripts, dumps, volumes, `Uses`, type, and environment
variables that are new. What says where and how large it runs, under which address, what it costs and with which
secrets stays the environment's own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import textedit
from conpaas_iac.manifest.edit import document_of, spot_of
from conpaas_iac.manifest.meaning import Difference
from conpaas_iac.manifest.names import slug, suggestion
from conpaas_iac.manifest.source import child

OWN = frozenset({
    "Address", "Cloud", "Environment", "Image", "Machines", "MaxUnavailable", "Password", "Placement", "Publish",
    "Scaling", "Size", "Start", "StartupInstances", "Without",
})  # fmt: skip
OWN_OF_ALL = frozenset({"Application", "Budget", "Clouds", "Network"})
FILES = ("Archive", "StartupScript", "Dump")  # may be files, named from the manifest's folder
IN_PARTS = ("Configuration", "Environment", "Clouds", "Network")  # objects of which each member counts for itself
CODE = "code"  # the version that the lock file pins


@dataclass(frozen=True)
class Text:
    """What says an environment: the manifest, and its overlay where it has one."""

    manifest: str
    overlay: str | None = None

    @property
    def edited(self) -> str:
        """The text that an edit is of."""
        return self.manifest if self.overlay is None else self.overlay

    @property
    def base(self) -> str | None:
        """Below the overlay."""
        return None if self.overlay is None else self.manifest

    def with_edited(self, text: str) -> "Text":
        """After an edit."""
        return Text(text) if self.overlay is None else Text(self.manifest, text)


def refuse_unknown(fields: Iterable[str]) -> None:
    """Raises UserError for fields that are not an environment's own."""
    known = sorted((OWN | OWN_OF_ALL) - {"Application"})
    for field in fields:
        if field not in known:
            raise UserError(f"--with {field}: that is no field which stays", suggestion(field, known, "fields"))


def taken(found: Difference, also: Collection[str], only: Collection[str]) -> bool:
    """Whether a difference is promoted; `before` is what the other environment says."""
    head = found.field.partition(".")[0]
    if only and found.service not in only:
        return False
    own = head in (OWN if found.service else OWN_OF_ALL) and head not in also
    return not own or (head == "Environment" and found.before is None)


def moved(source: Text, target: Text, found: Difference, also: Collection[str], types: Catalog) -> Text:
    """The target with one difference less; raises UserError where its text cannot be edited."""
    if found.field:
        return target.with_edited(_value(source, target, found, types))
    if found.after is None:
        return target.with_edited(_gone(target, found.service, types))
    return target.with_edited(_come(source, target, found.service, also, types))


def _value(source: Text, target: Text, found: Difference, types: Catalog) -> str:
    head, _, rest = found.field.partition(".")
    fields = (head, rest) if head in IN_PARTS and rest else (head,)
    if not found.service:
        wanted = _said(_layers(source), fields)
        base = _said(document_of(target.manifest).data, fields) if target.base else None
        return _say(target.edited, fields, wanted, base)
    wanted = _said(spot_of(source.edited, found.service, types, source.base).named.data, fields)
    spot = spot_of(target.edited, found.service, types, target.base)
    below = _below(target, found.service, types)
    return _say(target.edited, (*spot.steps, *fields), wanted, _said(below or {}, fields))


def _say(text: str, steps: Sequence[str], wanted: Any, base: Any) -> str:
    """Say it, unless the manifest below does; None is what is not said."""
    document, pointer = document_of(text), reduce(child, steps, "")
    if wanted != base:
        return textedit.put(document, steps, _patch(base, wanted)).applied(text)
    return textedit.remove(document, pointer).applied(text) if pointer in document.values else text


def _patch(base: Any, wanted: Any) -> Any:
    """The merge patch (RFC 7386) that makes one the other."""
    if not isinstance(base, Mapping) or not isinstance(wanted, Mapping):
        return wanted
    gone = {name: None for name in base if name not in wanted}
    return gone | {name: _patch(base.get(name), each) for name, each in wanted.items() if base.get(name) != each}


def _said(data: Any, fields: Sequence[str]) -> Any:
    return reduce(lambda inner, name: inner.get(name) if isinstance(inner, Mapping) else None, fields, data)


def _layers(text: Text) -> Any:
    """The application's own fields, of both layers."""
    below: Any = document_of(text.manifest).data
    over: Any = document_of(text.overlay).data if text.overlay is not None else {}
    return {**below, **over}


def _is_patched(target: Text) -> bool:
    """Whether services are those of the manifest below, changed by name."""
    data: Any = document_of(target.edited).data
    return target.base is not None and not isinstance(data.get("Services"), list)


def _below(target: Text, service: str, types: Catalog) -> Mapping[str, Any] | None:
    """What the manifest below the target's overlay says of a service."""
    if not _is_patched(target) or target.base is None:
        return None
    try:
        return spot_of(target.base, service, types, None).named.data
    except UserError:
        return None


def _gone(target: Text, service: str, types: Catalog) -> str:
    spot = spot_of(target.edited, service, types, target.base)
    if _below(target, service, types) is not None:
        return textedit.put(spot.document, spot.steps, None).applied(target.edited)
    return textedit.remove(spot.document, spot.pointer()).applied(target.edited)


def _come(source: Text, target: Text, service: str, also: Collection[str], types: Catalog) -> str:
    data = spot_of(source.edited, service, types, source.base).named.data
    if data.get("RenamedFrom"):
        remedy = f'rename it there first: "ServiceName", and "RenamedFrom": "{data["RenamedFrom"]}"'
        raise UserError(f"{service} was renamed from {data['RenamedFrom']}; promoting would make it anew", remedy)
    stays = OWN - {*also, "Environment"} - ({"Password"} if isinstance(data.get("Password"), Mapping) else set())
    new = {name: value for name, value in data.items() if name not in stays}
    document = document_of(target.edited)
    listed: Any = document.data
    if not _is_patched(target):
        if "Services" not in listed:
            return textedit.put(document, ("Services",), [new]).applied(target.edited)
        return textedit.append(document, "/Services", new).applied(target.edited)
    named = listed.get("Services", {})
    key = next((name for name in named if slug(name) == service), None)
    if key is not None and _below(target, service, types) is not None:
        return textedit.remove(document, f"{child('/Services', key)}").applied(target.edited)
    rest = {name: value for name, value in new.items() if name not in ("ServiceName", "FrontendName")}
    title = data.get("ServiceName", data.get("FrontendName", service))
    return textedit.put(document, ("Services", title), rest).applied(target.edited)
