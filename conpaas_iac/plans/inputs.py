"""What an application is made from, as one flat table: manifest, code, secrets, roles, tool. Pure.

The record keeps the table of the last `up`; beside today's it says what differs. No value of a secret is in it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import PurePath
from typing import Any

from conpaas_iac.catalog import Catalog
from conpaas_iac.core.topology import Topology
from conpaas_iac.manifest import model
from conpaas_iac.manifest.model import Manifest

# Field of the manifest -> what it becomes. Fields of which each item counts for itself are in ITEMS.
ITEMS = {"StartupInstances": "counts", "Configuration": "options", "Environment": "environment"}
PLAIN = {
    "ServiceName": "title",
    "Type": "type",
    "Cloud": "cloud",
    "Size": "size",
    "Start": "start",
    "Uses": "uses",
    "Placement": "placement",
    "Image": "image",
}
OTHER = {
    "Machines": "batches",
    "Publish": "publish",
    "Address": "addresses",
    "Without": "without",
    "MaxUnavailable": "at_once",
    "Secrets": "secrets",
    "EnvironmentSecrets": "environment_secrets",
}
LONGEST = 40  # characters of a value that is shown
TOOL, ROLE, SECRET, CODE = "tool", "role", "secret", "Archive"


@dataclass(frozen=True)
class Input:
    """One that differs; None: it was not there, or is not there any more. Values are JSON."""

    service: str  # "" for what belongs to none
    field: str
    item: str
    before: str | None
    after: str | None

    @property
    def text(self) -> str:
        """In words."""
        if self.field == "" and self.service:
            return f"{self.service} is new" if self.before is None else f"{self.service} is no longer in the manifest"
        name = ".".join(part for part in (self.field, self.item) if part)
        name = {TOOL: "conpaas", ROLE: f"role {self.item}", SECRET: f"secret {self.item}"}.get(self.field, name)
        return f"{self.service} {name}: {_shown(self.before)} -> {_shown(self.after)}".strip()


def _shown(value: str | None) -> str:
    text = "none" if value is None else value.strip('"')
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def table(manifest: Manifest, topology: Topology, roles: Catalog, tool: str) -> dict[str, str]:
    """"web/StartupInstances/backend" -> "2"; what belongs to no service begins with a slash."""
    found = {f"/{TOOL}": tool, "/Network/Range": str(topology.range)}
    used = {service.type for service in manifest.services}
    found |= {f"/{ROLE}/{name}": kind.digest[:12] for name, kind in roles.items() if name in used or kind.is_internal}
    found |= {f"/{SECRET}/{name}": ",".join(map(str, versions)) for name, versions in topology.secrets.items()}
    codes = {service.name: service.code for service in topology.services}
    own = {service.name: service.fields for service in topology.services}
    for service in manifest.services:
        for field, attribute in ITEMS.items():
            values = getattr(service, attribute)
            found |= {f"{service.name}/{field}/{item}": _json(value) for item, value in values.items()}
        for field, attribute in {**PLAIN, **OTHER}.items():
            found[f"{service.name}/{field}"] = _json(getattr(service, attribute))
        for field, location in (("StartupScript", service.startup_script), ("Dump", service.dump)):
            found[f"{service.name}/{field}"] = _location(location)
        found |= {f"{service.name}/{name}": _json(value) for name, value in own[service.name].items()}
        if service.resume:
            found[f"{service.name}/resume"] = _location(service.resume)
        if service.mounts:
            found[f"{service.name}/Mounts"] = _json(service.mounts)
        if code := codes[service.name]:
            found[f"{service.name}/{CODE}"] = code[:12]
    return found


def _location(written: str) -> str:
    return written if "://" in written else PurePath(written).name


def _json(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Sets sorted, dataclasses as the manifest has them, addresses as text."""
    if is_dataclass(value):
        value = {each.name.capitalize(): getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def renamed(before: Mapping[str, str], services: Mapping[str, str]) -> dict[str, str]:
    """A table with services under new names (former -> new)."""
    split = {key: key.partition("/") for key in before}
    return {f"{services.get(name, name)}/{rest}": before[key] for key, (name, _, rest) in split.items()}


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Input, ...]:
    """What differs between two tables; a service that comes or goes is one input. Nothing where nothing was kept."""
    if not before:
        return ()
    had, has = _services(before), _services(after)
    found = [Input(name, "", "", None if name in has else "", "" if name in has else None) for name in had ^ has]
    for key in before.keys() | after.keys():
        service, field, item = (*key.split("/", 2), "")[:3]
        if before.get(key) != after.get(key) and service not in had ^ has:
            found.append(Input(service, field, item, before.get(key), after.get(key)))
    return tuple(sorted(found, key=lambda each: (each.service, each.field, each.item)))


def _services(found: Mapping[str, str]) -> set[str]:
    return {key.partition("/")[0] for key in found} - {""}


def place(manifest: Manifest, service: str, field: str = "", item: str = "") -> str:
    """Where the manifest says it, as near as it says it: "manifest.json:12:5"; "" where it says nothing of it."""
    field = {"EnvironmentSecrets": "Environment", "Secrets": "Password"}.get(field, field)
    pointers = [each.pointer for each in manifest.services if each.name == service] or ([] if service else [""])
    asked = (f"{pointer}/{rest}".rstrip("/") for pointer in pointers for rest in (f"{field}/{item}", field, ""))
    return next((found for each in asked if each and (found := _at(manifest, each))), "")


def _at(manifest: Manifest, pointer: str) -> str:
    found = manifest.places.get(pointer)
    return f"{found.file}:{found.line}:{found.column}" if found else ""


def put_back(manifest: Manifest, moved: Input) -> Manifest | None:
    """The manifest as it was before this one input moved; None where that cannot be told."""
    names = {service.name for service in manifest.services}
    if moved.service not in names:
        return None
    if moved.field == "":
        others = (service for service in manifest.services if service.name != moved.service)
        services = (_without(each, moved.service) for each in others)
        return replace(manifest, services=tuple(services))
    former = [_former(each, moved) if each.name == moved.service else each for each in manifest.services]
    return None if None in former else replace(manifest, services=tuple(each for each in former if each))


def _without(service: model.Service, other: str) -> model.Service:
    mounts = tuple(mount for mount in service.mounts if mount.service != other)
    return replace(service, uses=tuple(set(service.uses) - {other}), mounts=mounts)


def _former(service: model.Service, moved: Input) -> model.Service | None:
    former = {} if moved.before is None else {moved.item: moved.before}
    if attribute := ITEMS.get(moved.field):
        others = {name: each for name, each in getattr(service, attribute).items() if name != moved.item}
        return _with(service, attribute, {**others, **{name: json.loads(text) for name, text in former.items()}})
    if former and moved.field in PLAIN and moved.field not in ("Type", "Cloud", "Image"):
        value = json.loads(former[moved.item])
        return _with(service, PLAIN[moved.field], tuple(value) if moved.field == "Uses" else value)
    return None


def _with(service: model.Service, attribute: str, value: Any) -> model.Service:
    return replace(service, **{attribute: value})
