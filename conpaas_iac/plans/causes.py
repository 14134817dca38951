"""Where each line of a plan comes from: the inputs that moved since the last `up` that ended well. Pure.

Which of them changes a file is found by putting each back alone and rendering again: roles need not say it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from conpaas_iac.core import placeholders
from conpaas_iac.core.render import Tree
from conpaas_iac.manifest.model import Manifest
from conpaas_iac.network import vpn
from conpaas_iac.plans import inputs
from conpaas_iac.plans.inputs import CODE, ROLE, SECRET, TOOL, Input
from conpaas_iac.plans.plan import Cause, FileChange, MachineChange, Part, Plan
from conpaas_iac.plans.plandocument import names

MOST = 12  # inputs that are put back one by one; of more, those of the service are named together
MOST_NAMED = 3
Rendered = Callable[[Manifest, frozenset[str]], Mapping[str, Tree]]  # trees of these machines
NUMBERS = ("", "StartupInstances", "Machines", "Placement", "Without", "Start", "Type")
RELATIONS = ("Uses", "Publish", "Placement", "ServiceName")  # what the network's firewall is made of
SIZES = ("Size", "Machines", "Cloud")


@dataclass(frozen=True)
class Origins:
    """What a plan's lines may come from."""

    manifest: Manifest
    moved: tuple[Input, ...]  # since the last `up`
    known: bool  # whether the record says what that one was made from
    going: tuple[str, ...] = ()  # machines that are locked out of the network
    places: tuple[str, ...] = ()  # what the network's files depend on besides
    internal: frozenset[str] = frozenset()  # roles whose files every machine gets
    explained: Mapping[tuple[str, str], tuple[Cause, ...]] = field(default_factory=dict)  # (service, path) -> causes

    def of(self, moved: Iterable[Input]) -> tuple[Cause, ...]:
        """Inputs as causes, with their places."""
        return tuple(
            Cause(each.text, inputs.place(self.manifest, each.service, each.field, each.item)) for each in moved
        )

    def among(self, service: str, fields: Iterable[str]) -> tuple[Cause, ...]:
        """Those of a service's fields that moved."""
        return self.of(each for each in self.moved if each.service == service and each.field in fields)


def explained(plan: Plan, origins: Origins, rendered: Rendered) -> Plan:
    """The plan with the causes of each line."""
    origins = replace(origins, explained=_put_back(plan, origins, rendered))
    changes = tuple(_explained(change, plan, origins) for change in plan.changes)
    return replace(plan, changes=changes, shared=tuple(_shared(part, plan, origins) for part in plan.shared))


def _put_back(plan: Plan, origins: Origins, rendered: Rendered) -> dict[tuple[str, str], tuple[Cause, ...]]:
    """What one machine of a service shows, holds for the others."""
    shows: dict[tuple[str, str], tuple[str, str | None]] = {}  # (service, path) -> a machine, its file's text
    for change in plan.changes:
        for file in change.files if change.action in ("change", "wake") else ():
            shows.setdefault((change.service, file.path), (change.node, file.after))
    nodes = frozenset(node for node, _ in shows.values())
    found: dict[tuple[str, str], list[Input]] = {}
    able = [(each, inputs.put_back(origins.manifest, each)) for each in origins.moved]
    pairs = [(each, former) for each, former in able if former is not None]
    for moved, former in pairs if nodes and len(pairs) <= MOST else ():
        trees = rendered(former, nodes)
        for key, (node, text) in shows.items():
            if node in trees and _content(trees[node], key[1]) != text:
                found.setdefault(key, []).append(moved)
    return {key: origins.of(each) for key, each in found.items()}


def _content(tree: Tree, path: str) -> str | None:
    return next((file.content for file in tree.files if file.path == path), None)


def _explained(change: MachineChange, plan: Plan, origins: Origins) -> MachineChange:
    service = change.service
    match change.action:
        case "add" | "remove" | "rest":
            fields = NUMBERS if change.action == "add" else NUMBERS[1:]
            found = origins.among(service, fields) or _said(origins, service, "StartupInstances")
            return replace(change, causes=found, parts=_placed(change.parts, found))
        case "move":
            return replace(change, causes=origins.among(service, ("Cloud", "Machines")))
        case "replace":
            found = origins.among(service, ("Type",))
            return replace(change, causes=found if change.cause.startswith("type:") else ())
        case _:
            files = tuple(replace(file, causes=_of_file(file, change, plan, origins)) for file in change.files)
            parts = tuple(replace(part, causes=_of_part(part, change, origins)) for part in change.parts)
            every = chain((each.causes for each in parts), (each.causes for each in files))
            every_cause = tuple(dict.fromkeys(chain.from_iterable(every)))
            return replace(change, files=files, parts=parts, causes=every_cause)


def _placed(parts: Sequence[Part], causes: tuple[Cause, ...]) -> tuple[Part, ...]:
    return tuple(replace(part, causes=causes) for part in parts)


def _said(origins: Origins, service: str, name: str) -> tuple[Cause, ...]:
    place = inputs.place(origins.manifest, service, name)
    return (Cause("", place),) if place else ()


def _of_part(part: Part, change: MachineChange, origins: Origins) -> tuple[Cause, ...]:
    fields = {"machine": SIZES, "address": ("Address", "Placement"), "unit": NUMBERS, "code": (CODE,)}
    found = origins.among(change.service, fields.get(part.kind, ()))
    return found or (_said(origins, change.service, CODE) if part.kind == "code" else ())


def _of_file(file: FileChange, change: MachineChange, plan: Plan, origins: Origins) -> tuple[Cause, ...]:
    if file.path in (vpn.CONFIG, vpn.AUTHORITIES):
        return _of_network(file, change, origins)
    secrets = _secrets(file, origins)
    found = origins.explained.get((change.service, file.path), ())
    return (*secrets, *found) or _otherwise(change.service, plan, origins)


def _secrets(file: FileChange, origins: Origins) -> tuple[Cause, ...]:
    """Secrets of which the file has another version."""
    before, after = (placeholders.keys(text or "") for text in (file.before, file.after))
    names = {key.rpartition("@")[0] for key in before ^ after}
    return origins.of(each for each in origins.moved if each.field == SECRET and each.item in names)


def _of_network(file: FileChange, change: MachineChange, origins: Origins) -> tuple[Cause, ...]:
    if file.path == vpn.AUTHORITIES:
        return tuple(Cause(part.text) for part in change.parts if part.kind == "certificate")
    found = [Cause(f"{names(origins.going)} locked out of the network")] if origins.going else []
    moved = [each for each in origins.moved if each.field in RELATIONS or (not each.field and each.before is None)]
    causes = (*found, *origins.of(moved), *(Cause(text) for text in origins.places))
    return causes or (Cause("where machines are on the provider's network"),)


def _otherwise(service: str, plan: Plan, origins: Origins) -> tuple[Cause, ...]:
    """No input that can be put back changes it: the role, the tool, or all that moved in its service."""
    if not origins.known:
        return (Cause("the record does not say what the last `up` was made from"),)
    roles = {plan.types.get(service, ""), *origins.internal}
    moved = [each for each in origins.moved if each.field == ROLE and each.item in roles]
    moved = moved or [each for each in origins.moved if each.field == TOOL]
    moved = moved or [each for each in origins.moved if each.service == service]
    if not moved:
        return (Cause("the last `up` did not come to it, or it was another manifest's"),)
    rest = f"{len(moved) - MOST_NAMED} more of {service}"
    return (*origins.of(moved[:MOST_NAMED]), *([Cause(rest)] if moved[MOST_NAMED:] else []))


def _shared(part: Part, plan: Plan, origins: Origins) -> Part:
    if part.kind == "network":
        place = inputs.place(origins.manifest, "", "Network", "Range")
        return replace(part, causes=(Cause("", place),) if place else ())
    return part
