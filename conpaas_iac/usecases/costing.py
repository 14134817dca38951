"""What an application costs before and after a change, from what its clouds are paid for."""

from collections.abc import Collection, Iterable, Iterator

from conpaas_iac.clouds import Reach
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.layout import size_name
from conpaas_iac.plans import cost
from conpaas_iac.plans.cost import Cost, Item
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.situation import Situation


def cost_of(now: Situation) -> Cost:
    """Machines that rest keep their storage and addresses, and nothing else that is paid for."""
    prices, reach = now.wish.prices, Reach(now.places, Settings())
    resting = {machine.node for machine in now.resting}
    before = cost.of(_items(now.applied.machines, now.record.resting, reach), prices)
    after = cost.of(_items((*now.target.machines, *now.resting), resting, reach), prices)
    return Cost(prices, before, after, now.wish.manifest.budget)


def _items(machines: Iterable[Machine], resting: Collection[str], reach: Reach) -> Iterator[Item]:
    for machine in machines:
        cloud, size = reach[machine.cloud], size_name(machine.cpu, machine.memory)
        sold = cloud.sold(machine)
        yield Item(
            machine.node,
            machine.cloud,
            cloud.place.provider,
            (sold.type, size) if sold.type else (size,),
            sold.region,
            sold.storage,
            sold.addresses,
            machine.node not in resting,
        )
