"""Machines leave their service for good: drained, their data handed over, before they are removed or made anew."""

from collections.abc import Sequence
from dataclasses import replace

from conpaas_iac.backend.hostkeys import shown
from conpaas_iac.core.declaration import Machine
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.machines import visits
from conpaas_iac.machines.outcome import FIRST_CONTACT
from conpaas_iac.machines.ssh import access
from conpaas_iac.usecases.means import Means
from conpaas_iac.usecases.situation import Situation


def leave(leaving: Sequence[Machine], now: Situation, machines: Machines, means: Means) -> None:
    """Drain machines for good; should this run be killed, and they stay after all, they are visited again."""
    awake = [machine for machine in leaving if machine.node in now.seen and now.seen[machine.node].running]
    if not awake:
        return
    there = means.record()
    going = visits.leaving(awake, machines, there, now.wish.types)
    means.keep(replace(there, visiting=there.visiting | {visit.node for visit in going}))
    with access(machines.login, shown(there, machines.nodes)) as way:
        outcome = means.execute("leave", going, way, means.listen)
    # The dead need no drain.
    visits.raise_on_failure(outcome, "not drained, so not removed", forgiven=FIRST_CONTACT)
