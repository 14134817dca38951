"""Machines that change their cloud: in which steps, and whose data nobody else would hold meanwhile. Pure.

A machine leaves service where it is, is made anew where it is to be, under its address, and is back in service before
the next one of its service goes.
"""

from collections.abc import Collection, Iterable

from conpaas_iac.catalog import Catalog
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.topology import Service, Topology


def moving(applied: Iterable[Machine], layout: Topology) -> dict[str, str]:
    """Machine -> "cloud: lab -> ec2"."""
    clouds = {node.name: node.cloud for node in layout.nodes}
    return {
        machine.node: f"cloud: {machine.cloud} -> {clouds[machine.node]}"
        for machine in applied
        if clouds.get(machine.node, machine.cloud) != machine.cloud
    }


def steps(layout: Topology, moving: Collection[str], serving: Collection[str]) -> tuple[frozenset[str], ...]:
    """The machines that have moved after each step; with the first one go all that nobody would miss.

    Services move side by side; of one, its last machines first, as many at once as a change may visit.
    """
    gone = frozenset(moving) - frozenset(serving)
    batches = [_batches(service, frozenset(moving) & frozenset(serving)) for service in layout.services]
    found = [gone]
    for number in range(max(map(len, batches), default=0)):
        found.append(found[-1].union(*(each[number] for each in batches if number < len(each))))
    return tuple(found)


def _batches(service: Service, moving: Collection[str]) -> list[list[str]]:
    nodes = [node.name for node in reversed(service.nodes) if node.name in moving]
    size = max(1, service.at_once)
    return [nodes[begin : begin + size] for begin in range(0, len(nodes), size)]


def stranded(layout: Topology, moving: Collection[str], lost: Collection[str], types: Catalog) -> dict[str, str]:
    """Service -> why it cannot move without its data: no other member would have it while one moves.

    Members that come with the same change count: they are there before anybody moves.
    """
    found = {}
    for service in layout.services:
        groups = types[service.type].descriptor.groups
        keepers = [node.name for node in service.nodes if any(groups[group].keeps_data for group in node.groups)]
        able = [name for name in keepers if name not in lost]
        if set(able) & set(moving) and len(able) <= max(1, service.at_once):
            found[service.name] = _said(service, able)
    return found


def _said(service: Service, able: Collection[str]) -> str:
    """What to do instead."""
    if len(able) > 1:
        return f'all of {", ".join(able)} would move at once: with "MaxUnavailable": 1 one moves after another'
    return f"{', '.join(able)} is the only one that has it: scale {service.name} to two or three first, then move it"


def held(applied: Iterable[Machine], moving: Collection[str], moved: Collection[str]) -> dict[str, str]:
    """Machine -> the cloud that it is on for now, of those whose turn has not come."""
    return {machine.node: machine.cloud for machine in applied if machine.node in set(moving) - set(moved)}
