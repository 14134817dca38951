"""Which machines are visited, in which order. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from conpaas_iac import certificates, clouds
from conpaas_iac.certificates import Authority
from conpaas_iac.configure import Visit
from conpaas_iac.declaration import Machine
from conpaas_iac.engine import Machines
from conpaas_iac.layout import Node
from conpaas_iac.record import Record
from conpaas_iac.render import Tree
from conpaas_iac.wish import Wish


def stages(wanted: Wish, machines: Machines, there: Record, awoken: Iterable[str]) -> list[list[Visit]]:
    """Services in start order; in a running service, machines that bring the traffic settle after the others."""
    found: dict[int, list[Visit]] = {}
    for service in wanted.topology.services:
        kind = wanted.types[service.type]
        running = any(node.name in there.nodes for node in service.nodes)
        for node in service.nodes:
            made = machines.nodes[node.name]
            if there.confirms(node.name, made["id"], wanted.trees[node.name].digest) and node.name not in awoken:
                continue
            brings_traffic = not running or bool(set(kind.descriptor.start_order[-1:]) & set(node.groups))
            visit = replace(
                _visit(wanted, node, made),
                authority=_authority(wanted.trees[node.name], made["id"], machines, there),
                moves=_moves(wanted.trees[node.name], there),
                brings_traffic=brings_traffic,
            )
            found.setdefault(service.rank, []).append(visit)
    return [found[key] for key in sorted(found)]


def _moves(tree: Tree, there: Record) -> bool:
    known = there.nodes.get(tree.node)
    return bool(known and known.member and tree.member and known.member.address != tree.member.address)


def _authority(tree: Tree, instance_id: str, machines: Machines, there: Record) -> Authority | None:
    """Who signs, when this machine has no certificate yet or is to have another one."""
    if tree.member is None:
        return None
    known = there.nodes.get(tree.node)
    if known and (known.id, known.member) == (instance_id, tree.member) and known.certificate:
        return None
    return authority(machines, tree.member.signer)


def authority(machines: Machines, fingerprint: str) -> Authority:
    """One of the application's authorities, with its key."""
    fingerprints = [facts.fingerprint for facts in machines.authorities.facts]
    pairs = zip(machines.authorities.certificates, certificates.split(machines.keys), strict=True)
    return Authority(*dict(zip(fingerprints, pairs, strict=True))[fingerprint])


def _visit(wanted: Wish, node: Node, made: Mapping[str, str]) -> Visit:
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
    )


def telling(machine: Machine, tree: Tree, ip: str) -> Visit:
    """To a machine that keeps all but a few files that need no proof."""
    return Visit(machine.node, ip, machine.type, tree.groups, tree, baked=True)


def leaving(machine: Machine, machines: Machines) -> Visit:
    """To a machine that is told nothing any more."""
    ip = machines.nodes[machine.node]["ip"]
    return Visit(machine.node, ip, machine.type, (), Tree.empty(machine.node), baked=True)
