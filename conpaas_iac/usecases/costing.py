"""What an application costs before and after a change, from what its clouds sell."""

from collections.abc import Collection, Iterable, Iterator

from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.layout import size_name
from conpaas_iac.plans import cost
from conpaas_iac.plans.cost import Cost, Item
from conpaas_iac.usecases.situation import Situation


def cost_of(now: Situation) -> Cost:
    """Machines that rest keep their storage, and nothing else that is paid for."""
    prices = now.wish.prices
    resting = {machine.node for machine in now.resting}
    before = cost.of(_items(now.applied.machines, now.record.resting), prices)
    after = cost.of(_items((*now.target.machines, *now.resting), resting), prices)
    return Cost(prices, before, after, now.wish.manifest.budget)


def _items(machines: Iterable[Machine], resting: Collection[str]) -> Iterator[Item]:
    for machine in machines:
        size = size_name(machine.cpu, machine.memory)
        yield Item(machine.node, machine.cloud, machine.cloud, (size,), runs=machine.node not in resting)
