"""The plans that were reviewed with what a commit brought: fetched, and which command carries out each of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.ci import bundle, verdict
from conpaas_iac.ci.bundle import Bundle
from conpaas_iac.errors import UserError
from conpaas_iac.forge.base import Forge, Request
from conpaas_iac.plans.promise import Promise

PAUSES = (2.0, 5.0)  # a forge may know only a little later what it has just merged
MORE = ("--wait", "--quiet")
BY_HAND = "start the workflow by hand: it plans anew, and applies within the class that it is given"
LATER = f"start this job again once the request's own run has succeeded, or {BY_HAND}"


@dataclass(frozen=True)
class Reviewed:
    """What was merged, and its plans."""

    request: Request
    bundle: Bundle


def fetched(forge: Forge, sha: str, folder: Path, sleep: Callable[[float], None] = time.sleep) -> Reviewed:
    """Raises UserError where a commit came without a review, or its plans are not to be had."""
    request = forge.merged(sha)
    for pause in PAUSES:
        if request is None:
            sleep(pause)
            request = forge.merged(sha)
    if request is None:
        raise UserError(f"{sha[:12]} came without a reviewed plan: nothing is applied", BY_HAND)
    try:
        found = bundle.unpack(forge.plans(request), folder)
    except UserError as error:
        where = f"the plans reviewed with {forge.sign}{request.number}"
        remedy = error.remedy if "token" in error.remedy else LATER
        raise UserError(f"{where} are not to be had: {error.message}; nothing is applied", remedy) from error
    if found.errors:
        raise UserError(f"not planned when it was reviewed: {', '.join(found.errors)}; nothing is applied", BY_HAND)
    return Reviewed(request, found)


def commands(reviewed: Reviewed, label: str = verdict.LABEL) -> Mapping[str, tuple[str, ...]]:
    """Application -> the verb that does its plan or nothing; data is lost only where the label agreed to it."""
    agreed = label in reviewed.request.labels
    found = {
        verdict.called(plan): ("up", "--plan", str(path), *MORE, *(_allowed(plan) if agreed else ()))
        for path, plan in reviewed.bundle.plans.items()
    }
    removals = reviewed.bundle.removals if agreed else ()
    return {**found, **{name: ("fleet", "up", name, "--wait") for name in removals}}


def withheld(reviewed: Reviewed, label: str = verdict.LABEL) -> dict[str, str]:
    """Removals that no label agreed to: merged past the check."""
    agreed = label in reviewed.request.labels
    return {} if agreed else dict.fromkeys(reviewed.bundle.removals, f"not removed: no label {label!r}")


def _allowed(plan: Promise) -> tuple[str, ...]:
    return tuple(f"--allow-data-loss={service}" for service in plan.plan["losses"])
