"""What is done with each application of a fleet, decided from its plan, the policy and what was approved. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal, get_args

from conpaas_iac.core.environments import option, title
from conpaas_iac.fleet import approvals
from conpaas_iac.fleet.approvals import Approval
from conpaas_iac.plans.plan import DANGERS, Danger, worst

What = Literal["as it is", "apply", "wait", "remove", "refuse"]
WHATS: tuple[What, ...] = get_args(What)
NOTHING = "nothing"


@dataclass(frozen=True)
class Found:
    """An application in an environment, as its plan found it; `error` where there is none."""

    name: str
    environment: str
    manifest: str  # below the repository's top: "fleet/shop/manifest.json"
    is_empty: bool = True
    danger: Danger = "safe"
    counts: Mapping[str, int] = field(default_factory=dict)  # add, change, remove, move, as they are
    losses: Mapping[str, str] = field(default_factory=dict)  # service -> why its data would be lost
    home: str = ""  # the fleet that the backend knows it of
    summary: str = ""
    code: int = 0
    error: str = ""


@dataclass(frozen=True)
class Lost:
    """An application that the backend knows of this fleet, and that is in no folder of it."""

    name: str
    environment: str
    manifest: str  # where it was
    machines: int = 0


@dataclass(frozen=True)
class Grave:
    """An application in an environment that a tombstone names."""

    name: str
    environment: str
    path: str
    by: str
    why: str
    may_lose: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """What may be done: policy and approvals."""

    fleet: str
    limits: Mapping[str, str] = field(default_factory=dict)  # environment -> class, or NOTHING
    limit: str = "restart"  # of the others
    approved: Danger | None = None
    may_lose: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)  # (name, environment) -> services
    approvals: Mapping[tuple[str, str], Danger] = field(default_factory=dict)  # … -> class, by commits

    def with_approvals(self, given: Iterable[Approval]) -> "Terms":
        """Also those of commits."""
        classes, losses = dict(self.approvals), dict(self.may_lose)
        for each in given:
            if each.service:
                losses[each.key] = losses.get(each.key, frozenset()) | {each.service}
            else:
                classes[each.key] = worst((each.danger, classes.get(each.key, "safe")))
        return replace(self, approvals=classes, may_lose=losses)


@dataclass(frozen=True)
class Decision:
    """What is done with one application, and why."""

    name: str
    environment: str
    what: What
    why: str = ""
    remedy: str = ""
    manifest: str = ""
    danger: Danger = "safe"
    within: Danger = "safe"  # what is applied must not be more dangerous
    may_lose: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    code: int = 0  # what it makes of the exit code

    @property
    def key(self) -> tuple[str, str]:
        """Its identity."""
        return self.name, self.environment


def decided(
    found: Sequence[Found],
    lost: Iterable[Lost],
    graves: Sequence[Grave],
    known: Mapping[tuple[str, str], str],
    terms: Terms,
) -> tuple[Decision, ...]:
    """Of all of them; `known` is the fleet of every application of the backend, empty for one that is of none."""
    taken: dict[tuple[str, str], str] = {}
    made = []
    buried = {(each.name, each.environment): each for each in graves}
    for each in found:
        key = (each.name, each.environment)
        first = taken.setdefault(key, each.manifest)
        if first != each.manifest:
            made.append(_refused(each, f"{first} is of the same application", "give one another Application name"))
        elif key in buried:
            why = f"{buried[key].path} says that it is to go, and its manifest is there"
            made.append(_refused(each, why, "remove one of the two"))
        else:
            made.append(_of(each, terms))
    made += [_removal(gone, buried.pop((gone.name, gone.environment), None)) for gone in lost]
    made += [_of_grave(each, known, terms) for key, each in buried.items() if key not in taken]
    return tuple(made)


def _of(each: Found, terms: Terms) -> Decision:
    if each.error:
        return _refused(each, each.error, "", each.code)
    if each.home and each.home != terms.fleet:
        why = f"the backend knows it as of another fleet, {each.home}"
        return _refused(each, why, f"to take it over: conpaas up {each.manifest}{option(each.environment)}")
    seen = Decision(each.name, each.environment, "as it is", manifest=each.manifest, counts=each.counts)
    if each.is_empty and each.home:
        return seen
    seen = replace(seen, danger=each.danger)
    limit = _limit(each, terms)
    lost = sorted(set(each.losses) - terms.may_lose.get((each.name, each.environment), frozenset()))
    if lost:
        options = " ".join(f"--allow-data-loss {title(each.name, each.environment)}/{service}" for service in lost)
        options += f", or {_commit(each, 'data loss', *lost)}"
        return replace(seen, what="wait", why=f"data of {', '.join(lost)} would be lost", remedy=options, code=2)
    if each.losses:
        return replace(seen, what="apply", within="data loss", may_lose=tuple(sorted(each.losses)))
    if not each.is_empty and (limit is None or DANGERS.index(each.danger) > DANGERS.index(limit)):
        why, remedy = f"{each.danger} waits for approval", f"--approve {each.danger}, or {_commit(each, each.danger)}"
        return replace(seen, what="wait", why=why, remedy=remedy, code=2)
    why = "" if not each.is_empty else "so far of no fleet: the backend is told that it is of this one"
    return replace(seen, what="apply", why=why, within=limit or "safe")


def _limit(each: Found, terms: Terms) -> Danger | None:
    """The most dangerous class that may be applied."""
    approval = terms.approvals.get((each.name, each.environment))
    said = (terms.limits.get(each.environment, terms.limit), terms.approved, approval)
    limits = [danger for danger in DANGERS if danger in said]
    return worst(limits) if limits else None


def _commit(each: Found, danger: Danger, *services: str) -> str:
    lines = [f"`{approvals.line(each.name, each.environment, danger, service)}`" for service in services or ("",)]
    return f"a commit that ends with {' and '.join(lines)}"


def _removal(gone: Lost, grave: Grave | None) -> Decision:
    begun = Decision(gone.name, gone.environment, "remove", manifest=gone.manifest, danger="data loss")
    begun = replace(begun, counts={"remove": gone.machines})
    if grave is None:
        where = (PurePosixPath(gone.manifest).parent / "removed.json").as_posix()
        why = f"no manifest is of it any more (it was {gone.manifest}), and no tombstone says so: nothing is done"
        remedy = f"bring the manifest back, or write {where} naming Application, By and Why"
        return replace(begun, what="refuse", why=why, remedy=remedy, code=1)
    why = f"{grave.path}, by {grave.by}: {grave.why}"
    return replace(begun, why=why, may_lose=grave.may_lose)


def _of_grave(grave: Grave, known: Mapping[tuple[str, str], str], terms: Terms) -> Decision:
    key = (grave.name, grave.environment)
    begun = Decision(grave.name, grave.environment, "as it is", manifest=grave.path)
    if key not in known:
        return replace(begun, why=f"removed; {grave.path} has done its work")
    whose = f"another fleet, {known[key]}" if known[key] else "no fleet"
    remedy = f"conpaas down {grave.name}{option(grave.environment)}"
    return replace(begun, what="refuse", why=f"the backend knows it as of {whose}", remedy=remedy, code=1)


def _refused(each: Found, why: str, remedy: str, code: int = 1) -> Decision:
    return Decision(each.name, each.environment, "refuse", why, remedy, each.manifest, code=code or 1)
