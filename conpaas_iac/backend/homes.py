"""Which fleet an application is of: said by where its manifest is, remembered in its record."""

from pathlib import Path

import msgspec

from conpaas_iac.backend.store import Store
from conpaas_iac.errors import StateError
from conpaas_iac.fleet import place


class Home(msgspec.Struct, frozen=True):
    """The repository that an application is of, and its manifest's path there."""

    fleet: str
    path: str


class _Homed(msgspec.Struct):
    """The part of a record that is read here; all of it may be large."""

    home: Home | None = None


def of_manifest(manifest: Path) -> Home | None:
    """The fleet that a manifest is in."""
    fleet, path = place.home(manifest)
    return Home(fleet, path) if fleet else None


def remembered(store: Store, stack: str) -> Home | None:
    """The fleet that the application of a stack was last made from; raises StateError."""
    content = store.read(f"{stack}/record.json")
    try:
        return msgspec.json.decode(content, type=_Homed).home if content else None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError("record", stack, str(error)) from error
