"""Visits without a manifest: machines that are there get the files of their record again, or a few others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from conpaas_iac.backend.hostkeys import shown
from conpaas_iac.backend.place import Placed
from conpaas_iac.backend.record import Record
from conpaas_iac.clouds import Reach
from conpaas_iac.core.render import Tree
from conpaas_iac.engine.engine import Engine
from conpaas_iac.engine.engine_state import Applied, Machines
from conpaas_iac.machines import visits
from conpaas_iac.machines.configure import Executor
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.machines.sight import seen_now
from conpaas_iac.machines.ssh import access
from conpaas_iac.machines.visit import Visit
from conpaas_iac.runs.events import Listener
from conpaas_iac.usecases.means import Means


@dataclass(frozen=True)
class Scene(Means):
    """An application as it is now, and who goes to its machines."""

    engine: Engine
    applied: Applied
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, engine: Engine, settings: Placed, listen: Listener, execute: Executor) -> "Scene":
        """As long as the turn of the settings lasts."""
        return cls(settings, listen, settings.turn.between(execute), engine, engine.applied())

    @property
    def reach(self) -> Reach:
        """Where its machines are."""
        return self.clouds(self.applied.places)

    def visits(self, trees: Mapping[str, Tree], machines: Machines) -> list[Visit]:
        """To those of the machines that run; the others are visited by the `up` that brings them back."""
        seen = seen_now(self.applied, self.reach)
        return [
            visits.again(machine, trees[machine.node], seen[machine.node].ip, machines.secrets)
            for machine in self.applied.machines
            if machine.node in trees and machine.node in seen and seen[machine.node].running
        ]

    def visit(self, playbook: str, chosen: Sequence[Visit], machines: Machines) -> Outcome:
        """Run a playbook on them."""
        hosts = {visit.node: {**machines.nodes[visit.node], "ip": visit.ip} for visit in chosen}
        with access(machines.login, shown(self.record(), hosts)) as way:
            return self.execute(playbook, chosen, way, self.listen)

    def confirm(self, there: Record, chosen: Sequence[Visit], machines: Machines, outcome: Outcome) -> Record:
        """Keep what was confirmed of the visits."""
        trees = {visit.node: visit.tree for visit in chosen}
        return self.keep(there.confirmed((machines.nodes[node]["id"], trees[node]) for node in outcome.confirmed))
