"""Which machines are visited, in which order. Pure."""

from collections.abc import Iterable, Mapping

from conpaas_iac import clouds
from conpaas_iac.configure import Visit
from conpaas_iac.declaration import Machine
from conpaas_iac.layout import Node
from conpaas_iac.record import Record
from conpaas_iac.render import Tree
from conpaas_iac.wish import Wish

Nodes = Mapping[str, Mapping[str, str]]  # node -> {id, ip, hostKey}


def stages(wanted: Wish, nodes: Nodes, there: Record, awoken: Iterable[str]) -> list[list[Visit]]:
    """Services in start order; in a running service, machines that bring the traffic settle after the others."""
    found: dict[int, list[Visit]] = {}
    for service in wanted.topology.services:
        kind = wanted.types[service.type]
        running = any(node.name in there.nodes for node in service.nodes)
        for node in service.nodes:
            made = nodes[node.name]
            if there.confirms(node.name, made["id"], wanted.trees[node.name].digest) and node.name not in awoken:
                continue
            brings_traffic = not running or bool(set(kind.descriptor.start_order[-1:]) & set(node.groups))
            found.setdefault(service.rank, []).append(_visit(wanted, node, made, brings_traffic))
    return [found[key] for key in sorted(found)]


def _visit(wanted: Wish, node: Node, made: Mapping[str, str], brings_traffic: bool) -> Visit:
    service = wanted.topology.service(node.service)
    return Visit(
        node=node.name,
        ip=made["ip"],
        type=service.type,
        groups=node.groups,
        tree=wanted.trees[node.name],
        baked=not node.image and clouds.cloud(node.cloud).BAKES,
        address=str(node.address),
        startup_script=str(wanted.scripts.get(service.name, "")),
        archive=str(wanted.archives.get(service.name, "")),
        options=service.options,
        brings_traffic=brings_traffic,
    )


def leaving(machine: Machine, nodes: Nodes) -> Visit:
    ip = nodes[machine.node]["ip"]
    return Visit(machine.node, ip, machine.type, (), Tree.empty(machine.node), baked=True)
