"""Which checks a type goes through, and the steps of each. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from conpaas_iac.catalog import Group, ServiceType
from conpaas_iac.errors import UserError
from conpaas_iac.kit import trial as trials
from conpaas_iac.kit.trial import Trial

CHECKS = {
    "readme": "README.md names every option with its default, every operation, and no other (no machine is made)",
    "install": "comes up with its default number of machines, and its verify passes",
    "idempotence": "a second `up` and a second install, ship, settle and verify change and restart nothing",
    "verify": "fails while a unit of the group is stopped, and passes again",
    "restart": "works again after all its machines were stopped and started",
    "scale": "works with more machines of a group, and with fewer again",
    "kill": "one `up` mends it after a machine lost its power, and after one is gone",
    "leave": "a machine that goes or changes leaves service first: drain and leave ran, no request failed",
    "secrets": "no secret in plans, output, history, logs, process arguments or files that everybody may read",
}
STATIC = frozenset({"readme"})  # looked at on this side
STEP = 2  # machines that a group grows by

Act = Literal[
    "plan", "up", "shrink", "no-op", "again", "break", "mend", "stop", "start", "cut", "lose", "roll", "look"
]


@dataclass(frozen=True)
class Step:
    """One thing to do, and to judge."""

    act: Act
    counts: Mapping[str, int]  # machines of each group meanwhile; of "up" and "shrink" afterwards
    group: str = ""
    unit: str = ""  # that is stopped; empty: what meta/test.yml says


@dataclass(frozen=True)
class Row:
    """A check, and the group that it is about; `skipped` says why it does not apply."""

    check: str
    group: str = ""
    steps: tuple[Step, ...] = ()
    skipped: str = ""

    @property
    def name(self) -> str:
        """As it is shown."""
        return f"{self.check} {self.group}".strip()


def course(kind: ServiceType, trial: Trial, only: Collection[str] = ()) -> tuple[Row, ...]:
    """All checks in their order, or some of them ("scale", "scale web"); raises UserError for what is no check."""
    rows = tuple(row for check in CHECKS for row in _rows(check, kind, trial))
    if unknown := [each for each in only if each not in {*CHECKS, *(row.name for row in rows)}]:
        raise UserError(f"no check {', '.join(unknown)}", f"checks: {', '.join(CHECKS)}")
    return tuple(row for row in rows if not only or {row.check, row.name} & {*only})


def _rows(check: str, kind: ServiceType, trial: Trial) -> list[Row]:
    base, groups = trials.base(kind, trial), kind.descriptor.groups
    if check in STATIC:
        return [Row(check)]
    if check == "install":
        return [Row(check, steps=(Step("plan", base), Step("up", base)))]
    if check == "idempotence":
        return [Row(check, steps=(Step("no-op", base), Step("again", base)))]
    if check == "restart":
        return [Row(check, steps=(Step("stop", base), Step("start", base), Step("no-op", base)))]
    if check == "verify":
        return [_verify(group, kind, trial, base) for group in groups]
    if check == "scale":
        main = [main_group(kind)] if main_group(kind) else []
        return [_scale(name, groups[name], base) for name in [*_without(groups, main), *main]]
    if check == "kill":
        return [_kill(kind, base)]
    if check == "leave":
        leaving = [name for name in kind.descriptor.drain if top(groups[name]) > 1] or [main_group(kind)]
        return [_leave(name, kind, base) for name in leaving]
    return [Row(check, steps=(Step("look", base),))]


def _without(groups: Mapping[str, Group], others: Collection[str]) -> list[str]:
    """In their order."""
    return [name for name in groups if name not in others]


def low(group: Group) -> int:
    """As few as it may have, and one at least."""
    return max(1, group.minimum)


def top(group: Group) -> int:
    """As many as it is scaled to."""
    return min(low(group) + STEP, group.maximum)


def way(kind: ServiceType, before: Mapping[str, int], after: Mapping[str, int]) -> list[dict[str, int]]:
    """The counts to go through: data that nobody hands over gives up one machine at a time, as a majority must stay."""
    keeping = {name for name, group in kind.descriptor.groups.items() if group.keeps_data and not group.hands_over}
    found = [dict(after)]
    while True:
        first = found[0]
        steep = {name: first[name] + 1 for name in keeping if before.get(name, 0) > first[name] + 1}
        if not steep:
            return found
        found.insert(0, {**first, **steep})


def main_group(kind: ServiceType) -> str:
    """The group that most depends on: one that drains, or keeps data, or answers; empty where none may grow."""
    descriptor = kind.descriptor
    keeping = [name for name, group in descriptor.groups.items() if group.keeps_data]
    wished = (*descriptor.drain, *keeping, descriptor.entry, *descriptor.groups)
    return next((name for name in wished if name and top(descriptor.groups[name]) > low(descriptor.groups[name])), "")


def _verify(name: str, kind: ServiceType, trial: Trial, base: Mapping[str, int]) -> Row:
    counts = {**base, name: max(1, base[name])}
    units = [unit.name for unit in kind.descriptor.units if name in (unit.groups or (name,))]
    stopped = [unit for unit in units if not unit.endswith(".timer")]
    if name in trial.breaks or not stopped:
        steps = [Step("break", counts, name)]
    else:
        steps = [Step("break", counts, name, unit) for unit in stopped]
    return Row("verify", name, (*steps, Step("mend", counts, name)))


def _scale(name: str, group: Group, base: Mapping[str, int]) -> Row:
    if top(group) == low(group):
        return Row("scale", name, skipped=f"it has {low(group)} machine, neither more nor fewer (meta/service.yml)")
    more, fewer = {**base, name: top(group)}, {**base, name: low(group)}
    return Row("scale", name, (Step("up", fewer), Step("up", more, name), Step("up", fewer, name)))


def _kill(kind: ServiceType, base: Mapping[str, int]) -> Row:
    name = main_group(kind) or kind.descriptor.entry or next(iter(kind.descriptor.groups))
    group = kind.descriptor.groups[name]
    counts = {**base, name: max(base[name], top(group))}
    steps = [Step("cut", counts, name)]
    if counts[name] > 1 or not group.keeps_data:  # the only copy of data is not to be lost
        steps.append(Step("lose", counts, name))
    return Row("kill", name, tuple(steps))


def _leave(name: str, kind: ServiceType, base: Mapping[str, int]) -> Row:
    if not name:
        return Row("leave", skipped="no group may have two machines (meta/service.yml)")
    group = kind.descriptor.groups[name]
    more, fewer = {**base, name: top(group)}, {**base, name: low(group)}
    roll = (Step("roll", more, name),) if name in kind.descriptor.drain else ()
    return Row("leave", name, (Step("up", more), *roll, Step("shrink", fewer, name)))
