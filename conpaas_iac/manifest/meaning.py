"""In what two manifests differ in meaning: not in layout, order, or what is a default. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conpaas_iac.manifest.model import Archive, Manifest, Service
from conpaas_iac.manifest.source import child

HIDDEN = "***"
# fields of a service's meaning -> where the manifest says them
FIELDS = {
    "type": "Type",
    "cloud": "Cloud",
    "start": "Start",
    "uses": "Uses",
    "startup_script": "StartupScript",
    "dump": "Dump",
    "resume": "StartupInstances.resume",
    "size": "Size",
    "placement": "Placement",
    "image": "Image",
    "at_once": "MaxUnavailable",
    "without": "Without",
    "renamed_from": "RenamedFrom",
}
LOCATIONS = ("StartupScript", "Dump", "StartupInstances.resume")  # of those, a file's path or a URL
GROUPED = {
    "counts": "StartupInstances",
    "batches": "Machines",
    "bounds": "Scaling",
    "addresses": "Address",
    "options": "Configuration",
    "environment": "Environment",
    "environment_secrets": "Environment",
    "secrets": "",
    "fields": "",
}


@dataclass(frozen=True)
class Difference:
    """One thing that one of the two says, or both in another way; None is a thing that is not said."""

    service: str  # empty: of the application
    field: str  # empty: the whole service
    before: Any
    after: Any
    place: str = ""  # "manifest.json:12:5", in the second where it is there, else in the first


@dataclass(frozen=True)
class Meaning:
    """What a manifest says, as plain values; `code` is service -> version, where it is known."""

    manifest: Manifest
    code: Mapping[str, str]

    def of_service(self, service: Service) -> dict[str, Any]:
        """Field as the manifest calls it -> plain value; secrets by their names only."""
        found: dict[str, Any] = {}
        for name, said in FIELDS.items():
            value = getattr(service, name)
            found[said] = sorted(value) if isinstance(value, frozenset | tuple) else value
        found |= {name: _beside(found[name], self.manifest.path) for name in LOCATIONS}
        for name, said in GROUPED.items():
            for key, value in getattr(service, name).items():
                path = f"{said}.{key}" if said else key
                if key not in service.passwords and path not in FIELDS.values():
                    found[path] = {"Secret": value} if name.endswith("secrets") else _plain(value)
        found |= {name: _Secret(value) for name, value in service.passwords.items()}
        found["Publish"] = sorted(_plain(each) for each in map(asdict, service.publish)) if service.publish else []
        found["Archive"] = _archive(service.archive, self.manifest.path)
        found["code"] = self.code.get(service.name)
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def of_application(self) -> dict[str, Any]:
        """The same of what belongs to no service."""
        there = self.manifest
        found: dict[str, Any] = {"Application": there.application, "Description": there.description}
        found["Network.Range"] = str(there.range) if there.range else ""
        if there.budget:
            found["Budget"] = f"{there.budget.month} {there.budget.currency}"
        for name, each in there.clouds.items():
            found[f"Clouds.{name}.Provider"] = each.provider
            found |= {f"Clouds.{name}.{key}": _plain(value) for key, value in each.settings.items()}
        return {name: value for name, value in found.items() if value}

    def says(self, service: Service, field: str) -> bool:
        """Whether a field of a service is written, not a default."""
        return child(service.pointer, field) in self.manifest.places

    def place(self, service: Service | None, field: str) -> str:
        """Where it is said, or what is around it."""
        pointer = service.pointer if service else ""
        for step in field.split(".") if field else ():
            pointer = child(pointer, step)
        while pointer and pointer not in self.manifest.places:
            pointer = pointer.rpartition("/")[0]
        found = self.manifest.places.get(pointer)
        return f"{found.file}:{found.line}:{found.column}" if found else ""


class _Secret(str):
    """Compared, and never shown."""

    __slots__ = ()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(asdict(each)) if hasattr(each, "__dataclass_fields__") else _plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _beside(text: str, manifest: Path) -> str:
    """A path as the manifest's folder calls it: it means the same in another checkout."""
    path, folder = Path(text), manifest.absolute().parent
    return path.relative_to(folder).as_posix() if text and path.is_relative_to(folder) else text


def _archive(archive: Archive | None, manifest: Path) -> str:
    if archive is None:
        return ""
    where = _beside(archive.location, manifest) if archive.kind == "file" else archive.location
    return " ".join(filter(None, (where, archive.revision and f"#{archive.revision}", archive.sha256)))


def differences(before: Meaning, after: Meaning) -> tuple[Difference, ...]:
    """In the order of names; a service that only one of them has is one difference."""
    own = _of_fields("", before.of_application(), after.of_application(), before, after, (None, None))
    return (*own, *_of_services(before, after))


def _of_services(before: Meaning, after: Meaning) -> Iterator[Difference]:
    old = {each.name: each for each in before.manifest.services}
    new = {each.name: each for each in after.manifest.services}
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Difference(name, "", None, _words(new[name]), after.place(new[name], ""))
        elif name not in new:
            yield Difference(name, "", _words(old[name]), None, before.place(old[name], ""))
        else:
            said = (before.of_service(old[name]), after.of_service(new[name]))
            if not (before.says(old[name], "Uses") or after.says(new[name], "Uses")):
                said[0]["Uses"] = said[1]["Uses"] = None  # all others, whichever these are
            yield from _of_fields(name, *said, before, after, (old[name], new[name]))


def _of_fields(
    service: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    before: Meaning,
    after: Meaning,
    services: tuple[Service | None, Service | None],
) -> Iterator[Difference]:
    for field in sorted(old.keys() | new.keys()):
        was, then = old.get(field), new.get(field)
        if was != then and not (field == "code" and None in (was, then)):
            where = after.place(services[1], field) if field in new else before.place(services[0], field)
            yield Difference(service, field, _shown(was), _shown(then), where)


def _shown(value: Any) -> Any:
    return HIDDEN if isinstance(value, _Secret) else value


def _words(service: Service) -> str:
    """php, 2 backend, 1 proxy."""
    groups = ", ".join(f"{count} {group}" for group, count in sorted(service.counts.items()) if count)
    return f"{service.type}, {groups or 'no machine'}"


def text(difference: Difference) -> str:
    """~ front  StartupInstances.backend: 2 -> 3   (manifest.json:4:9)."""
    name, place = difference.service or "application", f"   ({difference.place})" if difference.place else ""
    if not difference.field:
        sign, what = ("+", difference.after) if difference.before is None else ("-", difference.before)
        return f"{sign} {name}  {what}{place}"
    before, after = ("(none)" if each is None else each for each in (difference.before, difference.after))
    return f"~ {name}  {difference.field}: {before} -> {after}{place}"
