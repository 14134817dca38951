"""Whether reviewed plans may be merged. Pure: plans and labels in, reasons out; no forge is asked here."""

from collections.abc import Collection, Iterable

from conpaas_iac.plans.promise import Promise

LABEL = "conpaas: data loss"


def losing(plans: Iterable[Promise]) -> dict[str, dict[str, str]]:
    """Application -> service -> why its data would be lost."""
    return {called(each): dict(each.plan["losses"]) for each in plans if each.plan["class"] == "data loss"}


def refusals(plans: Iterable[Promise], labels: Collection[str], label: str = LABEL) -> list[str]:
    """A line for each service whose data would be lost although nobody has agreed to that."""
    if label in labels:
        return []
    found = losing(plans)
    return [f"{name}: {service} loses its data: {why}" for name, each in found.items() for service, why in each.items()]


def called(plan: Promise) -> str:
    """shop, or shop (staging)."""
    return plan.application if plan.environment == "default" else f"{plan.application} ({plan.environment})"
