"""Where machines are beside where they are to be: the same place may have another name now. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.places import Fixed, Places, is_same, named, settled
from conpaas_iac.core.topology import Topology


def placed(
    layout: Topology, machines: Iterable[Machine], there: Places, fixed: Fixed, shares: Callable[[str], bool]
) -> tuple[Topology, tuple[Machine, ...]]:
    """The layout with places as they were made, and the machines at the names that their places have now.

    `shares`: whether places of a provider have no resources of their own, so that two names for one place differ in
    nothing. Raises UserError where a name stands for somewhere else than before.
    """
    machines = tuple(machines)
    before = {**there, **{each.cloud: named(there, each.cloud) for each in machines}}
    places = settled(layout.places, before, {each.cloud for each in machines}, fixed)
    resources = {place.resource: place.name for place in places.values()}
    wanted = {node.name: node.cloud for node in layout.nodes}

    def name(machine: Machine) -> str:
        here, target = before[machine.cloud], places.get(wanted.get(machine.node, ""))
        if target and shares(here.provider) and is_same(here, target, fixed):
            return target.name
        return machine.cloud if machine.cloud in places else resources.get(here.resource, machine.cloud)

    return replace(layout, places=places), tuple(replace(each, cloud=name(each)) for each in machines)
