"""What every check is given, and a way to walk data of which parts were found wrong."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conpaas_iac.catalog import Catalog, ServiceType
from conpaas_iac.manifest.findings import Findings
from conpaas_iac.manifest.language import names
from conpaas_iac.manifest.provider import Providers
from conpaas_iac.manifest.source import child

if TYPE_CHECKING:
    from conpaas_iac.sources.archives import Inspection


Inspect = Callable[[Path], "Inspection"]
Versions = Callable[[str, str], Sequence[str]]  # application and service -> versions of its code that were uploaded


def look(path: Path) -> "Inspection":
    """What an archive holds."""
    from conpaas_iac.sources import archives  # its imports are only needed for manifests with archives

    return archives.inspect(path)


@dataclass(frozen=True)
class Context:
    """One reading of one manifest."""

    path: Path
    findings: Findings
    types: Catalog
    providers: Providers
    default_cloud: str
    inspect: "Inspect" = look
    currencies: Collection[str] = ()  # that prices are known in; none: that is not asked
    versions: Versions | None = None  # None: the backend is not asked

    @property
    def folder(self) -> Path:
        """Where the manifest's relative paths begin."""
        return self.path.absolute().parent

    def kind(self, written: str) -> ServiceType | None:
        """The service type of a name as written, older names included."""
        return next((kind for kind in self.types.values() if written in names(kind)), None)


@dataclass(frozen=True)
class Named:
    """A service of the manifest with its name; its type may be wrong or not built yet."""

    pointer: str
    name: str
    title: str
    data: Mapping[str, Any]
    kind: ServiceType | None


def prune(data: Any, useless: Collection[str], pointer: str = "") -> Any:
    """The data without what was found wrong: members go, items of lists become None."""
    if isinstance(data, dict):
        steps = {name: child(pointer, name) for name in data}
        return {name: prune(data[name], useless, step) for name, step in steps.items() if step not in useless}
    if isinstance(data, list):
        steps_of = (child(pointer, index) for index in range(len(data)))
        return [
            None if step in useless else prune(item, useless, step) for item, step in zip(data, steps_of, strict=True)
        ]
    return data


def items(values: list[Any], pointer: str) -> Iterator[tuple[str, Any]]:
    """Pointer and value of the items that can be used."""
    for index, value in enumerate(values):
        if value is not None:
            yield child(pointer, index), value
