"""Makes plans: compares what is applied and recorded with what is wanted. Pure.

`make` says what differs, `danger.classed` how dangerous each line is, `causes.explained` where it comes from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conpaas_iac.backend.record import Confirmed, Record
from conpaas_iac.core.declaration import Declaration, Machine
from conpaas_iac.core.ordering import natural
from conpaas_iac.core.render import Tree
from conpaas_iac.core.topology import Topology
from conpaas_iac.network.vpn import AUTHORITIES, CONFIG
from conpaas_iac.plans.plan import FileChange, MachineChange, Part, Plan, Totals


@dataclass(frozen=True)
class Known:
    """What is known beside manifest, checkpoint and record; each is machine -> why."""

    anew: Mapping[str, str] = field(default_factory=dict)  # it is made anew
    moving: Mapping[str, str] = field(default_factory=dict)  # it is made anew on another cloud, when its turn comes
    asleep: Mapping[str, str] = field(default_factory=dict)  # it is there and does not run
    renewals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what its certificate gives cause to
    every: bool = False  # machines that are as they should be are visited, too


def make(
    topology: Topology,
    wanted: Declaration,
    applied: Iterable[Machine],
    record: Record,
    trees: Mapping[str, Tree],
    known: Known | None = None,
    notes: tuple[str, ...] = (),
    losses: Mapping[str, str] | None = None,
    shared: tuple[Part, ...] = (),
) -> Plan:
    """Compare. `losses` is service -> why its data would be lost (`losses.of_change`)."""
    there = {machine.node: machine for machine in applied}
    known = known or Known()
    changes = []
    for machine in wanted.machines:
        change = _change(machine, there.get(machine.node), record, trees[machine.node], known)
        changes += [change] if change else []
    names = {machine.node for machine in wanted.machines}
    starting = {service.name: service.start for service in topology.services}
    leaving = [machine for machine in there.values() if machine.node not in names]
    resting = [machine for machine in leaving if starting.get(machine.service) is False]
    for machine in leaving:
        if machine not in resting:
            changes.append(_leaving(machine, False, machine.service in starting))
        elif machine.node not in record.resting:
            changes.append(_leaving(machine, True, True))
    changes.sort(key=lambda change: (change.service, change.action == "remove", natural(change.node)))
    types = {machine.service: machine.type for machine in (*there.values(), *wanted.machines)}
    return Plan(
        topology.application,
        topology.environment,
        str(topology.range),
        tuple(changes),
        len(wanted.machines) - sum(change.node in names for change in changes),
        notes,
        losses or {},
        shared,
        types,
        Totals.of(there.values()),
        Totals.of((*wanted.machines, *resting)),
    )


def _change(machine: Machine, there: Machine | None, record: Record, tree: Tree, known: Known) -> MachineChange | None:
    node, service, address = machine.node, machine.service, machine.fixed_address
    if there is None:
        what = f"{machine.type} on {machine.cloud}, {machine.cpu} cpu, {machine.memory} MiB, image {machine.image}"
        return MachineChange(node, service, "add", address, what, _new_files(tree))
    if moves := known.moving.get(node):
        return MachineChange(node, service, "move", address, moves)
    if anew := known.anew.get(node):
        return MachineChange(node, service, "replace", address, anew)
    renewed, confirmed = known.renewals.get(node, ()), record.nodes.get(node)
    parts = [Part("certificate", node, "change", each) for each in renewed]
    if there.address != machine.address:
        parts.append(Part("address", node, "change", f"address: {there.address} -> {machine.address}"))
    if (there.cpu, there.memory) != (machine.cpu, machine.memory):
        size = f"size: {there.cpu} cpu, {there.memory} MiB -> {machine.cpu} cpu, {machine.memory} MiB"
        parts.append(Part("machine", node, "change", size))
    code = tree.code.version if confirmed and tree.code and tree.code.version != confirmed.code else ""
    files = _file_changes(record, tree)
    said = [part.text for part in parts]
    if confirmed is None:
        said.append("it has confirmed no configuration yet")
    elif confirmed.digest != tree.digest:
        if code:
            parts.append(Part("code", node, "change", f"code {confirmed.code[:12] or 'none'} -> {code[:12]}"))
            said.append(parts[-1].text)
        parts += _units(confirmed, tree)
        counted = [file for file in files if file.path != AUTHORITIES or not renewed]
        said += [f"{len(counted)} file{'s' if len(counted) > 1 else ''} of its configuration"] if counted else []
        said = said or ["its configuration"]
    elif node in record.visiting:
        said.append("its last visit did not end well")
    elif known.every:
        said.append("asked for")
    found = (", ".join(said), files, code, tuple(parts))
    if node in record.resting:
        return MachineChange(node, service, "wake", address, "its service starts again", *found[1:])
    if asleep := known.asleep.get(node):
        return MachineChange(node, service, "wake", address, asleep, *found[1:])
    return MachineChange(node, service, "change", address, *found) if said else None


def _leaving(machine: Machine, rests: bool, service_stays: bool) -> MachineChange:
    address = machine.fixed_address
    if rests:
        return MachineChange(machine.node, machine.service, "rest", address, "its service is stopped; data is kept")
    cause = "the service has fewer machines now" if service_stays else "the service is no longer in the manifest"
    return MachineChange(machine.node, machine.service, "remove", address, cause)


def _units(confirmed: Confirmed, tree: Tree) -> Sequence[Part]:
    began = [Part("unit", unit, "add", "starts here") for unit in tree.units if unit not in confirmed.units]
    ended = [Part("unit", unit, "remove", "stops here") for unit in confirmed.units if unit not in tree.units]
    return (*began, *ended)


def _new_files(tree: Tree) -> tuple[FileChange, ...]:
    return tuple(FileChange(file.path, file.unit, file.on_change, None, file.content) for file in tree.files)


def _file_changes(record: Record, tree: Tree) -> tuple[FileChange, ...]:
    before = record.files(tree.node)
    if not before:
        return ()
    changed = tuple(
        FileChange(file.path, file.unit, file.on_change, before.get(file.path), file.content)
        for file in tree.files
        if before.get(file.path) != file.content
    )
    there = {file.path for file in tree.files}
    there |= {CONFIG, AUTHORITIES} if tree.member is None else set()  # not known before the engine has run
    gone = (FileChange(path, "", "nothing", text, None) for path, text in before.items() if path not in there)
    return (*changed, *gone)
