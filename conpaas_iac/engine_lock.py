"""The engine's own lock on a stack: a run that was killed leaves it, and nobody else can tell that it is dead."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.settings import Settings
from conpaas_iac.store import at

FOLDER = ".pulumi/locks/organization/conpaas"  # the engine's layout, one document a holder


@dataclass(frozen=True)
class Holder:
    """An engine that has, or had, a stack."""

    pid: int
    host: str

    @property
    def is_dead(self) -> bool:
        """For certain: it ran on this host, and no engine has its number now."""
        if self.host != socket.gethostname():
            return False
        try:
            return Path(f"/proc/{self.pid}/comm").read_text().strip() != "pulumi"
        except OSError:
            return True


def holders(settings: Settings, stack: str) -> tuple[Holder, ...]:
    """Who holds the engine's lock on a stack."""
    return tuple(_holders(settings, stack))


def _holders(settings: Settings, stack: str) -> Iterator[Holder]:
    shelf = at(settings.backend_url, FOLDER)
    for name in shelf.names():
        content = shelf.read(name)
        if content and name.startswith(f"{stack}/") and name.endswith(".json"):
            document = json.loads(content)
            yield Holder(document["pid"], document["hostname"])
