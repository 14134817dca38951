"""What guest/drift.py says of its machine."""

from datetime import datetime
from typing import Literal

import msgspec


class FoundFile(msgspec.Struct, frozen=True):
    """What is at a path of a machine."""

    path: str
    kind: Literal["file", "link", "other", "none"]
    mode: str = ""
    owner: str = ""
    group: str = ""
    mac: str = ""
    text: str | None = None


class FoundUnit(msgspec.Struct, frozen=True):
    """What systemd says of a unit."""

    load: str
    active: str
    file: str


class FoundPackage(msgspec.Struct, frozen=True):
    """A package of another version than at first; an empty version: it is not there."""

    name: str
    before: str
    now: str


class FoundCertificate(msgspec.Struct, frozen=True):
    """The machine's own."""

    fingerprint: str
    issuer: str
    ends: datetime


class Found(msgspec.Struct, frozen=True):
    """All of it."""

    files: tuple[FoundFile, ...]
    unwanted: tuple[str, ...]
    units: dict[str, FoundUnit]
    packages: tuple[FoundPackage, ...] | None  # None: nobody noted those of the first time
    certificate: FoundCertificate | None
    code: str
