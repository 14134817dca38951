"""Plans as documents and in words: what all forms of a plan say alike."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from conpaas_iac.core.ordering import count
from conpaas_iac.plans import costwords
from conpaas_iac.plans.plan import Cause, FileChange, MachineChange, Part, Plan, Totals

VERSION = 2


def document(plan: Plan, files: bool = False) -> dict[str, Any]:
    """For `--format json`. Diffs of machines that are made, which hold all that they get, come with `files` only."""
    return {
        "version": VERSION,
        "application": plan.application,
        "environment": plan.environment,
        "range": plan.range,
        "class": plan.danger,
        "totals": {"before": asdict(plan.before), "after": asdict(plan.after)},
        "shared": [_part(each) for each in plan.shared],
        "changes": [_change(each, plan, files) for each in plan.changes],
        "unchanged": plan.unchanged,
        "notes": list(plan.notes),
        "losses": dict(plan.losses),
        **({"cost": costwords.document(plan.cost)} if plan.cost else {}),
        "summary": summary(plan),
    }


def _change(change: MachineChange, plan: Plan, files: bool) -> dict[str, Any]:
    with_diffs = files or change.action != "add"
    return {
        "node": change.node,
        "service": change.service,
        "type": plan.types.get(change.service, ""),
        "action": change.action,
        "address": change.address,
        "class": change.danger,
        "cause": change.cause,
        "causes": _causes(change.causes),
        "code": change.code,
        "parts": [_part(each) for each in change.parts],
        "files": [_file(each, with_diffs) for each in change.files],
    }


def _part(part: Part) -> dict[str, Any]:
    known = {"kind": part.kind, "name": part.name, "action": part.action, "text": part.text}
    return {**known, "class": part.danger, "causes": _causes(part.causes)}


def _file(file: FileChange, with_diff: bool) -> dict[str, Any]:
    return {
        "path": file.path,
        "unit": file.unit,
        "on_change": file.on_change,
        "class": file.danger,
        "causes": _causes(file.causes),
        "diff": file.diff if with_diff else "",
    }


def _causes(causes: Iterable[Cause]) -> list[dict[str, str]]:
    return [asdict(cause) for cause in causes]


def summary(plan: Plan) -> str:
    """The last line of a plan: the count."""
    if plan.is_empty:
        return f"No changes. {plan.application} is as its manifest says ({count(plan.unchanged, 'machine')})."
    add, remove = plan.count("add", "replace"), plan.count("remove", "replace")
    change = plan.count("change", "wake", "rest")
    moved = f", {plan.count('move')} to move" if plan.count("move") else ""
    return f"Plan: {add} to add, {change} to change, {remove} to remove{moved}; {plan.unchanged} as they are."


def totals(plan: Plan) -> str:
    """The most dangerous class, and what machines there are before and after."""
    before, after = plan.before, plan.after
    pairs = (
        ("machines", str(before.machines), str(after.machines)),
        ("cpu", str(before.cpu), str(after.cpu)),
        ("memory", _memory(before), _memory(after)),
    )
    said = (f"{name} {old} -> {new}" if old != new else f"{name} {new}" for name, old, new in pairs)
    return f"Class: {plan.danger}. Then {', '.join(said)}."


def cost(plan: Plan) -> str:
    """What that costs, and whether that is too much."""
    if plan.cost is None:
        return ""
    return f"{costwords.line(plan.cost)} Over the budget." if plan.cost.excess else costwords.line(plan.cost)


def _memory(found: Totals) -> str:
    return f"{found.memory / 1024:g} GiB" if found.memory % 512 == 0 else f"{found.memory} MiB"


def said(cause: Cause) -> str:
    """A cause with its place."""
    return f"{cause.text} ({cause.place})" if cause.text and cause.place else cause.text or cause.place


def effect(file: FileChange) -> str:
    """What happens for a file."""
    if file.after is None:
        return "removed"
    return f"{file.on_change} {file.unit}" if file.on_change != "nothing" else ""


@dataclass(frozen=True)
class Fate:
    """Machines that meet the same; of the files' texts, those of the first one."""

    changes: tuple[MachineChange, ...]

    @property
    def first(self) -> MachineChange:
        """One of them."""
        return self.changes[0]

    @property
    def names(self) -> str:
        """blog-1 … blog-3."""
        return names([change.node for change in self.changes])

    @property
    def addresses(self) -> str:
        """10.42.32.1-3 where only the last number differs."""
        first, last = self.changes[0].address, self.changes[-1].address
        if len(self.changes) == 1:
            return first
        stem, _, end = last.rpartition(".")
        return f"{first}-{end}" if first.startswith(stem + ".") else f"{first} … {last}"


def fates(changes: Iterable[MachineChange]) -> list[Fate]:
    """Runs of machines that share theirs."""

    def same(change: MachineChange) -> tuple[object, ...]:
        listed = change.files if change.action != "add" else ()
        files = tuple((file.path, file.unit, file.on_change, file.danger, file.causes) for file in listed)
        parts = tuple((part.kind, part.text, part.causes) for part in change.parts)
        return (change.service, change.action, change.cause, change.danger, change.causes, files, parts)

    return [Fate(tuple(run)) for _, run in groupby(changes, key=same)]


def names(nodes: Sequence[str]) -> str:
    """Some machines in a few words."""
    return nodes[0] if len(nodes) == 1 else f"{nodes[0]} … {nodes[-1]}" if len(nodes) > 2 else ", ".join(nodes)


def diffs(plan: Plan) -> list[tuple[str, FileChange]]:
    """(machines, file) of each different diff, in the plan's order."""
    found: dict[tuple[str, str], tuple[list[str], FileChange]] = {}
    for change in plan.changes:
        for file in change.files:
            found.setdefault((file.path, file.diff), ([], file))[0].append(change.node)
    return [(names(nodes), file) for nodes, file in found.values()]
