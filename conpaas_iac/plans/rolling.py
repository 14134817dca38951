"""What a change means for a machine that is in service: whether it is rolled, and leaves service for it. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from conpaas_iac.backend.record import Record
from conpaas_iac.catalog import Descriptor
from conpaas_iac.core.render import Tree


@dataclass(frozen=True)
class Effect:
    """Groups of a machine whose software is changed; `rolled`: one machine after another."""

    groups: frozenset[str] = frozenset()
    rolled: bool = False


def effect(node: str, tree: Tree, descriptor: Descriptor, there: Record, is_known: bool = True) -> Effect:
    """Of bringing a machine that is in service to this tree; whether what it runs `is_known` from the record."""
    before = there.tree(node)
    if before is None or node in there.visiting or not is_known:
        return Effect(frozenset(tree.groups), True)
    contents = {file.path: file.content for file in before.files}
    own = {file.path: file for file in descriptor.files if file.on_change != "nothing"}
    changed = {file.path for file in tree.files if file.content != contents.get(file.path)}
    gone = set(contents) - {file.path for file in tree.files}
    groups = {group for path in (changed | gone) & set(own) for group in own[path].groups or tree.groups}
    if tree.code != before.code:
        groups |= set(descriptor.code)
    moved = set(before.groups) ^ set(tree.groups)
    touched = frozenset((groups | moved) & {*before.groups, *tree.groups})
    return Effect(touched, bool(touched) or before.units != tree.units)


def leaves(effect: Effect, node: str, descriptor: Descriptor, serving: Mapping[str, Collection[str]]) -> bool:
    """Whether the machine leaves service first. `serving` is group -> its machines that are in service."""
    own = [group for group in descriptor.drain if group in effect.groups and node in serving.get(group, ())]
    return any(set(serving[group]) - {node} for group in own)


def batches(rolled: Collection[str], leaving: Collection[str], at_once: int) -> dict[str, int]:
    """When each of these machines is visited; batch 0 holds the machines that are not rolled.

    One that stays in service goes along with those: what it brings visitors to is settled before it is.
    """
    ordered = list(rolled)
    if len(ordered) == 1 and not leaving:
        return dict.fromkeys(ordered, 0)
    return {node: 1 + place // max(1, at_once) for place, node in enumerate(ordered)}
