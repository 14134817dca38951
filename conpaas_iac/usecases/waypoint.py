"""The same wish with some machines on other clouds than it says. What it renders anew is what depends on that."""

from collections.abc import Mapping
from dataclasses import replace

from conpaas_iac.clouds import Reach
from conpaas_iac.core import render
from conpaas_iac.usecases.wish import Wish


def placed(wanted: Wish, where: Mapping[str, str], reach: Reach) -> Wish:
    """`where` is machine -> cloud; files of the network are not there yet."""
    services = tuple(
        replace(service, nodes=tuple(replace(node, cloud=where.get(node.name, node.cloud)) for node in service.nodes))
        for service in wanted.topology.services
    )
    layout = replace(wanted.topology, services=services, places={**reach.places, **wanted.topology.places})
    former = {name: cloud.operators() for name, cloud in reach.each(set(where.values()) - wanted.operators.keys())}
    operators = {**wanted.operators, **former}
    trees = render.trees(layout, wanted.types, wanted.internal, operators)
    return replace(wanted, topology=layout, trees=trees, operators=operators)
