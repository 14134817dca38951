"""Which machines are visited, in which order. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from conpaas_iac import clouds
from conpaas_iac.backend import hostkeys
from conpaas_iac.backend.record import Record
from conpaas_iac.catalog import Catalog
from conpaas_iac.core import mounts
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.layout import Node
from conpaas_iac.core.render import Tree
from conpaas_iac.core.topology import Service, Topology
from conpaas_iac.engine.engine_state import Machines
from conpaas_iac.errors import MachineError
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.machines.visit import Visit
from conpaas_iac.network import certificates
from conpaas_iac.network.certificates import Authority
from conpaas_iac.plans import rolling
from conpaas_iac.usecases.wish import Wish

CLOUD = "cloud"  # step of a failure that is a whole cloud's


def stages(wanted: Wish, machines: Machines, there: Record, awoken: Collection[str]) -> list[list[Visit]]:
    """Services in start order, each in batches: what is new and what stays in service first, then what is rolled.

    In a running service, machines that bring the traffic settle after the others of their batch.
    """
    found: dict[int, list[Visit]] = {}
    for service in wanted.topology.services:
        found.setdefault(service.rank, []).extend(_of_service(wanted, service, machines, there, awoken))
    return [sorted(found[rank], key=lambda visit: visit.batch) for rank in sorted(found) if found[rank]]


def _of_service(
    wanted: Wish, service: Service, machines: Machines, there: Record, awoken: Collection[str]
) -> Iterator[Visit]:
    descriptor, trees = wanted.types[service.type].descriptor, wanted.trees
    ids = {node.name: machines.nodes[node.name]["id"] for node in service.nodes if node.name in machines.nodes}
    due = {
        node
        for node in ids
        if wanted.every or node in awoken or not there.confirms(node, ids[node], trees[node].digest)
    }
    old = {node for node in ids if node in there.nodes and there.nodes[node].id == ids[node] and node not in awoken}
    effects = {node: rolling.effect(node, trees[node], descriptor, there, not wanted.every) for node in due & old}
    serving = {
        group: [node for node in old - there.visiting if group in there.nodes[node].groups]
        for group in descriptor.drain
    }
    leaving = {node for node, effect in effects.items() if rolling.leaves(effect, node, descriptor, serving)}
    # The last machines first: those that bring the traffic are the first ones, and move their visitors once.
    rolled = [node.name for node in reversed(service.nodes) if node.name in effects and effects[node.name].rolled]
    batches = rolling.batches(rolled, leaving, service.at_once)
    running = any(node.name in there.nodes for node in service.nodes)
    founds = descriptor.founds and service.name not in there.founded
    able = (node.name for node in service.nodes if node.name in ids and descriptor.founds in node.groups)
    founder = next(able, "") if founds else ""
    for node in service.nodes:
        if node.name in due:
            tree = trees[node.name]
            yield replace(
                _visit(wanted, node, machines),
                authority=_authority(tree, ids[node.name], machines, there),
                moves=_moves(tree, there),
                brings_traffic=not running or bool(set(descriptor.start_order[-1:]) & set(node.groups)),
                founds=node.name == founder,
                host_key=_host_key(node.name, ids[node.name], there),
                seed=str(wanted.seeds.get(service.name, "")) if node.name == founder else "",
                drains=node.name in leaving,
                joins=node.name not in effects or effects[node.name].rolled,
                batch=batches.get(node.name, 0),
            )


def ready(stage: Iterable[Visit], layout: Topology, machines: Machines, there: Record) -> list[Visit]:
    """Without those of services that use one that has machines, and not one that works."""
    services = {service.name: service for service in layout.services}
    of_node = {node.name: services[node.service] for node in layout.nodes}
    working = {
        node.service
        for node in layout.nodes
        if (known := there.nodes.get(node.name)) and machines.nodes.get(node.name, {}).get("id") == known.id
    }
    idle = {service.name for service in services.values() if service.nodes} - working
    return [
        visit
        for visit in stage
        if not any(used in idle and services[used].rank < of_node[visit.node].rank for used in of_node[visit.node].uses)
    ]


def _host_key(node: str, instance_id: str, there: Record) -> str:
    """The one that a machine has made, until it was seen to use it."""
    return "" if hostkeys.is_proven(there, node, instance_id) else hostkeys.own(there, node, instance_id)


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


def _visit(wanted: Wish, node: Node, machines: Machines) -> Visit:
    service = wanted.topology.service(node.service)
    return Visit(
        node=node.name,
        ip=machines.nodes[node.name]["ip"],
        type=service.type,
        groups=node.groups,
        tree=wanted.trees[node.name],
        baked=not node.image and clouds.kind(wanted.topology.provider(node)).BAKES,
        address=str(node.address),
        startup_script=str(wanted.scripts.get(service.name, "")),
        archive=str(wanted.archives.get(service.name, "")),
        options=service.options,
        code_check=wanted.types[service.type].descriptor.code_check,
        secrets=machines.secrets,
        clients=tuple(sorted({each.kind.name for each in mounts.of_node(node, wanted.topology, wanted.types)})),
    )


def again(machine: Machine, tree: Tree, ip: str, secrets: Mapping[str, str]) -> Visit:
    """To a machine that keeps all but a few files."""
    return Visit(machine.node, ip, machine.type, tree.groups, tree, True, machine.fixed_address, secrets=secrets)


def leaving(going: Iterable[Machine], machines: Machines, there: Record, types: Catalog) -> list[Visit]:
    """To machines that are told nothing any more; those that keep data leave one after another."""
    found, last = [], 0
    for machine in going:
        known, descriptor = there.nodes.get(machine.node), types[machine.type].descriptor
        groups = known.groups if known else ()
        keeps = any(descriptor.groups[group].keeps_data for group in groups)
        last += keeps
        ip, batch, empty = machines.nodes[machine.node]["ip"], last if keeps else 0, Tree.empty(machine.node)
        found.append(Visit(machine.node, ip, machine.type, groups, empty, True, machine.fixed_address, batch=batch))
    return sorted(found, key=lambda visit: visit.batch)


def founded(wanted: Wish, stage: Iterable[Visit], confirmed: Collection[str]) -> frozenset[str]:
    """Services whose data was seen to be there: the machine that began it, with what it is to begin with, confirmed."""
    services = {node.name: node.service for node in wanted.topology.nodes}
    return frozenset(services[visit.node] for visit in stage if visit.founds and visit.node in confirmed)


def raise_on_failure(outcome: Outcome, what: str = "not configured", forgiven: str = "") -> None:
    """Raises MachineError naming machines and steps; failures of the step `forgiven` do not count."""
    failures = tuple(failure for failure in outcome.failures if failure.step != forgiven)
    if failures:
        silent = sorted(failure.node for failure in failures if failure.step == CLOUD)
        names = ", ".join(sorted({failure.node for failure in failures if failure.step != CLOUD}))
        said = [f"{names}: {what}"] if names else []
        said += [f"{cloud} does not answer, its machines are left as they are" for cloud in silent]
        said += [f"{', '.join(outcome.untouched)} left as before"] if outcome.untouched else []
        raise MachineError("; ".join(said), failures, "mend it, then run the same command again")
