"""Volumes of other services that a service mounts, and where; the snapshot that one begins with."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any

from conpaas_iac.manifest import locations
from conpaas_iac.manifest.context import Context, Named, items
from conpaas_iac.manifest.model import Mount
from conpaas_iac.manifest.names import slug, suggestion
from conpaas_iac.manifest.relations import Uses
from conpaas_iac.manifest.source import quote

Mounts = Mapping[str, tuple[Mount, ...]]  # pointer of a service -> what it mounts

# What lies in, at or above one of these is the machine's own.
SYSTEM = (
    "bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "var/lib/conpaas",
)  # fmt: skip
# What lies at or above one of these would hide more than its own place.
SHARED = (
    "home", "media", "mnt", "opt", "srv/conpaas/code", "srv/conpaas/data", "var/cache", "var/lib/mfs", "var/lib/mysql",
    "var/log", "var/spool",
)  # fmt: skip
OWN = "as /var/lib/app: a folder of its own"


def mounts(context: Context, named: Sequence[Named], uses: Uses) -> Mounts:
    """What each service mounts; means nothing of a service once an error has been said."""
    by_name = {service.name: service for service in named if service.name}
    for service in named:
        _volumes_once(context, service)
    return {service.pointer: _of(context, service, by_name, uses) for service in named}


def _of(context: Context, service: Named, by_name: Mapping[str, Named], uses: Uses) -> tuple[Mount, ...]:
    found: dict[str, Mount] = {}
    for pointer, data in items(service.data.get("Mounts", []), f"{service.pointer}/Mounts"):
        if {"Volume", "Service", "Path"} <= data.keys():
            mount = Mount(data["Volume"], slug(data["Service"]), data["Path"])
            _source(context, service, mount, pointer, by_name, uses)
            _place(context, service, mount, pointer)
            _besides(context, mount, pointer, found)
            found[pointer] = mount
    return tuple(found.values())


def _source(
    context: Context, service: Named, mount: Mount, pointer: str, by_name: Mapping[str, Named], uses: Uses
) -> None:
    """Whether there is such a service, and it has volumes."""
    add, where = context.findings.add, f"{pointer}/Service"
    offering = [name for name, each in by_name.items() if _has_volumes(each)]
    other = by_name.get(mount.service)
    if other is None:
        add("E0701", where, "there is no such service", suggestion(mount.service, offering, "services with volumes"))
    elif other is service:
        add("E0702", where, "a service cannot mount its own volumes", "another one does")
    elif other.kind and not _has_volumes(other):
        kinds = ", ".join(name for name, kind in sorted(context.types.items()) if kind.descriptor.mount)
        hint = suggestion(mount.service, offering, "services with volumes") or f"types with volumes: {kinds}"
        add("E0702", where, f"{quote(other.title)} has no volumes: it is {other.kind.name}", hint)
    elif mount.service not in uses[service.pointer]:
        hint = f'"Uses" names all that a service may reach: add {quote(other.title)}'
        add("E0705", where, f'{quote(other.title)} is not in "Uses"', hint)
    elif mount.volume not in (names := [each["volumeName"] for _, each in _volumes(other)]):
        hint = "it is made, and everybody may write into it; " + (
            suggestion(mount.volume, names, "asked for") or '"VolumeStartup" there says whose it is'
        )
        message = f"{quote(other.title)} does not ask for a volume {quote(mount.volume)}"
        add("W0701", f"{pointer}/Volume", message, hint)


def _has_volumes(service: Named) -> bool:
    return bool(service.kind and service.kind.descriptor.mount)


def _place(context: Context, service: Named, mount: Mount, pointer: str) -> None:
    """Whether the machine has something else there."""
    path = PurePosixPath(mount.path)
    inside = not path.is_absolute()
    below = mount.path.strip("/")
    taken = next((each for each in SYSTEM if _within(below, each)), "")
    taken = taken or next((each for each in (*SYSTEM, *SHARED) if _within(each, below)), "")
    if ".." in path.parts or not below or str(path) != mount.path or mount.path.startswith("//"):
        message = f"{quote(mount.path)} is not a plain path"
        hint = 'as "/var/lib/app", or "uploads" for a folder of the code'
    elif inside and service.kind and "Archive" not in service.data:
        message = f"{quote(mount.path)} is a folder of the code, and the service has no code"
        hint = 'begin it with "/", or give the service an "Archive"'
    elif not inside and taken:
        message, hint = f"{quote(mount.path)} would hide what the machine has in /{taken}", OWN
    elif not inside and _within(below, "srv/conpaas/code"):
        message, hint = f"{quote(mount.path)} goes with a version of the code", 'say where in the code, as "uploads"'
    else:
        return
    context.findings.add("E0703", f"{pointer}/Path", message, hint)


def _besides(context: Context, mount: Mount, pointer: str, found: Mapping[str, Mount]) -> None:
    """Two volumes do not lie in one another, and none is there twice."""
    for other, before in found.items():
        nested = _within(mount.path, before.path) or _within(before.path, mount.path)
        if nested or (mount.service, mount.volume) == (before.service, before.volume):
            field, hint = ("Path", "each at a place of its own") if nested else ("Volume", "once is enough")
            message = f"{'another' if nested else 'this'} volume is mounted at {quote(before.path)} already"
            context.findings.add("E0704", f"{pointer}/{field}", message, hint, related=[(other, "the other one")])
            return


def snapshot(context: Context, service: Named) -> str:
    """What StartupInstances names as `resume`: a URL or an absolute path; says so where it cannot be restored."""
    if not (written := service.data.get("StartupInstances", {}).get("resume")):
        return ""
    pointer, asked = f"{service.pointer}/StartupInstances/resume", _volumes(service)
    if len(asked) != 1:
        message = f"a snapshot is of one volume, and VolumeStartup asks for {len(asked) or 'none'}"
        hint = "one volume, with its name; others by `conpaas xtreemfs restore`"
        context.findings.add("E0707", pointer, message, hint)
    return locations.snapshot(context, written, pointer)


def _volumes_once(context: Context, service: Named) -> None:
    seen: dict[str, str] = {}
    for pointer, each in _volumes(service):
        name = each["volumeName"]
        if name in seen:
            where, related = f"{pointer}/volumeName", [(seen[name], "the other one")]
            context.findings.add("E0706", where, f"two volumes are called {quote(name)}", "", related=related)
        seen.setdefault(name, pointer)


def _volumes(service: Named) -> list[tuple[str, Any]]:
    """Pointer and value of the volumes that a service asks for."""
    written, pointer = service.data.get("VolumeStartup", []), f"{service.pointer}/VolumeStartup"
    found = [(pointer, written)] if isinstance(written, dict) else list(items(written, pointer))
    return [(where, each) for where, each in found if "volumeName" in each]


def _within(inner: str, outer: str) -> bool:
    """Whether a path is another one, or lies in it."""
    steps, others = inner.split("/"), outer.split("/")
    same = takewhile(lambda pair: pair[0] == pair[1], zip(steps, others, strict=False))
    return len(list(same)) == len(others)
