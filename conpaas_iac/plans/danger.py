"""How dangerous each line of a plan is for who uses the application. Pure.

safe: nobody notices · restart: software is restarted, and another machine serves meanwhile · downtime: what only this
machine does is not done meanwhile · data loss: the last copy of data goes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from conpaas_iac.backend.record import Record
from conpaas_iac.catalog import Catalog, Descriptor
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.render import Tree
from conpaas_iac.core.topology import Service, Topology
from conpaas_iac.plans import rolling
from conpaas_iac.plans.plan import Danger, FileChange, MachineChange, Part, Plan, worst


@dataclass(frozen=True)
class Ground:
    """What is there and what is wanted."""

    topology: Topology
    types: Catalog
    record: Record
    applied: tuple[Machine, ...] = ()
    trees: Mapping[str, Tree] = field(default_factory=dict)  # wanted
    restarting: Collection[str] = ()  # clouds that restart a machine for another size


@dataclass(frozen=True)
class Company:
    """The machines of a service that are in service before and after, by group."""

    descriptor: Descriptor
    staying: Mapping[str, Collection[str]]
    at_once: int = 1
    resized: Collection[str] = ()  # machines that get another size with a restart: all of them at the same time

    def stop(self, node: str, groups: Iterable[str], at_once: int | None = None) -> Danger:
        """Of a stop of what a machine does in these groups."""
        meanwhile = (at_once or self.at_once) - 1
        for group in groups:
            others = len(set(self.staying.get(group, ())) - {node}) - meanwhile
            if others < self.descriptor.groups[group].safe_minimum:
                return "downtime"
        return "restart"


def classed(plan: Plan, ground: Ground) -> Plan:
    """The plan with the class of each line."""
    there = {machine.node: machine for machine in ground.applied}
    ending = {change.node for change in plan.changes if change.action in ("remove", "rest", "replace", "wake", "add")}
    services = {service.name: service for service in ground.topology.services}
    sized = [change for change in plan.changes if any(_is_size(part) for part in change.parts)]
    restarted = [change for change in sized if there[change.node].cloud in ground.restarting]
    companies: dict[str, Company] = {}
    changes = []
    for change in plan.changes:
        kind = there[change.node].type if change.node in there else plan.types[change.service]
        if change.service not in companies:
            resized = {each.node for each in restarted if each.service == change.service}
            companies[change.service] = _company(ground, services.get(change.service), kind, ending, resized)
        changes.append(_classed(change, companies[change.service], ground, services.get(change.service), plan.losses))
    return replace(plan, changes=tuple(changes))


def _is_size(part: Part) -> bool:
    return (part.kind, part.action) == ("machine", "change")


def _company(
    ground: Ground, service: Service | None, kind: str, ending: Collection[str], resized: Collection[str]
) -> Company:
    descriptor = ground.types[kind].descriptor if kind in ground.types else Descriptor(summary="")
    names = [node.name for node in service.nodes] if service and service.type == kind else []
    known = {name: ground.record.nodes[name] for name in names if name in ground.record.nodes and name not in ending}
    groups = {group: [name for name, each in known.items() if group in each.groups] for group in descriptor.groups}
    return Company(descriptor, groups, service.at_once if service else 1, resized)


def _classed(
    change: MachineChange, company: Company, ground: Ground, service: Service | None, losses: Mapping[str, str]
) -> MachineChange:
    node, known = change.node, ground.record.nodes.get(change.node)
    serves = [group for group in known.groups if group in company.descriptor.groups] if known else []
    keeps = any(company.descriptor.groups[group].keeps_data for group in serves)
    match change.action:
        case "add":
            parts = _begins(change, company.descriptor, ground, service)
            return replace(change, parts=(*change.parts, *parts))
        case "wake":
            return change
        case "rest":
            return replace(change, danger="downtime")
        case "remove" | "replace" | "move":
            if keeps and change.service in losses:
                lost = Part("data", change.service, "remove", losses[change.service], "data loss")
                return replace(change, danger="data loss", parts=(*change.parts, lost))
            stop = company.stop(node, serves, None if change.action == "move" else 1)
            danger: Danger = "safe" if stop == "restart" and change.action == "remove" else stop
            danger = danger if serves else "safe"
            fate = "its copy is made anew from the others'" if change.action == "move" else "its copy goes; others stay"
            left = [Part("data", change.service, "remove", fate, danger)] if keeps else []
            return replace(change, danger=danger, parts=(*change.parts, *left))
        case _:
            return _changed(change, company, ground, serves)


def _begins(
    change: MachineChange, descriptor: Descriptor, ground: Ground, service: Service | None
) -> tuple[Part, ...]:
    """The machine that begins a service's data."""
    if service is None or not descriptor.founds or service.name in ground.record.founded:
        return ()
    able = [node.name for node in service.nodes if descriptor.founds in node.groups]
    there = {node.name for node in service.nodes} & ground.record.nodes.keys()
    is_first = bool(able) and able[0] == change.node and not there
    return (Part("data", service.name, "add", f"{service.name}'s data begins here"),) if is_first else ()


def _changed(change: MachineChange, company: Company, ground: Ground, serves: Collection[str]) -> MachineChange:
    node, tree = change.node, ground.trees.get(change.node)
    if tree is None or not serves:
        return change
    own = {file.path: file for file in company.descriptor.files}
    rolled = rolling.effect(node, tree, company.descriptor, ground.record).rolled
    everybody = None if rolled else 1 + max((len(each) for each in company.staying.values()), default=0)

    def of_file(file: FileChange) -> Danger:
        if file.on_change != "restart" or file.unit.endswith(".timer"):
            return "safe"
        said = own[file.path].groups if file.path in own else ()
        return company.stop(node, [group for group in said or serves if group in serves], everybody)

    def of_part(part: Part) -> Danger:
        if part.kind == "address":
            return company.stop(node, serves)
        if _is_size(part) and node in company.resized:
            return company.stop(node, serves, len(company.resized))
        return company.stop(node, serves) if (part.kind, part.action) == ("unit", "remove") else "safe"

    files = tuple(replace(file, danger=of_file(file)) for file in change.files)
    parts = tuple(replace(part, danger=of_part(part)) for part in change.parts)
    unsure: tuple[Danger, ...] = ("restart",) if node in ground.record.visiting else ()
    found = worst((*unsure, *(each.danger for each in files), *(each.danger for each in parts)))
    return replace(change, files=files, parts=parts, danger=found)

