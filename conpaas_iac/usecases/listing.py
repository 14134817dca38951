"""The use case of `conpaas list`: every application of the backend. Asks no engine and no cloud."""

from dataclasses import dataclass

from conpaas_iac.backend import lockfile, place, record
from conpaas_iac.errors import StateError
from conpaas_iac.settings import Settings


@dataclass(frozen=True)
class Listing:
    """One application of the backend."""

    application: str
    environment: str
    machines: int
    range: str
    problem: str = ""  # why its state cannot be used


def listings(settings: Settings) -> tuple[Listing, ...]:
    """All applications of the backend."""
    found = []
    for name, placed in place.stacks(settings).items():
        application, environment = place.of_stack(name)
        shelf = place.shelf(placed)
        try:
            lock = lockfile.applied(shelf, name)
            machines = len(record.read(shelf, name).nodes)
            found.append(Listing(application, environment, machines, str(lock.range) if lock else ""))
        except StateError as error:  # the others are listed all the same
            found.append(Listing(application, environment, 0, "", error.message))
    return tuple(found)
