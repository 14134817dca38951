"""What `up` would do, as data: from what is applied and recorded to what is wanted. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Literal

from conpaas_iac.declaration import Declaration, Machine
from conpaas_iac.ordering import natural
from conpaas_iac.record import Confirmed, Record
from conpaas_iac.render import Tree
from conpaas_iac.topology import Topology
from conpaas_iac.vpn import AUTHORITIES

Action = Literal["add", "change", "replace", "remove", "rest", "wake"]


@dataclass(frozen=True)
class FileChange:
    """A file of a machine that will differ; `diff` is unified."""

    path: str
    unit: str
    on_change: str
    diff: str


@dataclass(frozen=True)
class MachineChange:
    """What happens to one machine, and why."""

    node: str
    service: str
    action: Action
    address: str
    cause: str
    files: tuple[FileChange, ...] = ()
    code: str = ""  # the new version, when it changes


@dataclass(frozen=True)
class Plan:
    """Everything that will happen, in the order of services and machines."""

    application: str
    environment: str
    range: str
    changes: tuple[MachineChange, ...]
    unchanged: int  # machines
    notes: tuple[str, ...] = field(default=())
    losses: Mapping[str, str] = field(default_factory=dict)  # service -> why its data would be lost

    def count(self, *actions: Action) -> int:
        """How many machines meet one of these actions; a replaced machine counts as added and removed."""
        return sum(change.action in actions for change in self.changes)

    @property
    def is_empty(self) -> bool:
        """Nothing to do."""
        return not self.changes


def make(
    topology: Topology,
    wanted: Declaration,
    applied: Iterable[Machine],
    record: Record,
    trees: Mapping[str, Tree],
    anew: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    renewals: Mapping[str, tuple[str, ...]] | None = None,
    losses: Mapping[str, str] | None = None,
) -> Plan:
    """Compare. `anew` is node -> why its machine is made anew (what the cloud has lost is known to who looked).

    `renewals` is node -> causes that the network's certificates give (`membership.renewals`); `losses` is service ->
    why its data would be lost (`losses.of_change`).
    """
    there = {machine.node: machine for machine in applied}
    made_anew, renewed = anew or {}, renewals or {}
    changes = []
    for machine in wanted.machines:
        node = machine.node
        change = _change(machine, there.get(node), made_anew.get(node, ""), record, trees[node], renewed.get(node, ()))
        changes += [change] if change else []
    names = {machine.node for machine in wanted.machines}
    starting = {service.name: service.start for service in topology.services}
    for machine in there.values():
        if machine.node not in names:
            rests = starting.get(machine.service) is False
            if not (rests and machine.node in record.resting):
                changes.append(_leaving(machine, rests, machine.service in starting))
    changes.sort(key=lambda change: (change.service, change.action == "remove", natural(change.node)))
    return Plan(
        topology.application,
        topology.environment,
        str(topology.range),
        tuple(changes),
        len(wanted.machines) - sum(change.node in names for change in changes),
        notes,
        losses or {},
    )


def _change(
    machine: Machine, there: Machine | None, anew: str, record: Record, tree: Tree, renewed: tuple[str, ...]
) -> MachineChange | None:
    address = machine.fixed_address
    if there is None:
        what = f"{machine.type} on {machine.cloud}, {machine.cpu} cpu, {machine.memory} MiB, image {machine.image}"
        return MachineChange(machine.node, machine.service, "add", address, what)
    if anew:
        return MachineChange(machine.node, machine.service, "replace", address, anew)
    if there.cloud != machine.cloud:
        cause = f"cloud: {there.cloud} -> {machine.cloud}"
        return MachineChange(machine.node, machine.service, "replace", address, cause)
    if machine.node in record.resting:
        return MachineChange(machine.node, machine.service, "wake", address, "its service starts again")
    causes, files = list(renewed), _file_changes(record, tree)
    if there.address != machine.address:
        causes.append(f"address: {there.address} -> {machine.address}")
    if (there.cpu, there.memory) != (machine.cpu, machine.memory):
        causes.append(f"size: {there.cpu} cpu, {there.memory} MiB -> {machine.cpu} cpu, {machine.memory} MiB")
    known = record.nodes.get(machine.node)
    code = tree.code.version if known and tree.code and tree.code.version != known.code else ""
    if known is None:
        causes.append("it has confirmed no configuration yet")
    elif known.digest != tree.digest:
        causes += _differences(known, code, [file for file in files if file.path != AUTHORITIES or not renewed])
        causes = causes or ["its configuration"]
    elif machine.node in record.visiting:
        causes.append("its last visit did not end well")
    if not causes:
        return None
    return MachineChange(machine.node, machine.service, "change", address, ", ".join(causes), files, code)


def _differences(known: Confirmed, code: str, files: Sequence[FileChange]) -> list[str]:
    """Of what it runs and of what it is to run."""
    causes = [f"code {known.code[:12] or 'none'} -> {code[:12]}"] if code else []
    if files:
        causes.append(f"{len(files)} file{'s' if len(files) > 1 else ''} of its configuration")
    return causes


def _leaving(machine: Machine, rests: bool, service_stays: bool) -> MachineChange:
    address = machine.fixed_address
    if rests:
        return MachineChange(machine.node, machine.service, "rest", address, "its service is stopped; data is kept")
    cause = "the service has fewer machines now" if service_stays else "the service is no longer in the manifest"
    return MachineChange(machine.node, machine.service, "remove", address, cause)


def _file_changes(record: Record, tree: Tree) -> tuple[FileChange, ...]:
    before = record.files(tree.node)
    if not before:
        return ()
    return tuple(
        FileChange(file.path, file.unit, file.on_change, _diff(file.path, before.get(file.path, ""), file.content))
        for file in tree.files
        if before.get(file.path) != file.content
    )


def _diff(path: str, before: str, after: str) -> str:
    lines = unified_diff(before.splitlines(), after.splitlines(), f"{path} (now)", f"{path} (then)", lineterm="", n=2)
    return "\n".join(lines)
