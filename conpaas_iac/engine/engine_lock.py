"""The engine's own lock on a stack: a run that was killed leaves it. Who holds the lease knows that it is dead."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from conpaas_iac.backend.stores import at
from conpaas_iac.errors import LeaseHeldError
from conpaas_iac.settings import Settings
from conpaas_iac.system import processes

FOLDER = ".pulumi/locks/organization/conpaas"  # the engine's layout, one document a holder


@dataclass(frozen=True)
class Holder:
    """An engine that has, or had, a stack."""

    pid: int
    host: str

    @property
    def lives(self) -> bool:
        """For certain: it runs on this host. What ran elsewhere ended with its lease."""
        return self.host == socket.gethostname() and processes.called(self.pid) == "pulumi"


def refuse_living(settings: Settings, stack: str) -> None:
    """Raises LeaseHeldError for an engine that somebody started by hand, or with a conpaas that knew no leases."""
    if living := [each for each in _holders(settings, stack) if each.lives]:
        who = ", ".join(f"process {holder.pid}" for holder in living)
        raise LeaseHeldError(f"the engine is changing this application: {who}", "wait for it")


def _holders(settings: Settings, stack: str) -> Iterator[Holder]:
    shelf = at(settings.backend_url, FOLDER)
    for name in shelf.names():
        content = shelf.read(name)
        if content and name.startswith(f"{stack}/") and name.endswith(".json"):
            document = json.loads(content)
            yield Holder(document["pid"], document["hostname"])
