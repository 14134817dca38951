"""Whether reviewed plans may be merged. Pure: plans and labels in, reasons out; no forge is asked here."""

from collections.abc import Collection

from conpaas_iac.ci.bundle import Bundle
from conpaas_iac.core.environments import title
from conpaas_iac.plans.promise import Promise

LABEL = "conpaas: data loss"


def losing(found: Bundle) -> dict[str, dict[str, str]]:
    """Application -> service -> why its data would be lost; what is removed has an empty one."""
    plans = [each for each in found.plans.values() if each.plan["class"] == "data loss"]
    return {**{called(each): dict(each.plan["losses"]) for each in plans}, **{each: {} for each in found.removals}}


def refusals(found: Bundle, labels: Collection[str], label: str = LABEL) -> list[str]:
    """A line for each loss that nobody has agreed to."""
    if label in labels:
        return []
    gone = [f"{name} would be removed: {why}" for name, why in found.removals.items()]
    lost = losing(found).items()
    return gone + [f"{name}: {service} loses its data: {why}" for name, each in lost for service, why in each.items()]


def called(plan: Promise) -> str:
    """shop, or shop:staging."""
    return title(plan.application, plan.environment)
