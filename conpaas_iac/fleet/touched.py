"""Which applications of a fleet a change touches: by their folders, what their manifests refer to, what all share."""

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from conpaas_iac.fleet.units import MANIFEST, Unit

REFERRING = ("Archive", "Url", "StartupScript", "Dump", "resume")  # fields that may name files


def touched(units: Iterable[Unit], changed: Collection[Path], shared: Path) -> tuple[Unit, ...]:
    """Those that these changed files have to do with; `shared` is the fleet's own file."""
    if shared in changed:
        return tuple(units)
    return tuple(unit for unit in units if _own(unit, changed) or _referred(unit, changed))


def _own(unit: Unit, changed: Collection[Path]) -> bool:
    inside = [path for path in changed if path.is_relative_to(unit.folder)]
    return any(not _of_another(unit, path) for path in inside)


def _of_another(unit: Unit, path: Path) -> bool:
    """What is another environment's: its overlay, its lock file, its own folder."""
    if path.parent == unit.manifest.parent:
        parts = path.name.removesuffix(".json").removesuffix(".lock").split(".")
        meant = parts[1] if len(parts) == 2 and path.suffix == ".json" else ""
        return meant not in ("", unit.environment)
    if path.parent == unit.folder:
        return path.suffix == ".json" and (path.name.startswith("manifest.") or path.name.endswith(".lock.json"))
    other = unit.folder / path.relative_to(unit.folder).parts[0]
    return other != unit.manifest.parent and (other / MANIFEST).exists()


def _referred(unit: Unit, changed: Collection[Path]) -> bool:
    files = referred(unit)
    return files is None or any(path == file or path.is_relative_to(file) for path in changed for file in files)


def referred(unit: Unit) -> frozenset[Path] | None:
    """Files and folders that its manifest names; None where it cannot be read, and may name any."""
    found: set[Path] = set()
    for path in filter(None, (unit.manifest, unit.overlay)):
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError):
            return None
        names = (name.removeprefix("file://") for name in _named(data))
        found.update(Path(f"{unit.manifest.parent}/{name}" if name[:1] != "/" else name) for name in names)
    return frozenset(Path(*_plain(path)) for path in found)


def _named(data: Any, field: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _named(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from _named(value)
    elif isinstance(data, str) and field in REFERRING and ("://" not in data or data.startswith("file://")):
        yield data


def _plain(path: Path) -> list[str]:
    """Without `..`, and without asking the disk: what was removed is no longer there."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts[1:] = parts[1:-1]
        else:
            parts.append(part)
    return parts
