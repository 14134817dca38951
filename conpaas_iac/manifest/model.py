"""What a manifest means, after reading: every default filled in, every name resolved, every value checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from conpaas_iac.core.places import Places


@dataclass(frozen=True)
class Place:
    """A stretch of one line of a file; line and column count from 1."""

    file: str
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True)
class Archive:
    """Where the code of a service comes from.

    `location` is an absolute path, a URL, a git URL, or an uploaded version (all its digits, where the backend was
    asked); `revision` a git branch, tag or commit ("" elsewhere).
    `sha256` is what the manifest demands, or "".
    """

    kind: Literal["file", "url", "git", "version"]
    location: str
    sha256: str = ""
    revision: str = ""


@dataclass(frozen=True)
class Batch:
    """Some machines of a group that share cloud and size."""

    count: int
    cloud: str
    size: str


@dataclass(frozen=True)
class Publish:
    """A port opened to the outside besides the type's public ones, for these sources only."""

    group: str
    port: int
    sources: tuple[IPv4Network, ...]


@dataclass(frozen=True)
class Mount:
    """A volume of another service, at a place of this one's machines."""

    volume: str
    service: str
    path: str  # absolute, or inside the code


@dataclass(frozen=True)
class Budget:
    """What the application may cost."""

    month: Decimal
    currency: str  # or "credits"


@dataclass(frozen=True)
class Service:
    """One service of the application."""

    pointer: str  # JSON pointer of the service in the manifest, "/Services/0"
    name: str  # slug: used for host names
    title: str  # as the user wrote it
    type: str
    cloud: str
    start: bool
    counts: Mapping[str, int]  # group -> machines, every group of the type present
    batches: Mapping[str, tuple[Batch, ...]]  # group -> mix asked for by `Machines`
    uses: tuple[str, ...]  # names of services; absent in the manifest: all others
    addresses: Mapping[str, tuple[IPv4Address, ...]]  # group -> asked-for addresses by ordinal
    archive: Archive | None
    startup_script: str  # absolute path or URL, or ""
    dump: str  # alike
    resume: str  # alike
    options: Mapping[str, object]  # `Configuration` over the type's defaults
    environment: Mapping[str, str]
    size: str
    placement: Literal["packed", "spread"]
    image: str  # the user's own machine image, or ""
    publish: tuple[Publish, ...]
    at_once: int  # how many machines in service a change may visit side by side
    without: frozenset[str]  # machines that are left out: others take their place
    renamed_from: str
    environment_secrets: Mapping[str, str]  # variable -> name of the secret that is its value
    secrets: Mapping[str, str]  # field (Password) -> name of the secret that the manifest gives it
    passwords: Mapping[str, str] = dataclass_field(repr=False)  # field -> value written into the manifest
    fields: Mapping[str, object]  # the type's own fields as written (Dump, Password, VolumeStartup, StartRole)
    mounts: tuple[Mount, ...] = ()
    bounds: Mapping[str, Mapping[str, int]] = dataclass_field(default_factory=dict)  # group -> Min, Max of `Scaling`

    @property
    def seed(self) -> str:
        """What its empty data begins with, or ""."""
        return self.dump or self.resume


@dataclass(frozen=True)
class Manifest:
    """A manifest that has no errors."""

    path: Path
    application: str
    description: str
    services: tuple[Service, ...]
    clouds: Places  # the named ones, and those that a service means by their own name
    range: IPv4Network | None
    places: Mapping[str, Place]  # JSON pointer -> place of the value
    budget: Budget | None = None
    text: str = dataclass_field(default="", repr=False)  # as it is written, but for secrets
