"""What a fleet's repository holds: an application in an environment each, and tombstones of those that are to go.

    fleet/shop/manifest.json                    shop, default environment
    fleet/shop/manifest.staging.json            … instead, beside it: shop in staging, with this overlay
    fleet/shop/production/manifest.json         shop in production, with a manifest of its own
    fleet/shop/removed.json                     what its application is, is to go
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.core.environments import DEFAULT, title
from conpaas_iac.fleet.place import FOLDER
from conpaas_iac.manifest.layers import path_of
from conpaas_iac.manifest.names import slug

MANIFEST = "manifest.json"
TOMBSTONE = "removed.json"


@dataclass(frozen=True)
class Unit:
    """An application in an environment; paths are absolute."""

    name: str  # of the application, as far as its file can be read; else of its folder
    environment: str
    manifest: Path
    folder: Path  # of the application: all in it is its own

    @property
    def title(self) -> str:
        """shop, or shop:staging."""
        return title(self.name, self.environment)

    @property
    def overlay(self) -> Path | None:
        """That of its environment, where there is one."""
        path = path_of(self.manifest, self.environment)
        return path if path.is_file() else None


def found(top: Path) -> tuple[Unit, ...]:
    """All applications of the repository whose top this is, in order."""
    folders = sorted(path for path in (top / FOLDER).glob("*") if path.is_dir() and not path.name.startswith("."))
    return tuple(unit for folder in folders for unit in _of(folder))


def _of(folder: Path) -> Iterator[Unit]:
    base, own = folder / MANIFEST, sorted(folder.glob(f"*/{MANIFEST}"))
    overlays = sorted(path.name.split(".")[1] for path in folder.glob("manifest.*.json") if _names_one(path))
    for environment in overlays or ([DEFAULT] if base.exists() or not (own or _is_grave(folder)) else []):
        yield Unit(_name(base, folder), environment, base, folder)
    for path in own:
        yield Unit(_name(path, folder), path.parent.name, path, folder)


def _names_one(path: Path) -> bool:
    """`manifest.staging.json`, and not `manifest.staging.lock.json`."""
    return path.name.count(".") == 2 and not path.name.endswith(".lock.json")


def _is_grave(folder: Path) -> bool:
    return (folder / TOMBSTONE).exists()


def _name(manifest: Path, folder: Path) -> str:
    try:
        said = json.loads(manifest.read_text())["Application"]
    except (OSError, ValueError, KeyError, TypeError):
        said = folder.name
    return slug(str(said)) or folder.name


def tombstones(top: Path) -> tuple[Path, ...]:
    """All of them."""
    return tuple(sorted((top / FOLDER).glob(f"*/{TOMBSTONE}")))
