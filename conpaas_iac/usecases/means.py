"""What a run works with that holds an application."""

from dataclasses import dataclass

from conpaas_iac.backend import record
from conpaas_iac.backend.place import Placed
from conpaas_iac.backend.record import Record
from conpaas_iac.backend.store import Store
from conpaas_iac.backend.stores import at
from conpaas_iac.clouds import Reach
from conpaas_iac.core.places import Places
from conpaas_iac.machines.configure import Executor
from conpaas_iac.runs.events import Listener


@dataclass(frozen=True)
class Means:
    """As long as its turn lasts."""

    settings: Placed
    listen: Listener
    execute: Executor

    @property
    def shelf(self) -> Store:
        """Where what it has to remember is kept."""
        return at(self.settings.backend_url)

    def clouds(self, places: Places) -> Reach:
        """Those at these places."""
        return Reach(places, self.settings)

    def record(self) -> Record:
        """As it is kept."""
        return record.read(self.shelf, self.settings.turn.name)

    def keep(self, there: Record) -> Record:
        """Replace it."""
        record.write(self.shelf, self.settings.turn.name, there)
        return there
