"""Drift, as data: what differs, how dangerous mending it is, what would be done. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from conpaas_iac.core.ordering import count
from conpaas_iac.plans.plan import Danger, worst

Kind = Literal["machine", "file", "unit", "package", "certificate", "code"]
Mend = Literal["anew", "start", "resize", "visit", "sign", "replace"]  # what mends it

WAYS: Mapping[Mend, str] = {
    "anew": "a new machine under its address",
    "start": "started; it has to prove that it works",
    "resize": "given its size again",
    "visit": "brought to what it confirmed",
    "sign": "a new certificate",
    "replace": "the machine is made anew from its image",
}


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it was told to be."""

    node: str
    service: str
    kind: Kind
    what: str  # path, unit, package
    text: str  # how it is
    danger: Danger  # of mending it
    mend: Mend
    effect: str = ""  # on a unit, of mending it
    diff: str = ""  # unified; "" where nothing of it is to be shown
    confirmed: str = ""  # the text of a file that holds no secret, as it should be
    now: str | None = None  # and as it is
    size: tuple[int | None, int | None] = (None, None)  # that an altered machine has: cores, MiB


@dataclass(frozen=True)
class Unchecked:
    """A machine that nobody can say anything about."""

    node: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class DriftReport:
    """What was found, in the order of machines."""

    application: str
    environment: str
    checked: int  # machines
    drifts: tuple[Drift, ...]
    unchecked: tuple[Unchecked, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The last line."""
        nodes = {each.node for each in self.drifts}
        rest = f"; {count(len(self.unchecked), 'machine')} could not be checked" if self.unchecked else ""
        if not self.drifts:
            return f"No drift: {count(self.checked, 'machine')} as they confirmed{rest}."
        return f"Drift: {count(len(self.drifts), 'difference')} on {count(len(nodes), 'machine')}{rest}."

    @property
    def exit_code(self) -> int:
        """What could not be checked may have drifted, too: that comes first."""
        return 3 if self.unchecked else 5 if self.drifts else 0


@dataclass(frozen=True)
class Mending:
    """What is done to one machine to bring it back."""

    node: str
    ways: tuple[Mend, ...]
    what: tuple[str, ...]
    effects: tuple[str, ...]  # on its units
    danger: Danger


def mendings(drifts: Iterable[Drift]) -> tuple[Mending, ...]:
    """What `--revert` does, machine by machine. A machine that is made anew needs nothing else."""
    found: dict[str, list[Drift]] = {}
    for each in drifts:
        found.setdefault(each.node, []).append(each)
    return tuple(_mending(node, own) for node, own in found.items())


def _mending(node: str, drifts: Iterable[Drift]) -> Mending:
    drifts = tuple(drifts)
    whole = tuple(each for each in drifts if each.mend in ("anew", "replace"))
    done = whole or drifts

    def once(values: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for value in values if value))

    ways = tuple(dict.fromkeys(each.mend for each in done))
    effects = () if whole else once(each.effect for each in done)
    return Mending(node, ways, once(each.what for each in drifts), effects, worst(each.danger for each in done))


def document(report: DriftReport, reverted: Iterable[Mending] = ()) -> Mapping[str, object]:
    """For `--format json`. The text of a file is only in its diff."""
    facts = msgspec.to_builtins(replace(report, drifts=()))
    return {
        "version": 1,
        **facts,
        "drifts": [_drift(each) for each in report.drifts],
        "reverted": [_mended(each) for each in reverted],
        "summary": report.summary,
    }


def _drift(drift: Drift) -> dict[str, object]:
    names = ("node", "service", "kind", "what", "text", "mend", "effect", "diff")
    return {**{name: getattr(drift, name) for name in names}, "class": drift.danger}


def _mended(mending: Mending) -> dict[str, object]:
    names = ("node", "ways", "what", "effects")
    return {**{name: getattr(mending, name) for name in names}, "class": mending.danger}
